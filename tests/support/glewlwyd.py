"""Debian's glewlwyd as a service of somebody else's, set up through its own REST API."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.real_upstreams import PERSON, Process, RealServer, Registration
from tests.support.server import free_port

SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
"""What Debian installs it with: an administrator `admin` whose password is `password`."""

MODULES = "/usr/lib/glewlwyd"
SCOPES = ("read", "write", "email", "profile", "groups")
PASSWORD = "ann's own password"
CONFIGURATION = """
port={port}
bind_address="127.0.0.1"
external_url="{url}"
login_url="login.html"
api_prefix="api"
static_files_path="/usr/share/glewlwyd/webapp"
static_files_mime_types=({{ extension=".html" mime_type="text/html" }})
log_mode="console"
log_level="INFO"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{modules}/user"
client_module_path="{modules}/client"
user_auth_scheme_module_path="{modules}/scheme"
plugin_module_path="{modules}/plugin"
hash_algorithm="SHA512"
database={{ type="sqlite3" path="{database}" }};
"""


def find_glewlwyd() -> str | None:
    """The program; None where it or its schema is missing."""
    return shutil.which("glewlwyd") if SCHEMA.exists() else None


@dataclass
class Glewlwyd(RealServer):
    """Its page lets users untick scopes but not decline, and it wants a nonce beside `openid`."""

    name: ClassVar[str] = "glewlwyd"
    can_decline: ClassVar[bool] = False

    @classmethod
    def start(cls, folder: Path) -> Glewlwyd:
        """It answers on a port of its own; `process.stop()` ends it. Raises: LookupError."""
        program = find_glewlwyd()
        if program is None:
            raise LookupError("no glewlwyd")
        port, database = free_port(), folder / "glewlwyd.sqlite3"
        url = f"http://127.0.0.1:{port}"
        with closing(sqlite3.connect(database)) as empty:
            empty.executescript(SCHEMA.read_text(encoding="utf-8"))
        file = folder / "glewlwyd.conf"
        file.write_text(
            CONFIGURATION.format(port=port, url=url, modules=MODULES, database=database)
        )
        process = Process(
            [program, f"--config-file={file}"],
            env=os.environ,
            url=url,
            probe="/config",
            log=folder / "glewlwyd.log",
        )
        process.start()
        made = cls(process, f"{url}/api/oidc")
        made._set_up()
        return made

    @contextmanager
    def _admin(self) -> Iterator[Callable[[str, dict[str, Any]], None]]:
        """`post(path, body)` as the administrator."""
        with httpx.Client(base_url=f"{self.process.url}/api", trust_env=False) as admin:

            def post(path: str, body: dict[str, Any]) -> None:
                answer = admin.post(path, json=body)
                assert answer.is_success, f"{path}: {answer.text}"

            post("/auth/", {"username": "admin", "password": "password"})
            yield post

    def _set_up(self) -> None:
        """The OpenID Connect plugin, the scopes, and the user."""
        with self._admin() as post:
            for name in SCOPES:
                post("/scope/", {"name": name, "display_name": name, "password_required": False})
            plugin = {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect"}
            post("/mod/plugin/", plugin | {"enabled": True, "parameters": _plugin(self.issuer)})
            user = {"username": PERSON, "password": PASSWORD, "email": f"{PERSON}@example.com"}
            post("/user/", user | {"enabled": True, "scope": ["openid", *SCOPES]})

    def register(
        self, *redirect_uris: str, method: str = "client_secret_basic", **members: Any
    ) -> Registration:
        """Clients ask about tokens, and end them, only where they may act for themselves.

        Who registers gets a secret; public clients are made by the administrator alone.
        """
        if method != "none":
            grants = ["authorization_code", "refresh_token", "client_credentials"]
            members = {"grant_types": grants} | members
            return super().register(*redirect_uris, method=method, **members)
        client_id = secrets.token_hex(8)
        public = {"client_id": client_id, "name": "Broker", "enabled": True, "confidential": False}
        grants = ["code", "refresh_token"]
        with self._admin() as post:
            post("/client/", public | {
                "redirect_uri": list(redirect_uris), "authorization_type": grants, "scope": [],
            })  # fmt: skip
        return Registration(client_id, "", method)

    def refreshes(self, client: Registration) -> int:
        """Each refresh replaces a token: of a chain all but the first came from one."""
        query = (
            "SELECT COUNT(*) - COUNT(DISTINCT gpoc_id) FROM gpo_refresh_token"
            " WHERE gpor_client_id = ?"
        )
        return _one(self.process.log.with_name("glewlwyd.sqlite3"), query, client.client_id)

    def _walk(self, browser: httpx.Client, url: str, *, allow: bool) -> str:
        """The calls of its login page: sign in, grant what is asked for, go on."""
        api = f"{self.process.url}/api"
        here = self.leave(browser, browser.get(url))
        if isinstance(here, str):
            return here
        asked = {
            name: values[0] for name, values in parse_qs(urlsplit(str(here.url)).query).items()
        }
        signed_in = browser.post(f"{api}/auth/", json={"username": PERSON, "password": PASSWORD})
        assert signed_in.is_success, signed_in.text
        grant = {"scope": asked["scope"] if allow else ""}
        granted = browser.put(f"{api}/auth/grant/{asked['client_id']}", json=grant)
        assert granted.is_success, granted.text
        back = self.leave(browser, browser.get(f"{asked['callback_url']}&g_continue"))
        assert isinstance(back, str), f"it asks again: {back.url}"
        return back


def _one(database: Path, query: str, *arguments: str) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return int(opened.execute(query, arguments).fetchone()[0])


def _plugin(issuer: str) -> dict[str, Any]:
    """Short-lived tokens, one use of each refresh token, S256 demanded, `iss` in answers."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "iss": issuer,
        "jwt-type": "rsa",
        "jwt-key-size": "256",
        "key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "cert": key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        "access-token-duration": 300,
        "refresh-token-duration": 3600,
        "code-duration": 60,
        "refresh-token-rolling": True,
        "refresh-token-one-use": "always",
        "allow-non-oidc": True,
        "auth-type-code-enabled": True,
        "auth-type-code-revoke-replayed": True,
        "auth-type-token-enabled": False,
        "auth-type-id-token-enabled": True,
        "auth-type-none-enabled": False,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": True,
        "auth-type-device-enabled": False,
        "auth-type-refresh-enabled": True,
        "jwks-show": True,
        "jwks-x5c": [],
        "subject-type": "public",
        "name-claim": "on-demand",
        "email-claim": "mandatory",
        "scope-claim": "no",
        "address-claim": {"type": "no"},
        "additional-parameters": [],
        "claims": [],
        "allowed-scope": ["openid", *SCOPES],
        "pkce-allowed": True,
        "pkce-method-plain-allowed": False,
        "pkce-required": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-auth-scope": [],
        "introspection-revocation-allow-target-client": True,
        "register-client-allowed": True,
        "register-client-auth-scope": [],
        "register-client-credentials-scope": [],
        "register-client-management-allowed": True,
        "request-parameter-allow": False,
        "session-management-allowed": True,
        "session-cookie-name": "GLEWLWYD2_OIDC_SID",
        "session-cookie-expiration": 3600,
        "oauth-as-iss-id": True,
        "resource-allowed": False,
    }
