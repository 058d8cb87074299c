"""What commands read from places that a command line names."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from authplane.core.management.files import text_of


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" s3cret\n", encoding="utf-8")
    assert text_of(str(path)) == " s3cret\n"


def test_a_hyphen_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret"))
    assert text_of("-") == "s3cret"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty or larger than 8 KiB"), (b" \n", "is empty"), (b"x" * 8193, "larger than"),
     (b"\xff", "cannot be read: UnicodeDecodeError")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """A secret is not cut off where it becomes too long, and the refusal shows none of it."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=reason) as refused:
        text_of(str(path), longest=8192)
    assert "xxx" not in str(refused.value)
