"""A form with files, as browsers write it; what is none is refused whole."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.policy_trial.form import MOST_PARTS, FormError, boundary_of, read_form

WRITTEN = (
    b'--B\r\nContent-Disposition: form-data; name="policy"; filename="C:\\\\x\\\\%22a%22.yaml"\r\n'
    b"Content-Type: application/yaml\r\n\r\nschema: 1\r\n--B"
    b'\r\nContent-Disposition: form-data; name="scenes"; filename=""\r\nContent-Type: x/y\r\n\r\n\r\n--B'
    b'\r\nCONTENT-disposition:form-data; name="text"\r\n\r\na\xffb\r\n--B--\r\n'
)


def test_what_browsers_write() -> None:
    form = read_form(WRITTEN, "B")
    assert form.files == {"policy": [('"a".yaml', b"schema: 1")]}
    assert form.texts == {"text": "a\N{REPLACEMENT CHARACTER}b"}


@pytest.mark.parametrize(
    ("said", "boundary"),
    [
        ("multipart/form-data; boundary=----WebKitFormBoundaryx1", "----WebKitFormBoundaryx1"),
        ("multipart/form-data; boundary=---------------------------3741", "---------------------------3741"),
        ('multipart/form-data; boundary="a b"', ""),
        ("application/json", ""),
        ("multipart/form-data; boundary=\u00e4", ""),
    ],
)
def test_the_boundary(said: str, boundary: str) -> None:
    assert boundary_of(said) == boundary


@pytest.mark.parametrize(
    "body",
    [
        b"", b"x", b"--B", b"--B\r\n", WRITTEN[:-10], WRITTEN.replace(b"form-data; name", b"attachment; x"),
        WRITTEN.replace(b"\r\n", b"\n"),
        b"--B" + b'\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--B' * (MOST_PARTS + 1),
    ],
)  # fmt: skip
def test_what_is_none(body: bytes) -> None:
    with pytest.raises(FormError):
        read_form(body, "B")


names = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=20)


@given(st.lists(st.tuples(names, st.binary(max_size=200)), min_size=1, max_size=5))
def test_each_file_comes_whole(files: list[tuple[str, bytes]]) -> None:
    request = httpx.Request("POST", "http://localhost/", files=[("policy", one) for one in files])
    form = read_form(request.read(), boundary_of(request.headers["Content-Type"]))
    wanted = [(name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n"), content) for name, content in files]
    assert form.files["policy"] == wanted


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused(body: bytes) -> None:
    for one in (body, b"--B" + body, b"--B\r\n" + body + b"\r\n--B--"):
        with suppress(FormError):
            read_form(one, "B")
