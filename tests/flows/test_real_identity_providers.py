"""People sign in with identity providers of other people, unmodified."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import pytest

from authplane.accounts.models import User
from broker.models import FederatedIdentity
from broker.signin.services import create_provider, patch_provider
from tests.support.real_upstreams import PERSON
from tests.support.upstream import ALLOWED

pytestmark = pytest.mark.server

HTML = {"Accept": "text/html"}
CALLBACK = "http://localhost:9000/oidc/callback/theirs"


@pytest.fixture(params=[pytest.param("oidc_provider", marks=pytest.mark.node), "glewlwyd"])
def idp(request, override_config):
    """It says who the person is, and which groups they are in where it knows any."""
    override_config(broker=ALLOWED)
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["client_secret_basic", "client_secret_post", "none"])
def provider(request, idp, db):
    client = idp.register(CALLBACK, method=request.param)
    scopes = ["openid", "email", "groups"] if idp.name == "oidc-provider" else ["openid", "email"]
    body = {
        "slug": "theirs", "display_name": "Theirs", "issuer": idp.issuer,
        "client_id": client.client_id, "scopes": scopes,
    }  # fmt: skip
    if client.secret:
        body |= {"secret": client.secret, "token_endpoint_auth_method": client.method}
    return create_provider(body)


def arrive(oauth, idp, target="/account"):
    """The answer to the browser that comes back from the provider."""
    left = oauth.http.get(f"/oidc/start?provider=theirs&redirect={target}", headers=HTML)
    assert left.status_code == 302, left.text
    back = urlsplit(idp.browse(left.headers["location"]))
    return oauth.http.get(f"{back.path}?{back.query}", headers=HTML)


def test_a_person_signs_in_twice(oauth, idp, provider):
    for _ in range(2):
        answer = arrive(oauth, idp)
        assert (303, "/account") == (answer.status_code, answer.headers["location"]), answer.text
        assert 200 == oauth.http.get("/account").status_code
    identity = FederatedIdentity.objects.get()

    assert User.objects.get() == identity.user
    if idp.name == "oidc-provider":
        assert (PERSON, f"{PERSON}@example.com", ["staff"]) == (
            identity.subject, identity.user.email, identity.groups,
        )  # fmt: skip
        patch_provider(provider.pk, {"role_map": {"staff": "admin"}})
        arrive(oauth, idp)
        assert "admin" == User.objects.get().role


@pytest.mark.parametrize("provider", ["client_secret_basic"], indirect=True)
def test_an_application_that_wants_a_new_sign_in(scene, idp, provider):
    """What is not said to have happened does not count: glewlwyd never says when."""
    waiting = scene.client.start(prompt="login")
    target = parse_qs(urlsplit(waiting.headers["location"]).query)["redirect"][0]
    answer = arrive(scene.client, idp, quote(target, safe=""))

    if idp.name == "glewlwyd":
        assert 401 == answer.status_code
        return
    assert target == answer.headers["location"]
    assert "/consent?" in scene.client.http.get(target).headers["location"]
