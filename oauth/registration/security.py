"""Client metadata that asks for more protection: pushed and signed requests, bound tokens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from oauth.clients.certificate_subjects import SUBJECT_MEMBERS, subject_problem
from oauth.clients.certificates import is_enabled
from oauth.clients.policy import ASSERTION_ALGORITHMS, CERTIFICATE_METHOD

SWITCH_MEMBERS: Final = (
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens",
)
SECURITY_MEMBERS: Final = (*SWITCH_MEMBERS, "request_object_signing_alg", *SUBJECT_MEMBERS)

Complain = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Security:
    """What the client demands of itself. `subject` is its certificate's one registered name."""

    pushes: bool = False
    signs: bool = False
    binds_to_certificate: bool = False
    binds_to_key: bool = False
    request_alg: str = ""
    subject: Mapping[str, str] | None = None

    @property
    def may_sign(self) -> bool:
        """The client means to sign requests, so its keys are of use whatever its method."""
        return self.signs or bool(self.request_alg)


PLAIN: Final = Security()
"""A client that demands nothing."""


def read_security(
    document: Mapping[str, Any], *, method: str, is_document: bool, complain: Complain
) -> Security:
    """The members, every problem told through `complain`.

    What this server cannot do is refused, except in a document, which speaks to every server.

    Spec: RFC 9126 section 6; RFC 9101 section 10.5; RFC 8705 sections 2.1.2 and 3.4; RFC 9449
    section 5.2.
    """
    switches = {name: _switch(document, name, complain) for name in SWITCH_MEMBERS}
    binds = switches["tls_client_certificate_bound_access_tokens"]
    can_bind = is_enabled() and method != "none"
    if binds and not can_bind and not is_document:
        complain(
            "tls_client_certificate_bound_access_tokens needs client certificates, which are "
            "switched off: set AUTHPLANE_TLS_CLIENT_AUTH_TRUSTED_PROXIES"
            if not is_enabled()
            else "tls_client_certificate_bound_access_tokens needs a client that authenticates"
        )
    return Security(
        pushes=switches["require_pushed_authorization_requests"],
        signs=switches["require_signed_request_object"],
        binds_to_certificate=binds and can_bind,
        binds_to_key=switches["dpop_bound_access_tokens"],
        request_alg=_request_alg(document, complain),
        subject=_subject(document, complain) if method == CERTIFICATE_METHOD else None,
    )


def names_subject(document: Mapping[str, Any]) -> bool:
    """The document says by which name its certificates are known."""
    return any(document.get(name) for name in SUBJECT_MEMBERS)


def _switch(document: Mapping[str, Any], name: str, complain: Complain) -> bool:
    value = document.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        complain(f"{name} must be true or false")
        return False
    return value


def _request_alg(document: Mapping[str, Any], complain: Complain) -> str:
    """Spec: RFC 9101 section 10.5: `none` would make the signature a decoration."""
    value = document.get("request_object_signing_alg")
    if value is None or value == "":
        return ""
    if value not in ASSERTION_ALGORITHMS:
        complain("request_object_signing_alg is not supported")
        return ""
    return str(value)


def _subject(document: Mapping[str, Any], complain: Complain) -> dict[str, str] | None:
    """Spec: RFC 8705 section 2.1.2: exactly one of the members MUST be used."""
    if not is_enabled():
        complain("tls_client_auth is switched off: set AUTHPLANE_TLS_CLIENT_AUTH_TRUSTED_PROXIES")
    named = {name: document[name] for name in SUBJECT_MEMBERS if document.get(name)}
    if len(named) != 1:
        complain(f"tls_client_auth needs exactly one of: {', '.join(SUBJECT_MEMBERS)}")
        return None
    [(member, value)] = named.items()
    problem = subject_problem(member, value)
    if problem is not None:
        complain(problem)
        return None
    return {member: str(value)}
