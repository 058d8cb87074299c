"""Black-box driver of the authorization server: everything an OAuth client and its user do.

It speaks HTTP only. In process it calls the WSGI application, against a running server it opens
connections; tests cannot tell the difference.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import jwt

from tests.support import short_way
from tests.support.dpop import DPoPKey
from tests.support.pages import form_with
from tests.support.specification import require_documented_response

DEFAULT_REDIRECT = "http://127.0.0.1:8765/callback"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_HOPS = 12


_opened: list[httpx.Client] = []


def close_all() -> None:
    """Every connection that a driver opened is closed."""
    while _opened:
        _opened.pop().close()


class FlowStopped(AssertionError):
    """The authorization request ended somewhere else than at the client's redirect URI."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(
            f"{response.request.method} {response.url}: {response.status_code}\n"
            f"{response.text[:1500]}"
        )
        self.response = response


@dataclass(frozen=True, slots=True)
class User:
    """A person at the browser."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Authorization:
    """What came back at the redirect URI, with the verifier that belongs to it."""

    parameters: dict[str, str]
    verifier: str
    redirect_uri: str
    sent: dict[str, Any]

    @property
    def code(self) -> str:
        """The authorization code. Raises: KeyError when the answer is an error."""
        return self.parameters["code"]

    @property
    def error(self) -> str | None:
        """The error code of the answer, None for a success."""
        return self.parameters.get("error")


def pkce_pair() -> tuple[str, str]:
    """A fresh verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(slots=True)
