"""Judge a provider's configuration when it is written, not when its first user needs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from broker.errors import Problem
from broker.providers.addresses import is_acceptable
from broker.providers.presets import complete, preset_named
from broker.providers.settings import (
    ApiKeySettings,
    McpSettings,
    OAuthSettings,
    ServiceAccountSettings,
    Settings,
)

SECRET_NAME: Final = re.compile(
    r"(CONNECTOR_|AUTHPLANE_VAULT_(?!(ADDR|APPROLE_|TIMEOUT|TOKEN|TRANSIT_)))[A-Z][A-Z0-9_]*"
)
"""Variables that may hold upstream secrets: a row cannot name PATH or another system's key, nor
what opens this server's own vault, and have it sent to a URL of the row's choice."""

LOOKS_SECRET: Final = re.compile(r"(?i)_(secret|password)$")
AUTH_METHODS: Final = ("client_secret_post", "client_secret_basic", "private_key_jwt", "none")
RESPONSE_FORMATS: Final = ("standard", "form", "slack")
REQUEST_FORMATS: Final = ("form", "json")
SCOPE_PARAMETERS: Final = ("scope", "user_scope")
SEPARATORS: Final = (" ", ",")
REFRESH_TOKENS: Final = ("always", "sometimes", "never")
ALGORITHMS: Final = ("RS256", "ES256")
RESERVED: Final = frozenset({
    "client_id", "client_secret", "response_type", "state", "code_challenge",
    "code_challenge_method", "redirect_uri", "scope",
})  # fmt: skip
NOT_OURS_TO_SET: Final = frozenset({
    "connection", "content-length", "cookie", "host", "te", "trailer", "transfer-encoding",
    "upgrade",
})  # fmt: skip
"""Headers that a pasted key must not become: they would change where a request goes or ends."""

HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
"""RFC 6749 section 3.3."""

PLACE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
"""What fills a place in a preset's URL: a host or a tenant, never a path to elsewhere."""

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_EXTRA: Final = 20
MAX_SCOPES: Final = 50
MAX_TEXT: Final = 256
MAX_URL: Final = 2048
LEAST_TTL, MOST_TTL = 30, 3600


