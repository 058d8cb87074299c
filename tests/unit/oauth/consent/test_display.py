import pytest

from oauth.consent.display import clean_name, destination, shown_client
from oauth.models import Client


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Claude Code", "Claude Code"),
        ("  two\n lines\t here ", "two lines here"),
        ("bank\u202egpj.exe", "bankgpj.exe"),
        ("a\u200bb\u2066c\ufeff", "abc"),
        ("nul\x00 bell\x07", "nul bell"),
        ("x" * 65, "x" * 61 + "..."),
        ("x" * 64, "x" * 64),
        ("e\u0301t\u00e9", "été"),
        ("\u200b", ""),
    ],
)
def test_names_are_shown_without_what_hides_or_reorders(written, shown):
    assert clean_name(written) == shown


@pytest.mark.parametrize(
    ("uri", "host", "here", "private"),
    [
        ("https://app.example/cb", "app.example", False, False),
        ("https://bank.example@evil.example/cb", "evil.example", False, False),
        ("https://APP.example:8443/cb", "app.example:8443", False, False),
        ("http://127.0.0.1:8765/cb", "127.0.0.1:8765", True, False),
        ("http://localhost/cb", "localhost", True, False),
        ("http://[::1]:1/cb", "[::1]:1", True, False),
        ("https://localhost.evil.example/", "localhost.evil.example", False, False),
        ("cursor://anysphere.cursor/cb", "cursor://", False, True),
    ],
)
def test_the_destination_is_what_a_browser_would_open(uri, host, here, private):
    shown = destination(uri)

    assert (shown.host, shown.is_this_computer, shown.is_private_scheme) == (host, here, private)


def test_only_a_metadata_document_verifies_a_host():
    document = Client(
        client_id="https://app.example/oauth/client", name="App", registration_source="cimd"
    )
    pretender = Client(
        client_id="https://app.example/oauth/client", name="App", registration_source="dcr"
    )

    assert shown_client(document).verified_host == "app.example"
    assert shown_client(pretender).verified_host == ""


def test_a_client_without_a_name_is_called_that():
    assert (
        shown_client(Client(client_id="x", name="\u202e")).name == "An application without a name"
    )
