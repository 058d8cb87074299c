"""Which return URLs a brokered resource may list, checked all at once. No database here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authplane.core.validation import return_url_problem
from oauth.models import Resource
from oauth.resources.errors import Problem
from oauth.resources.policy_body import CONNECT, RETURN_URLS

MAX_URLS: Final = 100
MAX_LENGTH: Final = 2048
PLACE: Final = f"policy.{CONNECT}.{RETURN_URLS}"


def settle_return_urls(
    accepted: dict[str, Any], *, body: Mapping[str, Any], backend_kind: str
) -> list[Problem]:
    """The policy in ``accepted`` has the list that ``body`` gives a brokered resource.

    Only what is brokered has one: for every other resource the member is accepted and left out.
    """
    policy = body.get("policy")
    if backend_kind != Resource.Backend.BROKER or not isinstance(policy, Mapping):
        return []
    section = policy.get(CONNECT)
    if section is None:
        return []
    if not isinstance(section, Mapping) or set(section) - {RETURN_URLS}:
        return [Problem(f"policy.{CONNECT}", f"must be an object with {RETURN_URLS} alone")]
    urls = section.get(RETURN_URLS)
    urls = [] if urls is None else urls
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        return [Problem(PLACE, "must be a list of URLs")]
    members = list(dict.fromkeys(urls))
    if problems := url_problems(members):
        return problems
    if members:
        accepted["policy"] = accepted["policy"] | {CONNECT: {RETURN_URLS: members}}
    return []


def url_problems(urls: list[str]) -> list[Problem]:
    """What is wrong with the list, each kind once."""
    if len(urls) > MAX_URLS:
        return [Problem(PLACE, f"must have at most {MAX_URLS} members")]
    found = ("is too long" if len(url) > MAX_LENGTH else return_url_problem(url) for url in urls)
    return [Problem(PLACE, text) for text in dict.fromkeys(found) if text]
