from __future__ import annotations

import pytest

from tests.support.factories import make_user, person
from tests.support.servers import Page
from tests.support.upstream import ALLOWED, running_upstream


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def user(db):
    return make_user()


@pytest.fixture
def page(oauth, user):
    """A page of this site in the user's browser, signed in."""
    made = Page(oauth, person(user))
    made.sign_in()
    return made


@pytest.fixture
def stranger(oauth):
    """The same in somebody else's browser."""
    made = Page(oauth.sibling(), person(make_user()))
    made.sign_in()
    return made


@pytest.fixture
def anybody(oauth, user):
    """A browser in which nobody is signed in."""
    return Page(oauth.sibling(), person(user))
