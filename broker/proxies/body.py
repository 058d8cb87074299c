"""Read what an operator writes about a proxy: its members, or the names of `config`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.ids import id_or_none
from authplane.core.uris import fold_resource, is_loopback_host
from broker.models import BrokerProvider, OAuthProxy
from broker.providers.services import MAX_NAME, SLUG
from broker.proxies.errors import Problem
from broker.proxies.patterns import pattern_problem
from oauth.resources.body import uri_problem
from oauth.resources.scopes import is_scope_name

MEMBERS: Final = (
    "slug", "name", "mode", "provider", "target_url", "allowed_redirects", "scopes",
    "require_consent", "enabled", "config",
)  # fmt: skip
CONFIG: Final[Mapping[str, str]] = {
    "oauth_proxy_enabled": "enabled",
    "oauth_proxy_mode": "mode",
    "oauth_proxy_provider_id": "provider",
    "oauth_proxy_allowed_redirects": "allowed_redirects",
    "oauth_proxy_allowed_redirect_uris": "allowed_redirects",
    "oauth_proxy_require_consent": "require_consent",
    "oauth_proxy_scopes": "scopes",
}
"""The names by which `config` says the same."""
MODES: Final = tuple(OAuthProxy.Mode.values)
MAX_LIST: Final = 100


def apply(row: OAuthProxy, body: Mapping[str, Any]) -> list[Problem]:
    """The members of the body are the row's; every problem of the result."""
    strangers = sorted(set(body) - set(MEMBERS))
    problems = [Problem(_shown(name), "is not a member of a proxy") for name in strangers]
    said = {name: body[name] for name in MEMBERS if name in body and name != "config"}
    if body.get("config") is not None:
        said |= _of_config(row, body["config"], said=said, problems=problems)
    for name, value in said.items():
        _TAKE[name](row, value, problems)
    _require_complete(row, problems)
    return problems


def _of_config(
    row: OAuthProxy, written: Any, *, said: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    """What `config` says, by the members' own names."""
    if not isinstance(written, dict):
        problems.append(Problem("config", "must be an object"))
        return {}
    found: dict[str, Any] = {}
    for name, value in written.items():
        member = CONFIG.get(name)
        if member is None:
            problems.append(Problem(_shown(f"config.{name}"), "is not a member of config"))
        elif (member in said and said[member] != value) or (
            member in found and found[member] != value
        ):
            problems.append(Problem(f"config.{name}", f"says something else than {member}"))
        else:
            found[member] = value
    row.config = written
    return found


def _take_slug(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
    row.slug = value.lower() if isinstance(value, str) else ""
    if not SLUG.fullmatch(row.slug):
        problems.append(Problem("slug", "must be 1 to 64 of a-z, 0-9 and inner hyphens"))


def _take_name(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
    if isinstance(value, str) and value.strip() and len(value) <= MAX_NAME and value.isprintable():
        row.name = value
    else:
        problems.append(Problem("name", f"must be a text of 1 to {MAX_NAME} characters"))


def _take_mode(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
    if isinstance(value, str) and value in MODES:
        row.mode = value
    else:
        problems.append(Problem("mode", f"must be one of: {', '.join(MODES)}"))


def _take_provider(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
    """By number, slug or id."""
    found = _provider(value)
    if found is None:
        problems.append(Problem("provider", "must be the number, slug or id of a provider"))
    elif found.protocol != BrokerProvider.Protocol.OAUTH:
        problems.append(Problem("provider", "must be one that speaks OAuth"))
    else:
        row.provider = found


def _take_target(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
    wrong = uri_problem(value) if isinstance(value, str) and value else "must be a URI"
    if not wrong and not _is_safe(value):
        wrong = "must be https, or http on a loopback host"
    if not wrong and fold_resource(value) == fold_resource(config().server.issuer):
        wrong = "must not be this server itself"
    if wrong:
        problems.append(Problem("target_url", wrong))
    else:
        row.target_url = value


def _take_redirects(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
    if not isinstance(value, list) or len(value) > MAX_LIST:
        problems.append(Problem("allowed_redirects", f"must be a list of at most {MAX_LIST}"))
        return
    wrong = list(dict.fromkeys(text for one in value if (text := pattern_problem(one))))
    problems += [Problem("allowed_redirects", text) for text in wrong]
    if not wrong:
        row.allowed_redirects = list(dict.fromkeys(value))


def _take_scopes(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
    names = value if isinstance(value, list) and len(value) <= MAX_LIST else [None]
    if all(isinstance(name, str) and is_scope_name(name) for name in names):
        row.scopes = list(dict.fromkeys(names))
    else:
        problems.append(Problem("scopes", f"must be a list of at most {MAX_LIST} scope names"))


def _take_flag(name: str) -> Any:
    def take(row: OAuthProxy, value: Any, problems: list[Problem]) -> None:
        if isinstance(value, bool):
            setattr(row, name, value)
        else:
            problems.append(Problem(name, "must be true or false"))

    return take


_TAKE: Final[Mapping[str, Any]] = {
    "slug": _take_slug,
    "name": _take_name,
    "mode": _take_mode,
    "provider": _take_provider,
    "target_url": _take_target,
    "allowed_redirects": _take_redirects,
    "scopes": _take_scopes,
    "require_consent": _take_flag("require_consent"),
    "enabled": _take_flag("enabled"),
}


def _require_complete(row: OAuthProxy, problems: list[Problem]) -> None:
    told = {problem.field for problem in problems}
    row.name = row.name or row.slug
    missing = (
        ("slug", not row.slug),
        ("provider", row.provider_id is None),
        ("target_url", not row.target_url),
    )
    absent = [name for name, is_absent in missing if is_absent and name not in told]
    problems += [Problem(name, "is required") for name in absent]


def _provider(value: Any) -> BrokerProvider | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return BrokerProvider.objects.filter(number=value).first() if 0 < value < 2**31 else None
    found = BrokerProvider.objects.filter(slug=value.lower().replace("\0", "")).first()
    if found is None and (key := id_or_none(value)):
        found = BrokerProvider.objects.filter(pk=key).first()
    return found


def _is_safe(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "https" or is_loopback_host(parts.hostname or "")


def _shown(name: str) -> str:
    """A name that we did not choose is repeated only when it is a plain one."""
    plain = name.replace(".", "").replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() and len(name) <= 64 else "a member"  # noqa: PLR2004
