import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.authorize.parameters import MAX_QUERY_CHARACTERS, UnreadableQuery, read_parameters


def test_values_are_decoded_once():
    read = read_parameters("state=a%2520b+c&scope=x%3Ay")

    assert (read.get("state"), read.get("scope")) == ("a%20b c", "x:y")


def test_an_empty_parameter_counts_as_absent():
    read = read_parameters("state=&scope")

    assert (read.get("state"), read.get("scope"), read.repeated) == ("", "", frozenset())


@pytest.mark.parametrize("query", ["state=a&state=b", "state=a&state=a", "state=&state=a"])
def test_a_repeated_parameter_is_named_and_cannot_be_read(query):
    read = read_parameters(query)

    assert (read.repeated, read.get("state")) == (frozenset({"state"}), "")


def test_the_name_of_a_repeated_parameter_is_compared_after_decoding():
    assert read_parameters("client_id=a&client%5Fid=b").repeated == frozenset({"client_id"})


def test_resource_and_its_alias_may_repeat():
    read = read_parameters("resource=a&resource=b&audience=c&audience=d")

    assert read.repeated == frozenset()
    assert (read.all("resource"), read.all("audience")) == (("a", "b"), ("c", "d"))


@pytest.mark.parametrize("value", ["%00", "a%0d%0ab", "%7f", "%c3%28", "%ff", "%ed%a0%80"])
def test_bytes_that_are_no_text_are_malformed(value):
    read = read_parameters(f"state={value}&scope=read")

    assert (read.malformed, read.get("state")) == (frozenset({"state"}), "")
    assert read.get("scope") == "read"


def test_raw_utf8_bytes_are_read_as_utf8():
    raw = "state=grün".encode().decode("latin-1")

    assert read_parameters(raw).get("state") == "grün"


def test_an_undecodable_name_is_an_unknown_parameter():
    assert read_parameters("%ff=1&state=a").values == {"state": ("a",)}


def test_a_query_beyond_the_limit_is_unreadable():
    with pytest.raises(UnreadableQuery):
        read_parameters("state=" + "a" * MAX_QUERY_CHARACTERS)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_no_query_breaks_the_reader_or_yields_control_characters(query):
    read = read_parameters(query)

    for name in read.values:
        assert all(character.isprintable() or ord(character) > 127 for character in read.get(name))
