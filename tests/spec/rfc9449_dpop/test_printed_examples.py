"""The values that RFC 9449 prints, recomputed."""

from __future__ import annotations

from authplane.core.hashing import b64url, sha256
from authplane.core.jose import thumbprint
from tests.support.dpop import DPoPKey

PRINTED_KEY = {
    "kty": "EC",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    "crv": "P-256",
}


def test_the_thumbprint_of_section_6_1():
    printed = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

    assert thumbprint(PRINTED_KEY) == printed
    assert DPoPKey(private_jwk=PRINTED_KEY).jkt == printed


def test_the_token_hash_of_section_7_1():
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"

    assert b64url(sha256(token)) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
