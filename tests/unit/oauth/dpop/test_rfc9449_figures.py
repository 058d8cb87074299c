"""The proofs and thumbprints that RFC 9449 prints, read by both of our verifiers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from authplane.resource.config import Protection
from authplane.resource.errors import Refused
from authplane.resource.proof import checked_proof
from authplane.resource.request import Incoming
from oauth.dpop.proof import verify_proof
from oauth.errors import OAuthError, Reason

HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
    "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW"
    "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
TOKEN_REQUEST = (
    f"{HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4"
    "YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4"
    "PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RESOURCE_REQUEST = (
    f"{HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5l"
    "eGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc"
    "05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y"
    "6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RESOURCE = "https://resource.example.org/protectedresource"


def at(seconds):
    return datetime.fromtimestamp(seconds, tz=UTC)


def test_figure_2_the_proof_of_a_token_request_and_figure_9_its_thumbprint():
    proven = verify_proof(
        [TOKEN_REQUEST], method="POST", url="https://server.example.com/token", now=at(1562262616)
    )

    assert proven.jkt == JKT
    assert proven.use == f"{JKT}:-BwC3ESc6acc2lTc"


def test_figure_13_the_proof_of_a_resource_request_with_its_token_hash():
    proven = verify_proof(
        [RESOURCE_REQUEST],
        method="GET",
        url=RESOURCE,
        now=at(1562262618),
        access_token=ACCESS_TOKEN,
    )

    assert proven.jkt == JKT


def test_figure_13_with_another_token():
    with pytest.raises(OAuthError) as refused:
        verify_proof(
            [RESOURCE_REQUEST], method="GET", url=RESOURCE, now=at(1562262618), access_token="x"
        )

    assert refused.value.reason is Reason.DPOP_TOKEN_HASH


def test_figure_13_at_a_resource_server():
    protection = Protection(
        issuer="https://server.example.com", resource=RESOURCE, clock=lambda: 1562262618.0
    )
    incoming = Incoming(method="GET", url=RESOURCE, proofs=(RESOURCE_REQUEST,))

    assert checked_proof(incoming, access_token=ACCESS_TOKEN, protection=protection).jkt == JKT
    with pytest.raises(Refused):
        checked_proof(incoming, access_token="x", protection=protection)
