"""`/admin/settings/dcr`: who may register clients."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from authplane.core.config import override_config
from authplane.core.models import RuntimeSetting
from oauth.registration.policy import mode
from tests.support.record import recorded

PATH = "/admin/settings/dcr"
CHANGED = "dcr.mode_updated"


@pytest.mark.shows("audit event", "dcr.mode_updated")
def test_the_mode_is_read_changed_and_applied(operator, django_capture_on_commit_callbacks):
    assert operator.get(PATH).json() == {"mode": "open"}

    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.patch(PATH, {"mode": "admin_only"})

    assert (answer.status_code, answer.json()) == (200, {"mode": "admin_only"})
    assert operator.get(PATH).json() == {"mode": "admin_only"}
    assert mode() == "admin_only"
    row = AuditEvent.objects.get(action=CHANGED)
    assert (row.actor_id, row.detail) == ("admin", {"before": "open", "after": "admin_only"})
    assert RuntimeSetting.objects.get().updated_by == "admin"


def test_it_wins_over_the_configuration(operator):
    operator.patch(PATH, {"mode": "approved_redirects"})

    with override_config(dcr={"mode": "admin_only"}):
        assert operator.get(PATH).json() == {"mode": "approved_redirects"}


def test_the_mode_in_force_again_writes_nothing(operator):
    operator.patch(PATH, {"mode": "admin_only"})

    assert operator.patch(PATH, {"mode": "admin_only"}).status_code == 200
    assert len(recorded(CHANGED)) == 1


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "mode"),
        ({"mode": None}, "mode"),
        ({"mode": ""}, "mode"),
        ({"mode": "closed"}, "must be one of: open, approved_redirects, admin_only"),
        ({"mode": ["open"]}, "mode"),
        ({"mode": "open", "since": 1}, "since: is not a known field"),
        ({"dcr_mode": "open"}, "dcr_mode: is not a known field"),
    ],
)
def test_another_body_is_refused(operator, body, word):
    answer = operator.patch(PATH, body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert word in answer.json()["detail"]
    assert not RuntimeSetting.objects.exists()
    assert recorded(CHANGED) == []
