"""RFC 8693 section 2.2: what comes back from an exchange that is permitted, and what stays."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from tests.flows.test_every_metric import Changes
from tests.support.digests import nothing_changes
from tests.support.exchanging import ACCESS_TOKEN, row


@pytest.fixture
def allowed(delegation):
    delegation.consent("read", "write")
    return delegation


@pytest.mark.spec("RFC 8693", "2.2.1", "REQUIRED", "issued_token_type is in the answer")
def test_the_answer(allowed):
    answer = allowed.exchange(scope="read")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {
        "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "scope": "read",
    }.items() <= body.items()  # fmt: skip
    assert set(body) == {
        "access_token", "issued_token_type", "token_type", "expires_in", "scope",
    }  # fmt: skip
    assert ("no-store", "no-cache") == (answer.headers["cache-control"], answer.headers["pragma"])


@pytest.mark.spec("RFC 8693", "2.2.1", "REQUIRED", "scope is in the answer when it differs")
def test_the_scope_is_always_in_the_answer(allowed):
    assert "read write" == allowed.exchanged()["scope"]


def test_the_token(allowed):
    subject = allowed.subject_token()
    before = allowed.claims(subject)

    claims = allowed.claims(allowed.exchanged(subject)["access_token"])

    assert [allowed.back.uri] == claims["aud"]
    assert before["sub"] == claims["sub"]
    assert before["jti"] != claims["jti"]
    assert claims["nbf"] == claims["iat"]


def test_the_ledger_tells_where_it_came_from(allowed):
    from oauth.models import AccessToken

    subject = allowed.subject_token()
    claims = allowed.claims(allowed.exchanged(subject)["access_token"])

    kept = AccessToken.objects.get(pk=claims["jti"])
    assert (
        "token_exchange", row(allowed.gateway).pk, allowed.user.pk, row(allowed.agent).pk,
        allowed.claims(subject)["jti"], allowed.back.uri, "read write", claims["act"],
    ) == (
        kept.kind, kept.application_id, kept.user_id, kept.consent_client,
        str(kept.parent), kept.resource, kept.scope, kept.actors,
    )  # fmt: skip


def test_the_subject_token_is_not_used_up(allowed):
    subject = allowed.subject_token()
    allowed.exchanged(subject)

    assert allowed.scene.is_active(subject)
    assert allowed.exchange(subject).status_code == 200


# --- Lifetime ------------------------------------------------------------------------------------


@pytest.mark.shows("setting", "token_exchange.token_expiry")
def test_the_lifetime_is_the_configured_one_at_most(allowed, override_config):
    override_config(tokens={"exchange_ttl": 120})

    assert 120 == allowed.exchanged()["expires_in"]


def test_it_never_outlives_the_subject_token(allowed, frozen_clock):
    """G7: no fresh hour for a token that has a minute left."""
    subject = allowed.subject_token()
    frozen_clock.shift(840)

    answer = allowed.exchanged(subject)

    assert 60 == answer["expires_in"]
    assert allowed.claims(subject)["exp"] == allowed.claims(answer["access_token"])["exp"]


def test_not_even_by_the_second_that_passes_while_it_is_made(allowed, frozen_clock, monkeypatch):
    from oauth.grants import exchanged

    subject, decide = allowed.subject_token(), exchanged.decide_minted

    def slowly(order):
        decided = decide(order)
        frozen_clock.shift(2)
        return decided

    monkeypatch.setattr(exchanged, "decide_minted", slowly)
    after = allowed.claims(allowed.exchanged(subject)["access_token"])

    assert allowed.claims(subject)["exp"] == after["exp"]


def test_the_last_second_is_worth_a_second(allowed, frozen_clock):
    subject = allowed.subject_token()
    frozen_clock.shift(899)

    assert 1 == allowed.exchanged(subject)["expires_in"]


# --- What ends it --------------------------------------------------------------------------------


def test_consent_that_is_taken_back_ends_it(allowed):
    from authplane.core import clock
    from oauth.consent.revocation import revoke_consent
    from oauth.models import ConsentGrant

    token = allowed.exchanged()["access_token"]
    assert allowed.scene.is_active(token)
    consent = ConsentGrant.objects.get(client=row(allowed.agent), resource=allowed.back)
    revoke_consent(consent_id=consent.pk, user=allowed.user, now=clock.now())

    assert not allowed.scene.is_active(token)


@pytest.mark.parametrize("ended", ["subject token", "consent", "acting client"])
def test_what_ends_while_the_token_is_made_ends_the_exchange(allowed, monkeypatch, ended):
    """Between the last check and the row, which looks once more."""
    from authplane.core import clock
    from oauth.grants import exchanged
    from oauth.models import AccessToken, Client, ConsentGrant

    subject, before = allowed.subject_token(), exchanged.ledger.record_exchange

    def late(issue, **rest):
        if ended == "subject token":
            AccessToken.objects.filter(pk=issue.authorization.parent).update(revoked_at=clock.now())
        elif ended == "consent":
            ConsentGrant.objects.filter(resource=allowed.back).update(revoked_at=clock.now())
        else:
            Client.objects.filter(pk=row(allowed.gateway).pk).update(status="suspended")
        return before(issue, **rest)

    count = AccessToken.objects.count()
    monkeypatch.setattr(exchanged.ledger, "record_exchange", late)
    answer = allowed.exchange(subject)

    expected = {
        "subject token": (400, "invalid_grant", "subject_token_revoked_during_mint"),
        "consent": (400, "consent_required", "consent_revoked_during_mint"),
        "acting client": (401, "invalid_client", "client_inactive"),
    }[ended]
    denied = AuditEvent.objects.filter(action="token.exchange_denied").latest("id")
    assert expected == (answer.status_code, answer.json()["error"], denied.detail["reason"])
    assert count == AccessToken.objects.count()
    assert ended != "consent" or "consent_url" in answer.json()


def test_scopes_taken_out_of_the_consent_meanwhile_end_the_exchange(allowed, monkeypatch):
    from oauth.grants import exchanged
    from oauth.models import ConsentGrant

    subject, before = allowed.subject_token(), exchanged.ledger.record_exchange

    def late(issue, **rest):
        ConsentGrant.objects.filter(resource=allowed.back).update(scopes=["read"])
        return before(issue, **rest)

    monkeypatch.setattr(exchanged.ledger, "record_exchange", late)

    assert "consent_required" == allowed.exchange(subject).json()["error"]


# --- The record and the figures ------------------------------------------------------------------


@pytest.mark.shows("audit event", "token.exchanged")
def test_an_exchange_is_recorded(allowed):
    claims = allowed.claims(allowed.exchanged()["access_token"])

    event = AuditEvent.objects.filter(action="token.exchanged").latest("id")
    assert (allowed.gateway.client_id,) * 2 == (event.actor_id, event.client_id)
    assert {
        "jti": claims["jti"], "sub": claims["sub"], "subject_client": allowed.agent.client_id,
        "actor_client": allowed.gateway.client_id, "type": "mint_dispatch", "scopes": "read write",
        "resource": "back", "chain_kind": "direct",
    } == event.detail  # fmt: skip


def test_an_exchange_over_a_link_says_so(allowed):
    allowed.link(read=["read"])
    allowed.exchanged()

    event = AuditEvent.objects.filter(action="token.exchanged").latest("id")
    assert ("fronted", f"{allowed.front.slug}:back") == (
        event.detail["chain_kind"], event.detail["via_link"],
    )  # fmt: skip


@pytest.mark.shows("audit event", "token.exchange_denied")
def test_a_refusal_is_recorded_with_its_private_reason(delegation):
    token = delegation.subject_token()
    with nothing_changes():
        delegation.exchange(token)

    event = AuditEvent.objects.filter(action="token.exchange_denied").latest("id")
    assert {"reason": "consent_missing"} == event.detail
    assert delegation.gateway.client_id == event.client_id


@pytest.mark.shows(
    "metric", "authplane_token_exchange_total", "authplane_token_exchange_denied_total"
)
def test_exchanges_are_counted_by_their_way(allowed):
    way = f'kind="direct",source="{allowed.front.slug}",target="back"'
    subject = allowed.subject_token()

    with (
        Changes("authplane_token_exchange_total", way) as exchanged,
        Changes("authserver_tokens_issued_total", 'grant_type="token_exchange"') as issued,
        Changes(
            "authplane_token_exchange_denied_total", 'reason="invalid_subject_token"'
        ) as denied,
    ):
        allowed.exchanged(subject)
        allowed.exchange("x")

    assert (1, 1, 1) == (exchanged.by, issued.by, denied.by)
