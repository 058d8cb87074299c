"""Image, composition and configuration agree with each other."""

from __future__ import annotations

from tests.support import compose


def test_the_composition_contradicts_nothing():
    assert list(compose.problems()) == []


def test_the_image_runs_as_an_ordinary_user():
    users = [value for name, value in compose.image_instructions() if name == "USER"]

    assert users[-1].split(":")[0] not in {"root", "0"}


def test_the_image_installs_only_what_the_lock_file_pins():
    installs = [v for n, v in compose.image_instructions() if n == "RUN" and "pip install" in v]

    assert installs
    assert all("--require-hashes" in command for command in installs)
