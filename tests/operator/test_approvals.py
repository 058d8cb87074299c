"""Clients that nobody here made wait for administrators, two of them where that is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admin_api.administrators import keys
from audit.models import AuditEvent
from authplane.core import cache, clock, runtime
from oauth.clients.metadata_document import find_or_fetch
from oauth.models import ApprovalVote, Client, ClientApproval, ConsentGrant
from oauth.registration import approval_rules
from oauth.registration.lapse import lapse_unused
from tests.support.factories import make_client, make_resource, make_user, person
from tests.support.figures import Changes
from tests.support.published import internet

APPROVALS = "/admin/approvals"
SETTINGS = "/admin/settings/approvals"
DOCUMENT = "https://client.example/oauth/client.json"


class Applicant:
    """A client, with what it was told when it registered."""

    def __init__(self, oauth):
        self.oauth = oauth
        self.information = oauth.register(client_name="Applicant").json()

    def __getattr__(self, name):
        return getattr(self.oauth, name)


@pytest.fixture
def administrators(operator):
    """Keys of two administrators, made by the shared one."""
    return [keys.create_key(name=name, role="security", actor="cli")[1] for name in ("ann", "bob")]


@pytest.fixture
def rules(operator, django_capture_on_commit_callbacks):
    def change(**members):
        with django_capture_on_commit_callbacks(execute=True):
            answer = operator.patch(SETTINGS, members)
        assert 200 == answer.status_code, answer.content
        return answer.json()

    return change


@pytest.fixture
def applicant(oauth, rules):
    """A client that registered itself and waits for two administrators."""
    oauth.resource = make_resource().uri
    rules(dcr=2)
    return Applicant(oauth)


def row(applicant):
    return Client.objects.get(client_id=applicant.client_id)


def waiting():
    return ClientApproval.objects.get(outcome="waiting")


def approve(operator, key, **body):
    return operator.post(f"{APPROVALS}/{waiting().pk}/approve", body, key=key)


def works(applicant):
    cache.drop_everything()
    answer = applicant.start()
    return 303 == answer.status_code


def told(action):
    found = AuditEvent.objects.filter(action=action).latest("id")
    return found.actor_id, found.client_id, found.detail


# --- Rules ------------------------------------------------------------------------------------


@pytest.mark.shows("audit event", "approvals.settings_updated")
def test_the_rules(operator, rules):
    everywhere = ["open", "approved_redirects", "admin_only"]
    assert {"dcr": 0, "cimd": 0, "modes": everywhere} == operator.get(SETTINGS).json()

    assert {"dcr": 0, "cimd": 2, "modes": ["open"]} == rules(cimd=2, modes=["open"])
    assert {"dcr": 1, "cimd": 2, "modes": ["open"]} == rules(dcr=1) == rules()

    actor, _, detail = told("approvals.settings_updated")
    assert ("admin", {"dcr": 1, "cimd": 2, "modes": "open"}) == (actor, detail)
    assert 2 == AuditEvent.objects.filter(action="approvals.settings_updated").count()


@pytest.mark.parametrize(
    "body",
    [{"dcr": 3}, {"dcr": True}, {"cimd": -1}, {"dcr": "1"}, {"modes": ["shut"]}, {"modes": "open"},
     {"modes": [[]]}, {"modes": None}, {"admin": 1}],
)  # fmt: skip
def test_bad_rules(operator, body):
    assert 400 == operator.patch(SETTINGS, body).status_code
    assert approval_rules.ApprovalRules() == approval_rules.rules()


@pytest.mark.parametrize("stored", ["no", {"dcr": 7}, {"dcr": 0, "other": 1}])
def test_rules_that_cannot_be_read_ask_for_everything(db, stored):
    runtime.write(approval_rules.SETTING, stored, by="somebody")

    assert 2 == approval_rules.needed("dcr") == approval_rules.needed("cimd")
    assert 0 == approval_rules.needed("admin")


def test_nobody_waits_while_it_is_off_or_the_mode_is_another(oauth, rules):
    oauth.register()
    assert "active" == row(oauth).status
    rules(dcr=2, modes=["approved_redirects"])
    oauth.register()
    assert "active" == row(oauth).status
    assert not ClientApproval.objects.exists()


# --- What a client that waits can do: nothing --------------------------------------------------


@pytest.mark.shows("audit event", "client.approval_requested")
def test_a_registration_succeeds_and_waits(applicant):
    client = row(applicant)

    assert ("pending", "pending") == (client.status, applicant.information["client_status"])
    asked = waiting()
    assert {"id": str(asked.pk), "cause": "registered", "needed": 2} == told(
        "client.approval_requested"
    )[2]
    assert ("registered", "", 2) == (asked.cause, asked.requested_by, asked.needed)


def test_its_users_are_told(applicant):
    page = applicant.start()

    assert 403 == page.status_code
    assert "waits for approval by an administrator" in page.text
    assert "Location" not in page.headers


def test_it_gets_no_tokens(applicant):
    answer = applicant.token(grant_type="authorization_code", code="x", redirect_uri="x")

    assert (400, "unauthorized_client") == (answer.status_code, answer.json()["error"])
    assert "waits for approval" in answer.json()["error_description"]


def test_it_can_read_and_remove_its_registration(applicant):
    headers = {"Authorization": f"Bearer {applicant.information['registration_access_token']}"}
    place = f"/oauth/register/{applicant.client_id}"

    assert 200 == applicant.http.get(place, headers=headers).status_code
    assert 204 == applicant.http.delete(place, headers=headers).status_code
    assert not ClientApproval.objects.exists()


def test_nothing_else_makes_it_work(operator, applicant):
    place = f"/admin/clients/{applicant.client_id}"

    assert 409 == operator.patch(f"{place}/reactivate").status_code
    assert 409 == operator.patch(f"{place}/suspend").status_code
    assert "pending" == row(applicant).status


def test_one_that_nobody_looks_at_lapses(applicant, override_config):
    override_config(dcr={"lapse_after": 60})

    assert 0 == lapse_unused(clock.now())
    assert 1 == lapse_unused(clock.now() + timedelta(seconds=61))
    assert not Client.objects.exists()


# --- Four eyes --------------------------------------------------------------------------------


@pytest.mark.shows("audit event", "client.approval_given", "client.approved")
def test_two_administrators_make_it_work(operator, applicant, administrators):
    ann, bob = administrators
    key = waiting().pk

    first = approve(operator, ann, reason="known vendor").json()
    assert ("waiting", 1, 2) == (first["outcome"], first["given"], first["needed"])
    assert "admin-key:ann" == told("client.approval_given")[0]
    assert not works(applicant)
    second = approve(operator, bob).json()

    assert ("approved", 2, "active") == (
        second["outcome"], second["given"], second["client"]["status"],
    )  # fmt: skip
    assert [("admin-key:ann", "approve", "known vendor"), ("admin-key:bob", "approve", "")] == [
        (vote["administrator"], vote["verdict"], vote["reason"]) for vote in second["votes"]
    ]
    assert ("admin-key:bob", applicant.client_id, {"id": str(key), "needed": 2}) == told(
        "client.approved"
    )
    assert works(applicant)
    assert applicant.tokens(person(make_user()))["access_token"]


def test_nobody_agrees_twice(operator, applicant, administrators):
    ann, _ = administrators
    approve(operator, ann)

    answer = approve(operator, ann)

    assert (403, "access_denied") == (answer.status_code, answer.json()["error"])
    assert ("pending", 1) == (row(applicant).status, ApprovalVote.objects.count())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_made_a_key_is_not_another_administrator(operator, applicant, order):
    mother = keys.create_key(name="mother", role="owner", actor="cli")[1]
    child = operator.post("/admin/admin-keys", {"name": "c", "role": "security"}, key=mother)
    pair = (mother, child.json()["admin_key"])

    assert 200 == approve(operator, pair[order[0]]).status_code
    assert 403 == approve(operator, pair[order[1]]).status_code
    assert "pending" == row(applicant).status


def test_one_is_enough_where_the_rules_say_so(operator, oauth, rules, administrators):
    rules(dcr=1)
    oauth.register()

    assert "approved" == approve(operator, administrators[0]).json()["outcome"]
    assert "active" == row(oauth).status


def test_laxer_rules_are_for_those_that_come(operator, applicant, rules, administrators):
    rules(dcr=0)

    assert "waiting" == approve(operator, administrators[0]).json()["outcome"]
    assert "approved" == approve(operator, administrators[1]).json()["outcome"]


def test_stricter_rules_hold_for_those_that_wait(operator, oauth, rules, administrators):
    rules(dcr=1)
    oauth.register()
    rules(dcr=2)

    answer = approve(operator, administrators[0]).json()

    assert ("waiting", 2) == (answer["outcome"], answer["needed"])


@pytest.mark.shows("audit event", "client.rejected")
def test_one_rejection_is_final(operator, applicant, administrators):
    ann, bob = administrators
    key = waiting().pk
    approve(operator, ann)

    answer = operator.post(f"{APPROVALS}/{key}/reject", {"reason": "unknown vendor"}, key=bob)

    assert ("rejected", "revoked") == (answer.json()["outcome"], row(applicant).status)
    assert ("admin-key:bob", applicant.client_id, {"id": str(key), "reason": "unknown vendor"}) == (
        told("client.rejected")
    )
    for verb in ("approve", "reject"):
        again = operator.post(f"{APPROVALS}/{key}/{verb}", {}, key=ann)
        assert (409, "conflict") == (again.status_code, again.json()["error"])
    assert 409 == operator.patch(f"/admin/clients/{applicant.client_id}/reactivate").status_code
    assert not works(applicant)


def test_who_agreed_may_think_better_of_it(operator, applicant, administrators):
    key = waiting().pk
    approve(operator, administrators[0])

    answer = operator.post(f"{APPROVALS}/{key}/reject", key=administrators[0])

    assert ("rejected", 0) == (answer.json()["outcome"], answer.json()["given"])


def test_a_client_that_was_revoked_waits_no_more(operator, applicant, administrators):
    key = waiting().pk
    operator.patch(f"/admin/clients/{applicant.client_id}/revoke")

    answer = operator.post(f"{APPROVALS}/{key}/approve", key=administrators[0])

    assert 409 == answer.status_code
    assert ("superseded", "revoked") == (
        ClientApproval.objects.get().outcome,
        row(applicant).status,
    )


# --- What changes is approved anew ------------------------------------------------------------


def replace(applicant, **members):
    hidden = {
        "registration_access_token", "registration_client_uri", "client_id_issued_at",
        "client_secret_expires_at", "client_status",
    }  # fmt: skip
    information = {n: v for n, v in applicant.information.items() if n not in hidden}
    answer = applicant.http.put(
        f"/oauth/register/{applicant.client_id}",
        json=information | members,
        headers={"Authorization": f"Bearer {applicant.information['registration_access_token']}"},
    )
    assert 200 == answer.status_code, answer.text
    applicant.information = answer.json()


def test_a_client_that_changes_while_it_waits(operator, applicant, administrators):
    approve(operator, administrators[0])
    first = waiting().pk

    replace(applicant, redirect_uris=["https://elsewhere.example/cb"])

    assert first != waiting().pk
    assert ("superseded", "changed") == (
        ClientApproval.objects.get(pk=first).outcome, waiting().cause,
    )  # fmt: skip
    assert "waiting" == approve(operator, administrators[1]).json()["outcome"]
    assert "approved" == approve(operator, administrators[0]).json()["outcome"]


def test_a_client_that_changes_once_it_is_approved(operator, applicant, administrators):
    for key in administrators:
        approve(operator, key)

    replace(applicant, redirect_uris=["https://elsewhere.example/cb"])

    assert ("pending", "changed") == (row(applicant).status, waiting().cause)
    assert not works(applicant)


def test_a_new_version_number_is_no_change(operator, applicant, administrators):
    for key in administrators:
        approve(operator, key)

    replace(applicant, software_version="2.0", logo_uri="https://vendor.example/logo.png")

    assert "active" == row(applicant).status


def test_who_changes_a_client_cannot_approve_it(operator, applicant, administrators):
    ann, bob = administrators
    carol = keys.create_key(name="carol", role="operator", actor="cli")[1]
    place = f"/admin/clients/{applicant.client_id}"
    assert 403 == approve(operator, carol).status_code
    assert 200 == operator.patch(place, {"client_name": "Ann's"}, key=ann).status_code

    assert "admin-key:ann" == waiting().requested_by
    answer = approve(operator, ann)
    assert (403, True) == (answer.status_code, "cannot give it" in answer.json()["detail"])
    assert "waiting" == approve(operator, bob).json()["outcome"]


def test_administrators_may_ask_again(operator, oauth, administrators, rules):
    ann, bob = administrators
    oauth.register()

    answer = operator.post(APPROVALS, {"client_id": oauth.client_id}, key=ann)

    assert (201, "requested", "admin-key:ann", 1) == (
        answer.status_code, answer.json()["cause"], answer.json()["requested_by"],
        answer.json()["needed"],
    )  # fmt: skip
    assert not works(oauth)
    assert 409 == operator.post(APPROVALS, {"client_id": oauth.client_id}, key=ann).status_code
    assert 403 == approve(operator, ann).status_code
    assert 200 == approve(operator, bob).status_code


@pytest.mark.parametrize("client_id", ["nobody", "made-here"])
def test_others_cannot_be_asked_about(operator, client_id):
    make_client(client_id="made-here")

    assert 404 == operator.post(APPROVALS, {"client_id": client_id}).status_code
    assert "active" == Client.objects.get().status


# --- Metadata documents -----------------------------------------------------------------------


def test_a_metadata_document_waits_and_waits_again_when_it_changes(
    operator, rules, administrators, monkeypatch
):
    rules(cimd=1)
    document = {"client_id": DOCUMENT, "client_name": "A", "redirect_uris": ["https://a.example/"]}
    with internet(monkeypatch) as world:
        world.publish("/oauth/client.json", document)
        client = find_or_fetch(DOCUMENT)
        assert ("pending", "registered") == (client.status, waiting().cause)
        approve(operator, administrators[0])
        client = find_or_fetch(DOCUMENT)
        assert "active" == client.status
        ConsentGrant.objects.create(user=make_user(), client=client, resource=make_resource())
        world.publish("/oauth/client.json", document | {"redirect_uris": ["https://b.example/"]})
        client.documents.update(fresh_until=clock.now())

        assert "pending" == find_or_fetch(DOCUMENT).status
    assert "changed" == waiting().cause


@pytest.mark.shows("metric", "authplane_approvals_waiting")
def test_how_many_wait_is_a_figure(operator, applicant, administrators):
    with Changes("authplane_approvals_waiting") as decided:
        operator.post(f"{APPROVALS}/{waiting().pk}/reject", key=administrators[0])

    assert -1 == decided.by


# --- Routes -----------------------------------------------------------------------------------


def test_the_queue(operator, applicant, django_assert_max_num_queries):
    for number in range(3):
        applicant.register(client_name=f"Another {number}")
    operator.get(APPROVALS)

    with django_assert_max_num_queries(6):
        found = operator.get(f"{APPROVALS}?outcome=waiting&limit=2").json()

    assert (4, 2, True) == (found["total"], len(found["approvals"]), bool(found["next_cursor"]))
    one = found["approvals"][0]
    assert one == operator.get(f"{APPROVALS}/{one['id']}").json()
    assert [] == operator.get(f"{APPROVALS}?outcome=rejected").json()["approvals"]
    assert 400 == operator.get(f"{APPROVALS}?outcome=lost").status_code
    assert 400 == operator.post(f"{APPROVALS}/{one['id']}/approve", {"why": "?"}).status_code


@pytest.mark.parametrize("key", ["018f3a5c-0000-7000-8000-000000000001", "nothing"])
def test_unknown_approvals(operator, key):
    for answer in (
        operator.get(f"{APPROVALS}/{key}"),
        operator.post(f"{APPROVALS}/{key}/approve"),
        operator.post(f"{APPROVALS}/{key}/reject"),
    ):
        assert 404 == answer.status_code
