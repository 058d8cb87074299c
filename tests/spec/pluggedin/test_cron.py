"""The two routes of an outside scheduler: who may call them, and the numbers they give."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from authplane.core import clock
from authplane.core.loading import ConfigurationError, load
from broker.models import ConnectState
from tests.spec.pluggedin.test_flow import leave, limited
from tests.spec.pluggedin.test_servers import refused
from tests.support.servers import make_discovered, make_server, make_server_connection

REFRESH, CLEANUP = "/api/oauth/refresh-tokens", "/api/oauth/cleanup-pkce"
SECRET = "a-secret-of-the-scheduler-0123456789"
BEARER = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def _configured(override_config):
    override_config(broker={"cron_secret": SECRET})


def post(oauth, path, **headers):
    return oauth.http.post(path, headers=headers)


@pytest.mark.usefixtures("_configured")
@pytest.mark.spec("Plugged.in", "P19", "MUST", "the scheduler's routes need its secret")
@pytest.mark.shows("setting", "cron.secret")
@pytest.mark.parametrize("path", [REFRESH, CLEANUP])
def test_without_the_secret(oauth, path):
    for given in (
        "", SECRET, "Bearer", "Bearer ", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}",
        f"Basic {SECRET}",
    ):  # fmt: skip
        answer = post(oauth, path, **({"Authorization": given} if given else {}))
        refused(answer, 401, "unauthorized", "Unauthorized")
        assert "Bearer" == answer.headers["www-authenticate"]
    for _ in range(5):
        post(oauth, path)
    assert 200 == post(oauth, path, **BEARER).status_code


@pytest.mark.spec("Negative tests", "D8.11", "MUST", "without a secret nobody may call them")
@pytest.mark.parametrize("given", ["Bearer ", "Bearer x", ""])
def test_no_secret_is_configured(oauth, given):
    headers = {"Authorization": given}

    refused(
        post(oauth, REFRESH, **headers), 500, "service_not_configured", "Service not configured"
    )
    refused(post(oauth, CLEANUP, **headers), 401, "unauthorized", "Unauthorized")


@pytest.mark.spec("Negative tests", "D8.11", "MUST", "an empty or weak secret stops the start")
@pytest.mark.parametrize("value", ["", "   ", "secret", "changeme", "short", "a" * 40])
def test_a_secret_that_protects_nothing(value, tmp_path):
    with pytest.raises(ConfigurationError, match="CRON_SECRET"):
        load({"CRON_SECRET": value})
    file = tmp_path / "secret"
    file.write_text(f"{value}\n")
    with pytest.raises(ConfigurationError, match="CRON_SECRET"):
        load({"CRON_SECRET_FILE": str(file)})


def test_a_secret_of_its_own(tmp_path):
    with pytest.raises(ConfigurationError, match="CRON_SECRET has the same value"):
        load({"CRON_SECRET": SECRET, "AUTHPLANE_INTEGRITY_KEY": SECRET})
    assert SECRET == load({"CRON_SECRET": SECRET}).broker.cron_secret
    assert "" == load({}).broker.cron_secret


@pytest.mark.usefixtures("_configured")
@pytest.mark.spec("Plugged.in", "P19", "MUST", "hops are given up ten minutes after their time")
def test_cleaning_up(page, user, upstream, oauth):
    server = make_server(user, f"{upstream.url}/mcp")
    make_discovered(server, upstream.url)
    for minutes in (9, 11, 30):
        sent = leave(page, server)
        late = clock.now() - timedelta(minutes=minutes)
        ConnectState.objects.filter(expires_at__gt=clock.now()).update(expires_at=late)
    answer = post(oauth, CLEANUP, **BEARER)

    body = answer.json()
    told = datetime.fromisoformat(body.pop("timestamp"))
    assert abs((told - clock.now()).total_seconds()) < 5
    assert {"success": True, "deleted": 2, "gracePeriodMinutes": 10} == body
    assert sent["state"] not in answer.text
    limited(post(oauth, CLEANUP, **BEARER), 1)


@pytest.mark.spec(
    "Negative tests", "D8.9", "MUST", "a credential that does not end is never refreshed"
)
@pytest.mark.usefixtures("_configured")
@pytest.mark.spec("Plugged.in", "P18", "MUST", "what ends soon is renewed before it does")
@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres  # threads; the suite's SQLite, which lives in memory, locks whole tables
def test_renewing(user, upstream, oauth):
    for number, expires_in in ((1, 800), (2, 1000), (3, None)):
        server = make_server(user, f"{upstream.url}/{number}")
        make_discovered(server, upstream.url)
        upstream.known.add(f"rt-{number}")
        make_server_connection(server, user, refresh_token=f"rt-{number}", expires_in=expires_in)
    lost = make_server(user, f"{upstream.url}/lost")
    make_discovered(lost, upstream.url)
    make_server_connection(lost, user, refresh_token="unknown")
    answer = post(oauth, REFRESH, **BEARER)

    body = answer.json()
    assert body.pop("timestamp").endswith("Z")
    assert {"success": True, "refreshed": 1, "failed": 1, "errors": ["not_refreshed: 1"]} == body
    assert ["rt-1", "unknown"] == sorted(one["form"]["refresh_token"] for one in upstream.asked)
    again = post(oauth, REFRESH, **BEARER).json()
    assert (0, 0, []) == (again["refreshed"], again["failed"], again["errors"])


@pytest.mark.usefixtures("_configured", "db")
def test_ten_renewals_in_an_hour(oauth):
    assert {200} == {post(oauth, REFRESH, **BEARER).status_code for _ in range(10)}
    limited(post(oauth, REFRESH, **BEARER), 10)


@pytest.mark.usefixtures("_configured", "db")
def test_while_the_schedule_is_at_it(oauth, monkeypatch):
    from authplane.core.schedule import Run

    monkeypatch.setattr(
        "oauth.maintenance.jobs.run_once", lambda *_, **__: Run(ran=False, result={}, duration_ms=0)
    )
    body = post(oauth, REFRESH, **BEARER).json()

    assert (True, 0, ["already_running"]) == (body["success"], body["refreshed"], body["errors"])
