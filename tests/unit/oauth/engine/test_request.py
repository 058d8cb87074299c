"""The sealed token request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth2.rfc6749 import errors

from oauth.engine.request import REPEATABLE, TokenRequest
from oauth.errors import OAuthError, Reason

ENDPOINT = "https://as.example.com/oauth/token"
KNOWN = ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope"]
names = st.one_of(
    st.sampled_from([*KNOWN, "client_id", "user", "client", "scopes", "source", "resource"]),
    st.text(max_size=10),
)
pairs = st.lists(st.tuples(names, st.text(max_size=10)), max_size=6)


def sealed(*given_pairs: tuple[str, str]) -> TokenRequest:
    return TokenRequest(given_pairs, endpoint=ENDPOINT)


def has_repetition(form) -> bool:
    single = [name for name, _ in form if name not in REPEATABLE]
    return len(single) != len(set(single))


@given(pairs)
def test_either_it_is_sealed_or_a_parameter_is_repeated(form):
    if has_repetition(form):
        with pytest.raises(OAuthError) as refused:
            sealed(*form)
        assert refused.value.reason is Reason.PARAMETER_DUPLICATED
        return
    request = sealed(*form)
    assert request.parameters == {name: value for name, value in form if value}
    assert "" not in request.parameters.values()


@given(pairs.filter(lambda form: not has_repetition(form)))
def test_what_the_client_sent_is_no_finding_of_the_server(form):
    request = sealed(*form)

    for name in ("client", "user", "scopes", "source", "authorization", "minted_access"):
        assert getattr(request, name) is None
    assert request.uri == request.endpoint == ENDPOINT
    assert request.http_method == "POST"
    assert request.headers == {}


@given(pairs.filter(lambda form: not has_repetition(form)))
def test_its_representation_shows_no_parameter_but_the_grant(form):
    request = sealed(*form)
    shown = repr(request)
    for name, value in request.parameters.items():
        if name != "grant_type" and len(value) > 3:
            assert value not in shown.replace(repr(request.parameters.get("grant_type")), "")


def test_resource_and_audience_may_be_repeated_and_keep_their_order():
    request = sealed(("resource", "a"), ("audience", "b"), ("resource", "a"), ("resource", ""))

    assert request.resources == ("a", "b", "a")


def test_names_that_grants_do_not_read_are_no_attributes():
    request = sealed(("password", "x"), ("username", "y"))

    for name in ("password", "username", "device_code", "client_secret"):
        with pytest.raises(AttributeError):
            getattr(request, name)


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidRequestError, errors.InvalidClientError, errors.InvalidGrantError,
        errors.InvalidScopeError, errors.UnauthorizedClientError, errors.MissingCodeVerifierError,
        errors.UnsupportedGrantTypeError, errors.MismatchingRedirectURIError,
    ],
)  # fmt: skip
def test_every_error_of_oauthlib_can_be_made_from_it(error):
    """Its errors read names from the request they are about."""
    made = error(request=sealed(("grant_type", "refresh_token"), ("client_id", "x")))

    assert (made.grant_type, made.client_id) == ("refresh_token", "x")
