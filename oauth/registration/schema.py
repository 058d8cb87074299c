"""Client metadata (RFC 7591): read strictly, every problem told at once, nothing echoed.

The same reader serves dynamic registration, metadata documents and administrators; `Rules` says
where they differ. It touches neither database nor network.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from authplane.core.config import config
from authplane.core.uris import check_redirect_uri
from oauth.clients.certificates import is_enabled
from oauth.clients.jwks import jwks_problem
from oauth.clients.policy import (
    CERTIFICATE_METHOD,
    KEY_METHOD,
    SWITCHES,
    USER_GRANTS,
    enabled_grants,
)
from oauth.errors import Reason
from oauth.registration.keys import names_keys, read_jwks, read_jwks_uri, read_signing_alg
from oauth.registration.rules import Rules
from oauth.registration.security import PLAIN, Security, names_subject, read_security
from oauth.registration.values import is_plain_text, is_web_url, scheme_of

MAX_TEXT: Final = 255
SHOWN_URLS: Final = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
DEFAULT_GRANTS: Final = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a client is, after every rule was applied. `redirect_uris` None: it did not say."""

    name: str
    redirect_uris: tuple[str, ...] | None
    grant_types: tuple[str, ...]
    auth_method: str
    signing_alg: str = ""
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    application_type: str | None = None
    is_agent: bool = False
    agent_description: str = ""
    software_id: str = ""
    software_version: str = ""
    urls: Mapping[str, str] | None = None
    security: Security = PLAIN


class Problem(NamedTuple):
    """One broken rule in constant words, and whether it is about the value of a redirect URI."""

    text: str
    about_redirect: bool = False


class BadMetadata(Exception):
    """Metadata that breaks at least one rule."""

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("; ".join(problem.text for problem in self.problems))

    @property
    def reason(self) -> Reason:
        """`invalid_redirect_uri` when nothing else is wrong (RFC 7591 section 3.2.2)."""
        if all(problem.about_redirect for problem in self.problems):
            return Reason.REDIRECT_INVALID
        return Reason.CLIENT_METADATA_INVALID

    @property
    def description(self) -> str:
        """Every problem, for the developer of the client."""
        return f"client validation failed: {self}"


def read_metadata(document: Mapping[str, Any], *, rules: Rules) -> Metadata:
    """The metadata, with defaults filled in. Members we do not know are ignored.

    Spec: RFC 7591 section 2.
    Raises: BadMetadata with every problem.
    """
    return _Reader(document, rules).read()


