"""`/proxy/{slug}/authz`: who is let through, with what, and what is written down of it."""

from __future__ import annotations

import logging
import uuid

import pytest
from django.test import Client, override_settings

from audit.models import AuditEvent
from authplane.core import clock
from broker.dataplane import evidence
from broker.dataplane.often import Seldom
from broker.models import AccessGroup, ApiKey, Connection
from broker.providers import selectors as providers
from oauth.models import AccessToken
from tests.support.factories import make_user
from tests.support.gateway import (
    FORWARD_AUTH_KEY,
    forget_proxies,
    gateway_token,
    make_group,
    make_key,
    make_proxy,
)
from tests.support.record import recorded
from tests.support.upstream import ALLOWED, make_connection, make_provider, rises, running_upstream

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.shows("setting", "forward_auth.key"),
]


@pytest.fixture(autouse=True)
def _configured(override_config):
    override_config(broker=ALLOWED, forward_auth={"key": FORWARD_AUTH_KEY})


@pytest.fixture
def upstream():
    with running_upstream() as world:
        yield world


@pytest.fixture
def user(db):
    return make_user()


@pytest.fixture
def proxy(upstream):
    return make_proxy(make_provider(upstream), scopes=["read"])


@pytest.fixture
def connection(proxy, user):
    return make_connection(proxy.provider, user)


def ask(proxy, credential="", *, method="GET", key=FORWARD_AUTH_KEY, slug=None, **headers):
    """What a proxy server asks; `credential` is an Authorization header."""
    if credential:
        headers["authorization"] = credential
    if key is not None:
        headers["x-forward-auth-key"] = key
    return Client().generic(method, f"/proxy/{slug or proxy.slug}/authz", headers=headers)


def refused(answer, status, error):
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.content
    assert answer.headers["cache-control"] == "no-store"
    assert "Authorization" not in answer.headers
    assert "upstream-access" not in answer.content.decode()


class TestTheRoute:
    @pytest.mark.parametrize("key", [None, "", "wrong", FORWARD_AUTH_KEY + "x"])
    def test_it_is_not_there_without_the_key(self, proxy, user, connection, key):
        token = gateway_token(proxy, user)
        answer = ask(proxy, f"Bearer {token}", key=key)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
        nowhere = ask(proxy, slug="nobody")
        assert answer.json() == nowhere.json()
        assert not AccessToken.objects.filter(kind="vend").exists()

    def test_it_is_not_there_where_no_key_is_configured(self, proxy, override_config):
        override_config(forward_auth={"key": ""})
        for key in ("", FORWARD_AUTH_KEY):
            assert ask(proxy, key=key).status_code == 404

    def test_the_public_listener_has_none(self, proxy, user, connection):
        token = gateway_token(proxy, user)
        with override_settings(ROOT_URLCONF="authplane.urls.public"):
            assert ask(proxy, f"Bearer {token}").status_code == 404

    def test_a_proxy_that_hands_out_upstream_tokens_itself_has_none(self, proxy):
        proxy.mode = "upstream"
        proxy.save()
        forget_proxies()
        assert ask(proxy).status_code == 404


