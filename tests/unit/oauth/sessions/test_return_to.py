import pytest

from authplane.core import clock
from oauth.sessions import return_to

TARGET = "/oauth/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&login_hint=a%40b"


@pytest.mark.parametrize("path", ["/", "/account", "/oauth/authorize?a=b&c=d%2F%2F", "/a//b"])
def test_paths_of_ours_are_kept(path):
    assert return_to.local_path(path) == path


@pytest.mark.parametrize(
    "target",
    [
        "", "account", "https://evil.example/", "//evil.example", "/\\evil.example",
        "/a?u=https://evil.example", "/\t/evil.example", "\n//evil.example", "/a\r\nSet-Cookie: x",
        "javascript:alert(1)", " /a", "/" + "a" * 20_000,
    ],
)  # fmt: skip
def test_everything_else_leads_home(target):
    assert return_to.local_path(target) == "/"


def test_a_signed_target_keeps_its_request_and_knows_when(frozen_clock):
    signed = return_to.sign(TARGET)

    assert signed.startswith(f"{TARGET}&")
    assert return_to.ticket_of(signed) == return_to.Ticket(clock.epoch())
    assert return_to.waiting_request(signed) == return_to.Waiting("https://app.example/cb", "a@b")


def test_a_ticket_belongs_to_its_target_alone(frozen_clock):
    ticket = return_to.sign(TARGET).removeprefix(TARGET)
    other = TARGET.replace("app.example", "evil.example")

    assert return_to.ticket_of(other + ticket) is None
    assert return_to.waiting_request(other + ticket) is None


@pytest.mark.parametrize("ticket", ["", "1", "1.", ".x", "²3.x", "9" * 13 + ".x", "-1.x"])
def test_no_ticket_is_no_ticket(ticket):
    assert return_to.ticket_of(f"{TARGET}&sign_in_ticket={ticket}") is None


def test_the_moment_cannot_be_moved(frozen_clock):
    signed = return_to.sign(TARGET)
    later = signed.replace(
        f"sign_in_ticket={clock.epoch()}", f"sign_in_ticket={clock.epoch() + 500}"
    )

    assert return_to.ticket_of(later) is None


def test_signing_again_replaces_the_ticket(frozen_clock):
    first = return_to.sign(TARGET)
    frozen_clock.shift(5)
    second = return_to.sign(first)

    assert second.count("sign_in_ticket=") == 1
    assert return_to.ticket_of(second) == return_to.Ticket(clock.epoch())


@pytest.mark.parametrize(
    ("age", "expired"), [(0, False), (600, False), (601, True), (-30, False), (-31, True)]
)
def test_a_ticket_lasts_ten_minutes(frozen_clock, age, expired):
    now = clock.epoch()

    assert return_to.Ticket(now - age).is_expired(now=now) is expired


def test_a_ticket_of_the_key_before_this_one_still_counts(frozen_clock, override_config):
    signed = return_to.sign(TARGET)
    from authplane.core.config import config

    old = config().secrets.integrity
    override_config(secrets={"integrity": "another-integrity-key-0123456789", "integrity_old": old})

    assert return_to.ticket_of(signed) is not None


def test_a_ticket_of_an_unknown_key_does_not_count(frozen_clock, override_config):
    signed = return_to.sign(TARGET)
    override_config(secrets={"integrity": "another-integrity-key-0123456789", "integrity_old": ""})

    assert return_to.ticket_of(signed) is None
