"""oidc-provider, from npm, as a service of somebody else's: any login, any password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import httpx

from tests.support import node
from tests.support.pages import forms_of
from tests.support.real_upstreams import PERSON, Process, RealServer, Registration
from tests.support.server import free_port

ABORT = re.compile(r'href="([^"]+/abort)"')


@dataclass
class OidcProvider(RealServer):
    """It keeps everything in memory, and its log says which grants it answered."""

    name: ClassVar[str] = "oidc-provider"
    scopes: ClassVar[tuple[str, str]] = ("openid", "email")
    has_memory: ClassVar[bool] = False

    @classmethod
    def start(cls, folder: Path) -> OidcProvider:
        """It answers on a port of its own; `process.stop()` ends it. Raises: LookupError."""
        program = node.find_node()
        if program is None:
            raise LookupError("no Node")
        port = free_port()
        process = Process(
            [str(program), str(node.FOLDER / "oidc-provider.mjs"), str(port)],
            env=os.environ,
            url=f"http://127.0.0.1:{port}",
            probe="/jwks",
            log=folder / "oidc-provider.log",
        )
        process.start()
        return cls(process, process.url)

    def refreshes(self, client: Registration) -> int:
        lines = self.process.log.read_text(encoding="utf-8").splitlines()
        return lines.count(f"granted refresh_token {client.client_id}")

    def _walk(self, browser: httpx.Client, url: str, *, allow: bool) -> str:
        """Sign-in, then a page that asks; each has a link that cancels."""
        here = self.leave(browser, browser.get(url))
        while isinstance(here, httpx.Response):
            (form,) = forms_of(here.text, url=str(here.url))
            asks = form.value("prompt")
            if asks == "consent" and not allow:
                found = ABORT.search(here.text)
                assert found, here.text
                answer = browser.get(found[1])
            else:
                given = {"login": PERSON, "password": "any"} if asks == "login" else {}
                answer = browser.post(form.action, data=dict(form.submission(**given)))
            here = self.leave(browser, answer)
        return here
