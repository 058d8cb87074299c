"""A second instance of this very server, with a database of its own, as somebody else's service."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx

from authplane.settings import source
from tests.support.oauth_client import OAuthClient, User
from tests.support.real_upstreams import PERSON, Process, RealServer, Registration
from tests.support.server import ROOT, free_port, server_command

PASSWORD = "correct horse battery staple"
USER = User(f"{PERSON}@example.com", PASSWORD)
PROVISION = f"""
from authplane.accounts.models import User
from oauth.resources.services import create_resource
user = User(email={USER.email!r})
user.set_password({USER.password!r})
user.save()
create_resource({{
    "slug": "tools", "uri": "%s", "backend_kind": "mint",
    "scopes": [{{"name": "read"}}, {{"name": "write"}}],
}})
"""


@dataclass
class SecondServer(RealServer):
    """Its tokens are for its own userinfo endpoint: no resource is asked for."""

    name: ClassVar[str] = "authplane"
    scopes: ClassVar[tuple[str, str]] = ("openid", "email")

    @classmethod
    def start(cls, folder: Path, *, empty: Path, resource: str) -> SecondServer:
        """It answers on a port of its own, on a copy of the migrated database `empty`.

        `resource` is one that it makes tokens for, with the scopes read and write.
        """
        port, database = free_port(), folder / "second.sqlite3"
        shutil.copy(empty, database)
        url = f"http://127.0.0.1:{port}"
        env = dict(os.environ) | dict(source.VARIABLES) | {
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "tests.support.live_settings",
            "DATABASE_URL": f"sqlite:///{database}",
            "REDIS_URL": "",
            "AUTHPLANE_SERVER_ISSUER": url,
            "AUTHPLANE_SERVER_ADDRESS": f"127.0.0.1:{port}",
            "AUTHPLANE_RATE_LIMIT_ENABLED": "false",
            "AUTHPLANE_CIMD_REQUIRE_HTTPS": "false",
            "AUTHPLANE_CIMD_ALLOWED_PRIVATE_HOSTS": "127.0.0.1,localhost",
        }  # fmt: skip
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", PROVISION % resource],
            cwd=ROOT, env=env, check=True,
        )  # fmt: skip
        process = Process(
            server_command(kind="granian", port=port, processes=1, threads=8),
            env=env,
            url=url,
            probe="/livez",
            log=folder / "second.log",
        )
        process.start()
        return cls(process, url)

    def refreshes(self, client: Registration) -> int:
        query = (
            "SELECT COUNT(*) FROM oauth_accesstoken AS t JOIN oauth_client AS c"
            " ON t.application_id = c.id WHERE c.client_id = ? AND t.kind = 'refresh_token'"
        )
        database = self.process.log.with_name("second.sqlite3")
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            return int(opened.execute(query, [client.client_id]).fetchone()[0])

    def _walk(self, browser: httpx.Client, url: str, *, allow: bool) -> str:
        browser.base_url = self.process.url
        redirect_uri = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        driver = OAuthClient(http=browser, issuer=self.issuer)
        return driver.follow(url, USER, redirect_uri=redirect_uri, allow=allow)
