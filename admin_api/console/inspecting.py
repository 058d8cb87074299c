"""What a pasted token says, and how much of it is proven."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from authplane.core.config import config
from authplane.core.hashing import b64url_decode
from authplane.core.ids import id_or_none
from authplane.core.jose import ASYMMETRIC, JoseError, verify_jws
from oauth.keys.record import KeyRecord, State, state_of
from oauth.keys.store import keys_in_force
from oauth.tokens.standing import Standing, read_standing

MAX_TOKEN: Final = 16_384
_COMPACT: Final = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_TIMES: Final = {
    "iat": "issued", "nbf": "valid from", "exp": "expires", "auth_time": "signed in",
}  # fmt: skip
_STEPS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
WORDS: Final = {
    "issuance_revoked": "the token itself was revoked",
    "token_revoked": "its family was revoked",
    "issuing_client_inactive": "the client is suspended, revoked or gone",
    "subject_inactive": "the user is disabled or gone",
    "ancestor_ended": "a token it descends from has ended",
    "ancestor_unknown": "a token it descends from is gone",
    "consent_revoked": "the user withdrew consent",
    "resource_policy": "the rules of its resource no longer allow it",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One time of the token, exactly and in words."""

    claim: str
    meaning: str
    at: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is known of a token. ``tone`` is ``good``, ``warn`` or ``bad``."""

    tone: str
    verdict: str
    reasons: tuple[str, ...]
    is_verified: bool
    header: str
    claims: str
    kid: str
    key_state: str
    algorithm: str
    issuer: str
    jti: uuid.UUID | None
    moments: tuple[Moment, ...]
    standing: str
    binding: str


class NotAToken(Exception):
    """What was pasted is no signed token. The text says why, and repeats nothing of it."""


def looks_like_a_token(text: str) -> bool:
    """Three parts that begin like JSON in base64url: a whole JWT and nothing else."""
    return len(text) <= MAX_TOKEN and _COMPACT.fullmatch(_tidy(text)) is not None


def inspect(text: str, *, now: datetime) -> Inspection:
    """The token read, its signature checked against our keys, its standing taken from the ledger.

    Nothing of it is kept or logged. What no key of ours has signed is shown, and called unproven.

    Raises: NotAToken.
    """
    token = _tidy(text)
    header, claims = _read(token)
    algorithm, kid = str(header.get("alg", "")), str(header.get("kid", ""))
    key = next((known for known in keys_in_force().known.keys if known.kid == kid), None)
    state = state_of(key, among=list(keys_in_force().known.keys), now=now) if key else None
    unproven = _why_unproven(token, claims, algorithm=algorithm, key=key)
    jti = id_or_none(str(claims.get("jti", "")))
    standing = read_standing(jti) if jti and not unproven else None
    reasons = unproven or tuple(_objections(claims, state=state, standing=standing, now=now))
    return Inspection(
        tone="bad" if unproven else "warn" if reasons else "good",
        verdict=_verdict(bool(unproven), bool(reasons)),
        reasons=reasons,
        is_verified=not unproven,
        header=_pretty(header),
        claims=_pretty(claims),
        kid=kid,
        key_state=str(state or ("unknown" if kid else "")),
        algorithm=algorithm,
        issuer=str(claims.get("iss", "")),
        jti=jti,
        moments=tuple(_moments(claims, now=now)),
        standing=_in_words(standing, is_proven=not unproven),
        binding=_binding(claims),
    )


def claimed_jti(text: str) -> uuid.UUID | None:
    """The `jti` that a pasted token claims to have, for looking it up; proven by nothing."""
    try:
        return id_or_none(str(_read(_tidy(text))[1].get("jti", "")))
    except NotAToken:
        return None


def _verdict(is_unproven: bool, has_objections: bool) -> str:
    if is_unproven:
        return "Not verified: nothing below is proven"
    return (
        "Signed by this server, but not accepted now"
        if has_objections
        else "Signed by this server and in force"
    )


def _why_unproven(
    token: str, claims: dict[str, Any], *, algorithm: str, key: KeyRecord | None
) -> tuple[str, ...]:
    """Why the signature proves nothing; empty when a key of ours has made it.

    Spec: RFC 8725 sections 3.1 (the algorithm is the key's own, never the header's) and 3.8.
    """
    issuer = str(claims.get("iss", ""))
    if algorithm.lower() == "none":
        return ("Its header says alg none: it carries no signature, and anybody can write one.",)
    if algorithm not in ASYMMETRIC:
        return ("Its algorithm is not one that this server signs with.",)
    if not _is_ours(issuer):
        return ("It names another issuer, whose keys are not asked here.",)
    if key is None:
        return ("It names this server as its issuer, but no key of this server by its kid.",)
    try:
        known = key.public_jwk | {"kid": key.kid, "alg": key.algorithm}
        verify_jws(token, keys=[known], algorithms=[key.algorithm], typ=None)
    except JoseError:
        return ("The signature does not fit the key that it names: forged, altered or damaged.",)
    return ()


def _is_ours(issuer: str) -> bool:
    base = config().server.issuer
    return issuer == base or issuer.startswith(f"{base.rstrip('/')}/api/v1/oauth-proxy/")


def _objections(
    claims: dict[str, Any], *, state: State | None, standing: Standing | None, now: datetime
) -> Any:
    """Why a token with a right signature is refused all the same."""
    if state is State.RETIRED:
        yield "The key that signed it is retired: nobody accepts its signatures any more."
    moment = now.timestamp()
    expires, begins = claims.get("exp"), claims.get("nbf", claims.get("iat"))
    if isinstance(expires, int | float) and moment >= expires:
        yield "It has expired."
    if isinstance(begins, int | float) and moment < begins:
        yield "It is not valid yet."
    if standing is None:
        yield "The ledger does not know its jti: past retention, or it is no access token."
    elif standing.ended_because:
        yield f"It has ended: {WORDS.get(standing.ended_because, standing.ended_because)}."


def _in_words(standing: Standing | None, *, is_proven: bool) -> str:
    if not is_proven:
        return "not looked up, because the jti is not proven"
    if standing is None:
        return "unknown to the ledger"
    if standing.ended_because:
        return f"ended: {WORDS.get(standing.ended_because, standing.ended_because)}"
    above = standing.ancestors
    return "in force" + (f", {above} token{'s' if above > 1 else ''} above it" if above else "")


def _binding(claims: dict[str, Any]) -> str:
    """Spec: RFC 9449 section 6.1 (jkt); RFC 8705 section 3.1 (x5t#S256)."""
    bound = claims.get("cnf")
    if not isinstance(bound, dict):
        return "none: whoever holds it can use it (Bearer)"
    if "jkt" in bound:
        return f"DPoP key {bound['jkt']}"
    return (
        f"client certificate {bound['x5t#S256']}" if "x5t#S256" in bound else "of an unknown kind"
    )


def _moments(claims: dict[str, Any], *, now: datetime) -> Any:
    for claim, meaning in _TIMES.items():
        seconds = claims.get(claim)
        if isinstance(seconds, int | float) and not isinstance(seconds, bool):
            try:
                at = datetime.fromtimestamp(seconds, tz=UTC)
            except (OverflowError, ValueError, OSError):
                yield Moment(claim, meaning, "not a time", "")
                continue
            yield Moment(claim, meaning, f"{at:%Y-%m-%d %H:%M:%S} UTC", in_words(at, now=now))


def in_words(at: datetime, *, now: datetime) -> str:
    """How far away a moment is: `3 minutes ago`, `in 2 days`."""
    seconds = int((at - now).total_seconds())
    for size, unit in _STEPS:
        count = abs(seconds) // size
        if count:
            text = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {text}" if seconds > 0 else f"{text} ago"
    return "now"


def _tidy(text: str) -> str:
    """What people copy along: white space, line breaks, and the scheme of the header."""
    joined = "".join(text.split())
    for scheme in ("Authorization:", "Bearer", "DPoP"):
        joined = joined.removeprefix(scheme)
    return joined


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > MAX_TOKEN:
        raise NotAToken("This is longer than any token.")
    parts = token.split(".")
    if len(parts) == 5:  # noqa: PLR2004 - RFC 7516 section 3.1
        raise NotAToken("This is an encrypted token (JWE); only its addressee can read it.")
    if len(parts) != 3:  # noqa: PLR2004 - RFC 7515 section 3.1
        raise NotAToken("This is no signed token (JWT): it does not have three parts.")
    return _object(parts[0], "header"), _object(parts[1], "claims")


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(b64url_decode(part).decode("utf-8"))
    except (ValueError, RecursionError):
        raise NotAToken(f"Its {name} cannot be read: some of it is missing or altered.") from None
    if not isinstance(found, dict):
        raise NotAToken(f"Its {name} is no JSON object.")
    return found


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
