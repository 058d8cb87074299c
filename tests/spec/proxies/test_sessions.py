"""What operators do with the sessions of proxies, and what is refreshed for a proxy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authplane.core import clock
from broker.models import GatewaySession
from broker.proxies.sessions import clean_up
from tests.operator.conftest import OperatorAtTheApi
from tests.support.gateway import FORWARD_AUTH_KEY
from tests.support.proxies import answered
from tests.support.record import recorded
from tests.support.upstream import ALLOWED, rises

PATH = "/admin/proxy-sessions"


@pytest.fixture
def operator(db):
    return OperatorAtTheApi()


@pytest.mark.spec("OAuth proxy", "X17", "MUST", "operators find, count and end sessions")
@pytest.mark.shows("audit event", "oauth_proxy.session_revoked")
def test_a_session_is_found_and_ended(gateway, operator, user):
    tokens = gateway.tokens()
    [session] = operator.get(f"{PATH}?user_id={user.pk}&active=true").json()["proxy_sessions"]
    assert session["client_id"] == gateway.client_id
    assert session["proxy_id"] == gateway.proxy.pk
    assert session["active"] is True
    path = f"{PATH}/{session['id']}"
    assert operator.get(path).json() == session
    assert tokens["access_token"] not in operator.get(path).content.decode()

    assert operator.delete(path).status_code == 204
    assert operator.delete(path).status_code == 204
    assert gateway.introspect(tokens["access_token"]) == {"active": False}
    assert gateway.refresh(tokens["refresh_token"]).status_code == 400
    assert operator.get(path).json()["active"] is False
    assert operator.get(f"{PATH}?active=true").json()["total"] == 0
    [told] = recorded("oauth_proxy.session_revoked")
    assert told["session"] == session["id"]
    assert (told["proxy"], told["subject"]) == (gateway.proxy.slug, str(user.pk))


def test_a_session_ends_before_its_code_was_used(gateway, operator):
    code = gateway.code()
    session = GatewaySession.objects.get()

    assert operator.delete(f"{PATH}/{session.pk}").status_code == 204
    assert gateway.redeem(code).status_code == 400


@pytest.mark.spec("OAuth proxy", "X17", "MUST", "operators find, count and end sessions")
def test_statistics_and_cleanup(gateway, operator):
    gateway.tokens()
    answered(gateway.ask())
    first, second = GatewaySession.objects.order_by("pk")
    operator.delete(f"{PATH}/{first.pk}")
    assert operator.get(f"{PATH}/stats").json() == {
        "total_sessions": 2, "active_sessions": 1, "expired_sessions": 0,
        "revoked_sessions": 1, "unique_users": 1,
    }  # fmt: skip
    GatewaySession.objects.filter(pk=second.pk).update(expires_at=clock.now())

    assert operator.post(f"{PATH}/cleanup").json() == {"deleted_count": 1}
    assert clean_up(clock.now() + timedelta(days=1)) == 1


@pytest.mark.parametrize("query", ["user_id=x", "proxy_id=x", "active=yes", "colour=blue"])
def test_filters_are_checked(operator, query):
    assert operator.get(f"{PATH}?{query}").status_code == 400


@pytest.mark.shows("metric", "oauth_proxy_upstream_refresh_total")
def test_what_is_refreshed_for_a_proxy_is_counted_as_such(gateway, upstream, override_config):
    override_config(broker=ALLOWED, forward_auth={"key": FORWARD_AUTH_KEY})
    upstream.expires_in = 1
    token = gateway.tokens()["access_token"]
    with rises("oauth_proxy_upstream_refresh_total", proxy=gateway.proxy.slug, status="success"):
        answer = OperatorAtTheApi().call(
            "GET", f"/proxy/{gateway.proxy.slug}/authz", key=token,
            **{"x-forward-auth-key": FORWARD_AUTH_KEY},
        )  # fmt: skip
        assert answer.status_code == 200, answer.content
