"""RFC 6749 section 2.3: who is calling. One method, the registered one, and one answer for every
failure."""

from __future__ import annotations

import base64
from datetime import timedelta

import bcrypt
import pytest

from authplane.core import clock
from tests.support.digests import nothing_changes
from tests.support.factories import driver_for, make_confidential_client
from tests.support.oauth_client import JWT_BEARER
from tests.support.refusals import INVALID_CLIENT, METHODS_MIXED, assert_refused
from tests.support.scene import change_client, forget_clients, row_of

FORM = {"grant_type": "client_credentials"}


def basic(text: str | bytes, *, scheme: str = "Basic") -> dict[str, str]:
    raw = text.encode() if isinstance(text, str) else text
    return {"Authorization": f"{scheme} {base64.b64encode(raw).decode()}"}


def asked(client, *, headers=None, **form):
    """A request that authenticates with nothing but what is given."""
    bare = client.sibling(client_id="")
    return bare.token(**(FORM | {"client_id": None} | form), headers=headers)


def credentials(client) -> dict[str, str]:
    return {"client_id": client.client_id, "client_secret": client.client_secret}


@pytest.fixture
def posting(scene):
    return scene.another_machine(token_endpoint_auth_method="client_secret_post", scope="read")


# --- Each method works --------------------------------------------------------------------------


def test_basic_is_accepted(scene):
    assert scene.machine.client_credentials().status_code == 200


def test_credentials_in_the_body_are_accepted(posting):
    assert posting.client_credentials().status_code == 200


def test_a_public_client_is_known_by_its_id(scene):
    assert scene.client.redeem(scene.authorize()).status_code == 200


def test_the_authenticated_id_may_be_repeated_in_the_body(scene):
    again = scene.machine.client_credentials(client_id=scene.machine.client_id)

    assert again.status_code == 200


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_the_scheme_is_case_insensitive(scene, scheme):
    pair = f"{scene.machine.client_id}:{scene.machine.client_secret}"

    assert asked(scene.machine, headers=basic(pair, scheme=scheme)).status_code == 200


@pytest.mark.spec(
    "RFC 6749", "2.3.1", "MUST", "the halves of Basic credentials are percent-decoded"
)
def test_the_halves_of_basic_are_percent_decoded(scene):
    odd = driver_for(
        make_confidential_client(client_id="one:two+three four%25", scope="read"),
        base=scene.client,
        resource=scene.resource.uri,
    )
    assert odd.client_credentials().status_code == 200

    raw = f"{odd.client_id}:{odd.client_secret}"
    with nothing_changes():
        assert_refused(asked(odd, headers=basic(raw)), INVALID_CLIENT)


def test_plus_stands_for_a_space(scene):
    spaced = make_confidential_client(client_id="two words", scope="read")
    pair = f"two+words:{spaced.secret}"

    assert asked(scene.machine, headers=basic(pair)).status_code == 200


# --- Not the registered method -------------------------------------------------------------------


@pytest.mark.spec(
    "RFC 6749", "3.2.1", "MUST", "a confidential client authenticates at the token endpoint"
)
def test_a_confidential_client_is_not_known_by_its_id_alone(scene):
    with nothing_changes():
        assert_refused(asked(scene.machine, client_id=scene.machine.client_id), INVALID_CLIENT)


def test_an_empty_secret_is_no_secret(scene, posting):
    with nothing_changes():
        assert_refused(
            asked(posting, client_id=posting.client_id, client_secret=""), INVALID_CLIENT
        )


def test_a_client_of_basic_may_not_use_the_body(scene):
    with nothing_changes():
        assert_refused(asked(scene.machine, **credentials(scene.machine)), INVALID_CLIENT)


def test_a_client_of_the_body_may_not_use_basic(scene, posting):
    pair = f"{posting.client_id}:{posting.client_secret}"

    with nothing_changes():
        assert_refused(asked(posting, headers=basic(pair)), INVALID_CLIENT)


def test_a_public_client_may_not_send_a_secret(scene):
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, client_secret="anything"), INVALID_CLIENT)


def test_a_public_client_whose_row_holds_a_secret_is_still_public(scene):
    """Only the registered method counts; a stored secret does not make a client confidential."""
    odd = scene.another_client(client_secret=row_of(scene.machine).client_secret)
    pair = f"{odd.client_id}:{scene.machine.client_secret}"

    with nothing_changes():
        assert_refused(asked(odd, headers=basic(pair)), INVALID_CLIENT)


