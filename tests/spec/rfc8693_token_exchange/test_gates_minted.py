"""Who may exchange what into tokens of ours: one test for each row of the gates.

In this order: catalogue, list of the target, link, subject scope, own tokens, tokens of others,
consent. Each refusal says which one, by status and code, and changes nothing.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.digests import nothing_changes
from tests.support.exchanging import row
from tests.support.refusals import INVALID_SCOPE, Refusal, assert_refused

DENIED = Refusal(403, "access_denied", "client is not authorized to exchange this token")
NO_GATEWAY = Refusal(
    403, "access_denied", "client neither acts as the source nor is allowed at the target"
)


def assert_consent_required(answer, *, cause, resource, missing=None):
    """The whole refusal: members, an address of ours, and what its page would ask."""
    from oauth.consent.grant_link import read_link

    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert ("consent_required", cause, resource.slug) == (
        body["error"], body["cause"], body["service_id"],
    )  # fmt: skip
    target = urlsplit(body["consent_url"])
    assert (
        f"{target.scheme}://{target.netloc}{target.path}" == "http://localhost:9000/consent/grant"
    )
    ask = read_link(parse_qs(target.query)["request"][0])
    assert ask is not None
    assert ask.resource == resource.slug
    if missing is not None:
        assert set(missing) == set(ask.scopes)


# --- The target's list ---------------------------------------------------------------------------


def test_a_list_that_names_others_shuts_the_gate(delegation):
    delegation.consent("read")
    delegation.policy(delegation.back, exchange={"allowed_client_ids": ["somebody-else"]})
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(delegation.exchange(token), DENIED)


def test_the_list_is_asked_before_the_link(delegation):
    delegation.link(read=["read"])
    delegation.policy(delegation.back, exchange={"allowed_client_ids": ["somebody-else"]})
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(delegation.exchange(token), DENIED)


def test_the_catalogue_is_asked_before_the_list(delegation):
    delegation.policy(delegation.back, exchange={"allowed_client_ids": ["somebody-else"]})
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(delegation.exchange(token, scope="unknown"), INVALID_SCOPE)


# --- Tokens of others ----------------------------------------------------------------------------


def test_an_empty_list_trusts_nobody_with_tokens_of_others(delegation):
    delegation.consent("read")
    delegation.policy(delegation.back)
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(delegation.exchange(token), DENIED)


@pytest.mark.parametrize(
    "policy",
    [
        {"exchange": {"allowed_client_ids": ["{}"]}},
        {"runtime": {"client_ids": ["{}"]}},
    ],
)
def test_a_listed_client_and_the_target_itself_may_bring_tokens_of_others(delegation, policy):
    delegation.consent("read")
    mine = delegation.gateway.client_id
    delegation.policy(
        delegation.back,
        **{name: {key: [mine] for key in inner} for name, inner in policy.items()},
    )

    assert "read" == delegation.exchanged()["scope"]


def test_it_is_asked_before_consent(delegation):
    delegation.policy(delegation.back)
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(delegation.exchange(token), DENIED)


# --- The subject token's scope -------------------------------------------------------------------


def test_nothing_beyond_the_subject_token(delegation):
    delegation.consent("read", "write")
    token = delegation.subject_token(scope="read")

    for scope in ("write", "read write"):
        with nothing_changes():
            assert_refused(delegation.exchange(token, scope=scope), INVALID_SCOPE)
    assert "read" == delegation.exchanged(token)["scope"]


def test_it_is_asked_before_tokens_of_others(delegation):
    delegation.policy(delegation.back)
    token = delegation.subject_token(scope="read")

    with nothing_changes():
        assert_refused(delegation.exchange(token, scope="write"), INVALID_SCOPE)


def test_a_subject_token_without_scopes_is_bounded_by_consent(delegation):
    from tests.support.factories import make_resource

    bare = make_resource(
        scopes=[], policy={"runtime": {"client_ids": [delegation.gateway.client_id]}}
    )
    delegation.consent("read")
    token = delegation.subject_token(resource=bare.uri, scope=None)
    assert "scope" not in delegation.claims(token)

    assert "read" == delegation.exchanged(token)["scope"]
    with nothing_changes():
        answer = delegation.exchange(token, scope="read write")
        assert_consent_required(answer, cause="scope_insufficient", resource=delegation.back)


# --- Consent -------------------------------------------------------------------------------------


def test_without_consent_the_refusal_says_where_to_give_it(delegation):
    token = delegation.subject_token()

    with nothing_changes():
        answer = delegation.exchange(token)
        assert_consent_required(
            answer, cause="consent_missing", resource=delegation.back, missing=["read", "write"]
        )
    with nothing_changes():
        answer = delegation.exchange(token, scope="write")
        assert_consent_required(
            answer, cause="consent_missing", resource=delegation.back, missing=["write"]
        )


def test_consent_to_less_asks_for_the_rest(delegation):
    delegation.consent("read")
    token = delegation.subject_token()

    with nothing_changes():
        answer = delegation.exchange(token, scope="read write")
        assert_consent_required(
            answer, cause="scope_insufficient", resource=delegation.back, missing=["write"]
        )
    assert "read" == delegation.exchanged(token)["scope"]


def test_a_revoked_consent_is_none(delegation):
    from authplane.core import clock

    delegation.consent("read", revoked_at=clock.now())
    token = delegation.subject_token()

    with nothing_changes():
        answer = delegation.exchange(token)
        assert_consent_required(answer, cause="consent_missing", resource=delegation.back)


def test_a_consent_that_a_changed_client_lost_is_none(delegation):
    delegation.consent()
    token = delegation.subject_token()

    with nothing_changes():
        answer = delegation.exchange(token)
        assert_consent_required(answer, cause="consent_missing", resource=delegation.back)


def test_consent_to_the_acting_client_is_not_consent_to_the_subject_token_s(delegation):
    from oauth.models import ConsentGrant

    ConsentGrant.objects.create(
        user=delegation.user, client=row(delegation.gateway), resource=delegation.back,
        scopes=["read"],
    )  # fmt: skip
    token = delegation.subject_token()

    with nothing_changes():
        answer = delegation.exchange(token)
        assert_consent_required(answer, cause="consent_missing", resource=delegation.back)


def test_where_no_consent_could_help_none_is_asked_for(delegation):
    """The subject token shares no scope with the target."""
    delegation.back.scopes = [{"name": "other"}]
    delegation.policy(
        delegation.back, exchange={"allowed_client_ids": [delegation.gateway.client_id]}
    )
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(delegation.exchange(token), INVALID_SCOPE)


def test_a_machine_s_token_is_about_nobody_who_could_consent(delegation):
    token = delegation.scene.machine_token(resource=delegation.front.uri)

    with nothing_changes():
        assert_refused(delegation.exchange(token), DENIED)


# --- A client's own tokens -----------------------------------------------------------------------


@pytest.fixture
def own(delegation):
    """A machine that may exchange, and a token it has for itself."""
    machine = delegation.another_exchanger(scope="read write")
    delegation.policy(delegation.back)
    return machine


def token_of(machine, **overrides):
    answer = machine.client_credentials(**overrides)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


@pytest.mark.shows("setting", "token_exchange.allow_self_exchange")
def test_self_exchange_needs_no_consent_where_it_is_allowed(delegation, own, override_config):
    token = token_of(own, scope="read")
    with nothing_changes():
        assert_refused(own.exchange(token, resource=delegation.back.uri), DENIED)

    override_config(exchange={"allow_self_exchange": True})
    answer = own.exchange(token, resource=delegation.back.uri)

    assert answer.status_code == 200, answer.text
    claims = own.claims(answer.json()["access_token"])
    assert ([delegation.back.uri], "read", own.client_id) == (
        claims["aud"], claims["scope"], claims["sub"],
    )  # fmt: skip


def test_a_user_s_token_may_be_exchanged_by_its_own_client_with_consent(delegation):
    itself = delegation.another_exchanger()
    delegation.policy(delegation.back)
    tokens = itself.tokens(delegation.scene.person, scope="read", resource=delegation.front.uri)
    token = tokens["access_token"]

    with nothing_changes():
        refused = itself.exchange(token, resource=delegation.back.uri)
        assert_consent_required(refused, cause="consent_missing", resource=delegation.back)
    from oauth.models import ConsentGrant

    ConsentGrant.objects.create(
        user=delegation.user, client=row(itself), resource=delegation.back, scopes=["read"]
    )
    assert itself.exchange(token, resource=delegation.back.uri).status_code == 200


@pytest.mark.parametrize(("held", "asked"), [("read", "write"), ("read", "read write")])
def test_self_exchange_widens_nothing(delegation, own, override_config, held, asked):
    override_config(exchange={"allow_self_exchange": True})
    token = token_of(own, scope=held)

    with nothing_changes():
        answer = own.exchange(token, resource=delegation.back.uri, scope=asked)
        assert_refused(answer, INVALID_SCOPE)


def test_an_own_token_without_scopes_yields_none(delegation, override_config):
    """Nobody consents here, so that no scope must not mean any scope."""
    override_config(exchange={"allow_self_exchange": True})
    machine = delegation.another_exchanger()
    delegation.policy(delegation.back)
    token = token_of(machine)
    assert "scope" not in machine.claims(token)

    for scope in (None, "read"):
        with nothing_changes():
            answer = machine.exchange(token, resource=delegation.back.uri, scope=scope)
            assert_refused(answer, INVALID_SCOPE)


def test_self_exchange_does_not_open_the_target_s_list(delegation, own, override_config):
    override_config(exchange={"allow_self_exchange": True})
    delegation.policy(delegation.back, exchange={"allowed_client_ids": ["somebody-else"]})
    token = token_of(own, scope="read")

    with nothing_changes():
        assert_refused(own.exchange(token, resource=delegation.back.uri), DENIED)


# --- Without a resource --------------------------------------------------------------------------


def test_without_a_resource_only_self_exchange_is_possible(delegation, own, override_config):
    token = token_of(own, scope="read write", resource=delegation.front.uri)
    with nothing_changes():
        assert_refused(own.exchange(token), DENIED)
    override_config(exchange={"allow_self_exchange": True})

    narrowed = own.exchange(token, scope="read")
    inherited = own.exchange(token)

    assert "read" == narrowed.json()["scope"]
    assert "read write" == inherited.json()["scope"]
    assert [delegation.front.uri] == own.claims(inherited.json()["access_token"])["aud"]


def test_without_a_resource_a_token_of_others_is_refused(delegation, override_config):
    override_config(exchange={"allow_self_exchange": True})
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(delegation.gateway.exchange(token), DENIED)
    with nothing_changes():
        assert_refused(delegation.gateway.exchange(token, scope="admin"), INVALID_SCOPE)


def test_without_a_resource_the_issuer_stays_the_audience(delegation, own, override_config):
    override_config(exchange={"allow_self_exchange": True})
    token = token_of(own, scope="read")

    answer = own.exchange(token)

    assert [own.issuer] == own.claims(answer.json()["access_token"])["aud"]


# --- Over a link ---------------------------------------------------------------------------------


@pytest.fixture
def linked(delegation):
    """`read` at the front is `list` or `get` at the back; `write` is `get` and `put`."""
    delegation.back.scopes = [{"name": name} for name in ("list", "get", "put", "drop")]
    delegation.policy(delegation.back)
    delegation.link(read=["list", "get"], write=["get", "put"])
    return delegation


def test_a_link_needs_no_consent(linked):
    assert "get list" == linked.exchanged(scope="list get")["scope"]


@pytest.mark.parametrize(
    ("held", "reached"),
    [("read", "get list"), ("write", "get put"), ("read write", "get list put")],
)
def test_an_omitted_scope_is_everything_within_reach(linked, held, reached):
    assert reached == linked.exchanged(linked.subject_token(scope=held))["scope"]


@pytest.mark.parametrize("held", ["read", "write"])
def test_any_source_scope_is_enough(linked, held):
    """G21: the lexicographically first one does not have to be held."""
    assert "get" == linked.exchanged(linked.subject_token(scope=held), scope="get")["scope"]


@pytest.mark.parametrize(
    ("held", "asked"), [("read", "put"), ("write", "list"), ("read", "get put")]
)
def test_a_scope_whose_sources_are_not_held_is_refused(linked, held, asked):
    token = linked.subject_token(scope=held)

    with nothing_changes():
        assert_refused(linked.exchange(token, scope=asked), INVALID_SCOPE)


@pytest.mark.parametrize("asked", ["drop", "read"])
def test_a_scope_that_the_link_does_not_map_is_refused(linked, asked):
    token = linked.subject_token()

    with nothing_changes():
        assert_refused(linked.exchange(token, scope=asked), INVALID_SCOPE)


def test_where_nothing_is_within_reach_nothing_is_made(linked):
    from oauth.models import FrontingLink
    from oauth.resources import fronting

    FrontingLink.objects.update(scope_map={"write": ["put"]})
    fronting.drop()
    token = linked.subject_token(scope="read")

    with nothing_changes():
        assert_refused(linked.exchange(token), INVALID_SCOPE)


def test_a_scope_that_the_target_lost_is_not_within_reach(linked):
    linked.back.scopes = [{"name": "list"}]
    linked.policy(linked.back)

    assert "list" == linked.exchanged()["scope"]


def test_only_gateways_pass_a_link(linked):
    """Security fix 0.2.2: fronting was callable by any client that may exchange."""
    stranger = linked.another_exchanger()
    token = linked.subject_token()

    with nothing_changes():
        assert_refused(stranger.exchange(token, resource=linked.back.uri), NO_GATEWAY)


def test_the_target_may_admit_a_gateway_itself(linked):
    admitted = linked.another_exchanger()
    linked.policy(linked.back, exchange={"allowed_client_ids": [admitted.client_id]})

    answer = admitted.exchange(linked.subject_token(), resource=linked.back.uri)

    assert answer.status_code == 200, answer.text


def test_links_are_not_followed_further(linked):
    from tests.support.factories import make_resource

    far = make_resource(slug="far", policy={"runtime": {"client_ids": [linked.gateway.client_id]}})
    from oauth.models import FrontingLink
    from oauth.resources import fronting

    FrontingLink.objects.create(source=linked.back, target=far, scope_map={"get": ["read"]})
    fronting.drop()
    token = linked.subject_token()

    with nothing_changes():
        answer = linked.gateway.exchange(token, resource=far.uri)
        assert_consent_required(answer, cause="consent_missing", resource=far)


def test_a_machine_s_token_passes_a_link(linked):
    token = linked.scene.machine_token(resource=linked.front.uri, scope="read")

    assert "get list" == linked.exchanged(token)["scope"]


# --- What the resource demands -------------------------------------------------------------------


@pytest.fixture
def demanding(delegation):
    """`demanding(**rules)`: the target's policy demands this of its tokens."""
    delegation.consent("read", "write")

    def demand(**rules):
        admitted = {"allowed_client_ids": [delegation.gateway.client_id]}
        watching = {"client_ids": [delegation.scene.watcher.client_id]}
        delegation.policy(delegation.back, exchange=admitted, runtime=watching, **rules)
        return delegation

    return demand