class _Reader:
    """Members of one configuration, taken one by one; what is left over was not expected."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.members = dict(members)
        self.problems: list[Problem] = []

    def wrong(self, name: str, description: str) -> None:
        self.problems.append(Problem(f"config_data.{name}", description))

    def text(self, name: str, *, required: bool = False, limit: int = MAX_TEXT) -> str:
        value = self.members.pop(name, "")
        if not isinstance(value, str) or len(value) > limit or not value.isprintable():
            self.wrong(name, f"must be a text of at most {limit} characters")
            return ""
        if required and not value:
            self.wrong(name, "is required")
        return str(value)

    def choice(self, name: str, among: tuple[str, ...], default: str) -> str:
        value = self.members.pop(name, default)
        if value not in among:
            self.wrong(name, f"must be one of: {', '.join(map(repr, among))}")
            return default
        return str(value)

    def url(self, name: str, *, required: bool = False) -> str:
        value = self.text(name, required=required, limit=MAX_URL)
        if value and not is_acceptable(value):
            self.wrong(
                name, "must be an https URL (http on localhost) without credentials or fragment"
            )
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.members.pop(name, default)
        if not isinstance(value, bool):
            self.wrong(name, "must be true or false")
            return default
        return value

    def whole(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.members.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(name, f"must be a whole number from {low} to {high}")
            return default
        return value

    def scopes(self, name: str) -> tuple[str, ...]:
        value = self.members.pop(name, [])
        if (
            not isinstance(value, list)
            or len(value) > MAX_SCOPES
            or not all(isinstance(item, str) and SCOPE.fullmatch(item) for item in value)
        ):
            self.wrong(name, f"must be a list of at most {MAX_SCOPES} scopes without spaces")
            return ()
        return tuple(dict.fromkeys(value))

    def parameters(self, name: str) -> dict[str, str]:
        value = self.members.pop(name, {})
        if not isinstance(value, dict) or len(value) > MAX_EXTRA:
            self.wrong(name, f"must be a map of at most {MAX_EXTRA} texts")
            return {}
        for key, text in value.items():
            if key in RESERVED:
                self.wrong(f"{name}.{key}", "is set by this server")
            elif not key or len(key) > MAX_TEXT or not key.isprintable():
                self.wrong(name, f"has a name that is no text of 1 to {MAX_TEXT} characters")
            elif not isinstance(text, str) or len(text) > MAX_TEXT or not text.isprintable():
                self.wrong(
                    shown(f"{name}.", key), f"must be a text of at most {MAX_TEXT} characters"
                )
        return dict(value)

    def reference(self, *names: str) -> str:
        """The name of the variable that holds a secret, under whichever name it was given."""
        given = [(name, self.text(name)) for name in names if name in self.members]
        found = [(name, value) for name, value in given if value]
        for name, value in found:
            if not SECRET_NAME.fullmatch(value):
                self.wrong(
                    name,
                    "must name an environment variable that begins with CONNECTOR_ or "
                    "AUTHPLANE_VAULT_",
                )
        if len({value for _, value in found}) > 1:
            self.wrong(found[1][0], f"contradicts {found[0][0]}")
        return found[0][1] if found else ""

    def places(self, needs: tuple[str, ...]) -> None:
        """The members that fill places in the URLs of the preset are there, and hosts."""
        for name in needs:
            value = self.members.pop(name, None)
            if value is None:
                self.wrong(name, "is required by this preset")
            elif not isinstance(value, str) or len(value) > MAX_TEXT or not PLACE.fullmatch(value):
                self.wrong(name, "must be a host or a name of letters, digits, dots and hyphens")

    def finish(self) -> list[Problem]:
        """Every problem, unexpected members among them."""
        for name in sorted(self.members):
            self.wrong(shown("", name), "is not a member of this configuration")
        return self.problems


def shown(before: str, name: str) -> str:
    """A member's name where it can be one; the rest is anybody's text and is not repeated."""
    return before + (name if NAME.fullmatch(name) else "(other)")


def read_configuration(
    protocol: str, config_data: object, *, preset: str = "", has_secret: bool = False
) -> tuple[Settings | None, list[Problem]]:
    """The settings, and every problem of the configuration; settings only when there is none.

    ``has_secret`` says that the secret is stored with the provider instead of being referred to.
    """
    if protocol not in _READERS:
        return None, [Problem("protocol", f"must be one of: {', '.join(PROTOCOLS)}")]
    if not isinstance(config_data, dict):
        return None, [Problem("config_data", "must be a JSON object")]
    inline = [
        Problem(shown("config_data.", name), "is a secret in clear: send it as `secret`, or name "
                "where it is with client_secret_ref")
        for name, value in config_data.items()
        if LOOKS_SECRET.search(name) and isinstance(value, str) and value
    ]  # fmt: skip
    if inline:
        return None, inline
    reader = _Reader(complete(preset, config_data))
    known = preset_named(preset)
    reader.places(known.needs if known else ())
    if reader.problems:
        # URLs with places that nothing fills would only be told as further problems.
        return None, reader.problems
    settings = _READERS[protocol](reader, has_secret)
    problems = reader.finish()
    return (None if problems else settings), problems


def _oauth(read: _Reader, has_secret: bool) -> OAuthSettings:
    separator = read.choice("scope_separator", SEPARATORS, " ")
    settings = OAuthSettings(
        client_id=read.text("client_id", required=True),
        secret_ref=read.reference("client_secret_ref", "client_secret_env"),
        issuer=read.url("issuer"),
        authorize_url=read.url("authorize_url"),
        token_url=read.url("token_url"),
        revoke_url=read.url("revoke_url"),
        token_endpoint_auth_method=read.choice(
            "token_endpoint_auth_method", AUTH_METHODS, "client_secret_post"
        ),
        token_request_format=read.choice("token_request_format", REQUEST_FORMATS, "form"),
        response_format=read.choice("response_format", RESPONSE_FORMATS, "standard"),
        scope_parameter=read.choice("scope_parameter", SCOPE_PARAMETERS, "scope"),
        scope_separator=separator,
        granted_scope_separator=read.choice("granted_scope_separator", SEPARATORS, separator),
        extra_scopes=read.scopes("extra_scopes"),
        extra_auth_params=read.parameters("extra_auth_params"),
        refresh_tokens=read.choice("refresh_tokens", REFRESH_TOKENS, "sometimes"),
        pkce=read.flag("pkce", default=True),
    )
    for name, value in (
        ("authorize_url", settings.authorize_url), ("token_url", settings.token_url),
    ):  # fmt: skip
        if not value and not settings.issuer:
            read.wrong(name, "is required, unless issuer names where to discover it")
    is_public = settings.token_endpoint_auth_method == "none"  # noqa: S105 - a method
    if is_public and (settings.secret_ref or has_secret):
        read.wrong("token_endpoint_auth_method", "is none, but there is a secret")
    if not is_public and not settings.secret_ref and not has_secret:
        read.wrong("client_secret_ref", "is required, unless the secret is sent as `secret`")
    if is_public and not settings.pkce:
        read.wrong("pkce", "cannot be off for a client without a secret")
    return settings


def _api_key(read: _Reader, has_secret: bool) -> ApiKeySettings:
    settings = ApiKeySettings(
        header_name=read.text("header_name", required=True),
        header_prefix=read.text("header_prefix"),
        issuance_instructions_url=read.url("issuance_instructions_url"),
    )
    name = settings.header_name
    if name and (not HEADER.fullmatch(name) or name.lower() in NOT_OURS_TO_SET):
        read.wrong("header_name", "must be the name of an HTTP header that credentials go in")
    if not settings.header_prefix.isascii():
        read.wrong("header_prefix", "must be ASCII")
    if has_secret:
        read.wrong("header_name", "leaves no use for a secret: each user pastes their own key")
    return settings


def _service_account(read: _Reader, has_secret: bool) -> ServiceAccountSettings:
    settings = ServiceAccountSettings(
        token_url=read.url("token_url", required=True),
        sa_email=read.text("sa_email", required=True),
        key_ref=read.reference("sa_key_ref", "sa_key_env"),
        algorithm=read.choice("algorithm", ALGORITHMS, "RS256"),
        token_ttl_seconds=read.whole("token_ttl_seconds", MOST_TTL, low=LEAST_TTL, high=MOST_TTL),
    )
    if not settings.key_ref and not has_secret:
        read.wrong("sa_key_env", "is required, unless the key is sent as `secret`")
    return settings


def _mcp(read: _Reader, has_secret: bool) -> McpSettings:
    settings = McpSettings(
        url=read.url("url", required=True),
        client_id=read.text("client_id", limit=MAX_URL),
        secret_ref=read.reference("client_secret_ref", "client_secret_env"),
        issuer=read.url("issuer"),
        scopes=read.scopes("scopes"),
        pkce=read.flag("pkce", default=True),
    )
    if (settings.secret_ref or has_secret) and not settings.client_id:
        read.wrong("client_id", "is required with a secret")
    return settings


_READERS: Final[dict[str, Callable[[_Reader, bool], Settings]]] = {
    "oauth": _oauth,
    "api_key": _api_key,
    "service_account": _service_account,
    "mcp": _mcp,
}
PROTOCOLS: Final = tuple(_READERS)