def test_another_scheme_is_no_client_authentication(scene):
    with nothing_changes():
        assert_refused(
            asked(scene.machine, headers={"Authorization": "Bearer abc"}), INVALID_CLIENT
        )


def test_an_unknown_assertion_type_is_refused(scene):
    with nothing_changes():
        assert_refused(
            asked(
                scene.machine,
                client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
                client_assertion="abc",
            ),
            INVALID_CLIENT,
        )


@pytest.mark.parametrize("assertion", ["abc", "a.b.c", "..", "e30.e30.", "[" * 5000])
def test_an_unreadable_assertion_is_refused(scene, assertion):
    with nothing_changes():
        assert_refused(
            asked(scene.machine, client_assertion_type=JWT_BEARER, client_assertion=assertion),
            INVALID_CLIENT,
        )


# --- More than one method ------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "2.3", "MUST", "a request uses one client authentication method")
@pytest.mark.parametrize("secret", ["right", "wrong"])
def test_basic_and_body_together_are_refused(scene, secret):
    form = credentials(scene.machine)
    if secret == "wrong":
        form["client_secret"] = "wrong"

    with nothing_changes():
        assert_refused(scene.machine.client_credentials(**form), METHODS_MIXED)


@pytest.mark.spec("RFC 6749", "2.3", "MUST", "a request uses one client authentication method")
def test_basic_and_an_assertion_together_are_refused(scene):
    with nothing_changes():
        assert_refused(
            scene.machine.client_credentials(
                client_assertion_type=JWT_BEARER, client_assertion="a.b.c"
            ),
            METHODS_MIXED,
        )


@pytest.mark.spec("RFC 6749", "2.3", "MUST", "a request uses one client authentication method")
def test_a_secret_and_an_assertion_in_the_body_are_refused(posting):
    with nothing_changes():
        assert_refused(
            posting.client_credentials(client_assertion_type=JWT_BEARER, client_assertion="a.b.c"),
            METHODS_MIXED,
        )


@pytest.mark.spec("RFC 6749", "2.3", "MUST", "a request uses one client authentication method")
def test_a_body_id_that_differs_from_the_authenticated_one_is_refused(scene):
    with nothing_changes():
        assert_refused(
            scene.machine.client_credentials(client_id=scene.client.client_id), METHODS_MIXED
        )


def test_a_bad_header_is_never_followed_by_a_look_at_the_body(scene, posting):
    wrong = f"{posting.client_id}:wrong"

    with nothing_changes():
        assert_refused(asked(posting, headers=basic(wrong), **credentials(posting)), METHODS_MIXED)


def test_an_unreadable_header_is_never_followed_by_a_look_at_the_body(scene, posting):
    with nothing_changes():
        assert_refused(
            asked(posting, headers={"Authorization": "Basic %%%"}, **credentials(posting)),
            INVALID_CLIENT,
        )


# --- Wrong credentials ---------------------------------------------------------------------------


@pytest.mark.spec(
    "RFC 6749", "5.2", "MUST",
    "failed client authentication with Basic is answered with 401 and a challenge",
)  # fmt: skip
def test_a_wrong_secret_is_challenged(scene):
    pair = f"{scene.machine.client_id}:wrong"

    with nothing_changes():
        assert_refused(asked(scene.machine, headers=basic(pair)), INVALID_CLIENT)


def test_a_wrong_secret_in_the_body_gets_the_same_answer(posting):
    with nothing_changes():
        assert_refused(
            asked(posting, client_id=posting.client_id, client_secret="wrong"), INVALID_CLIENT
        )


def test_the_secret_of_another_client_is_wrong(scene):
    other = scene.another_machine()
    pair = f"{scene.machine.client_id}:{other.client_secret}"

    with nothing_changes():
        assert_refused(asked(scene.machine, headers=basic(pair)), INVALID_CLIENT)


def test_an_unknown_client_is_answered_like_a_wrong_secret(scene):
    unknown = asked(scene.machine, headers=basic("nobody:nothing"))
    wrong = asked(scene.machine, headers=basic(f"{scene.machine.client_id}:nothing"))

    with nothing_changes():
        assert_refused(unknown, INVALID_CLIENT)
    volatile = {"x-request-id", "date"}
    assert unknown.content == wrong.content
    assert {k: v for k, v in unknown.headers.items() if k not in volatile} == {
        k: v for k, v in wrong.headers.items() if k not in volatile
    }


