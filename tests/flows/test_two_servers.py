"""Cross-app access between two of our servers, each the identity provider of the other.

Real processes with databases of their own. Nothing is shared but the network between them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support import node, oauth_client
from tests.support.assertions import ID_JAG, TOKEN_EXCHANGE, TYPES
from tests.support.dpop import DPoPKey
from tests.support.factories import make_client, make_resource
from tests.support.platforms import JWT_BEARER, Platform
from tests.support.server import RunningServer, free_port, running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

PASSWORD = "correct horse battery staple"
PROVISION = """
import json
from authplane.accounts.models import User
from oauth.clients.services import create_client
from oauth.resources.services import create_resource
user = User(email=%(email)r)
user.set_password(%(password)r)
user.save()
resource = create_resource({
    "slug": "mcp", "uri": %(resource)r, "backend_kind": "mint",
    "scopes": [{"name": "read"}, {"name": "write"}],
})
made = [create_client(document) for document in %(clients)r]
print(json.dumps({"user": str(user.pk), "clients": [
    [one.client.client_id, one.secret] for one in made
]}))
"""
# One process for all three commands: each would load everything anew.
TRUST = """
from tests.support.forked import command
idp = command("idp", "create", "--name", "Other", "--issuer", %(issuer)r)
command("xaa_policy", "create", "--idp", idp["id"], "--name", "Wiki", "--scope", "read")
command("assertion_audience", "create", "--name", "Other", "--audience", %(issuer)r,
        "--client-id", %(clients)r, "--resource", %(resource)r, "--scope", "read")
"""


@dataclass
class Side:
    """One of the two servers: its user, its resource, and the application registered with it."""

    server: RunningServer
    resource: str
    email: str
    user: str = ""
    employee: list[str] = field(default_factory=list)
    guest: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its issuer."""
        return self.server.url

    def run(self, script: str) -> str:
        """What it prints, on this server's database."""
        return self.server.manage("shell", "-v", "0", "-c", script)

    def provision(self) -> None:
        """A user, a resource, and the application twice: to sign users in, and to serve guests."""
        common = {"token_endpoint_auth_method": "client_secret_basic"}
        clients = [
            common
            | {
                "client_name": "Wiki",
                "redirect_uris": [oauth_client.DEFAULT_REDIRECT],
                "grant_types": ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
            },
            common | {"client_name": "Wiki", "grant_types": [JWT_BEARER], "scope": "read write"},
        ]
        script = PROVISION % {
            "email": self.email,
            "password": PASSWORD,
            "resource": self.resource,
            "clients": clients,
        }
        made = json.loads(self.run(script).splitlines()[-1])
        self.user = made["user"]
        self.employee, self.guest = made["clients"]

    def trust(self, other: Side) -> None:
        """Assertions of the other server count here, and users here are asserted there."""
        clients = f"{self.employee[0]}={other.guest[0]}"
        self.run(TRUST % {"issuer": other.url, "clients": clients, "resource": other.resource})

    def client(self, pair: list[str], **members: Any) -> oauth_client.OAuthClient:
        """The application as this server knows it."""
        return oauth_client.OAuthClient.at(
            self.url,
            client_id=pair[0],
            client_secret=pair[1],
            auth_method="client_secret_basic",
            **members,
        )


@pytest.fixture(scope="module")
def sides(
    django_db_setup: None,
    django_db_blocker: Any,
    empty_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Side]]:
    """Two servers that trust each other."""
    with django_db_blocker.unblock(), contextlib.ExitStack() as until_the_end:
        both = []
        folder = tmp_path_factory.mktemp("two-servers")
        for name in ("left", "right"):
            database = folder / f"{name}.sqlite3"
            shutil.copy(empty_database, database)
            server = until_the_end.enter_context(
                running_server(
                    processes=1,
                    port=free_port(),
                    DATABASE_URL=f"sqlite:///{database}",
                    REDIS_URL="",
                    AUTHPLANE_CIMD_REQUIRE_HTTPS="false",
                    AUTHPLANE_XAA_ALLOWED_PRIVATE_HOSTS="127.0.0.1",
                )
            )
            both.append(Side(server, f"https://{name}.example.com/mcp", f"ann@{name}.example.com"))
        for side in both:
            side.provision()
        both[0].trust(both[1])
        both[1].trust(both[0])
        yield both


def assertion(side: Side, other: Side, subject_token: str, **form: Any) -> Any:
    """The answer to an exchange at the user's own server."""
    key = form.pop("dpop", None)
    return side.client(side.employee, dpop=key).token(
        grant_type=TOKEN_EXCHANGE,
        requested_token_type=ID_JAG,
        subject_token=subject_token,
        subject_token_type=f"{TYPES}refresh_token",
        audience=other.url,
        resource=other.resource,
        **form,
    )


