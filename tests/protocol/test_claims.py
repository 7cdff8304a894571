"""JSON is read in one way only, and a value of the wrong shape is named by its place."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from protocol.claims import MAX_INTEGER, Claims, is_uuid, parse_object
from protocol.errors import ProtocolError


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":18446744073709551616}',
        b'{"a":-9223372036854775809}',
        b'{"a":1e999}',
        b'{"a":[-1e999]}',
    ],
)
def test_what_two_programs_might_read_in_two_ways_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="JSON") as refused:
        parse_object(text)
    assert refused.value.__cause__ is None  # json's own message quotes what it read


def test_plain_json_is_read() -> None:
    assert parse_object('{"a":"é","b":[1,null,true],"c":{"d":"\\u00e9"}}'.encode()) == {
        "a": "é",
        "b": [1, None, True],
        "c": {"d": "é"},
    }


def test_numbers_of_64_bits_are_read() -> None:
    assert parse_object(b'{"a":18446744073709551615,"b":-9223372036854775808,"c":-1.5e300}') == {
        "a": 2**64 - 1,
        "b": -(2**63),
        "c": -1.5e300,
    }


def claims(**values: object) -> Claims:
    return Claims(values, "thing", ProtocolError)


def test_values_of_the_right_shape() -> None:
    uuid = UUID("019b76da-a800-7000-8000-0000000000a1")
    given = claims(
        t="x",
        n=7,
        h="0f" * 32,
        r="Zm9v",
        u=str(uuid),
        ts=["a", "b"],
        tm={"a": "b"},
        o={"n": 1},
        os=[{"n": 1}, {"n": 2}],
    )
    assert given.text("t") == "x"
    assert given.integer("n", most=7) == 7
    assert given.hex256("h") == "0f" * 32
    assert given.raw("r") == given.raw("r", 3) == b"foo"
    assert given.uuid("u") == uuid
    assert given.texts("ts") == ("a", "b")
    assert given.text_map("tm") == {"a": "b"}
    assert given.object("o").integer("n") == 1
    assert [one.integer("n") for one in given.objects("os")] == [1, 2]


Getter = Callable[[Claims], object]


@pytest.mark.parametrize(
    ("value", "getter"),
    [
        (7, lambda c: c.text("x")),
        (None, lambda c: c.text("x")),
        ("7", lambda c: c.integer("x")),
        (True, lambda c: c.integer("x")),
        (7.0, lambda c: c.integer("x")),
        (-1, lambda c: c.integer("x")),
        (MAX_INTEGER + 1, lambda c: c.integer("x")),
        (7, lambda c: c.hex256("x")),
        ("0F" * 32, lambda c: c.hex256("x")),
        ("0f" * 32 + "\n", lambda c: c.hex256("x")),
        ("Zg==", lambda c: c.raw("x")),
        ("Zm9v", lambda c: c.raw("x", 4)),
        ("elsewhere", lambda c: c.uuid("x")),
        ("{019b76da-a800-7000-8000-0000000000a1}", lambda c: c.uuid("x")),
        ("019B76DA-A800-7000-8000-0000000000A1", lambda c: c.uuid("x")),
        ("ab", lambda c: c.texts("x")),
        (["a", 1], lambda c: c.texts("x")),
        ([], lambda c: c.text_map("x")),
        ({"a": 1}, lambda c: c.text_map("x")),
        ("{}", lambda c: c.object("x")),
        ({}, lambda c: c.objects("x")),
        ([{}, 1], lambda c: c.objects("x")),
    ],
)
def test_values_of_another_shape_are_named_by_their_place(value: object, getter: Getter) -> None:
    with pytest.raises(ProtocolError, match=r"^thing: `x` must be ") as refused:
        getter(claims(x=value))
    assert refused.value.code == "bad-field"


def test_integers_are_those_of_63_bits() -> None:
    assert claims(n=2**63 - 1).integer("n") == MAX_INTEGER
    assert claims(n=0).integer("n") == 0
    with pytest.raises(ProtocolError):
        claims(n=2**63).integer("n")


def test_names_are_told() -> None:
    assert claims(a=1, b=2).names() == ("a", "b")
    assert claims(a=1).has("a")
    assert not claims(a=1).has("b")


def test_a_missing_value_is_named_within_its_list() -> None:
    second = claims(monitors=[{"n": 1}, {}]).objects("monitors")[1]
    with pytest.raises(ProtocolError, match=r"^thing, monitors\[1\]: `n` must be an integer"):
        second.integer("n")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("00000000-0000-7000-8000-0000000000a1", True),
        ("00000000-0000-7000-8000-0000000000A1", False),
        ("000000000000700080000000000000a1", False),
        ("none", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_an_id_has_one_spelling(value: object, expected: bool) -> None:
    assert is_uuid(value) is expected
