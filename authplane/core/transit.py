"""A client of HashiCorp Vault's Transit engine (OpenBao's is the same).

It signs in for each piece of work and keeps no token: there is one call at the start of a process
and a few of an operator's, so that nothing has to be renewed in the background.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from authplane.core.fetch import Fetched, FetchFailed, FetchRefused, Reach, send
from authplane.core.uris import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authplane.core.areas.vault import DataKeys

MAX_ANSWER: Final = 64 * 1024
CONTEXT: Final = base64.b64encode(b"authplane data key").decode()
"""Sent with every call: Transit keys that derive demand one, others take no notice of it."""

REASONS: Final[Mapping[int, str]] = {
    400: "does not accept the request: another key wrapped the data key, its version was archived,"
    " or the key is of a type that does not encrypt",
    403: "refuses: signing in failed, or the policy lacks update on the key's path",
    404: "has no such mount or key",
    429: "is a standby that does not forward requests",
    472: "is a standby of disaster recovery",
    473: "is a performance standby",
    503: "is sealed or in maintenance",
}


class VaultError(Exception):
    """The Vault did not do what it was asked. The text is for operators, and holds no secret."""


class TransitClient:
    """One Vault, as it is configured."""

    def __init__(self, settings: DataKeys) -> None:
        self._settings = settings
        self._token = ""

    def encrypt(self, plaintext: bytes) -> str:
        """The ciphertext, `vault:v<version>:...`. Raises: VaultError."""
        sent = {"plaintext": base64.b64encode(plaintext).decode(), "context": CONTEXT}
        return _text(self._transit("encrypt", sent), "ciphertext")

    def decrypt(self, ciphertext: str) -> bytes:
        """The plaintext. Raises: VaultError."""
        data = self._transit("decrypt", {"ciphertext": ciphertext, "context": CONTEXT})
        try:
            return base64.b64decode(_text(data, "plaintext"), validate=True)
        except (binascii.Error, ValueError):
            raise VaultError("Vault answered with what is no base64") from None

    def new_data_key(self) -> str:
        """A new key of 256 bits that only the Vault has seen, as ciphertext. Raises: VaultError."""
        sent = {"bits": 256, "context": CONTEXT}
        return _text(self._transit("datakey/wrapped", sent), "ciphertext")

    def rewrap(self, ciphertexts: Sequence[str]) -> list[str]:
        """The same contents under the newest version of the Transit key, in one call.

        Raises: VaultError, also when one of them cannot be rewrapped.
        """
        batch = [{"ciphertext": text, "context": CONTEXT} for text in ciphertexts]
        results = self._transit("rewrap", {"batch_input": batch}).get("batch_results")
        if not isinstance(results, list) or len(results) != len(ciphertexts):
            raise VaultError("Vault answered with another number of results")
        if any(not isinstance(one, dict) or one.get("error") for one in results):
            raise VaultError(f"Vault {REASONS[400]}")
        return [_text(one, "ciphertext") for one in results]

    def _transit(self, operation: str, document: dict[str, Any]) -> dict[str, Any]:
        known = self._settings
        path = f"{_path(known.mount_path)}/{operation}/{quote(known.key_name, safe='')}"
        data = self._call(path, document, token=self._signed_in()).get("data")
        if not isinstance(data, dict):
            raise VaultError("Vault answered without data")
        return data

    def _signed_in(self) -> str:
        """A token, asked for once in the life of this object."""
        known = self._settings
        if known.auth_method == "token":
            return known.token
        if not self._token:
            path = f"auth/{_path(known.auth_mount or known.auth_method)}/login"
            auth = self._call(path, self._credentials(), token="").get("auth")
            self._token = _text(auth if isinstance(auth, dict) else {}, "client_token")
        return self._token

    def _credentials(self) -> dict[str, str]:
        known = self._settings
        if known.auth_method == "approle":
            return {"role_id": known.role_id, "secret_id": known.secret_id}
        try:
            # Read each time: the platform replaces it.
            text = Path(known.kubernetes_token_path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise VaultError(f"{known.kubernetes_token_path} cannot be read") from None
        return {"role": known.kubernetes_role, "jwt": text}

    def _call(self, path: str, document: dict[str, Any], *, token: str) -> dict[str, Any]:
        url = f"{self._settings.address.rstrip('/')}/v1/{path}"
        answer = self._post(url, document, token=token)
        if answer.status in {307, 308}:
            # A standby names the active node. One step, and never from https to http.
            target = answer.headers.get("location", "")
            if urlsplit(target).scheme != urlsplit(url).scheme:
                raise VaultError("Vault sends us to an address with another scheme")
            answer = self._post(target, document, token=token)
        if answer.status != HTTPStatus.OK:
            reason = REASONS.get(answer.status, "does not answer as Vault does")
            raise VaultError(f"Vault {reason} (HTTP {answer.status} at {path})")
        if not isinstance(answer.json, dict):
            raise VaultError("Vault answered with what is no JSON object")
        return answer.json

    def _post(self, url: str, document: dict[str, Any], *, token: str) -> Fetched:
        known = self._settings
        # Vault asks for X-Vault-Request on calls that come through an agent beside us.
        headers = {"X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token
        if known.namespace:
            headers["X-Vault-Namespace"] = known.namespace
        reach = Reach(
            any_private=True,
            http=is_loopback_host(urlsplit(url).hostname or ""),
            ca_path=known.ca_path,
        )
        try:
            return send(
                "POST", url, max_bytes=MAX_ANSWER, timeout=known.timeout, reach=reach,
                headers=headers, document=document,
            )  # fmt: skip
        except (FetchFailed, FetchRefused) as error:
            raise VaultError(f"Vault cannot be reached: {error.reason}") from None


def _path(text: str) -> str:
    return quote(text.strip("/"), safe="/")


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise VaultError(f"Vault answered without {name}")
    return value
