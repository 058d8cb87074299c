"""A machine that asks with proofs, and what the log says of why it was refused."""

from __future__ import annotations

import pytest

from tests.support.dpop import DPoPKey

TOKEN_URL = "http://localhost:9000/oauth/token"


@pytest.fixture
def key():
    return DPoPKey()


@pytest.fixture
def ask(scene):
    """`ask(proof, ...)`: client credentials with these DPoP headers."""

    def send(*proofs, url="/oauth/token", **form):
        headers = [("Accept", "application/json"), *(("DPoP", proof) for proof in proofs)]
        _, basic = scene.machine.client_authentication()
        fields = {
            "grant_type": "client_credentials",
            "scope": "read",
            "resource": scene.resource.uri,
        }
        headers.append(("Authorization", basic))
        return scene.machine.http.post(url, data=fields | form, headers=headers)

    return send


@pytest.fixture
def reason(caplog):
    """The private reason of the latest refusal."""
    caplog.set_level("INFO")

    def latest():
        found = [row.reason for row in caplog.records if hasattr(row, "reason")]
        return found[-1] if found else None

    return latest
