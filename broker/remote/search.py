"""Documents on the way to an authorization server, and what their absence is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from authplane.core import fetch
from authplane.core.fetch import Fetched, FetchFailed, FetchRefused
from authplane.core.pinned import left
from broker.remote.errors import NO_METADATA, UNREACHABLE, DiscoveryFailed
from broker.upstream.reach import reach_of
from oauth.clients.fetching import kept_for

SECONDS_EACH: Final = 5.0
MAX_BYTES: Final = 256 * 1024
LIFETIMES: Final = (300, 86400)
"""Seconds for which metadata are believed at least and at most, whatever their headers say."""


@dataclass(slots=True)
class Search:
    """What was learned on the way: an outage anywhere forbids conclusions from absence."""

    deadline: float
    lifetime: int = LIFETIMES[1]
    had_outage: bool = False
    refusals: list[DiscoveryFailed] = field(default_factory=list)

    def document(self, url: str) -> dict[str, Any] | None:
        """The JSON object at ``url``; None when there is none, or none can be had."""
        try:
            answer = fetch.fetch_json(
                url,
                max_bytes=MAX_BYTES,
                timeout=min(SECONDS_EACH, left(self.deadline)),
                allowed_private_hosts=reach_of(url).private_hosts,
                allow_http=reach_of(url).http,
            )
        except FetchRefused as refused:
            self.refusals.append(DiscoveryFailed(UNREACHABLE, refused.reason))
            return None
        except FetchFailed:
            self.had_outage = True
            return None
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.had_outage = True
        if answer.status != HTTPStatus.OK or not isinstance(answer.json, dict):
            return None
        self._keep(answer)
        return answer.json

    def _keep(self, answer: Fetched) -> None:
        life = kept_for(answer.headers, now=time.time(), bounds=LIFETIMES)
        self.lifetime = min(self.lifetime, life)

    @property
    def is_doubtful(self) -> bool:
        """Something was there, or may be: its absence proves nothing."""
        return self.had_outage or bool(self.refusals)

    def failure(self) -> DiscoveryFailed:
        """Why nothing was found: what spoke against it, else an outage, else absence."""
        if self.refusals:
            return self.refusals[0]
        if self.had_outage:
            return DiscoveryFailed(UNREACHABLE, "metadata cannot be had now")
        return DiscoveryFailed(NO_METADATA)
