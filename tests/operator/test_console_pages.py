"""Search, inspector, lineage and overview of the console: what they say, and to whom."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse

from admin_api.console.plots import Series, columns
from audit.events import TokenRefreshDenied, UserLogin
from audit.models import AuditEvent
from audit.record import record
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.console_place import place
from broker.models import BrokerProvider, Connection
from oauth.models import AccessToken, ClientApproval
from tests.support import forged
from tests.support.factories import make_client, make_resource, make_user

INSPECT, SEARCH, LINEAGE = "/console/inspect/", "/console/search/", "/console/lineage/"


@pytest.fixture(autouse=True)
def _counted_anew():
    """Figures are kept for some seconds, and so from one test to the next."""
    cache.clear()


@pytest.fixture
def console(db):
    browser = Browser()
    browser.force_login(User.objects.create_superuser(email="operator@example.com"))
    return browser


@pytest.fixture
def clerk(db):
    """Staff with no role and the permissions that a test gives."""
    user = make_user(is_staff=True)
    browser = Browser()
    browser.force_login(user)

    def allow(*names):
        for name in names:
            app, _, codename = name.partition(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=codename)
            )
        return browser

    return allow


def inspected(browser, token):
    answer = browser.post(INSPECT, {"token": token})
    assert answer.status_code == 200
    return answer.context["found"]


# --- Inspector ----------------------------------------------------------------------------------


def test_a_token_in_force_is_verified_with_its_key_times_and_standing(console, scene):
    token = scene.machine_token()

    found = inspected(console, token)

    assert (found.tone, found.is_verified, found.reasons) == ("good", True, ())
    assert (found.key_state, found.standing) == ("active", "in force")
    assert found.binding.startswith("none")
    assert {moment.claim for moment in found.moments} >= {"iat", "exp"}
    assert found.jti == AccessToken.objects.get().pk


@pytest.mark.parametrize(
    "wrapped", ["Bearer {}", "Authorization: Bearer {}", "\n {} \n", "DPoP {}"]
)
def test_what_is_copied_along_does_not_matter(console, scene, wrapped):
    assert inspected(console, wrapped.format(scene.machine_token())).is_verified


def test_alg_none_is_never_verified(console, scene):
    found = inspected(console, forged.unsigned(scene.machine_token()))

    assert (found.tone, found.is_verified) == ("bad", False)
    assert "alg none" in found.reasons[0]
    assert found.standing.startswith("not looked up")


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        (lambda token: forged.unsigned(token, algorithm="NoNe"), "alg none"),
        (lambda token: forged.with_header(token, alg="HS256"), "not one that this server signs"),
        (lambda token: forged.with_claims(token, sub="mallory"), "does not fit"),
        (lambda token: forged.with_header(token, kid="nobody"), "no key of this server"),
        (lambda token: forged.with_claims(token, iss="https://other.example"), "another issuer"),
        (forged.signed_by_a_stranger, "does not fit"),
    ],
)
def test_what_no_key_of_ours_signed_is_shown_as_unproven(console, scene, defect, words):
    answer = console.post(INSPECT, {"token": defect(scene.machine_token())})

    assert words in answer.context["found"].reasons[0]
    assert "Not verified: nothing below is proven" in answer.content.decode()
    assert "unproven</span>" in answer.content.decode()


FOREIGN = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ."
    "eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwic3ViIjoiYSIsImV4cCI6OTk5OTk5OTk5OX0.c2ln"
)


def test_an_expired_token_is_verified_and_refused_in_words(console, scene, frozen_clock):
    token = scene.machine_token()
    frozen_clock.shift(2 * 3600)

    found = inspected(console, token)

    assert (found.tone, found.is_verified) == ("warn", True)
    assert "It has expired." in found.reasons
    assert "ago" in {moment.claim: moment.words for moment in found.moments}["exp"]


def test_a_revoked_token_says_why(console, scene):
    token = scene.machine_token()
    AccessToken.objects.update(revoked_at=clock.now())

    found = inspected(console, token)

    assert (found.tone, found.standing) == ("warn", "ended: the token itself was revoked")


def test_a_bound_token_names_its_key(console, scene):
    from tests.support.dpop import DPoPKey

    scene.machine.dpop = DPoPKey()

    assert inspected(console, scene.machine_token()).binding.startswith("DPoP key ")


@pytest.mark.parametrize(
    "pasted", ["", "a.b", "a.b.c", "a.b.c.d.e", "e30.e30", "é.é.é", "W10.W10.x", "x" * 20_000]
)
def test_what_is_no_token_is_refused_without_repeating_it(console, pasted):
    answer = console.post(INSPECT, {"token": pasted})

    assert answer.status_code == 400
    assert not pasted or pasted not in answer.context["problem"]


def test_a_token_in_the_query_is_ignored(console, scene):
    token = scene.machine_token()

    answers = [console.get(INSPECT, {"token": token}), console.get(SEARCH, {"q": token})]

    for answer in answers:
        assert "found" not in (answer.context or {})
        assert token not in answer.content.decode()


def test_a_pasted_token_is_neither_logged_recorded_nor_repeated(console, scene, caplog):
    token = scene.machine_token()
    signature = token.split(".")[2]
    before = AuditEvent.objects.count()

    with caplog.at_level(logging.DEBUG):
        answers = [
            console.post(url, {name: token})
            for url, name in ((INSPECT, "token"), (SEARCH, "q"), (LINEAGE, "token"))
        ]

    assert signature not in caplog.text
    assert not [answer for answer in answers if signature in answer.content.decode()]
    assert signature not in answers[2]["Location"]
    assert AuditEvent.objects.count() == before


def test_a_paste_without_the_page_s_own_mark_is_refused(db, scene):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser(email="operator@example.com"))

    answers = [browser.post(url, {"token": "x", "q": "x"}) for url in (INSPECT, SEARCH, LINEAGE)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


# --- Search -------------------------------------------------------------------------------------


def found_by(browser, term):
    answer = browser.post(SEARCH, {"q": term})
    assert answer.status_code == 200
    return {group.title: [hit.label for hit in group.hits] for group in answer.context["groups"]}


def test_everything_is_found_by_the_first_digits_of_its_id(console, scene):
    scene.tokens()
    token = AccessToken.objects.get()
    provider = BrokerProvider.objects.create(
        number=1, slug="github", display_name="GitHub", protocol="oauth2"
    )
    connection = Connection.objects.create(user=scene.user, provider=provider)

    assert found_by(console, str(token.pk)) == {"Tokens by jti": [str(token.pk)]}
    assert str(token.family_id) in found_by(console, str(token.family_id))["Families"]
    assert str(connection.pk) in found_by(console, str(connection.pk)[:30])["Connections"]
    assert scene.user.email in found_by(console, str(scene.user.pk))["Users"]


def test_names_and_addresses_are_found(console):
    make_client(name="Nightly report")
    user = make_user(email="ada@example.com")
    make_resource(slug="notes", display_name="Team Notes")

    assert found_by(console, "NIGHT") == {"Clients": ["Nightly report"]}
    assert found_by(console, "Ada@")["Users"] == [user.email]
    assert found_by(console, "team n") == {"Resources": ["Team Notes"]}
    assert found_by(console, "nothing-of-the-kind") == {}


def test_rows_of_the_record_are_found_by_actor_client_and_request(console):
    record(UserLogin(actor_id="the-actor"))
    AuditEvent.objects.create(action="user.login", request_id="the-request")

    assert found_by(console, "the-actor") == {"Audit record": ["user.login"]}
    assert found_by(console, "the-request") == {"Audit record": ["user.login"]}


def test_many_hits_are_cut_and_it_is_said(console):
    for _ in range(12):
        make_client(name="Twin")

    (group,) = console.post(SEARCH, {"q": "twin"}).context["groups"]

    assert (len(group.hits), group.is_cut) == (8, True)


def test_a_whole_token_in_the_box_is_inspected(console, scene):
    answer = console.post(SEARCH, {"q": scene.machine_token()})

    assert answer.context["found"].is_verified


@pytest.mark.parametrize("term", ["\0", "%", "'", "x" * 5000, "<script>", "eyJ.eyJ.x"])
def test_odd_terms_break_nothing(console, term):
    answer = console.post(SEARCH, {"q": term})

    assert answer.status_code in (200, 400)
    assert b"<script>" not in answer.content.replace(b"<script src", b"")


def test_search_shows_only_what_the_person_may_see(clerk, scene):
    make_client(name="Nightly report")
    token = scene.machine_token()
    jti = str(AccessToken.objects.get().pk)

    browser = clerk("oauth.view_client")

    assert set(found_by(browser, "night")) == {"Clients"}
    assert found_by(browser, jti) == {}
    assert "found" not in browser.post(SEARCH, {"q": token}).context


# --- Lineage ------------------------------------------------------------------------------------


@pytest.fixture
def line(scene):
    """A token, two exchanged from it, and one vended from the first of those."""
    user, now = scene.user, clock.now()

    def token(**fields):
        return AccessToken.objects.create(
            kind=fields.pop("kind", "token_exchange"), subject=str(user.pk), user=user,
            application=make_client(), resource="https://mcp.example", scope="read",
            expires=now + timedelta(minutes=5), **fields,
        )  # fmt: skip

    first = token(kind="authorization_code")
    left = token(parent=first.pk, actors={"sub": "planner", "act": {"sub": "assistant"}})
    right = token(parent=first.pk, revoked_at=now)
    vended = token(kind="vend", parent=left.pk)
    below = token(parent=right.pk)
    return first, left, right, vended, below


def test_the_whole_tree_is_shown_from_any_of_its_tokens(console, line):
    first, left, right, vended, below = line

    (tree,) = console.get(f"{LINEAGE}{first.pk}/").context["trees"]

    assert tree.token.jti == first.pk
    assert tree.is_asked
    assert [branch.token.jti for branch in tree.children] == [left.pk, right.pk]
    assert tree.children[0].actors == ("planner", "assistant")
    assert tree.children[0].children[0].token.jti == vended.pk
    assert tree.children[1].state == "ended: the token itself was revoked"
    assert tree.children[1].children[0].state == "ended: a token it descends from has ended"
    (above,) = console.get(f"{LINEAGE}{below.pk}/").context["trees"]
    assert above.token.jti == first.pk


def test_a_jti_or_a_token_leads_to_the_tree(console, scene):
    token = scene.machine_token()
    jti = AccessToken.objects.get().pk

    for typed in (str(jti), token):
        answer = console.post(LINEAGE, {"token": typed})
        assert (answer.status_code, answer["Location"]) == (302, f"{LINEAGE}{jti}/")
    assert console.post(LINEAGE, {"token": "neither"}).status_code == 400


def test_an_unknown_jti_says_so(console):
    answer = console.get(f"{LINEAGE}01a1fd61-9a4e-77c3-abc4-3d0081c9f68c/")

    assert (answer.status_code, "past retention" in answer.content.decode()) == (404, True)


def test_the_row_of_a_token_leads_to_its_line(console, line):
    url = reverse("admin:oauth_accesstoken_change", args=[line[0].pk])

    assert f'href="{LINEAGE}{line[0].pk}/"' in console.get(url).content.decode()


# --- Overview -----------------------------------------------------------------------------------


def test_figures_are_those_of_the_ledger_and_the_record(console, line):
    for reason in ("expired", "expired", "reused"):
        record(TokenRefreshDenied(reason=reason))
    provider = BrokerProvider.objects.create(
        number=1, slug="github", display_name="GitHub", protocol="oauth2"
    )
    Connection.objects.create(user=make_user(), provider=provider, failures=3)

    seen = console.get("/console/").context

    assert (seen["issued"].total, seen["issued"].users) == (5, 1)
    assert {kind: sum(hits) for kind, hits in seen["issued"].by_kind.items()} == {
        "authorization_code": 1, "token_exchange": 3, "vend": 1,
    }  # fmt: skip
    assert seen["refused"].reasons == (
        ("token.refresh_denied: expired", 2), ("token.refresh_denied: reused", 1),
    )  # fmt: skip
    assert [(one.provider, one.by_status, one.failing) for one in seen["health"]] == [
        ("GitHub", {"active": 1}, 1)
    ]
    assert [key.state for key in seen["keys"]] == ["active"]


def test_plots_have_words_and_a_table(console, line):
    page = console.get("/console/", {"range": "7d"}).content.decode()

    assert 'role="img"' in page
    assert "<desc>authorization_code 1; token_exchange 3" in page
    assert "As a table" in page
    assert "style=" not in page


def test_keys_have_their_dates_before_and_after_a_rotation(console, scene, frozen_clock):
    call_command("rotate_keys", verbosity=0)

    upcoming, active = console.get("/console/").context["keys"]

    assert (upcoming.state, active.state) == ("upcoming", "active")
    assert upcoming.next_step.startswith("signs in ")
    assert active.next_step.startswith("hands over in ")
    assert active.signs_until == upcoming.signs_from


def test_clients_that_wait_are_counted_and_lead_to_the_queue(console):
    ClientApproval.objects.create(client=make_client(), cause="registered")

    seen = console.get("/console/")

    assert seen.context["waiting"] == 1
    assert 'href="/console/approvals/"' in seen.content.decode()


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (3, 4), (10, 10), (11, 20), (21, 30), (168, 200), (1000, 2000)]
)
def test_scales_end_at_a_round_number(value, top):
    plot = columns("T", ["x"], [Series("a", (value,), 1)])

    assert f">{f'{top / 1000:g}k' if top >= 1000 else top}</text>" in plot.svg


def test_an_empty_server_has_an_overview(console):
    page = console.get("/console/").content.decode()

    assert "No token was issued in this time." in page


def test_a_range_that_does_not_exist_is_the_usual_one(console):
    assert console.get("/console/", {"range": "1000y"}).context["window"].key == "24h"


def test_parts_without_permission_are_left_out(clerk, line):
    seen = clerk("oauth.view_client").get("/console/")

    assert seen.status_code == 200
    for part in ("issued", "refused", "health", "keys"):
        assert part not in seen.context
    assert "Issued tokens" not in seen.content.decode()


# --- Who, and how -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [INSPECT, SEARCH, LINEAGE, "/console/"])
def test_users_who_are_no_staff_are_sent_to_sign_in(path, db):
    browser = Browser()
    browser.force_login(make_user())

    for answer in (browser.get(path), browser.post(path)):
        assert (answer.status_code, answer["Location"]) == (
            302,
            f"/console/login/?next={quote(path)}",
        )


@pytest.mark.parametrize(
    "path", [INSPECT, LINEAGE, f"{LINEAGE}01a1fd61-9a4e-77c3-abc4-3d0081c9f68c/"]
)
def test_staff_without_the_permission_are_refused(path, clerk):
    assert clerk("oauth.view_client").get(path).status_code == 403


def test_no_script_or_style_runs_that_is_not_a_file_of_ours(console):
    answer = console.get("/console/")

    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("issuer", "kind", "is_production"),
    [
        ("http://localhost:9000", "local", False),
        ("https://auth.example.com", "production", True),
        ("https://auth.staging.example.com", "staging", False),
        ("https://test-auth.example.com", "test", False),
        ("https://contest.example.com", "production", True),
    ],
)
def test_the_label_warns_outside_of_production(override_config, issuer, kind, is_production):
    override_config(server={"issuer": issuer})

    assert (place().kind, place().is_production) == (kind, is_production)
