import pytest

from authplane.core.pages import content_security_policy, error_page, form_target


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("https://app.example:8443/cb", "https://app.example:8443"),
        ("http://127.0.0.1:8765/cb", "http://127.0.0.1:8765"),
        ("http://[::1]:8765/cb", "http:"),
        ("cursor://anysphere.cursor/cb", "cursor:"),
        ("com.example.app:/cb", "com.example.app:"),
        ("https://evil;script-src/", "https:"),
        ("1bad:/x", ""),
        ("no-scheme", ""),
    ],
)
def test_the_form_policy_names_one_origin_or_one_scheme(uri, source):
    assert form_target(uri) == source


def test_a_page_runs_nothing_and_is_framed_nowhere():
    policy = content_security_policy()

    assert policy == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    )


def test_an_error_page_says_what_and_what_next_and_is_not_kept():
    page = error_page(status=403, title="No <b>way", message="Why.", steps=("Do this.",))

    text = page.content.decode()
    assert page.status_code == 403
    assert "No &lt;b&gt;way" in text
    assert "Do this." in text
    assert page["Cache-Control"] == "no-store"
    assert page["X-Frame-Options"] == "DENY"
    assert page["Referrer-Policy"] == "same-origin"
    assert "<script" not in text
    assert "style=" not in text