def test_a_request_without_any_client_is_refused(scene):
    with nothing_changes():
        assert_refused(asked(scene.machine), INVALID_CLIENT)


@pytest.mark.parametrize(
    "client_id",
    ["x" * 513, "\N{SNOWMAN}", "' OR 1=1 --", "https://unknown.example.com/client", " "],
)
def test_an_odd_client_id_is_an_unknown_one(scene, client_id):
    with nothing_changes():
        assert_refused(asked(scene.machine, client_id=client_id), INVALID_CLIENT)


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"id:").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"%ff:%fe").decode(),
        "Basic " + base64.b64encode(b"%00:%00").decode(),
        "Basic aWQ6c2VjcmV0, Basic aWQ6c2VjcmV0",
        "Negotiate",
        "basic\tabc",
    ],
)
def test_a_malformed_header_is_refused(scene, header):
    with nothing_changes():
        assert_refused(asked(scene.machine, headers={"Authorization": header}), INVALID_CLIENT)


@pytest.mark.spec(
    "RFC 6749", "2.3.1", "MUST", "client credentials are not taken from the request URI"
)
def test_credentials_in_the_url_do_not_count(scene, posting):
    path = "/oauth/token?client_id={client_id}&client_secret={client_secret}".format(
        **credentials(posting)
    )

    with nothing_changes():
        assert_refused(asked(posting, path=path), INVALID_CLIENT)


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_client_that_was_stopped_is_refused(scene, status):
    change_client(scene.machine, status=status)

    with nothing_changes():
        assert_refused(scene.machine.client_credentials(), INVALID_CLIENT)


def test_a_client_of_another_issuer_is_unknown_here(scene):
    change_client(scene.machine, issuer="https://other.example.com")

    with nothing_changes():
        assert_refused(scene.machine.client_credentials(), INVALID_CLIENT)


# --- Rotated and imported secrets ----------------------------------------------------------------


def test_the_previous_secret_works_until_its_overlap_ends(scene):
    row, until = row_of(scene.machine), clock.now() + timedelta(seconds=60)
    new = make_confidential_client()
    change_client(
        scene.machine,
        client_secret=new.row.client_secret,
        previous_secret=row.client_secret,
        previous_secret_expires_at=until,
    )
    assert scene.machine.client_credentials().status_code == 200
    scene.machine.client_secret, old = new.secret, scene.machine.client_secret
    assert scene.machine.client_credentials().status_code == 200

    change_client(scene.machine, previous_secret_expires_at=clock.now() - timedelta(seconds=1))
    assert scene.machine.client_credentials().status_code == 200
    scene.machine.client_secret = old
    with nothing_changes():
        assert_refused(scene.machine.client_credentials(), INVALID_CLIENT)


def imported(client, secret: str) -> None:
    digest = bcrypt.hashpw(secret.encode(), bcrypt.gensalt(rounds=4)).decode()
    change_client(client, client_secret=digest)
    client.client_secret = secret


def test_an_imported_secret_is_hashed_anew_after_one_success(scene):
    imported(scene.machine, "imported-secret-of-long-ago")

    assert scene.machine.client_credentials().status_code == 200

    assert row_of(scene.machine).client_secret.startswith("hmac-sha256$")
    forget_clients()
    assert scene.machine.client_credentials().status_code == 200


@pytest.mark.parametrize("secret", ["wrong", "x" * 5000, "\x00", "\N{SNOWMAN}"])
def test_a_wrong_secret_does_not_touch_an_imported_one(scene, secret):
    imported(scene.machine, "imported-secret-of-long-ago")
    scene.machine.client_secret = secret

    with nothing_changes():
        assert_refused(scene.machine.client_credentials(), INVALID_CLIENT)


def test_an_old_secret_is_never_made_the_present_one(scene):
    """The previous secret still opens the door during its overlap, but may not be kept instead."""
    old, row = scene.machine.client_secret, row_of(scene.machine)
    imported(scene.machine, "imported-secret-of-long-ago")
    change_client(
        scene.machine,
        previous_secret=row.client_secret,
        previous_secret_expires_at=clock.now() + timedelta(seconds=60),
    )
    scene.machine.client_secret = old
    assert scene.machine.client_credentials().status_code == 200

    forget_clients()
    scene.machine.client_secret = "imported-secret-of-long-ago"
    assert scene.machine.client_credentials().status_code == 200
