"""Kinds of applications, and what each needs unless somebody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oauth.clients.policy import KEY_METHOD, SWITCHES, TOKEN_EXCHANGE, enabled_grants

SECRET: Final = ("client_secret_basic", "A secret that its server keeps")
KEY: Final = (KEY_METHOD, "Its own key pair: it signs, and no secret is shared")
NOTHING: Final = ("none", "Nothing: it runs on people's machines or in their browser")

USER_GRANTS: Final = ("authorization_code", "refresh_token")
ACTS_FOR_USERS, ACTS_ALONE, EXCHANGES = "users", "alone", "exchanges"
GRANTS_OF_WAY: Final = {
    ACTS_FOR_USERS: USER_GRANTS,
    ACTS_ALONE: ("client_credentials",),
    EXCHANGES: (TOKEN_EXCHANGE,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of application. `ways` are how it can come by tokens; one of them needs no asking."""

    name: str
    title: str
    text: str
    examples: str
    ways: tuple[str, ...]
    methods: tuple[tuple[str, str], ...]
    application_type: str = ""
    redirect_example: str = ""
    is_agent: bool = False

    @property
    def missing_switch(self) -> str:
        """The variable without which none of the kind can work; empty when nothing is missing."""
        if len(self.ways) > 1:
            return ""
        grants = set(GRANTS_OF_WAY[self.ways[0]]) - enabled_grants()
        return SWITCHES[grants.pop()] if grants else ""


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            name="browser",
            title="Browser application",
            text="People open it in a web browser and sign in there.",
            examples="A web application with a server, a single-page application.",
            ways=(ACTS_FOR_USERS,),
            methods=(SECRET, NOTHING, KEY),
            application_type="web",
            redirect_example="https://app.example.com/callback",
        ),
        Kind(
            name="native",
            title="Native application",
            text="People install it. Signing in opens their browser.",
            examples="A desktop or mobile application, a command line tool, an MCP client.",
            ways=(ACTS_FOR_USERS,),
            methods=(NOTHING,),
            application_type="native",
            redirect_example="http://127.0.0.1/callback",
        ),
        Kind(
            name="machine",
            title="Machine",
            text="It works on its own, with nobody signed in.",
            examples="A scheduled job, a service that calls other services.",
            ways=(ACTS_ALONE,),
            methods=(SECRET, KEY),
        ),
        Kind(
            name="agent",
            title="Agent",
            text="A program that decides what to do. Its tokens name it, alone or beside a person.",
            examples="An assistant that acts for people, an agent that other applications call.",
            ways=(ACTS_FOR_USERS, EXCHANGES, ACTS_ALONE),
            methods=(SECRET, NOTHING, KEY),
            redirect_example="https://agent.example.com/callback",
            is_agent=True,
        ),
    )
}
