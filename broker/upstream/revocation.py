"""Tell an upstream service that a token is no longer wanted (RFC 7009), as well as it can be."""

from __future__ import annotations

import logging
from typing import Final

from authplane.core.fetch import Reach
from broker.upstream.base import UpstreamError
from broker.upstream.token_endpoint import TokenEndpoint, authenticated, deliver, is_success

SECONDS: Final = 5.0

log = logging.getLogger(__name__)


def revoke_token(
    settings: TokenEndpoint, secret: str, url: str, token: str, *, hint: str, reach: Reach
) -> bool:
    """Whether the service took it; failures are logged without what was sent or answered.

    Spec: RFC 7009 section 2.1; section 2.2: 200 also for tokens it does not know.
    """
    form = {"token": token, "token_type_hint": hint}
    headers, parameters = authenticated(settings, secret, form, url=url)
    try:
        fetched = deliver(url, parameters, headers=headers, reach=reach, timeout=SECONDS)
    except UpstreamError as error:
        log.warning("upstream revocation failed", extra={"why": str(error)})
        return False
    if not is_success(fetched.status):
        log.warning("upstream revocation refused", extra={"status": fetched.status})
        return False
    return True
