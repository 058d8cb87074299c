"""Where a browser is sent to allow us something at an upstream service. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from broker.providers.configuration import RESERVED


def authorize_url(
    endpoint: str,
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    challenge: str,
    scopes: Iterable[str] = (),
    scope_parameter: str = "scope",
    scope_separator: str = " ",
    extra: Mapping[str, str] | None = None,
    resource: str = "",
) -> str:
    """The authorization request. The endpoint's own query is kept, but for what is set here.

    An extra parameter never replaces one of ours: it could unbind the answer from this browser.
    ``challenge`` is of S256; without one no PKCE is asked for. ``resource`` is RFC 8707's.
    """
    ours = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if challenge:
        ours |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    if wanted := scope_separator.join(dict.fromkeys(scopes)):
        ours[scope_parameter] = wanted
    if resource:
        ours["resource"] = resource
    others = {
        name: value
        for name, value in (extra or {}).items()
        if name not in RESERVED and name not in ours
    }
    parts = urlsplit(endpoint)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in ours and name not in others
    ]
    query = urlencode([*kept, *ours.items(), *others.items()])
    return parts._replace(query=query, fragment="").geturl()