def test_a_resource_may_refuse_the_grant(demanding):
    delegation = demanding(grant_types=["client_credentials"])
    token = delegation.subject_token()

    with nothing_changes():
        answer = delegation.exchange(token)
        assert (400, "unauthorized_client") == (answer.status_code, answer.json()["error"])


def test_a_resource_may_require_bound_tokens(demanding):
    delegation = demanding(dpop="required")
    token = delegation.subject_token()

    with nothing_changes():
        answer = delegation.exchange(token)
        assert (400, "invalid_dpop_proof") == (answer.status_code, answer.json()["error"])


def test_a_resource_may_shorten_the_lifetime(demanding):
    assert 60 == demanding(token_lifetime=60).exchanged()["expires_in"]


def test_a_resource_may_take_opaque_tokens_which_are_exchanged_like_others(demanding):
    delegation = demanding(token_format="opaque")
    handle = delegation.exchanged()["access_token"]
    assert "." not in handle
    assert delegation.scene.is_active(handle)
    from oauth.models import ConsentGrant

    front = delegation.front
    delegation.policy(front, exchange={"allowed_client_ids": [delegation.gateway.client_id]})
    ConsentGrant.objects.create(
        user=delegation.user, client=row(delegation.gateway), resource=front, scopes=["read"]
    )

    again = delegation.gateway.exchange(handle, resource=front.uri)

    assert again.status_code == 200, again.text
    assert [front.uri] == delegation.claims(again.json()["access_token"])["aud"]
