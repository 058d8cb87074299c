"""Rules over the settings of the audit record."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from authplane.core.syslog import Destination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authplane.core.areas import Config


def audit_problems(config: Config) -> Iterator[str]:
    """Every broken rule, in words."""
    audit, admin = config.audit, config.admin
    if admin.audit_default_lookback > admin.audit_max_lookback:
        yield "AUTHPLANE_ADMIN_AUDIT_DEFAULT_LOOKBACK must not exceed ..._MAX_LOOKBACK"
    for name, address in (
        ("AUTHPLANE_AUDIT_ANCHOR_SYSLOG", audit.anchor_syslog),
        ("AUTHPLANE_AUDIT_CEF_ADDRESS", audit.cef_address),
    ):
        if address:
            try:
                Destination.of(address)
            except ValueError as error:
                yield f"{name} {error}"
    for name, url in (
        ("AUTHPLANE_AUDIT_ANCHOR_S3_ENDPOINT", audit.anchor_s3_endpoint),
        ("AUTHPLANE_AUDIT_OTLP_ENDPOINT", audit.otlp_endpoint),
    ):
        if url and not _is_reachable(url, listed=audit.allowed_private_hosts):
            yield (
                f"{name} must be an https URL, or http where the host is listed in"
                " AUTHPLANE_AUDIT_ALLOWED_PRIVATE_HOSTS"
            )
    needed = (audit.anchor_s3_bucket, audit.anchor_s3_access_key, audit.anchor_s3_secret_key)
    if audit.anchor_s3_endpoint and not all(needed):
        yield "AUTHPLANE_AUDIT_ANCHOR_S3_ENDPOINT needs ..._BUCKET, ..._ACCESS_KEY, ..._SECRET_KEY"


def _is_reachable(url: str, *, listed: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in listed)
