"""Only the guarded fetcher reaches out; each call of it stands in the matrix of attacks."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.architecture.test_source_tree import ROOT, sources

NETWORK = {"httpx", "httpcore", "requests", "urllib3", "aiohttp", "socket", "http.client",
           "urllib.request", "ftplib", "smtplib", "telnetlib", "xmlrpc.client",
           "jwt.PyJWKClient"}  # fmt: skip

ALLOWED = {
    "authplane/core/fetch.py": "the fetcher",
    "authplane/core/pinned.py": "its connections, to addresses that were checked",
    "authplane/core/syslog.py": "the operator's own syslog server, at its one address",
    "authplane/core/ports.py": "asks the system whether a port of ours is free; connects nowhere",
    "authplane/core/probe.py": "asks the listener of its own container",
    "authplane/resource/work.py": "part of resource servers, which ask the one issuer they trust",
}

CALL_SITES = {
    "oauth/clients/metadata_document.py": 1,  # client_document
    "oauth/clients/keys.py": 1,  # client_keys
    "oauth/clients/fetching.py": 1,  # all of the above, and the two below
    "oauth/federation/discovery.py": 1,  # issuer_document
    "oauth/federation/keys.py": 1,  # issuer_keys, sign_in_keys
    "broker/upstream/issuer.py": 1,  # upstream_document
    "broker/upstream/token_endpoint.py": 1,  # token_endpoint, revocation_endpoint, service_account
    "broker/remote/probe.py": 1,  # remote_probe
    "broker/remote/search.py": 1,  # remote_metadata, remote_well_known
    "broker/remote/registration.py": 2,  # remote_registration, remote_unregistration
    "broker/signin/discovery.py": 1,  # sign_in_document
    "broker/signin/profile.py": 1,  # sign_in_userinfo
    "authplane/core/fetch.py": 1,  # fetch_json is send
    "admin_api/doctor/scene.py": 1,  # the operator's own issuer, wherever it lives
    "audit/anchors/places.py": 1,  # the operator's own service for anchors, at its one address
    "audit/streams/otlp.py": 1,  # the operator's own collector, at its one address
    "authplane/core/transit.py": 1,  # the operator's own key service, at its one address
}
"""Calls of the fetcher by module, with the rows of tests/security/test_ssrf_matrix.py."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> set[str]:
    """Every module that is imported, by its full name, with what is imported from it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_nobody_else_reaches_out():
    reaching = {
        name_of(path)
        for path in sources()
        if NETWORK & imported(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert reaching <= set(ALLOWED), "ask authplane.core.fetch instead"
    assert set(ALLOWED) <= reaching, "a reason too many"


def calls(tree: ast.AST) -> int:
    """How often the fetcher is called: as `fetch.send`, or by a name imported from it."""
    direct: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "authplane.core.fetch":
            direct |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef) and node.name in {"send", "fetch_json"}:
            direct.add(node.name)
    count = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(ast.Name("fetch"), "send" | "fetch_json"):
                count += 1
            case ast.Attribute(ast.Name("fetching"), "fetch_published"):
                count += 1
            case ast.Name("send" | "fetch_json" as name) if name in direct:
                count += 1
            case _:
                pass
    return count


def test_every_call_stands_in_the_matrix_of_attacks():
    found = Counter()
    for path in sources():
        found[name_of(path)] += calls(ast.parse(path.read_text(encoding="utf-8")))

    assert +found == Counter(CALL_SITES), "add a row to tests/security/test_ssrf_matrix.py"