class OAuthClient:
    """One OAuth client and the browser of its user. `http` holds the browser's cookies."""

    http: httpx.Client
    issuer: str
    client_id: str = ""
    client_secret: str | None = None
    auth_method: str = "none"
    private_jwk: dict[str, Any] | None = None
    redirect_uri: str = DEFAULT_REDIRECT
    resource: str | None = None
    scope: str | None = None
    dpop: DPoPKey | None = None
    default_headers: dict[str, str] = field(default_factory=lambda: {"Accept": "application/json"})

    @classmethod
    def in_process(cls, *, issuer: str, **members: Any) -> Self:
        """Drives the application of this process, without a socket.

        Every answer of a documented route has to be one that is documented.
        """
        transport = httpx.WSGITransport(app=_application(), raise_app_exceptions=False)
        http = httpx.Client(
            transport=transport,
            base_url=issuer,
            event_hooks={"response": [require_documented_response]},
        )
        return cls(http=http, issuer=issuer, **members)

    @classmethod
    def at(cls, base_url: str, *, issuer: str | None = None, **members: Any) -> Self:
        """Drives a running server."""
        http = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
        _opened.append(http)
        return cls(http=http, issuer=issuer or base_url, **members)

    def sibling(self, **members: Any) -> OAuthClient:
        """Another client of the same server, in a browser without cookies."""
        if self._is_in_process:
            return OAuthClient.in_process(issuer=self.issuer, **members)
        return OAuthClient.at(str(self.http.base_url), issuer=self.issuer, **members)

    # Discovery

    def metadata(self) -> dict[str, Any]:
        """The RFC 8414 document."""
        return self.http.get("/.well-known/oauth-authorization-server").raise_for_status().json()

    def jwks(self) -> dict[str, Any]:
        """The public keys."""
        return self.http.get("/.well-known/jwks.json").raise_for_status().json()

    def claims(self, access_token: str, *, audience: str | None = None) -> dict[str, Any]:
        """The token's claims, verified as a resource server does: by the published keys."""
        header = jwt.get_unverified_header(access_token)
        keys = jwt.PyJWKSet.from_dict(self.jwks())
        options: dict[str, Any] = {"verify_aud": audience is not None}
        return jwt.decode(
            access_token,
            keys[header["kid"]],
            algorithms=["ES256", "EdDSA", "RS256"],
            audience=audience,
            issuer=self.issuer,
            options=options,
        )

    # Registration

    def register(self, **metadata: Any) -> httpx.Response:
        """POST to the registration endpoint; a success makes this driver that client."""
        body = {"redirect_uris": [self.redirect_uri], "client_name": "Test client"} | metadata
        answer = self.http.post("/oauth/register", json=body, headers=self.default_headers)
        if answer.status_code == httpx.codes.CREATED:
            registered = answer.json()
            self.client_id = registered["client_id"]
            self.client_secret = registered.get("client_secret")
            self.auth_method = registered.get("token_endpoint_auth_method", "none")
            if registered.get("redirect_uris"):
                self.redirect_uri = registered["redirect_uris"][0]
        return answer

    # The authorization request, with the user's hands

    def authorization_request(self, **overrides: Any) -> tuple[str, dict[str, Any], str]:
        """Path with query, the parameters sent, and the verifier; None removes a parameter."""
        verifier, challenge = pkce_pair()
        parameters: dict[str, Any] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": secrets.token_urlsafe(12),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "scope": self.scope,
            "resource": self.resource,
        } | overrides
        sent = {name: value for name, value in parameters.items() if value is not None}
        return f"/oauth/authorize?{urlencode(sent, doseq=True)}", sent, verifier

    def start(self, **overrides: Any) -> httpx.Response:
        """The first answer to an authorization request; no redirect is followed."""
        path, _, _ = self.authorization_request(**overrides)
        return self.http.get(path, headers={"Accept": "text/html"})

    def authorize(
        self,
        user: User,
        *,
        allow: bool = True,
        ticked: set[str] | None = None,
        **overrides: Any,
    ) -> Authorization:
        """The user follows the request through sign-in and consent to the redirect URI.

        Raises: FlowStopped when a page ends the flow; it carries that response.
        """
        path, sent, verifier = self.authorization_request(**overrides)
        redirect_uri = str(sent.get("redirect_uri", self.redirect_uri))
        arrived = self.follow(path, user, redirect_uri=redirect_uri, allow=allow, ticked=ticked)
        return Authorization(_query_of(arrived), verifier, redirect_uri, sent)

    def follow(
        self,
        url: str,
        user: User,
        *,
        redirect_uri: str,
        allow: bool = True,
        ticked: set[str] | None = None,
    ) -> str:
        """The URL below `redirect_uri` at which the user's browser arrives from `url`.

        Raises: FlowStopped when a page ends the flow; it carries that response.
        """
        response = self.http.get(url, headers={"Accept": "text/html"})
        for _ in range(MAX_HOPS):
            if response.is_redirect:
                target = str(response.url.join(response.headers["location"]))
                if _same_target(target, redirect_uri):
                    return target
                response = self.http.get(target, headers={"Accept": "text/html"})
            elif response.status_code == httpx.codes.OK and 'name="password"' in response.text:
                response = self.submit_sign_in(response, user)
                if response.status_code == httpx.codes.OK and 'name="password"' in response.text:
                    raise FlowStopped(response)
            elif response.status_code == httpx.codes.OK and 'name="session_id"' in response.text:
                response = self.submit_consent(response, allow=allow, ticked=ticked)
            else:
                raise FlowStopped(response)
        raise FlowStopped(response)

    def sign_in(self, user: User) -> httpx.Response:
        """The answer to the sign-in form, reached without an authorization request."""
        return self.submit_sign_in(self.http.get("/login", headers={"Accept": "text/html"}), user)

    def submit_sign_in(self, page: httpx.Response, user: User) -> httpx.Response:
        """The answer to this sign-in page's form."""
        form = form_with(page.text, url=str(page.url), field_name="password")
        return self.post_form(
            form.action, form.submission(email=user.email, password=user.password), page=page
        )

    def submit_consent(
        self, page: httpx.Response, *, allow: bool = True, ticked: set[str] | None = None
    ) -> httpx.Response:
        """The answer to this consent page's form."""
        form = form_with(page.text, url=str(page.url), field_name="session_id")
        button = ("action", "allow" if allow else "deny")
        return self.post_form(form.action, form.submission(button=button, ticked=ticked), page=page)

    def post_form(
        self, action: str, pairs: list[tuple[str, str]], *, page: httpx.Response
    ) -> httpx.Response:
        """A form post as a browser makes it from `page`."""
        source = urlsplit(str(page.url))
        headers = {
            "Accept": "text/html",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{source.scheme}://{source.netloc}",
            "Referer": str(page.url),
            "Sec-Fetch-Site": "same-origin",
        }
        return self.http.post(action, content=urlencode(pairs), headers=headers)

    # The token endpoint and its neighbours

    def token(
        self, *, path: str = "/oauth/token", headers: dict[str, str] | None = None, **form: Any
    ) -> httpx.Response:
        """POST to the token endpoint, authenticated as this client; a field of None is left out."""
        return self.post_as_client(path, form, headers=headers)

    def redeem(self, authorization: Authorization, **overrides: Any) -> httpx.Response:
        """Exchange the code of this authorization."""
        form = {
            "grant_type": "authorization_code",
            "code": authorization.code,
            "redirect_uri": authorization.redirect_uri,
            "code_verifier": authorization.verifier,
            "resource": authorization.sent.get("resource"),
        } | overrides
        return self.token(**form)

    def tokens(self, user: User, **overrides: Any) -> dict[str, Any]:
        """The token response of a fresh authorization, to which the user agreed."""
        answer = self.redeem(self._allowed(user, **overrides))
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def _allowed(self, user: User, **overrides: Any) -> Authorization:
        if overrides.keys() & {"allow", "ticked"} or not self._is_in_process:
            return self.authorize(user, **overrides)
        path, sent, verifier = self.authorization_request(**overrides)
        answer = short_way.code_for(self.http, user, path)
        if answer is None:
            return self.authorize(user, **overrides)
        redirect_uri = str(sent.get("redirect_uri", self.redirect_uri))
        return Authorization(dict(answer), verifier, redirect_uri, sent)

    @property
    def _is_in_process(self) -> bool:
        return isinstance(self.http._transport, httpx.WSGITransport)

    def refresh(self, refresh_token: str, **overrides: Any) -> httpx.Response:
        """Exchange a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token} | overrides
        return self.token(**form)

    def client_credentials(self, **overrides: Any) -> httpx.Response:
        """A token for the client itself."""
        form = {"grant_type": "client_credentials", "scope": self.scope, "resource": self.resource}
        return self.token(**(form | overrides))

    def exchange(self, subject_token: str | None, **overrides: Any) -> httpx.Response:
        """Exchange an access token for another one."""
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": subject_token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "resource": self.resource,
        } | overrides
        return self.token(**form)

    def introspect(self, token: str, **form: Any) -> httpx.Response:
        """Ask whether a token is active."""
        return self.post_as_client("/oauth/introspect", {"token": token} | form)

    def revoke(self, token: str, **form: Any) -> httpx.Response:
        """End a token."""
        return self.post_as_client("/oauth/revoke", {"token": token} | form)

    def userinfo(self, access_token: str) -> httpx.Response:
        """Claims about the user behind a token whose audience is the issuer.

        A driver with a DPoP key shows the token as bound to it.
        """
        path, key = "/oauth/userinfo", self.dpop
        if key is None:
            return self.http.get(path, headers={"Authorization": f"Bearer {access_token}"})

        def once() -> httpx.Response:
            proof = key.proof(self.issuer + path, method="GET", access_token=access_token)
            headers = {"Authorization": f"DPoP {access_token}", "DPoP": proof}
            return self.http.get(path, headers=headers)

        return self._with_nonce(once)

    def post_as_client(
        self, path: str, form: dict[str, Any], *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """A form post with this client's authentication; lists repeat the parameter.

        With a DPoP key it carries a proof; a demand for a nonce is answered once, with the same
        body, as clients do (RFC 9449 section 8). A `DPoP` header that is given is sent as it is.
        """
        sent_headers = self.default_headers | (headers or {})
        credentials, basic = self.client_authentication()
        if basic:
            sent_headers.setdefault("Authorization", basic)
        pairs = {name: value for name, value in (credentials | form).items() if value is not None}
        sent_headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        content, key = urlencode(pairs, doseq=True), self.dpop
        if key is None or "DPoP" in sent_headers:
            return self.http.post(path, content=content, headers=sent_headers)

        def once() -> httpx.Response:
            proof = {"DPoP": key.proof(self.issuer + path)}
            return self.http.post(path, content=content, headers=sent_headers | proof)

        return self._with_nonce(once)

    def _with_nonce(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer, after one more try when the server asked for a nonce; it is remembered."""
        answer = send()
        if self._remember_nonce(answer) and _demands_nonce(answer):
            answer = send()
            self._remember_nonce(answer)
        return answer

    def _remember_nonce(self, answer: httpx.Response) -> bool:
        given = answer.headers.get("DPoP-Nonce")
        if given and self.dpop is not None:
            self.dpop.nonce = given
        return bool(given)

    def client_authentication(self) -> tuple[dict[str, Any], str | None]:
        """Form members and Authorization header of the registered method."""
        match self.auth_method:
            case "client_secret_basic":
                pair = (
                    f"{quote(self.client_id, safe='')}:{quote(self.client_secret or '', safe='')}"
                )
                return {}, f"Basic {base64.b64encode(pair.encode()).decode()}"
            case "client_secret_post":
                return {"client_id": self.client_id, "client_secret": self.client_secret}, None
            case "private_key_jwt":
                assertion = self.client_assertion()
                return {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}, None
            case _:
                return {"client_id": self.client_id}, None

    def client_assertion(self, **overrides: Any) -> str:
        """A signed assertion, good unless a claim is overridden; None removes a claim."""
        assert self.private_jwk is not None
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        } | overrides
        key = jwt.PyJWK.from_dict(self.private_jwk)
        headers = {"kid": self.private_jwk["kid"]} if "kid" in self.private_jwk else {}
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            key.key,
            algorithm=self.private_jwk.get("alg", "ES256"),
            headers=headers,
        )


@cache
def _application() -> Any:
    """The application of this process, made once: loading it takes longer than a test."""
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def _demands_nonce(answer: httpx.Response) -> bool:
    challenge = answer.headers.get("WWW-Authenticate", "")
    return "use_dpop_nonce" in challenge or '"use_dpop_nonce"' in answer.text


def _same_target(url: str, redirect_uri: str) -> bool:
    got, wanted = urlsplit(url), urlsplit(redirect_uri)
    return (got.scheme, got.netloc, got.path) == (wanted.scheme, wanted.netloc, wanted.path)


def _query_of(url: str) -> dict[str, str]:
    return {
        name: values[-1]
        for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()
    }
