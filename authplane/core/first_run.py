"""Secrets of a server on its own machine: made once, kept in the data directory, then reused.

Only for localhost issuers. Anywhere else a missing secret stops the start, because a secret that
appears by itself on one replica is another one on the next.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from authplane.core.areas.vault import TRANSIT
from authplane.core.validation import is_localhost_issuer

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping


def _text() -> str:
    return secrets.token_urlsafe(32)


def _data_key() -> str:
    return secrets.token_hex(32)


DATA_KEY = "AUTHPLANE_DATA_ENCRYPTION_KEY"

MADE_HERE: dict[str, tuple[str, Callable[[], str]]] = {
    "AUTHPLANE_SESSION_SECRET": ("session.secret", _text),
    "AUTHPLANE_CSRF_SECRET": ("csrf.secret", _text),
    "AUTHPLANE_INTEGRITY_KEY": ("integrity.key", _text),
    "AUTHPLANE_CLIENT_SECRET_PEPPER": ("client_secret_pepper", _text),
    DATA_KEY: ("data_encryption.key", _data_key),
    "AUTHPLANE_ADMIN_API_KEY": ("admin.api_key", _text),
    "METRICS_PASSWORD": ("metrics.password", _text),
}
"""Variable to its key in the YAML file and to what makes a value. Each value has 256 bits."""

METRICS_USER = "metrics"


def provide_local_secrets(environment: MutableMapping[str, str], *, base: Path) -> None:
    """Every secret that the operator did not give comes from a file of mode 0600.

    `environment` then names the files, so that processes started with it read the same values.
    Nothing happens unless the issuer is localhost.
    """
    document = _yaml_document(environment.get("AUTHPLANE_CONFIG", ""))
    default_issuer = _at(document, "server.issuer") or "http://localhost:9000"
    issuer = environment.get("AUTHPLANE_SERVER_ISSUER") or str(default_issuer)
    if not is_localhost_issuer(issuer):
        return
    folder = secrets_folder(environment, base=base, document=document)
    driver = environment.get("AUTHPLANE_DATA_ENCRYPTION_DRIVER") or _at(
        document, "data_encryption.driver"
    )
    for variable, (key, make) in MADE_HERE.items():
        if variable == DATA_KEY and driver == TRANSIT:
            continue  # Only the Vault can make one.
        given = environment.get(variable) or environment.get(f"{variable}_FILE")
        if not given and not _at(document, key):
            environment[f"{variable}_FILE"] = str(_kept(folder / _file_name(variable), make=make))
    if not _at(document, "metrics.username"):
        environment.setdefault("METRICS_USERNAME", METRICS_USER)


def secrets_folder(
    environment: MutableMapping[str, str], *, base: Path, document: dict[str, Any] | None = None
) -> Path:
    """Where generated secrets are kept."""
    configured = environment.get("AUTHPLANE_DATA_DIR") or _at(document or {}, "server.data_dir")
    return base / str(configured or "data") / "secrets"


def _file_name(variable: str) -> str:
    return variable.removeprefix("AUTHPLANE_").lower()


def _kept(path: Path, *, make: Callable[[], str]) -> Path:
    """The file exists, whole, and only its owner can read it.

    Processes that start together must end with one value: the first to link its file in wins, and
    nobody ever sees a file that is still being written.
    """
    if path.exists():
        return path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(make())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path


def _yaml_document(path: str) -> dict[str, Any]:
    """The configuration file; empty when it cannot be read, which loading then reports."""
    if not path:
        return {}
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}


def _at(document: dict[str, Any], key: str) -> Any:
    node: Any = document
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node
