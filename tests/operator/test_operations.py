"""Every route of the operator API says what it does, and does what it says to the record."""

from __future__ import annotations

import pytest

from admin_api.operations import Role, described, routed
from audit.events import CATALOGUE

WITHOUT_RECORD = {
    ("POST", "WorkloadIssuers", "test"): "a rehearsal: nothing is stored",
    ("POST", "AuditSeals", "verify"): "compares; what the schedule finds is recorded",
}
OF_ANY_ROLE = {("Server", "verify"): "whoever holds a key may ask whether it is good"}
FILES = {("AuditEvents", "export")}
"""Answers that are not JSON, and have no schema."""

ROUTES = [
    pytest.param(method, path, view, action, id=f"{method} {path}")
    for method, path, view, action in routed()
]


@pytest.mark.parametrize(("method", "path", "view", "action"), ROUTES)
def test_every_route_is_described(method, path, view, action):
    told = described(getattr(view, action))

    assert told is not None, f"{view.__name__}.{action} lacks @operation"
    assert told.summary
    assert 204 == told.status or told.answers or (view.__name__, action) in FILES
    assert bool(told.listed) == (action == "list")


@pytest.mark.parametrize(("method", "path", "view", "action"), ROUTES)
def test_every_write_names_what_the_record_will_tell(method, path, view, action):
    told = described(getattr(view, action))

    assert told is not None
    assert set(told.events) <= set(CATALOGUE)
    if method == "GET":
        return
    silent = (method, view.__name__, action) in WITHOUT_RECORD
    assert silent != bool(told.events)
    assert silent or told.role is not Role.VIEWER or (view.__name__, action) in OF_ANY_ROLE


def test_the_exceptions_are_routes_that_exist():
    known = {(method, view.__name__, action) for method, _, view, action in routed()}

    assert set(WITHOUT_RECORD) <= known
