import pytest

from oauth.sessions.marks import is_marked, mark


def test_a_mark_holds_for_its_value_purpose_and_key_only():
    made = mark("value", purpose="form", key="key")

    assert is_marked("value", presented=made, purpose="form", keys=("", "other", "key"))
    assert not is_marked("value2", presented=made, purpose="form", keys=("key",))
    assert not is_marked("value", presented=made, purpose="link", keys=("key",))
    assert not is_marked("value", presented=made, purpose="form", keys=("other", ""))
    assert not is_marked("value", presented="", purpose="form", keys=("key",))
    assert not is_marked("value", presented="ü", purpose="form", keys=("key",))


def test_nothing_is_marked_without_a_key():
    with pytest.raises(ValueError):
        mark("value", purpose="form", key="")
