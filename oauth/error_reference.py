"""The error codes of this server, explained to the people who meet them.

One entry per code on the wire. Statuses, descriptions and private reasons come from the table that
decides about answers; only the advice is written here. It does not decide anything itself.
"""

from dataclasses import dataclass
from typing import Final

from oauth.error_advice_servers import SERVERS
from oauth.errors import WIRE, Wire


@dataclass(frozen=True, slots=True)
class Advice:
    """What a code means to the caller, whether to try again, and what to do."""

    meaning: str
    retry: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One code with everything that is known about it."""

    code: str
    advice: Advice
    statuses: tuple[int, ...]
    descriptions: tuple[str, ...]
    reasons: tuple[str, ...]


_NO = "No"

ADVICE: Final[dict[str, Advice]] = {
    "access_denied": Advice(
        "The user said no, or a policy of this server does.",
        _NO,
        "Tell the user. An operator can look up the private reason in the audit record.",
    ),
    "conflict": Advice(
        "The object is not in the state that the request expects, or somebody else changed it.",
        "After reading it again",
        "Fetch the object, decide anew, repeat the request.",
    ),
    "consent_required": Advice(
        "The user has not allowed this yet.",
        "After the user has allowed it",
        "On an exchange: show consent_url to the user, then repeat the request. On an authorization"
        " request: start a fresh one without prompt=none.",
    ),
    "insufficient_scope": Advice(
        "The token is good, but it was not issued for this.",
        _NO,
        "Ask for the missing scope in a new authorization request.",
    ),
    "interaction_required": Advice(
        "The user has to do something, and the request forbade asking.",
        _NO,
        "Start a fresh authorization request without prompt=none.",
    ),
    "invalid_client": Advice(
        "The client is unknown, is not active, or did not prove who it is by the one method it"
        " registered. Which of these it was is not told to strangers.",
        _NO,
        "Check client id, credentials and registered authentication method. A client that"
        " registered itself and was not used for a long time has lapsed: register again.",
    ),
    "invalid_client_metadata": Advice(
        "A member of the registration, or of the client's metadata document, is not acceptable.",
        _NO,
        "Correct the metadata; this server's metadata says what is supported.",
    ),
    "invalid_dpop_proof": Advice(
        "The DPoP proof is wrong, was used before, or is missing where the resource requires one.",
        "Yes, with a fresh proof",
        "Make a new proof for every request: its own `jti`, this method and URL, the present time,"
        " the nonce the server gave last. The resource's metadata says whether they are required.",
    ),
    "invalid_grant": Advice(
        "The code or refresh token is wrong, expired, already used, revoked, or belongs to another"
        " client, redirect URI or verifier.",
        _NO,
        "Start a fresh authorization request. If it happens to valid tokens, look for two processes"
        " that share one refresh token: a token used twice ends its whole family.",
    ),
    "invalid_redirect_uri": Advice(
        "A redirect URI is not https, not loopback http, not a permitted private scheme, or not"
        " approved on this server.",
        _NO,
        "Register a redirect URI that this server accepts.",
    ),
    "invalid_request": Advice(
        "The request is malformed: something is missing, repeated, too long or of the wrong type.",
        _NO,
        "Read the description, it is constant for each cause, and correct the request.",
    ),
    "invalid_request_object": Advice(
        "The signed request is not signed by a registered key, is not for this server, has expired "
        "or was pushed before.",
        "Once, newly signed",
        "Sign it with a registered key: iss is the client_id, aud the issuer, exp within an hour.",
    ),
    "invalid_request_uri": Advice(
        "The pushed request is unknown, older than a minute, used, or another browser's.",
        "Once, pushed anew",
        "Push the request again and send the user at once, to one browser.",
    ),
    "invalid_scope": Advice(
        "A scope is unknown to the resource, above what the client may have, or wider than what was"
        " granted.",
        _NO,
        "Ask only for scopes that the resource's metadata lists, or omit scope for its defaults.",
    ),
    "invalid_target": Advice(
        "The resource parameter names no resource of this server, or several different ones.",
        _NO,
        "Send the resource exactly as its protected-resource metadata spells it, on authorization"
        " and token requests alike.",
    ),
    "invalid_token": Advice(
        "The token presented as a credential is not valid here, or not any more.",
        _NO,
        "Refresh it, or start a fresh authorization request.",
    ),
    "login_required": Advice(
        "Nobody is signed in, and the request forbade asking.",
        _NO,
        "Start a fresh authorization request without prompt=none.",
    ),
    "not_found": Advice(
        "There is no such object or route.",
        _NO,
        "Check the id. An object of another kind is not found here either.",
    ),
    "passthrough_not_allowed": Advice(
        "An OAuth proxy in the mode upstream has no tokens of its own, and is possible only for a"
        " registered resource, whose audience is checked.",
        _NO,
        "Clients: get tokens from the server that the resource's metadata names. Operators:"
        " register the target as a resource, or use the mode gateway.",
    ),
    "rate_limit_exceeded": Advice(
        "Too many requests from this address or of this software.",
        "After Retry-After seconds",
        "Wait, then go on more slowly. The X-RateLimit headers show the budget.",
    ),
    "request_uri_not_supported": Advice(
        "The request points to a document at an address, which this server does not fetch.",
        _NO,
        "Push the request to the endpoint for that, or send its parameters in the query.",
    ),
    "server_error": Advice(
        "Something failed on this side. Nothing was changed.",
        "With growing pauses",
        "If it stays, give the request id of the answer to the operator, whose log has the cause.",
    ),
    "slow_down": Advice(
        "Too many token requests from this address.",
        "After Retry-After seconds",
        "Wait, then go on more slowly. Keep access tokens until they expire.",
    ),
    "temporarily_unavailable": Advice(
        "A part that this request needs does not answer at the moment. Nothing was spent.",
        "After Retry-After seconds",
        "Repeat the same request.",
    ),
    "unauthorized": Advice(
        "The operator API needs its key.",
        _NO,
        "Send Authorization: Bearer with the operator API key.",
    ),
    "unauthorized_client": Advice(
        "The client is known, but this grant is not among those it may use, or an administrator has"
        " not approved the client yet.",
        _NO,
        "Register the client with this grant type, or use one that it has. A client that waits for"
        " approval works as soon as it is given; ask the operators of this server.",
    ),
    "unmet_authentication_requirements": Advice(
        "The application wants a way of signing in (acr_values) that is not to be had here.",
        _NO,
        "Ask for a value that acr_values_supported lists. Operators configure sign_in.acr_values.",
    ),
    "unsupported_grant_type": Advice(
        "This server does not offer the grant type, or it is switched off.",
        _NO,
        "grant_types_supported in the metadata lists what is offered.",
    ),
    "unsupported_response_type": Advice(
        "Only response_type=code is offered.",
        _NO,
        "Use the authorization code flow with PKCE.",
    ),
    "use_dpop_nonce": Advice(
        "The DPoP proof must hold a nonce of this server, and holds none or an old one.",
        "Yes, at once",
        "Put the value of the `DPoP-Nonce` header of this answer into a new proof and send the same"
        " request again; nothing of it was used up. Keep the latest nonce for the next request.",
    ),
    **{code: Advice(*texts) for code, (_, _, *texts) in SERVERS.items()},
}

OUTSIDE_THE_TABLE: Final[dict[str, Wire]] = {
    "conflict": Wire("conflict", 409, "the object is not in the state this needs"),
    "not_found": Wire("not_found", 404, "there is no such object"),
    "passthrough_not_allowed": Wire(
        "passthrough_not_allowed", 400, "this proxy hands no tokens of its own out"
    ),
    "rate_limit_exceeded": Wire("rate_limit_exceeded", 429, "rate limit exceeded"),
    "unauthorized": Wire("unauthorized", 401, "the operator key is missing or wrong"),
    **{code: Wire(code, status, text) for code, (status, text, *_) in SERVERS.items()},
}
"""Codes of routes that are not OAuth endpoints."""


def entries() -> list[Entry]:
    """Every code, in alphabetical order. Raises: KeyError for a code without advice."""
    by_code: dict[str, list[tuple[str, Wire]]] = {}
    for reason, wire in WIRE.items():
        by_code.setdefault(wire.error, []).append((reason.value, wire))
    for code, wire in OUTSIDE_THE_TABLE.items():
        by_code.setdefault(code, []).append(("", wire))
    return [_entry(code, found) for code, found in sorted(by_code.items())]


def _entry(code: str, found: list[tuple[str, Wire]]) -> Entry:
    return Entry(
        code=code,
        advice=ADVICE[code],
        statuses=tuple(sorted({wire.status for _, wire in found})),
        descriptions=tuple(dict.fromkeys(wire.description for _, wire in found)),
        reasons=tuple(reason for reason, _ in found if reason),
    )