class TestTokens:
    @pytest.mark.spec("OAuth proxy", "X11", "MUST", "the service gets the upstream token")
    @pytest.mark.shows("metric", "authplane_forward_auth_total")
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
    def test_the_service_gets_the_user_s_own(self, proxy, user, connection, upstream, method):
        token = gateway_token(proxy, user, scope="read")
        with rises("authplane_forward_auth_total", proxy=proxy.slug, outcome="allowed"):
            answer = ask(proxy, f"Bearer {token}", method=method)
        assert answer.status_code == 200, answer.content
        assert answer.headers["authorization"] == "Bearer at-0-of-the-upstream"
        assert answer.headers["x-authplane-user"] == str(user.pk)
        assert answer.headers["x-authplane-scope"] == "read"
        issued = AccessToken.objects.exclude(kind="vend").get()
        assert answer.headers["x-authplane-client"] == issued.application.client_id
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content == b""
        assert upstream.count("refresh_token") == 0

    def test_one_row_says_what_was_handed_out(self, proxy, user, connection, query_budget):
        token = gateway_token(proxy, user, scope="read")
        ask(proxy, f"Bearer {token}")
        vend = AccessToken.objects.get(kind="vend")
        issued = AccessToken.objects.exclude(pk=vend.pk).get()
        assert (vend.parent, vend.user_id, vend.application_id, vend.scope, vend.resource) == (
            issued.pk, user.pk, issued.application_id, "read", proxy.target_url,
        )  # fmt: skip
        assert vend.pk.version == 7
        assert recorded("upstream.token.issued") == [
            {"provider": proxy.provider.slug, "resource": proxy.slug, "scopes": "read write"}
        ]
        connection.refresh_from_db()
        assert connection.last_used_by == issued.application.client_id
        # From here on: whether the token counts, and the connection.
        with query_budget(2):
            assert ask(proxy, f"Bearer {token}").status_code == 200
        assert AccessToken.objects.filter(kind="vend").count() == 1

    def test_processes_agree_on_the_row_without_asking(self, proxy, user, connection, monkeypatch):
        token = gateway_token(proxy, user)
        for _ in range(2):
            monkeypatch.setattr(evidence, "_lately", Seldom())
            assert ask(proxy, f"Bearer {token}").status_code == 200
        assert AccessToken.objects.filter(kind="vend").count() == 1
        assert len(recorded("upstream.token.issued")) == 1

    @pytest.mark.spec(
        "OAuth proxy", "X12", "MUST", "an ended upstream token is renewed once for all"
    )
    def test_an_ended_upstream_token_is_renewed_once(self, proxy, user, upstream):
        connection = make_connection(proxy.provider, user, expires_in=1)
        token = gateway_token(proxy, user)
        seen = {ask(proxy, f"Bearer {token}").headers["authorization"] for _ in range(3)}
        assert len(seen) == 1
        assert upstream.count("refresh_token") == 1
        assert seen.pop().removeprefix("Bearer ") in upstream.given
        assert AccessToken.objects.filter(kind="vend").count() == 1
        connection.refresh_from_db()
        assert connection.status == "active"

    @pytest.mark.spec("Plugged.in", "P30", "MUST", "a protected resource says where to go")
    def test_whoever_shows_nothing_is_told_where_to_go(self, proxy):
        answer = ask(proxy)
        refused(answer, 401, "invalid_token")
        host = proxy.target_url.removesuffix("/mcp")
        assert answer.headers["www-authenticate"] == (
            f'Bearer resource_metadata="{host}/.well-known/oauth-protected-resource/mcp",'
            ' scope="read"'
        )

    @pytest.mark.spec("OAuth proxy", "X9", "MUST", "a token of one proxy is nothing at another")
    @pytest.mark.spec(
        "Negative tests", "D8.22", "MUST", "a token of one proxy is refused at another"
    )
    def test_tokens_that_do_not_count(self, proxy, user, connection):
        other = make_proxy(proxy.provider)
        good = gateway_token(proxy, user)
        wrong = {
            "of another proxy": gateway_token(other, user),
            "for another audience": gateway_token(proxy, user, resource="https://x.example.com"),
            "altered": good[:-4] + "AAAA",
            "no token": "x",
            "a whole book": "x" * 9000,
        }
        for name, token in wrong.items():
            answer = ask(proxy, f"Bearer {token}")
            refused(answer, 401, "invalid_token")
            assert 'error="invalid_token"' in answer.headers["www-authenticate"], name
        assert not AccessToken.objects.filter(kind="vend").exists()

    @pytest.mark.spec(
        "Negative tests", "D8.30", "MUST", "what ended opens nothing from the next request on"
    )
    @pytest.mark.parametrize("ending", ["token", "user", "client"])
    def test_what_ended_opens_nothing_from_the_next_request_on(
        self, proxy, user, connection, ending
    ):
        token = gateway_token(proxy, user)
        assert ask(proxy, f"Bearer {token}").status_code == 200
        issued = AccessToken.objects.exclude(kind="vend").get()
        if ending == "token":
            AccessToken.objects.filter(pk=issued.pk).update(revoked_at=clock.now())
        elif ending == "user":
            type(user).objects.filter(pk=user.pk).update(status="disabled")
        else:
            type(issued.application).objects.update(status="revoked")
        refused(ask(proxy, f"Bearer {token}"), 401, "invalid_token")

    def test_a_bound_token_is_never_taken_for_a_bearer_token(self, proxy, user, connection):
        token = gateway_token(proxy, user, dpop_jkt="j" * 43)
        for scheme in ("Bearer", "DPoP"):
            answer = ask(proxy, f"{scheme} {token}", dpop="a-proof")
            refused(answer, 401, "invalid_token")
            assert "bound" in answer.headers["www-authenticate"]


