"""`make demo`: prepares a user and a resource, then lets a real client meet a real MCP server.

Needs the running server of `make run`, and reads the operator key that it generated.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from demo import wire

START_LIMIT = 20.0


class DemoFailed(Exception):
    """A step did not come out as it must; the text says which."""


def arguments() -> argparse.Namespace:
    """Where everything is."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--issuer", default="http://localhost:9000")
    parser.add_argument("--operator", default="http://localhost:9001")
    parser.add_argument("--port", type=int, default=9100, help="of the MCP server")
    data = Path(os.environ.get("AUTHPLANE_DATA_DIR", "data"))
    parser.add_argument("--key-file", type=Path, default=data / "secrets" / "admin_api_key")
    return parser.parse_args()


def prepare(options: argparse.Namespace, *, resource: str) -> dict[str, str]:
    """A fresh user, and the resource unless an earlier demo made it."""
    key = os.environ.get("AUTHPLANE_ADMIN_API_KEY") or options.key_file.read_text().strip()
    person = {
        "email": f"demo-{secrets.token_hex(4)}@example.com",
        "password": secrets.token_urlsafe(18),
    }
    with httpx.Client(
        base_url=options.operator, headers={"Authorization": f"Bearer {key}"}, trust_env=False
    ) as operator:
        _expect(operator.post("/admin/users", json=person), {201})
        _make_resource(operator, slug=f"demo-{options.port}", uri=resource)
    wire.say(f"   user {person['email']}, resource {resource}")
    return person


def _make_resource(operator: httpx.Client, *, slug: str, uri: str) -> None:
    """The resource has both scopes, of which the first is the one that nobody has to name."""
    scopes = [
        {"name": "notes:read", "description": "Read your notes."},
        {"name": "notes:write", "description": "Add notes.", "default": False},
    ]
    body = {"slug": slug, "uri": uri, "backend_kind": "mint", "display_name": "Protected notes"}
    made = operator.post("/admin/resources", json=body | {"scopes": scopes})
    _expect(made, {201, 409})
    if made.status_code == httpx.codes.CONFLICT:
        # Made by the first start or by an earlier demo, under whatever slug.
        listed = operator.get("/admin/resources", params={"limit": 200})
        _expect(listed, {200})
        known = [row["id"] for row in listed.json()["resources"] if row["uri"] == uri]
        if not known:
            raise DemoFailed(f"another resource has the slug {slug}; see {listed.request.url}")
        _expect(operator.patch(f"/admin/resources/{known[0]}", json={"scopes": scopes}), {200})


def _expect(answer: httpx.Response, statuses: set[int]) -> None:
    if answer.status_code not in statuses:
        raise DemoFailed(f"{answer.request.url}: {answer.status_code} {answer.text}")


@contextlib.contextmanager
def mcp_server(options: argparse.Namespace, *, resource: str) -> Iterator[None]:
    """The MCP server answers within it, and is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.mcp_server", options.issuer, str(options.port)]
    )
    try:
        deadline = time.monotonic() + START_LIMIT
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(resource, trust_env=False)
                break
            time.sleep(0.1)
        else:
            raise DemoFailed("the MCP server did not start")
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def main() -> int:
    """0 when the whole job was done."""
    options = arguments()
    resource = f"http://localhost:{options.port}/mcp"
    try:
        httpx.get(f"{options.issuer}/livez", trust_env=False).raise_for_status()
    except httpx.HTTPError:
        wire.say(f"no server at {options.issuer}: start one with 'make run' in another terminal")
        return 1
    try:
        run(options, resource=resource)
    except (DemoFailed, OSError) as failure:
        wire.say(f"\nthe demo failed: {failure}")
        return 1
    wire.say(
        "\nDone: discovered, registered, signed in, consented, called, refreshed, called,"
        " asked for more, called."
    )
    return 0


def run(options: argparse.Namespace, *, resource: str) -> None:
    """The whole job was done. Raises: DemoFailed."""
    wire.step(1, "Operator: create a user and a resource")
    person = prepare(options, resource=resource)
    wire.step(2, "Start the MCP server; it fetches the authorization server's metadata")
    who = {"DEMO_EMAIL": person["email"], "DEMO_PASSWORD": person["password"]}
    with mcp_server(options, resource=resource):
        client = subprocess.run(
            [sys.executable, "-m", "demo.mcp_client", resource],
            env=os.environ | who,
            check=False,
            timeout=120,
        )
    if client.returncode:
        raise DemoFailed("the MCP client did not get through")


if __name__ == "__main__":
    sys.exit(main())
