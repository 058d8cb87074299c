"""Who may register, and how often."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from authplane.core import runtime
from oauth.models import Client
from oauth.registration.policy import SETTING

pytestmark = pytest.mark.django_db

APPROVED = "https://approved.example/cb"


@pytest.mark.shows("setting", "dcr.mode")
@pytest.mark.shows("audit event", "client.registered")
@pytest.mark.shows("metric", "authserver_clients_registered_total")
def test_open_registration_is_recorded_and_counted(oauth):
    from authplane.core.metrics import counter

    registered = counter("authserver_clients_registered_total").labels(source="dcr")
    before = registered._value.get()

    assert oauth.register().status_code == 201

    event = AuditEvent.objects.get(action="client.registered")
    assert (event.client_id, event.detail) == (oauth.client_id, {"source": "dcr"})
    assert registered._value.get() == before + 1


@pytest.mark.parametrize("mode", ["admin_only", "something-else", "", 7])
def test_a_closed_or_unknown_mode_refuses(oauth, mode):
    runtime.write(SETTING, mode, by="test")

    answer = oauth.register()

    assert (403, "access_denied") == (answer.status_code, answer.json()["error"])
    assert answer.json()["error_description"] == "registration is disabled"
    assert Client.objects.count() == 0
    assert not AuditEvent.objects.filter(action="client.registered").exists()


def test_the_mode_of_the_operator_wins_over_the_configuration(oauth, override_config):
    override_config(dcr={"mode": "admin_only"})
    runtime.write(SETTING, "open", by="test")

    assert oauth.register().status_code == 201


@pytest.mark.shows("setting", "dcr.approved_redirects")
@pytest.mark.parametrize(
    "redirect_uris",
    [
        ["https://other.example/cb"],
        [APPROVED, "https://other.example/cb"],
        [f"{APPROVED}/"],
        [f"{APPROVED}?x=1"],
        ["http://127.0.0.1:5000/cb"],
    ],
)
def test_only_approved_redirects_register_in_that_mode(oauth, override_config, redirect_uris):
    override_config(
        dcr={
            "mode": "approved_redirects",
            "approved_redirects": (APPROVED, "http://127.0.0.1/cb"),
        }
    )

    answer = oauth.register(redirect_uris=redirect_uris)

    assert (400, "invalid_redirect_uri") == (answer.status_code, answer.json()["error"])
    assert answer.json()["error_description"] == "redirect_uri not allowed"
    assert Client.objects.count() == 0
    assert oauth.register(redirect_uris=[APPROVED]).status_code == 201


@pytest.mark.shows("setting", "dcr.rate_limit", "dcr.rate_limit_burst")
@pytest.mark.spec("RFC 7591", "5", "MUST", "registration is rate-limited")
def test_an_address_has_a_budget_of_registrations(oauth, override_config):
    override_config(dcr={"rate_limit": 1, "rate_limit_burst": 3})

    answers = [oauth.register(client_name=f"app {n}") for n in range(5)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    refused = answers[-1]
    assert refused.json()["error"] == "rate_limit_exceeded"
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["X-RateLimit-Limit"] == "3"
    assert Client.objects.count() == 3


@pytest.mark.shows("setting", "dcr.software_rate_limit")
@pytest.mark.spec("RFC 7591", "5", "MUST", "registration is rate-limited")
@pytest.mark.parametrize("same", [{"software_id": "one-app"}, {"client_name": "One app"}])
def test_a_software_has_a_budget_whatever_address_it_comes_from(oauth, override_config, same):
    override_config(
        dcr={"software_rate_limit": 1, "rate_limit": 1000, "rate_limit_burst": 1000},
        server={"trusted_proxies": 1},
    )

    answers = []
    for n in range(4):
        oauth.default_headers["X-Forwarded-For"] = f"198.51.100.{n}"
        answers.append(oauth.register(**same))

    assert [answer.status_code for answer in answers] == [201, 201, 429, 429]
    assert Client.objects.count() == 2
    assert oauth.register(client_name="Another", software_id="another").status_code == 201


def test_a_refused_registration_takes_nothing_from_the_software(oauth, override_config):
    override_config(dcr={"software_rate_limit": 1})

    for _ in range(5):
        assert oauth.register(software_id="s", redirect_uris=["http://x/"]).status_code == 400

    assert oauth.register(software_id="s").status_code == 201


def test_limits_are_off_by_one_setting(oauth, override_config):
    override_config(rate_limit={"enabled": False}, dcr={"rate_limit": 1, "rate_limit_burst": 1})

    assert {oauth.register().status_code for _ in range(4)} == {201}