def test_a_user_of_one_server_is_served_by_the_other(sides: list[Side]) -> None:
    for home, away in (sides, sides[::-1]):
        person = oauth_client.User(home.email, PASSWORD)
        tokens = home.client(home.employee).tokens(person, scope="openid")

        answer = assertion(home, away, tokens["refresh_token"])
        assert answer.status_code == 200, answer.text
        assert (answer.json()["token_type"], answer.json()["scope"]) == ("N_A", "read")
        identity = answer.json()["access_token"]

        guest = away.client(away.guest)
        redeemed = guest.token(grant_type=JWT_BEARER, assertion=identity)
        assert redeemed.status_code == 200, redeemed.text
        token = redeemed.json()["access_token"]
        claims = guest.claims(token, audience=away.resource)
        assert claims["sub"] == f"{home.url}:{home.user}"
        assert (claims["client_id"], claims["scope"]) == (away.guest[0], "read")
        seen = guest.introspect(token).json()
        assert (seen["active"], seen["sub"]) == (True, claims["sub"])

        again = guest.token(grant_type=JWT_BEARER, assertion=identity)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert home.client(home.employee).introspect(identity).json() == {"active": False}
        assert home.client(home.employee).refresh(tokens["refresh_token"]).status_code == 200


def test_what_was_not_agreed_is_refused_on_either_side(sides: list[Side]) -> None:
    home, away = sides
    person = oauth_client.User(home.email, PASSWORD)
    refresh_token = home.client(home.employee).tokens(person, scope="openid")["refresh_token"]

    wide = assertion(home, away, refresh_token, scope="read write")
    assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope")

    # Meant for the other side, not for whoever made it.
    itself = assertion(home, away, refresh_token).json()["access_token"]
    refused = home.client(home.guest).token(grant_type=JWT_BEARER, assertion=itself)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")

    # The rules of the other side count as well: this client is not the one that was named.
    other = away.client(away.employee).token(grant_type=JWT_BEARER, assertion=itself)
    assert other.status_code in {400, 401}


def test_an_assertion_that_is_bound_to_a_key(sides: list[Side]) -> None:
    """Worth nothing at the other server without the key that was proved at the first."""
    home, away = sides
    person = oauth_client.User(home.email, PASSWORD)
    refresh_token = home.client(home.employee).tokens(person, scope="openid")["refresh_token"]
    key = DPoPKey()
    bound = assertion(home, away, refresh_token, dpop=key).json()["access_token"]
    guest = away.client(away.guest)
    for stranger in (guest, away.client(away.guest, dpop=DPoPKey())):
        refused = stranger.token(grant_type=JWT_BEARER, assertion=bound)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    holder = away.client(away.guest, dpop=key)
    served = holder.token(grant_type=JWT_BEARER, assertion=bound)
    assert (served.status_code, served.json()["token_type"]) == (200, "DPoP"), served.text


def oauth4webapi(given: dict[str, Any]) -> dict[str, Any]:
    """What the unmodified client reports."""
    finished = subprocess.run(
        [str(node.find_node()), "oauth4webapi-assertions.mjs", json.dumps(given)],
        cwd=node.FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    word, _, facts = finished.stdout.strip().partition(" ")
    assert word == "DONE", finished.stderr[-3000:]
    return dict(json.loads(facts))


@pytest.mark.node
def test_oauth4webapi_between_two_servers(sides: list[Side]) -> None:
    home, away = sides
    person = oauth_client.User(home.email, PASSWORD)
    tokens = home.client(home.employee).tokens(person, scope="openid")

    facts = oauth4webapi(
        {
            "home": home.url,
            "away": away.url,
            "refresh_token": tokens["refresh_token"],
            "resource": away.resource,
            "employee": home.employee,
            "guest": away.guest,
        }
    )

    assert facts == {
        "advertised": [ID_JAG],
        "accepted": ["urn:ietf:params:oauth:grant-profile:id-jag"],
        "issued": ID_JAG,
        "token_type": "bearer",
        "scope": "read",
    }


@pytest.mark.node
def test_oauth4webapi_as_a_workload(server: Any) -> None:
    resource = make_resource()
    row = make_client(grant_types=[JWT_BEARER], scope="read")
    platform = Platform("kubernetes")
    port = free_port()
    platform.register(
        {"subject": platform.subject, "client_id": row.client_id},
        audience=f"http://127.0.0.1:{port}",
    )
    url = server(port=port).url

    facts = oauth4webapi(
        {
            "server": url,
            "client_id": row.client_id,
            "workload": platform.token(aud=[url]),
            "resource": resource.uri,
        }
    )

    assert (facts["token_type"], facts["scope"]) == ("bearer", "read")
