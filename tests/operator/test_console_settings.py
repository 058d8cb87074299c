"""Keys, settings and approvals in the console: what would happen, then that it happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from admin_api import runtime_settings
from audit.models import AuditEvent
from authplane.core import budgets, runtime
from authplane.core.models import RuntimeSetting
from oauth.keys.foresight import NEW, foresee
from oauth.keys.record import State, state_of
from oauth.keys.rotation import rotate
from oauth.keys.snapshot import driver
from oauth.models import Client, ClientApproval, SigningKey
from oauth.registration import approval, approval_rules, policy
from tests.support.factories import make_client
from tests.support.staff import ALL, desk, reaches

pytestmark = pytest.mark.django_db
SOON = timedelta(seconds=5)


@pytest.fixture
def key(db):
    call_command("rotate_keys", "--immediate", verbosity=0)
    return SigningKey.objects.get()


def alive(keys, now):
    """Activation and end of each key that has not ended, whatever it is called."""
    found = [key for key in keys if state_of(key, among=list(keys), now=now) is not State.RETIRED]
    return [
        (key.activates_at, key.expires_at)
        for key in sorted(found, key=lambda one: one.activates_at)
    ]


@pytest.mark.parametrize("waits", [False, True], ids=["no-next-key", "next-key-waits"])
@pytest.mark.parametrize(
    ("immediate", "withdraw"), [(False, False), (True, False), (True, True)],
    ids=["planned", "now", "withdraw"],
)  # fmt: skip
def test_what_is_foreseen_is_what_happens(key, waits, immediate, withdraw):
    if waits:
        rotate()

    foreseen = foresee(immediate=immediate, withdraw=withdraw)
    done = rotate(immediate=immediate, withdraw=withdraw)

    expected = alive(foreseen.after, foreseen.now + SOON)
    happened = alive(driver().read(), foreseen.now + SOON)
    assert foreseen.changes == done.changed
    assert len(expected) == len(happened)
    for (begins, ends), (began, ended) in zip(expected, happened, strict=True):
        assert abs(begins - began) < SOON
        assert (ends is None) == (ended is None)
        assert ends is None or abs(ends - ended) < SOON


@pytest.mark.parametrize(
    ("way", "said", "event"),
    [
        ("planned", "Nothing breaks", False),
        ("now", "do not know the new key", True),
        ("withdraw", "This cannot be undone", True),
    ],
)
def test_the_dates_are_shown_before_a_rotation(key, way, said, event):
    security, url = desk("security"), reverse("admin:rotate-keys-do", args=[way])

    asked = security.get(url)
    assert (1, True, True) == (
        SigningKey.objects.count(), said in asked.content.decode(), NEW in asked.content.decode(),
    )  # fmt: skip
    done = security.post(url)

    assert (302, 2) == (done.status_code, SigningKey.objects.count())
    row = AuditEvent.objects.filter(action="key.rotated").order_by("-pk").first()
    assert (str(security.person.pk), event) == (row.actor_id, row.detail["immediate"])


def test_a_planned_rotation_while_one_waits_says_so(key):
    security, url = desk("security"), reverse("admin:rotate-keys-do", args=["planned"])
    security.post(url)

    again = security.get(url).content.decode()
    security.post(url)

    assert "waits already" in again
    assert 2 == SigningKey.objects.count()


@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize("way", ["planned", "now", "withdraw"])
def test_rotating_takes_security(key, role, way):
    browser = desk(role)

    read = browser.get(reverse("admin:rotate-keys")).status_code == 200
    browser.post(reverse("admin:rotate-keys-do", args=[way]))

    assert reaches(role, "viewer") == read
    assert (2 if reaches(role, "security") else 1) == SigningKey.objects.count()


def change(browser, name, **answers):
    return browser.post(reverse("admin:settings-change", args=[name]), answers)


def test_the_mode_is_switched_and_the_page_says_by_whom():
    security = desk("security")

    done = change(security, "registration", mode="admin_only")

    runtime.look_again()
    assert (302, policy.Mode.ADMIN_ONLY) == (done.status_code, policy.mode())
    page = desk("viewer").get("/console/settings/").content.decode()
    assert "Only administrators make clients" in page
    assert str(security.person) in page
    row = AuditEvent.objects.get(action="dcr.mode_updated")
    assert (str(security.person.pk), "admin_only") == (row.actor_id, row.detail["after"])


def test_rules_of_approval_are_changed():
    change(desk("owner"), "approval", dcr="2", cimd="1", modes=["open"])

    runtime.look_again()
    assert approval_rules.ApprovalRules(dcr=2, cimd=1, modes=("open",)) == approval_rules.rules()


def test_limits_are_changed_and_given_back():
    security = desk("security")

    change(security, "limits", request_burst="7")
    assert 7 == runtime_settings.shown_limits()["request_burst"]
    change(security, "limits", request_burst="")

    assert budgets.configured().request_burst == runtime_settings.shown_limits()["request_burst"]


def test_a_notice_is_put_up_and_taken_down():
    operator = desk("operator")

    change(operator, "notices", title="Maintenance", body="Tonight at ten.", severity="warning")
    runtime.look_again()
    notice = runtime_settings.notices()[0]
    assert ("Maintenance", "warning") == (notice["title"], notice["severity"])
    assert b"Tonight at ten." in desk("viewer").get("/console/settings/").content
    operator.post(reverse("admin:notice-remove", args=[notice["id"]]))

    runtime.look_again()
    assert [] == runtime_settings.notices()


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("registration", {"mode": "nobody"}),
        ("approval", {"dcr": "3", "cimd": "0"}),
        ("limits", {"request_burst": "0"}),
        ("notices", {"title": "", "body": "x", "severity": "info"}),
    ],
)
def test_what_is_not_possible_changes_nothing(name, answers):
    refused = change(desk("owner"), name, **answers)

    assert (400, False) == (refused.status_code, RuntimeSetting.objects.exists())
    assert not AuditEvent.objects.exists()


SETTINGS = {
    "registration": ("security", {"mode": "admin_only"}),
    "approval": ("owner", {"dcr": "1", "cimd": "1"}),
    "limits": ("security", {"request_burst": "7"}),
    "notices": ("operator", {"title": "x", "body": "y", "severity": "info"}),
}


@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_takes_its_role(role, name):
    needed, answers = SETTINGS[name]

    change(desk(role), name, **answers)

    assert reaches(role, needed) == RuntimeSetting.objects.exists()


@pytest.fixture
def waiting(db):
    approval_rules.change_rules({"dcr": 2})
    client = make_client(status="pending", registration_source="dcr")
    approval.begin_if_pending(client)
    return ClientApproval.objects.get()


def decide(browser, row, verdict):
    return browser.post(reverse("admin:approval-do", args=[row.pk, verdict]), {"reason": "known"})


def test_two_administrators_agree_and_the_client_works(waiting):
    first, second = desk("security"), desk("owner")
    queue = first.get("/console/approvals/").content.decode()
    assert "0 of 2 agreed" in queue

    decide(first, waiting, "approve")
    assert "pending" == Client.objects.get().status
    twice = decide(first, waiting, "approve")
    assert (409, True) == (twice.status_code, b"another administrator" in twice.content)
    decide(second, waiting, "approve")

    assert "active" == Client.objects.get().status
    given = AuditEvent.objects.filter(action="client.approval_given").order_by("pk")
    assert [str(first.person.pk), str(second.person.pk)] == [row.actor_id for row in given]
    assert b"Nobody waits" in first.get("/console/approvals/").content


def test_one_administrator_is_enough_to_reject(waiting):
    decide(desk("security"), waiting, "reject")

    assert "revoked" == Client.objects.get().status


@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_deciding_takes_security(waiting, role, verdict):
    decide(desk(role), waiting, verdict)

    assert reaches(role, "security") == waiting.votes.exists()


def test_the_console_asks_for_the_role_that_the_api_asks_for():
    from admin_api.console.tasks import approvals, client_actions, held, rotation, settings, trust
    from admin_api.console.tasks import user_actions as users
    from admin_api.operations import described
    from admin_api.viewsets.approvals import Approvals, ApprovalSettings
    from admin_api.viewsets.clients import Clients
    from admin_api.viewsets.connections import Connections
    from admin_api.viewsets.registration import RegistrationSettings
    from admin_api.viewsets.runtime_settings import LimitSettings, NoticeSettings
    from admin_api.viewsets.signing_keys import SigningKeys
    from admin_api.viewsets.users import Users
    from admin_api.viewsets.xaa import IdPs, SubjectMappings, XAAPolicies

    pairs = [
        (client_actions.ACTIONS["suspend"], Clients.suspend),
        (client_actions.ACTIONS["reactivate"], Clients.reactivate),
        (client_actions.ACTIONS["revoke"], Clients.revoke),
        (client_actions.ACTIONS["rotate-secret"], Clients.rotate_secret),
        (client_actions.ACTIONS["delete"], Clients.remove),
        (users.ACTIONS["disable"], Users.disable),
        (users.ACTIONS["enable"], Users.enable),
        (users.ACTIONS["delete"], Users.remove),
        (held.CONNECTION, Connections.remove),
        (rotation.ACTIONS["planned"], SigningKeys.rotate),
        (trust.ACTIONS["delete"], IdPs.remove),
        (trust.ACTIONS["refresh-keys"], IdPs.refresh_keys),
        (trust.POLICY, XAAPolicies.remove),
        (trust.MAPPING, SubjectMappings.remove),
        (approvals.ACTIONS["approve"], Approvals.approve),
        (approvals.ACTIONS["reject"], Approvals.reject),
        (settings.SETTINGS["registration"], RegistrationSettings.change),
        (settings.SETTINGS["approval"], ApprovalSettings.change),
        (settings.SETTINGS["limits"], LimitSettings.change),
        (settings.SETTINGS["notices"], NoticeSettings.change),
    ]

    assert {} == {
        action.name: (action.role, described(method).role)
        for action, method in pairs
        if action.role is not described(method).role
    }