class TestTheConnection:
    @pytest.mark.parametrize("state", ["none", "reauth_required", "revoked", "gone"])
    def test_an_account_that_is_not_connected(self, proxy, user, state):
        token = gateway_token(proxy, user)
        if state != "none":
            row = make_connection(proxy.provider, user)
            assert ask(proxy, f"Bearer {token}").status_code == 200
            rows = Connection.objects.filter(pk=row.pk)
            _ = rows.delete() if state == "gone" else rows.update(status=state)
        answer = ask(proxy, f"Bearer {token}")
        refused(answer, 401, "invalid_token")
        assert "resource_metadata=" in answer.headers["www-authenticate"]
        if state == "gone":
            make_connection(proxy.provider, user)
            assert ask(proxy, f"Bearer {token}").status_code == 200

    def test_a_service_that_is_away(self, proxy, user, upstream):
        make_connection(proxy.provider, user, expires_in=1)
        upstream.failures = [503]
        with rises("authplane_forward_auth_total", proxy=proxy.slug, outcome="unavailable"):
            answer = ask(proxy, f"Bearer {gateway_token(proxy, user)}")
        refused(answer, 503, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) >= 1

    def test_a_service_that_refuses_the_user(self, proxy, user, upstream):
        make_connection(proxy.provider, user, expires_in=1)
        upstream.failures = [400]
        refused(ask(proxy, f"Bearer {gateway_token(proxy, user)}"), 401, "invalid_token")

    def test_a_provider_that_is_switched_off(self, proxy, user, connection):
        type(proxy.provider).objects.update(enabled=False)
        providers.drop()
        refused(ask(proxy, f"Bearer {gateway_token(proxy, user)}"), 503, "temporarily_unavailable")

    @pytest.mark.parametrize(
        ("prefix", "pasted", "sent"),
        [("", "k", "k"), ("Token", "k", "Token k"), ("key=", "k", "key=k"), ("", "a\u00e9", None)],
    )
    def test_a_pasted_key_goes_into_its_own_header(self, user, prefix, pasted, sent):
        from broker.connections.services import store_secret

        proxy = make_proxy()
        config = {"header_name": "X-Api-Key", "header_prefix": prefix}
        type(proxy.provider).objects.update(config_data=config)
        providers.drop()
        store_secret(
            user_id=user.pk, provider_id=proxy.provider_id, members={"api_key": pasted},
            now=clock.now(),
        )  # fmt: skip
        answer = ask(proxy, f"Bearer {gateway_token(proxy, user)}")
        if sent is None:
            refused(answer, 503, "temporarily_unavailable")
        else:
            assert answer.headers["x-api-key"] == sent
            assert "authorization" not in answer.headers


