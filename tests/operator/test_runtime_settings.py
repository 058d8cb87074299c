"""`/admin/settings/limits` and `/admin/settings/notices`: in force within seconds, on record."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.models import AuditEvent
from authplane.core import budgets, ratelimit
from authplane.core.config import override_config
from tests.support.digests import nothing_changes

LIMITS = "/admin/settings/limits"
NOTICES = "/admin/settings/notices"
NOTICE = {
    "id": "maintenance", "severity": "info", "title": "Maintenance",
    "body": "On Sunday at four.", "docs_url": "https://status.example.com/",
}  # fmt: skip


def test_the_configured_limits_are_shown(operator):
    shown = operator.get(LIMITS).json()

    assert shown["requests_per_second"] == budgets.configured().requests_per_second
    assert (shown["changed"], shown["updated_at"], shown["updated_by"]) == ([], None, "")


@pytest.mark.shows("audit event", "settings.limits_updated")
def test_a_limit_is_changed_and_given_back(operator):
    changed = operator.patch(LIMITS, {"requests_per_second": 7})

    assert changed.status_code == 200
    assert changed.json() == operator.get(LIMITS).json()
    assert (changed.json()["requests_per_second"], changed.json()["changed"]) == (
        7, ["requests_per_second"],
    )  # fmt: skip
    assert changed.json()["updated_by"] == "admin"
    row = AuditEvent.objects.get(action="settings.limits_updated")
    assert row.detail == {
        "fields": "requests_per_second", "before": "configured", "after": "7",
    }  # fmt: skip

    back = operator.patch(LIMITS, {"requests_per_second": None}).json()

    assert back["changed"] == []
    assert back["requests_per_second"] == budgets.configured().requests_per_second


def test_what_is_so_already_is_not_recorded(operator):
    operator.patch(LIMITS, {"request_burst": 9})

    with nothing_changes():
        assert operator.patch(LIMITS, {"request_burst": 9}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"requests_per_second": 0}, {"requests_per_second": 1_000_001},
        {"request_burst": "many"}, {"enabled": False},
    ],
)  # fmt: skip
def test_limits_out_of_bounds_are_refused(operator, body):
    with nothing_changes():
        assert operator.patch(LIMITS, body).status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("live_budgets")
def test_the_gate_obeys_the_changed_limit(operator):
    caller = Client(REMOTE_ADDR="198.51.100.77")
    with override_config(rate_limit={"enabled": True, "rps": 100, "burst": 100}):
        assert caller.get("/.well-known/jwks.json").status_code == 200
        operator.patch(LIMITS, {"requests_per_second": 1, "request_burst": 1})
        ratelimit.forget_local()

        statuses = [caller.get("/.well-known/jwks.json").status_code for _ in range(3)]

    assert statuses == [200, 429, 429]


def test_while_the_database_is_away_the_configured_limits_count(monkeypatch):
    from django.db import OperationalError

    def away(*_, **__):
        raise OperationalError

    monkeypatch.setattr(budgets.RuntimeSetting.objects, "filter", away)

    assert budgets._load(budgets.SETTING) == {}


@pytest.mark.shows("audit event", "settings.notices_updated")
@pytest.mark.django_db(transaction=True)
def test_notices_are_replaced_as_a_whole(operator):
    answer = operator.call("PUT", NOTICES, {"notices": [NOTICE]})

    assert answer.status_code == 200
    assert operator.get(NOTICES).json() == {"notices": [NOTICE]}
    assert NOTICE in operator.get("/admin/system/config").json()["notices"]
    row = AuditEvent.objects.get(action="settings.notices_updated")
    assert (row.actor_id, row.detail) == ("admin", {"notices": "maintenance"})

    operator.call("PUT", NOTICES, {"notices": []})
    assert operator.get(NOTICES).json() == {"notices": []}


@pytest.mark.parametrize(
    "notices",
    [
        [NOTICE | {"severity": "loud"}], [NOTICE | {"docs_url": "javascript:alert(1)"}],
        [NOTICE, NOTICE], [NOTICE | {"id": f"n{n}"} for n in range(11)],
        [NOTICE | {"html": "<b>"}], [{"id": "x"}],
    ],
)  # fmt: skip
def test_notices_that_cannot_be_shown_are_refused(operator, notices):
    with nothing_changes():
        assert operator.call("PUT", NOTICES, {"notices": notices}).status_code == 400
