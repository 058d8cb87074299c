"""Signatures of requests to S3-compatible services.

Spec: AWS Signature Version 4, as "Authenticating Requests: Using the Authorization Header" of the
S3 API reference has it: the path is encoded once, and the payload's digest is a signed header.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from authplane.core.hashing import sha256_hex

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "s3"


@dataclass(frozen=True, slots=True)
class Signer:
    """Whoever holds a key of a service."""

    access_key: str
    secret_key: str
    region: str

    def headers(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> dict[str, str]:
        """The headers with which the request is sent: those given, and the signature over them.

        ``url`` is encoded already. The Host header is signed as the URL names it.
        """
        stamp = f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        sent = {
            **headers,
            "x-amz-date": stamp,
            "x-amz-content-sha256": sha256_hex(body),
        }
        signed = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
        signed["host"] = urlsplit(url).netloc
        names = ";".join(sorted(signed))
        scope = f"{stamp[:8]}/{self.region}/{SERVICE}/aws4_request"
        request = "\n".join([
            method,
            urlsplit(url).path or "/",
            _query(url),
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            signed["x-amz-content-sha256"],
        ])  # fmt: skip
        to_sign = "\n".join([ALGORITHM, stamp, scope, sha256_hex(request)])
        signature = hmac.new(self._key(stamp[:8]), to_sign.encode(), sha256).hexdigest()
        sent["Authorization"] = (
            f"{ALGORITHM} Credential={self.access_key}/{scope},SignedHeaders={names},"
            f"Signature={signature}"
        )
        return sent

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret_key}".encode()
        for part in (day, self.region, SERVICE, "aws4_request"):
            key = hmac.new(key, part.encode(), sha256).digest()
        return key


def encoded_path(path: str) -> str:
    """A path as the service encodes it: everything but unreserved characters and slashes."""
    return quote(path, safe="/-_.~")


def _query(url: str) -> str:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)
