"""Read what a token endpoint answered, in the shapes that services use. Pure; nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from broker.upstream.base import TokenAnswer

MAX_TYPE: Final = 32
MAX_ACCOUNT: Final = 255
MAX_SECONDS: Final = 10 * 365 * 24 * 3600
MAX_FIELDS: Final = 100
MAX_DIGITS: Final = 11
TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")
"""What fits into an Authorization header without adding to it."""

KNOWN_ERRORS: Final = frozenset({
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
    "unsupported_grant_type", "invalid_scope", "access_denied", "invalid_target",
    "temporarily_unavailable", "server_error", "slow_down",
})  # fmt: skip
"""RFC 6749 sections 5.2 and 4.1.2.1, RFC 8707: all that a log may say about a refusal."""

FINAL: Final = frozenset({
    "invalid_grant", "bad_refresh_token", "invalid_refresh_token", "token_revoked",
    "token_expired", "invalid_auth", "account_inactive", "bad_verification_code", "invalid_code",
    "code_already_used", "code_expired",
})  # fmt: skip
"""What services say instead of `invalid_grant`: GitHub (bad_...), Slack (the rest)."""


class BadAnswer(Exception):
    """A successful answer without a token that can be used. The text is a constant."""


def members_of(body: bytes, document: Any, *, response_format: str) -> dict[str, Any]:
    """The members of an answer: of a form where that is the format, else of a JSON object.

    A body that is neither has no members.
    """
    if isinstance(document, dict):
        # Services of the form kind answer JSON to those who accept it, and for errors.
        return document
    if response_format != "form":
        return {}
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    return dict(pairs)


def error_code(members: Mapping[str, Any]) -> str | None:
    """The error an answer tells, from a closed list; None when it tells none.

    Services tell errors with status 200 too: GitHub with `error`, Slack with `ok: false`.
    """
    error = members.get("error")
    if error is None and members.get("ok") is not False:
        return None
    if not isinstance(error, str):
        return "other"
    if error in FINAL:
        return "invalid_grant"
    return error if error in KNOWN_ERRORS else "other"


def read_answer(
    members: Mapping[str, Any], *, response_format: str = "standard", separator: str = " "
) -> TokenAnswer:
    """The tokens of a successful answer.

    ``separator`` is what granted scopes are told with. Raises: BadAnswer.
    """
    found = _slack(members) if response_format == "slack" else members
    access_token = _token(found, "access_token")
    if access_token is None:
        raise BadAnswer("no access token")
    kind = found.get("token_type")
    return TokenAnswer(
        access_token=access_token,
        refresh_token=_token(found, "refresh_token"),
        expires_in=_seconds(found.get("expires_in")),
        scopes=_scopes(found.get("scope"), separator=separator),
        token_type=_kind(kind),
        account=_account(members),
        id_token=_id_token(members),
    )


def _slack(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """The person's tokens, which stand beside the bot's; a refresh answers with them alone."""
    nested = members.get("authed_user")
    if isinstance(nested, dict) and nested.get("access_token"):
        return nested
    if members.get("token_type") == "bot":
        # A bot's token would act as the app, not as the person who connected.
        raise BadAnswer("the token is not a person's")
    return members


def _token(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not TOKEN.fullmatch(value):
        raise BadAnswer(f"{name} is no token")
    return value


def _id_token(members: Mapping[str, Any]) -> str:
    """Read where it is asked for only: elsewhere a malformed one must not cost the tokens."""
    value = members.get("id_token")
    return value if isinstance(value, str) and TOKEN.fullmatch(value) else ""


def _seconds(value: Any) -> int | None:
    """Whole seconds; None for what says nothing. Some services send a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN compares false with everything.
    return int(value) if 0 < value <= MAX_SECONDS else None


def _scopes(value: Any, *, separator: str) -> tuple[str, ...] | None:
    if isinstance(value, list):
        named = [one for one in value if isinstance(one, str) and one]
    elif isinstance(value, str):
        named = [one.strip() for one in value.split(separator) if one.strip()]
    else:
        return None
    return tuple(dict.fromkeys(named)) or None


def _kind(value: Any) -> str:
    """The type of token as it is sent. Slack calls a person's bearer token `user`."""
    text = value if isinstance(value, str) else ""
    if text.lower() in {"", "bearer", "user"} or len(text) > MAX_TYPE or not text.isalnum():
        return "Bearer"
    return text


def _account(members: Mapping[str, Any]) -> str:
    """Whose account it is, where the answer says so; a hint for people, never an identity."""
    for find in _ACCOUNTS:
        value = find(members)
        if isinstance(value, str) and value.isprintable() and value:
            return value[:MAX_ACCOUNT]
    return ""


def _inside(outer: str, name: str) -> Callable[[Mapping[str, Any]], Any]:
    def find(members: Mapping[str, Any]) -> Any:
        inner = members.get(outer)
        return inner.get(name) if isinstance(inner, dict) else None

    return find


_ACCOUNTS: Final = (
    _inside("authed_user", "id"),
    lambda members: members.get("workspace_name"),
    lambda members: members.get("username"),
)
