import pytest

from authplane.core.areas.levels import sign_in_levels
from authplane.core.env import BadValue


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ()),
        ("1=pwd", ("1=pwd",)),
        ("urn:a:b=pwd, urn:a:c=pwd+otp", ("urn:a:b=pwd", "urn:a:c=pwd+otp")),
        (["urn:a=pwd+face_2"], ("urn:a=pwd+face_2",)),
    ],
)
def test_levels_are_read(written, read):
    assert sign_in_levels(written) == read


@pytest.mark.parametrize(
    "written",
    [
        "pwd",
        "=pwd",
        "a=",
        "a=pwd+",
        "a=PWD",
        "a b=pwd",
        'a"=pwd',
        "a=b=pwd",
        "a=pwd,a=otp",
        "é=pwd",
    ],
)
def test_what_is_no_level_is_refused(written):
    with pytest.raises(BadValue):
        sign_in_levels(written)
