"""Reading single values."""

from __future__ import annotations

import pytest

from authplane.core import env


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("15m", 900), ("1h30m", 5400), ("168h", 604800), ("30d", 2592000),
        ("0", 0), ("0s", 0), ("1.5h", 5400), ("500ms500ms", 1), (" 10M ", 600), (45, 45),
    ],
)  # fmt: skip
def test_durations_are_read_as_seconds(text, seconds):
    assert env.duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "15 m", "m", "-5s", "1h30", "1w", "500ms", "1h 30m", "abc", "1..5h", True, "s15"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(env.BadValue):
        env.duration(text)


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", " on ", True])
def test_spellings_of_true(text):
    assert env.boolean(text) is True


@pytest.mark.parametrize("text", ["false", "0", "No", "off", False])
def test_spellings_of_false(text):
    assert env.boolean(text) is False


@pytest.mark.parametrize("text", ["", "maybe", "2", "treu", None])
def test_a_misspelt_boolean_is_refused_and_not_taken_for_false(text):
    with pytest.raises(env.BadValue):
        env.boolean(text)


@pytest.mark.parametrize("text", ["", "1.5", "ten", True, "0x10", None])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(env.BadValue):
        env.integer(text)


def test_lists_drop_empty_members():
    assert env.text_list(" a, ,b,") == ("a", "b")
    assert env.text_list("") == ()
    assert env.text_list(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize("value", [{"a": 1}, None, [["a"]], True])
def test_what_is_no_list_is_refused(value):
    with pytest.raises(env.BadValue):
        env.text_list(value)


def test_rows_come_from_yaml_lists_of_mappings_only():
    assert env.rows([{"slug": "a"}]) == ({"slug": "a"},)
    for value in ("a", ["a"], {"slug": "a"}):
        with pytest.raises(env.BadValue):
            env.rows(value)


def test_secrets_keep_inner_space_but_lose_the_line_end():
    assert env.secret("a b \n") == "a b "
    with pytest.raises(env.BadValue):
        env.secret(12345)


def test_a_secret_file_is_read(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from-file\n")
    environment = {"NAME_FILE": str(file)}

    assert env.from_environment("NAME", environment, may_be_file=True) == "from-file\n"
    assert env.from_environment("NAME", environment, may_be_file=False) is None


def test_value_and_file_together_are_refused(tmp_path):
    file = tmp_path / "secret"
    file.write_text("x")

    with pytest.raises(env.BadValue, match="both"):
        env.from_environment("NAME", {"NAME": "y", "NAME_FILE": str(file)}, may_be_file=True)


def test_a_missing_secret_file_is_refused(tmp_path):
    with pytest.raises(env.BadValue, match="cannot be read"):
        env.from_environment("NAME", {"NAME_FILE": str(tmp_path / "gone")}, may_be_file=True)


def test_an_empty_variable_counts_as_unset():
    assert env.from_environment("NAME", {"NAME": ""}, may_be_file=False) is None
