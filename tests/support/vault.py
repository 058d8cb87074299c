"""A Vault: the documented requests and answers of Transit and three ways of signing in.

Written after the HTTP API documentation of HashiCorp Vault; the keys are real, so that nothing
opens that was wrapped by another key, context or version.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.background import answering

TOKEN = "hvs.root-of-the-tests"
ROLE_ID, SECRET_ID, JWT = "role-of-tests", "secret-of-the-role", "jwt-of-the-pod"
LOGINS = {
    "auth/approle/login": {"role_id": ROLE_ID, "secret_id": SECRET_ID},
    "auth/pods/login": {"role": "authplane", "jwt": JWT},
}
BINARY = shutil.which("vault") or shutil.which("bao")


@dataclass
class Vault:
    """Where it answers, and what a test makes of it."""

    address: str = ""
    token: str = TOKEN
    keys: dict[str, list[bytes]] = field(default_factory=dict)
    derived: bool = True
    oldest: int = 1
    status: int = 0
    says: Any = None
    redirect: str = ""
    delay: float = 0
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    def settings(self, **fields: Any) -> dict[str, Any]:
        """The configuration that leads here."""
        return {"driver": "vault_transit_encrypt", "address": self.address,
                "key_name": "authplane", "token": self.token, "timeout": 2} | fields  # fmt: skip

    def rotate(self) -> None:
        self.keys["authplane"].append(os.urandom(32))

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.requests]


def _wrap(vault: Vault, name: str, plaintext: bytes, context: str) -> str:
    version, nonce = len(vault.keys[name]), os.urandom(12)
    sealed = AESGCM(vault.keys[name][-1]).encrypt(nonce, plaintext, context.encode())
    return f"vault:v{version}:{base64.b64encode(nonce + sealed).decode()}"


def _unwrap(vault: Vault, name: str, ciphertext: str, context: str) -> bytes:
    _, version, text = ciphertext.split(":")
    if int(version[1:]) < vault.oldest:
        raise ValueError("ciphertext or signature version is disallowed by policy (too old)")
    blob, key = base64.b64decode(text), vault.keys[name][int(version[1:]) - 1]
    return AESGCM(key).decrypt(blob[:12], blob[12:], context.encode())


def answer(vault: Vault, path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
    """Status and document for a request."""
    if vault.status:
        return vault.status, vault.says
    told: dict[str, Any] = {"request_id": "r", "lease_id": "", "renewable": False}
    try:
        if path in LOGINS:
            return 200, told | {"data": None, "auth": _login(vault, path, body)}
        token = headers.get("x-vault-token", "")
        return 200, told | {"data": _engine(vault, path, body, token=token), "auth": None}
    except (PermissionError, KeyError) as error:
        return (404 if isinstance(error, KeyError) else 403), {"errors": []}
    except (InvalidTag, ValueError, IndexError) as error:
        return 400, {"errors": [str(error) or "cipher: message authentication failed"]}


def _login(vault: Vault, path: str, body: dict[str, Any]) -> dict[str, Any]:
    if body != LOGINS[path]:
        raise ValueError("invalid role or secret ID")
    return {"client_token": vault.token, "accessor": "a", "policies": ["default"],
            "lease_duration": 3600, "renewable": True, "token_type": "service"}  # fmt: skip


def _engine(vault: Vault, path: str, body: dict[str, Any], *, token: str) -> dict[str, Any]:
    if token != vault.token:
        raise PermissionError
    engine, _, rest = path.partition("/")
    operation, _, name = rest.rpartition("/")
    if engine != "transit" or name not in vault.keys:
        raise KeyError(path)
    if vault.derived and not all(one.get("context") for one in body.get("batch_input", [body])):
        raise ValueError("missing 'context' for key derivation")
    return _transit(vault, operation, name, body)


def _transit(vault: Vault, operation: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    context = body.get("context", "") if vault.derived else ""
    if operation == "datakey/wrapped":
        text = _wrap(vault, name, os.urandom(body.get("bits", 256) // 8), context)
        return {"ciphertext": text, "key_version": len(vault.keys[name])}
    if operation == "encrypt":
        return {"ciphertext": _wrap(vault, name, base64.b64decode(body["plaintext"]), context)}
    if operation == "decrypt":
        plaintext = _unwrap(vault, name, body["ciphertext"], context)
        return {"plaintext": base64.b64encode(plaintext).decode()}
    if operation == "rewrap":
        results: list[dict[str, Any]] = []
        for one in body["batch_input"]:
            context = one.get("context", "") if vault.derived else ""
            try:
                plaintext = _unwrap(vault, name, one["ciphertext"], context)
                results.append({"ciphertext": _wrap(vault, name, plaintext, context)})
            except (InvalidTag, ValueError) as error:
                results.append({"error": str(error) or "message authentication failed"})
        return {"batch_results": results}
    raise ValueError(operation)


@contextmanager
def running_vault() -> Iterator[Vault]:
    """One that answers on loopback until the end."""
    vault = Vault(keys={"authplane": [os.urandom(32)]})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            path, body = self.path.removeprefix("/v1/"), json.loads(raw)
            vault.requests.append((path, headers, body))
            time.sleep(vault.delay)
            if vault.redirect:
                target, vault.redirect = vault.redirect, ""
                self.send_response(307)
                self.send_header("Location", f"{target}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status, document = answer(vault, path, headers, body)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vault.address = f"http://127.0.0.1:{server.server_port}"
    with answering(server):
        yield vault


@contextmanager
def running_dev_server() -> Iterator[Vault]:
    """A real one in memory, of whichever binary this machine has, with the key of the tests."""
    assert BINARY
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    command = [BINARY, "server", "-dev", f"-dev-root-token-id={TOKEN}",
               f"-dev-listen-address={listen}"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    vault = Vault(address=f"http://{listen}")
    try:
        with httpx.Client(
            base_url=f"{vault.address}/v1", headers={"X-Vault-Token": TOKEN}, trust_env=False
        ) as http:
            deadline = time.monotonic() + 20
            while True:
                try:
                    if http.get("/sys/health").status_code == 200:
                        break
                except httpx.TransportError:
                    assert time.monotonic() < deadline
                time.sleep(0.05)
            http.post("/sys/mounts/transit", json={"type": "transit"}).raise_for_status()
            http.post("/transit/keys/authplane", json={"derived": True}).raise_for_status()
        yield vault
    finally:
        process.terminate()
        process.wait(10)
