"""The catalogue is closed, and what an event must say it says."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from audit import events
from audit.registry import Event, event


@pytest.mark.parametrize("action", events.CATALOGUE)
def test_every_event_is_frozen_named_and_explained(action):
    declared = events.CATALOGUE[action]

    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", action)
    assert action == declared.action
    assert declared.__dataclass_params__.frozen
    assert "__dict__" not in dir(declared)
    assert declared.__doc__


def test_an_action_is_declared_once():
    with pytest.raises(ValueError, match=r"token\.issued"):
        event("token.issued")(type("Another", (Event,), {}))


def test_a_required_member_cannot_be_left_out():
    with pytest.raises(TypeError):
        events.KeyRotated(kid="one", alg="ES256")


def test_the_detail_holds_required_members_and_known_optional_ones():
    issued = events.TokenIssued(
        actor_id="u", client_id="c", grant="refresh_token", jti="j", scopes=""
    )

    assert {"grant": "refresh_token", "jti": "j", "scopes": ""} == json.loads(issued.detail())
    assert "family" in json.loads(dataclasses.replace(issued, family="f").detail())


def test_a_nul_in_a_name_cannot_fail_the_transaction():
    created = events.ClientCreatedAdmin(name="a\0b")

    assert "\0" not in json.loads(created.detail())["name"]


def test_values_are_text_to_the_encoder():
    created = events.ClientCreatedAdmin(name='"},{"')

    assert {"name": '"},{"'} == json.loads(created.detail())
