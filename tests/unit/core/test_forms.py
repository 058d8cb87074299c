"""Bodies of machine requests."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from authplane.core import forms
from authplane.core.forms import BadBody

FORM = "application/x-www-form-urlencoded"


def post(body, content_type=FORM, **extra):
    return RequestFactory().generic("POST", "/oauth/token", body, content_type, **extra)


def refused(read, request, **options):
    with pytest.raises(BadBody) as caught:
        read(request, **options)
    assert caught.value.description.isascii()
    return caught.value.status


def test_a_form_keeps_order_repetition_and_blanks():
    request = post("scope=a+b&resource=1&resource=2&empty=&flag&e=%C3%A9")

    assert forms.read_form(request) == [
        ("scope", "a b"), ("resource", "1"), ("resource", "2"), ("empty", ""), ("flag", ""),
        ("e", "é"),
    ]  # fmt: skip


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=utf-8", f'{FORM};charset="UTF-8"'])
def test_a_form_may_name_its_character_set(content_type):
    assert forms.read_form(post("a=b", content_type)) == [("a", "b")]


@pytest.mark.spec("RFC 6749", "B", "MUST", "parameters are form encoded in UTF-8")
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "",
     f"{FORM}; charset=latin-1", "application/x-www-form-urlencodedx"],
)  # fmt: skip
def test_another_media_type_is_refused(content_type):
    assert refused(forms.read_form, post("a=b", content_type)) == 400


@pytest.mark.parametrize(
    "body", [b"a=%FF", b"a=\xff", b"a=%C3%28", b"a=%zz", b"a=%", b"a=%4", b"a=%00", b"%00=a"]
)
def test_bytes_that_are_no_text_are_refused(body):
    assert refused(forms.read_form, post(body)) == 400


def test_too_many_parameters_are_refused():
    assert refused(forms.read_form, post("&".join(["a=b"] * 101))) == 400


def test_an_overlong_body_is_413():
    assert refused(forms.read_form, post("a=" + "b" * 65536)) == 413
    assert len(forms.read_form(post("a=" + "b" * 65534))[0][1]) == 65534


def test_an_announced_length_is_refused_before_reading():
    request = post("a=b")
    request.META["CONTENT_LENGTH"] = "999999"
    assert refused(forms.read_form, request) == 413
    request.META["CONTENT_LENGTH"] = "abc"
    assert refused(forms.read_form, request) == 400


def test_a_body_that_ends_early_is_refused():
    request = post("client_secret=abc")
    request.META["CONTENT_LENGTH"] = "40"

    assert refused(forms.read_form, request) == 400


def test_a_flat_json_object_of_strings_is_read_in_order():
    request = post('{"token":"x","token_type_hint":"é"}', "application/json")

    assert forms.read_flat_json(request) == [("token", "x"), ("token_type_hint", "é")]


@pytest.mark.parametrize(
    "body",
    [
        '{"a":1}', '{"a":null}', '{"a":true}', '{"a":["b"]}', '{"a":{"b":"c"}}', '["a"]', '"a"',
        "null", "", "{", '{"a":"b","a":"b"}', '{"a":"\\u0000"}', "[" * 60000, b'{"a":"\xff"}',
        '{"a":NaN}', '\ufeff{"a":"b"}',
    ],
)  # fmt: skip
def test_any_other_json_is_refused(body):
    assert refused(forms.read_flat_json, post(body, "application/json")) == 400


def test_overlong_json_is_413():
    assert (
        refused(forms.read_flat_json, post('{"a":"' + "b" * 65536 + '"}', "application/json"))
        == 413
    )


def test_json_is_read_only_where_it_is_allowed():
    request = post('{"a":"b"}', "application/json")

    assert forms.read_parameters(request, json_too=True) == [("a", "b")]
    assert refused(forms.read_parameters, request, json_too=False) == 400
    assert forms.read_parameters(post("a=b"), json_too=True) == [("a", "b")]


def test_a_nested_json_object_is_read_strictly():
    def read(body):
        return forms.read_json_object(post(body, "application/json"), limit=1000)

    assert read('{"a":[{"b":null}]}') == {"a": [{"b": None}]}
    for body in ('{"a":{"b":1,"b":2}}', "[]", '{"a":Infinity}', "{"):
        with pytest.raises(BadBody):
            read(body)
