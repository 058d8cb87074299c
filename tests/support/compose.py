"""Reads the image's and the composition's files, and says what in them cannot work.

There may be no container engine where this runs, so the files are checked against each other and
against the configuration that the server really reads.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICE_KEYS = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "pid",
    "ports", "read_only", "restart", "secrets", "security_opt", "tmpfs", "volumes",
}  # fmt: skip
FOREIGN_VARIABLES = {"PROMETHEUS_MULTIPROC_DIR", "DJANGO_SETTINGS_MODULE", "METRICS_USERNAME"}
OURS = "authplane:latest"


def composition() -> dict[str, Any]:
    """compose.yaml with its defaults in the place of variables that are not set."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    defaults = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: m.group(2), text)
    return yaml.safe_load(defaults)


def our_services() -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    everything = composition()["services"]
    return {name: made for name, made in everything.items() if made.get("image") == OURS}


def image_instructions() -> list[tuple[str, str]]:
    """The Dockerfile as pairs of instruction and argument, continuation lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines()]  # type: ignore[misc]


def image_command(instruction: str) -> list[str]:
    """The JSON form of the last CMD or HEALTHCHECK."""
    values = [value for name, value in image_instructions() if name == instruction]
    return json.loads(values[-1][values[-1].index("[") :])


def problems() -> Iterator[str]:
    """Everything that contradicts itself or the server's configuration."""
    document = composition()
    known = _known_variables()
    for name, service in document["services"].items():
        yield from _reference_problems(name, service, document)
        yield from _variable_problems(name, service, known)
    for name, service in our_services().items():
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
            yield f"service {name} must run with a read-only root and without capabilities"
    for name, secret in document["secrets"].items():
        if name not in (ROOT / "deploy/secrets.sh").read_text(encoding="utf-8"):
            yield f"deploy/secrets.sh does not write {secret['file']}"


def _reference_problems(
    name: str, service: dict[str, Any], document: dict[str, Any]
) -> Iterator[str]:
    for key in sorted(set(service) - SERVICE_KEYS):
        yield f"service {name}: {key} is not a key we know"
    volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
    used = {
        "services": set(service.get("depends_on", {})),
        "secrets": set(service.get("secrets", [])),
        "volumes": {volume for volume in volumes if not volume.startswith((".", "/"))},
    }
    for section, names in used.items():
        for missing in sorted(names - set(document[section])):
            yield f"service {name} needs {missing}, which {section} does not declare"


def _variable_problems(name: str, service: dict[str, Any], known: set[str]) -> Iterator[str]:
    mounted = {f"/run/secrets/{secret}" for secret in service.get("secrets", [])}
    for variable, value in service.get("environment", {}).items():
        if service.get("image") == OURS and variable not in known | FOREIGN_VARIABLES:
            yield f"service {name}: the server reads no {variable}"
        if variable.endswith("_FILE") and str(value) not in mounted:
            yield f"service {name}: {variable} names {value}, which is not mounted"


def _known_variables() -> set[str]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplane.settings.test")
    from authplane.core.loading import declared

    names: set[str] = set()
    for _, _, setting in declared():
        if setting.variable:
            names.add(setting.variable)
            if setting.secret:
                names.add(f"{setting.variable}_FILE")
    return names


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found))
    sys.exit(1 if found else 0)