class TestKeys:
    @pytest.fixture
    def key(self, proxy, user, connection):
        return make_key(user, make_group(proxy))[1]

    @pytest.mark.spec("OAuth proxy", "X15", "MUST", "keys work in three headers")
    def test_all_three_forms(self, proxy, user, key):
        row = ApiKey.objects.get()
        forms = [{"x-api-key": key}, {"credential": f"Bearer {key}"},
                 {"credential": f"ApiKey {key}"}, {"credential": f"aPIkEY  {key}"}]  # fmt: skip
        for form in forms:
            answer = ask(proxy, **form)
            assert answer.headers["authorization"] == "Bearer at-0-of-the-upstream", form
            assert answer.headers["x-authplane-client"] == f"api_key:{row.pk}"
            assert answer.headers["x-authplane-user"] == str(user.pk)
        vend = AccessToken.objects.get(kind="vend")
        assert (vend.actors, vend.parent) == ({"sub": f"api_key:{row.pk}"}, None)

    def test_the_first_place_that_shows_one_decides(self, proxy, user, key):
        token = gateway_token(proxy, user)
        for other in (f"Bearer {key}", f"Bearer {token}"):
            refused(ask(proxy, other, **{"x-api-key": "uag_wrong"}), 401, "invalid_token")
        assert ask(proxy, "Bearer x", **{"x-api-key": key}).status_code == 200
        refused(ask(proxy, f"ApiKey {token}"), 401, "invalid_token")

    def test_it_works_beside_tokens(self, proxy, user, key):
        assert ask(proxy, f"Bearer {gateway_token(proxy, user)}").status_code == 200
        assert ask(proxy, f"ApiKey {key}").status_code == 200

    @pytest.mark.spec("OAuth proxy", "X15", "MUST", "a revoked key is 401, one without access 403")
    @pytest.mark.shows("audit event", "api_key.refused")
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("revoked_at", "revoked"),
            ("expires_at", "expired"),
            ("user", "user_inactive"),
            ("group", "group_disabled"),
            ("access", "no_access"),
        ],
    )
    def test_a_key_that_opens_nothing(self, proxy, user, key, change, reason):
        assert ask(proxy, f"ApiKey {key}").status_code == 200
        if change == "user":
            type(user).objects.filter(pk=user.pk).update(status="disabled")
        elif change == "group":
            AccessGroup.objects.update(enabled=False)
        elif change == "access":
            AccessGroup.objects.get().access.all().delete()
        else:
            ApiKey.objects.update(**{change: clock.now()})
        for _ in range(2):
            answer = ask(proxy, f"ApiKey {key}")
            if change in {"group", "access"}:
                refused(answer, 403, "access_denied")
            else:
                refused(answer, 401, "invalid_token")
        known = {"id": str(ApiKey.objects.get().pk), "proxy": proxy.slug, "reason": reason}
        assert recorded("api_key.refused") == [known]

    @pytest.mark.spec("OAuth proxy", "X15", "MUST", "a revoked key is 401, one without access 403")
    def test_it_is_not_for_other_proxies(self, proxy, key):
        other = make_proxy(proxy.provider)
        refused(ask(other, f"ApiKey {key}"), 403, "access_denied")

    def test_the_minute_of_a_key_at_a_proxy(self, proxy, user, connection):
        group = make_group(proxy, limit=3)
        key, other = (make_key(user, group)[1] for _ in range(2))
        for _ in range(3):
            assert ask(proxy, f"ApiKey {key}").status_code == 200
        answer = ask(proxy, f"ApiKey {key}")
        refused(answer, 429, "rate_limit_exceeded")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert ask(proxy, f"ApiKey {other}").status_code == 200

    def test_a_refused_key_uses_up_no_minute(self, proxy, user, connection):
        key = make_key(user, make_group(proxy, limit=1))[1]
        ApiKey.objects.update(expires_at=clock.now())
        refused(ask(proxy, f"ApiKey {key}"), 401, "invalid_token")
        ApiKey.objects.update(expires_at=None)
        assert ask(proxy, f"ApiKey {key}").status_code == 200

    def test_its_use_is_written_down_once_a_minute(self, proxy, key, query_budget, time_machine):
        time_machine.move_to(clock.now().replace(hour=9), tick=False)
        ask(proxy, f"ApiKey {key}")
        first = ApiKey.objects.get().last_used_at
        with query_budget(2):
            ask(proxy, f"ApiKey {key}")
        assert first == ApiKey.objects.get().last_used_at == clock.now()
        time_machine.shift(61)
        ask(proxy, f"ApiKey {key}")
        assert ApiKey.objects.get().last_used_at == clock.now()
        assert Connection.objects.get().last_used_at == clock.now()
        assert AccessToken.objects.filter(kind="vend").count() == 1

    def test_strange_keys(self, proxy, key):
        for text in ("", "uag_", key[:-1], key + "A", "uag_" + "A" * 43, "\u00fcag", key + "\x00"):
            refused(ask(proxy, **{"x-api-key": text}), 401, "invalid_token")
        assert recorded("api_key.refused") == []


def test_no_credential_is_in_logs_and_records(proxy, user, connection, caplog):
    key = make_key(user, make_group(proxy))[1]
    token = gateway_token(proxy, user)
    with caplog.at_level(logging.DEBUG):
        ask(proxy, f"Bearer {token}")
        ask(proxy, f"ApiKey {key}")
        ask(proxy, f"ApiKey {key[:-1]}")
    told = (
        caplog.text + repr([*AuditEvent.objects.values()]) + repr([*AccessToken.objects.values()])
    )
    for secret in (token, key, key[:-1], FORWARD_AUTH_KEY, "at-0-of-the-upstream"):
        assert secret not in told


def test_a_credential_does_not_show_in_its_text(proxy, user, connection):
    from broker.dataplane.callers import Caller
    from broker.dataplane.credential import credential_for
    from broker.proxies.selectors import view_of

    caller = Caller(user_id=user.pk, client="c", jti=uuid.uuid4())
    found = credential_for(caller, proxy=view_of(proxy), now=clock.now())
    assert "at-0" in found.value
    assert "at-0" not in repr(found)
