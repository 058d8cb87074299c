"""The policy of a resource as operators write it, checked all at once. No database here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from oauth.resources.errors import Problem

MAX_CLIENTS: Final = 1000

POLICY_LISTS: Final = {"exchange": "allowed_client_ids", "runtime": "client_ids"}
CONNECT: Final = "connect"
RETURN_URLS: Final = "allowed_return_urls"
"""The part that only brokered resources have: see `oauth.resources.return_urls`."""

PROJECTS: Final = "projects"

DPOP: Final = ("off", "optional", "required")
TOKEN_FORMATS: Final = ("jwt", "opaque")
GRANT_TYPES: Final = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
)
"""Every grant that a policy can speak about, switched on at present or not."""

SHORTEST_LIFETIME: Final = 10
LONGEST_LIFETIME: Final = 86_400

Found = tuple[Any, list[Problem]]


def read_policy(value: Any) -> Found:
    """The policy in the form it is stored in, and everything that is wrong with it.

    Lists that are not mentioned are empty, rules that are not mentioned or null are absent.
    """
    if not isinstance(value, dict):
        return {}, [Problem("policy", "must be an object")]
    problems: list[Problem] = []
    policy: dict[str, Any] = {}
    for name, content in value.items():
        if name == CONNECT or content is None:
            continue
        if name not in READ:
            problems.append(Problem(f"policy.{name}", "is not a member of a policy"))
            continue
        policy[name], wrong = READ[name](name, content)
        problems += wrong
    return complete_policy(policy), problems


def complete_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy with every list, empty where it said nothing, and the rules it has.

    Return URLs are part of it where there are any.
    """
    lists: dict[str, Any] = {
        section: {name: list(policy.get(section, {}).get(name, ()))}
        for section, name in POLICY_LISTS.items()
    }
    urls = policy.get(CONNECT, {}).get(RETURN_URLS)
    connect = {CONNECT: {RETURN_URLS: list(urls)}} if urls else {}
    rules = {name: policy[name] for name in RULES if policy.get(name) is not None}
    return lists | connect | rules


def _client_list(section: str, content: Any) -> Found:
    name = POLICY_LISTS[section]
    place = f"policy.{section}"
    if not isinstance(content, dict) or set(content) - {name}:
        return {}, [Problem(place, f"must be an object with {name} alone")]
    ids = content.get(name)
    ids = [] if ids is None else ids
    if not _is_id_list(ids):
        return {}, [Problem(f"{place}.{name}", "must be a list of client ids")]
    return {name: list(dict.fromkeys(ids))}, []


def _is_id_list(ids: Any) -> bool:
    return (
        isinstance(ids, list)
        and len(ids) <= MAX_CLIENTS
        and all(isinstance(member, str) and _is_id(member) for member in ids)
    )


def _is_id(text: str) -> bool:
    """Neither empty nor holding what no client id has, and no database can store."""
    return bool(text.strip()) and text.isascii() and text.isprintable()


def _one_of(*accepted: str) -> Callable[[str, Any], Found]:
    def read(name: str, value: Any) -> Found:
        if isinstance(value, str) and value in accepted:
            return value, []
        return None, [Problem(f"policy.{name}", f"must be one of {', '.join(accepted)}")]

    return read


def _grant_types(name: str, value: Any) -> Found:
    """At least one: a resource without any grant would be one that nobody can use."""
    names = value if isinstance(value, list) else []
    if names and all(isinstance(grant, str) and grant in GRANT_TYPES for grant in names):
        return [grant for grant in GRANT_TYPES if grant in names], []
    text = f"must be a list of at least one of {', '.join(GRANT_TYPES)}"
    return None, [Problem(f"policy.{name}", text)]


def _token_lifetime(name: str, value: Any) -> Found:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and SHORTEST_LIFETIME <= value <= LONGEST_LIFETIME:
        return value, []
    text = f"must be a whole number of seconds, {SHORTEST_LIFETIME} to {LONGEST_LIFETIME}"
    return None, [Problem(f"policy.{name}", text)]


def _consent(name: str, value: Any) -> Found:
    """What users are asked besides scopes. Asking nothing is stored as no rule at all."""
    if isinstance(value, dict) and set(value) <= {PROJECTS}:
        asks = value.get(PROJECTS)
        if asks is None or isinstance(asks, bool):
            return ({PROJECTS: True} if asks else None), []
    text = f"must be an object with {PROJECTS} alone, true or false"
    return None, [Problem(f"policy.{name}", text)]


RULES: Final[dict[str, Callable[[str, Any], Found]]] = {
    "dpop": _one_of(*DPOP),
    "grant_types": _grant_types,
    "token_lifetime": _token_lifetime,
    "token_format": _one_of(*TOKEN_FORMATS),
    "consent": _consent,
}
"""What a resource demands of its tokens; see `oauth.resources.rules`."""

READ: Final = dict.fromkeys(POLICY_LISTS, _client_list) | RULES