class _Reader:
    def __init__(self, document: Mapping[str, Any], rules: Rules) -> None:
        self.document = document
        self.rules = rules
        self.problems: list[Problem] = []

    def read(self) -> Metadata:
        method = self._auth_method()
        grant_types = self._grant_types(method)
        security = read_security(
            self.document,
            method=method,
            is_document=self.rules.is_document,
            complain=self._complain,
        )
        keyed = method == KEY_METHOD or security.may_sign
        metadata = Metadata(
            name=self._text("client_name", is_required=True),
            redirect_uris=self._redirect_uris(grant_types),
            grant_types=grant_types,
            auth_method=method,
            signing_alg=read_signing_alg(self.document, self._complain)
            if method == KEY_METHOD
            else "",
            jwks=read_jwks(self.document, self._complain) if keyed else None,
            jwks_uri=read_jwks_uri(self.document, self._complain) if keyed else "",
            application_type=self._application_type(),
            is_agent=self._is_agent(),
            agent_description=self._text("agent_description"),
            software_id=self._text("software_id"),
            software_version=self._text("software_version"),
            urls=self._shown_urls(),
            security=security,
        )
        self._require_keys(metadata)
        self._require_response_types()
        if self.rules.is_document:
            self._refuse_secrets()
        if self.problems:
            raise BadMetadata(self.problems)
        return metadata

    def _complain(self, text: str, *, about_redirect: bool = False) -> None:
        self.problems.append(Problem(text, about_redirect))

    def _text(self, name: str, *, is_required: bool = False) -> str:
        """A member that is one line of text; "" when absent.

        Control characters and lone surrogates are refused: they break logs, pages and the
        database's own encoding.
        """
        value = self.document.get(name)
        if value is None or value == "":
            if is_required:
                self._complain(f"{name} is required")
            return ""
        if not isinstance(value, str):
            self._complain(f"{name} must be a string")
            return ""
        if not is_plain_text(value):
            self._complain(f"{name} must not hold control characters")
            return ""
        if len(value.encode()) > MAX_TEXT:
            self._complain(f"{name} must have at most {MAX_TEXT} bytes")
            return ""
        if is_required and not value.strip():
            self._complain(f"{name} is required")
        return value

    def _strings(self, name: str) -> tuple[str, ...] | None:
        """A member that is a list of strings; None when absent or malformed."""
        value = self.document.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            self._complain(f"{name} must be an array of strings")
            return None
        return tuple(dict.fromkeys(value))

    def _redirect_uris(self, grant_types: Collection[str]) -> tuple[str, ...] | None:
        """Spec: RFC 7591 section 2: redirect-based clients MUST register their redirect URIs."""
        before = len(self.problems)
        uris = self._strings("redirect_uris")
        if not uris and len(self.problems) == before and USER_GRANTS & set(grant_types):
            self._complain("redirect_uris is required for these grant types")
        if uris and len(uris) > self.rules.max_redirect_uris:
            self._complain(f"at most {self.rules.max_redirect_uris} redirect_uris are allowed")
            return uris
        for uri in uris or ():
            schemes = (scheme_of(uri),) if self.rules.any_private_scheme else None
            problem = check_redirect_uri(
                uri, private_schemes=schemes or config().dcr.private_schemes
            )
            if problem is not None:
                self._complain(problem, about_redirect=True)
        return uris

    def _grant_types(self, method: str) -> tuple[str, ...]:
        """Grants the client may use.

        A document is written for every server at once, so what we do not offer is skipped there;
        to a client that cannot prove itself we offer users' grants alone. A client that registers
        with us in particular is told.
        """
        asked = self._strings("grant_types") or DEFAULT_GRANTS
        enabled = enabled_grants()
        if self.rules.is_document:
            enabled = enabled & USER_GRANTS if method == "none" else enabled
            held = tuple(name for name in asked if name in enabled)
            if not held:
                self._complain("grant_types names no grant type that is available here")
            return held
        for name in asked:
            if name in SWITCHES and name not in enabled:
                self._complain(
                    f"grant_types names a grant type that is switched off: set {SWITCHES[name]}"
                )
            elif name not in enabled:
                self._complain("grant_types names a grant type that is not supported")
        return asked

    def _auth_method(self) -> str:
        """One method for the client: the one it names, else the first that both sides can do.

        Spec: OpenID Connect RP Metadata Choices 1.0 section 2 (the plural member, in the order of
        the client's preference).
        """
        named = self.document.get("token_endpoint_auth_method")
        choices = self._strings("token_endpoint_auth_methods_supported")
        if named is None and choices and self.rules.is_document:
            for choice in choices:
                if choice == "none" or (choice == KEY_METHOD and names_keys(self.document)):
                    return choice
                if choice == CERTIFICATE_METHOD and is_enabled() and names_subject(self.document):
                    return choice
            self._complain("token_endpoint_auth_methods_supported names no method available here")
            return "none"
        if named is None or named == "":
            return "none"
        if not isinstance(named, str) or named not in self.rules.auth_methods:
            self._complain("token_endpoint_auth_method is not supported")
            return "none"
        return named

    def _require_keys(self, metadata: Metadata) -> None:
        """Spec: RFC 7591 section 2: jwks and jwks_uri MUST NOT both be present."""
        if self.document.get("jwks") is not None and self.document.get("jwks_uri"):
            self._complain("jwks and jwks_uri must not both be present")
        elif metadata.auth_method == KEY_METHOD and not names_keys(self.document):
            self._complain("private_key_jwt needs jwks or jwks_uri")
        elif metadata.security.signs and not names_keys(self.document):
            self._complain("require_signed_request_object needs jwks or jwks_uri")

    def _application_type(self) -> str | None:
        value = self.document.get("application_type")
        if value is None or value == "":
            return None
        if value not in ("web", "native"):
            self._complain("application_type must be web or native")
            return None
        return str(value)

    def _is_agent(self) -> bool:
        value = self.document.get("agent", False)
        if value is None:
            return False
        if not isinstance(value, bool):
            self._complain("agent must be true or false")
            return False
        return value and not self.rules.is_document

    def _require_response_types(self) -> None:
        asked = self._strings("response_types")
        if asked and (set(asked) != {"code"} and not self.rules.is_document):
            self._complain("response_types must be code")
        if asked and self.rules.is_document and "code" not in asked:
            self._complain("response_types must include code")

    def _shown_urls(self) -> dict[str, str]:
        """Addresses about the client, for people. One that is no https URL is dropped."""
        found = {name: self.document.get(name) for name in SHOWN_URLS}
        return {name: str(value) for name, value in found.items() if is_web_url(value)}

    def _refuse_secrets(self) -> None:
        """Spec: draft-ietf-oauth-client-id-metadata-document-02: no shared secret of any kind."""
        if "client_secret" in self.document or "client_secret_expires_at" in self.document:
            self._complain("a metadata document must not hold a client secret")
        if self.document.get("jwks") is not None:
            problem = jwks_problem(self.document["jwks"])
            if problem is not None:
                self._complain(problem)
