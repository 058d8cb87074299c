"""The commands that image and composition name, run as they stand there.

Where no container engine runs, this is what shows that a container of the image would work: the
same command lines, the environment of the files, the production settings, generated secrets.
"""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import sys
import time

import httpx
import pytest

from tests.support import compose
from tests.support.server import ROOT, free_port, start_group, stop_group, wait_until_up

pytestmark = [pytest.mark.server, pytest.mark.slow]

SETTLE = 4.0


@pytest.fixture(scope="module")
def secrets_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run(["sh", "deploy/secrets.sh", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def static_files():
    """The image's build step: with it the manifest exists that the production settings read."""
    build = next(v for n, v in compose.image_instructions() if n == "RUN" and "collectstatic" in v)
    assignments = [word for word in build.split() if "=" in word and not word.startswith("-")]
    env = os.environ | dict(word.split("=", 1) for word in assignments)
    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def environment(secrets_folder, static_files, tmp_path_factory):
    """What a container would see, with the addresses of this host and a database of its own."""
    data = tmp_path_factory.mktemp("data")
    image = dict(
        pair.split("=", 1)
        for name, value in compose.image_instructions()
        if name == "ENV"
        for pair in value.split()
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AUTHPLANE_", "METRICS_"))}
    env |= {k: v for k, v in image.items() if k.startswith(("AUTHPLANE_", "DJANGO_", "PYTHON"))}
    env |= {
        name: str(value).replace("/run/secrets", str(secrets_folder))
        for name, value in compose.our_services()["prepare"]["environment"].items()
    }
    public, operator = free_port(), free_port()
    env |= {
        "AUTHPLANE_SERVER_ISSUER": f"http://localhost:{public}",
        "AUTHPLANE_SERVER_ADDRESS": f":{public}",
        "AUTHPLANE_ADMIN_ADDRESS": f":{operator}",
        "AUTHPLANE_DATA_DIR": str(data),
        "DATABASE_URL": f"sqlite:////{str(data / 'image.sqlite3').lstrip('/')}",
        "PROMETHEUS_MULTIPROC_DIR": str(data / "metrics"),
    }
    env.pop("DATABASE_URL_FILE")
    if os.environ.get("REDIS_URL"):
        env["REDIS_URL"] = os.environ["REDIS_URL"]
    else:
        env.pop("REDIS_URL")
    return env


def command_of(service):
    return as_here(compose.our_services()[service]["command"])


def as_here(command):
    """`python` and the paths of a container are this environment's."""
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


def run(command, env):
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def prepared(environment):
    done = run(command_of("prepare"), environment)
    assert done.returncode == 0, done.stderr
    return environment


@contextlib.contextmanager
def running(command, env, *, folder, url=None):
    log = folder / "log"
    with log.open("wb") as output:
        process = start_group(command, env=env, output=output)
        try:
            if url:
                wait_until_up(url, process=process, log=log)
            yield process, log
        finally:
            stop_group(process)


def test_preparing_twice_changes_nothing(prepared):
    again = run(command_of("prepare"), prepared)

    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("command", ["image", "service"])
def test_the_public_listener_serves_metadata_and_is_healthy(prepared, command, tmp_path):
    line = as_here(compose.image_command("CMD")) if command == "image" else command_of("web")
    env = prepared | {"AUTHPLANE_LISTENER": "public"}
    url = env["AUTHPLANE_SERVER_ISSUER"]

    with running(line, env, folder=tmp_path, url=f"{url}/livez"):
        metadata = httpx.get(f"{url}/.well-known/oauth-authorization-server", trust_env=False)
        healthy = run(as_here(compose.image_command("HEALTHCHECK")), env)
        operator_path = httpx.get(f"{url}/metrics", trust_env=False)

    assert metadata.json()["issuer"] == url
    assert healthy.returncode == 0, healthy.stderr
    assert operator_path.status_code == 404


def test_the_operator_listener_serves_metrics_and_is_healthy(prepared, secrets_folder, tmp_path):
    env = prepared | {"AUTHPLANE_LISTENER": "operator"}
    url = f"http://localhost:{env['AUTHPLANE_ADMIN_ADDRESS'].removeprefix(':')}"
    password = (secrets_folder / "metrics_password").read_text()
    basic = base64.b64encode(f"metrics:{password}".encode()).decode()

    with running(command_of("operator"), env, folder=tmp_path, url=f"{url}/livez"):
        stranger = httpx.get(f"{url}/metrics", trust_env=False)
        known = httpx.get(
            f"{url}/metrics", headers={"Authorization": f"Basic {basic}"}, trust_env=False
        )
        healthy = run(as_here(compose.image_command("HEALTHCHECK")), env)

    assert stranger.status_code == 401
    assert known.status_code == 200
    assert healthy.returncode == 0, healthy.stderr


def test_the_health_check_fails_where_nobody_listens(prepared):
    probe = run(as_here(compose.image_command("HEALTHCHECK")), prepared)

    assert probe.returncode == 1


@pytest.mark.parametrize("service", ["worker", "beat"])
def test_scheduled_work_starts_stays_and_stops_when_told(prepared, service, tmp_path):
    line = [part.replace("/run/authplane", str(tmp_path)) for part in command_of(service)]

    with running(line, prepared, folder=tmp_path) as (process, log):
        time.sleep(SETTLE)
        assert process.poll() is None, log.read_text()
        process.terminate()
        process.wait(timeout=15)

    assert "Traceback" not in log.read_text()
