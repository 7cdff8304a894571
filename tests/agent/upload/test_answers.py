"""The table: what each answer of the store, or of something that poses as it, means for what was sent."""

from __future__ import annotations

import json

import pytest

from agent.errors import Refused, Transient, Untrusted
from agent.upload.answers import Disposition, settle, understood, weigh
from agent.wire import Answer

HTML = b"<html>Blocked by policy</html>"


def said(status: int, code: str) -> Answer:
    return Answer(status, json.dumps({"error": code, "message": "m"}).encode())


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Answer(200, b"{}"), Disposition.ACCEPTED),
        (Answer(201, b""), Disposition.ACCEPTED),
        *((said(status, "any-code"), Disposition.NEVER) for status in (400, 403, 404, 405, 409, 413, 415, 422)),
        *((Answer(status, HTML), Disposition.LATER) for status in (400, 403, 404, 405, 407, 409, 413, 415, 422)),
        *((said(status, "any-code"), Disposition.LATER) for status in (408, 425, 429, 500, 502, 503, 504, 507)),
        *((Answer(status, HTML), Disposition.LATER) for status in (301, 302, 304, 408, 429, 500, 503, 511)),
        (said(400, "wrong-digest"), Disposition.LATER),
        (said(400, "cut-short"), Disposition.LATER),
        (said(401, "expired-token"), Disposition.NOT_KNOWN),
        (Answer(401, HTML), Disposition.NOT_KNOWN),
        (said(403, "device-revoked"), Disposition.SHUT_OUT),
        (said(401, "device-revoked"), Disposition.SHUT_OUT),
        (said(403, "unknown-device"), Disposition.SHUT_OUT),
        (said(426, "agent-unsupported"), Disposition.SHUT_OUT),
        (said(426, "unknown-critical"), Disposition.SHUT_OUT),
        (Answer(426, HTML), Disposition.LATER),
    ],
)
def test_what_an_answer_means(answer: Answer, meaning: Disposition) -> None:
    assert weigh(answer) is meaning


def test_settling_names_what_was_refused_and_how_long_to_wait() -> None:
    settle(Answer(204, b""), "a batch")
    with pytest.raises(Refused, match=r"the store refused a batch: bad-line \(422\)"):
        settle(said(422, "bad-line"), "a batch")
    with pytest.raises(Transient, match="answered 503") as raised:
        settle(Answer(503, HTML, retry_after=7), "a batch")
    assert raised.value.retry_after == 7


@pytest.mark.parametrize("body", [b"", HTML, b"[]", b'{"next": "3"}', b'{"next": -1}', b'{"next": 1, "next": 2}'])
def test_an_answer_that_is_not_what_it_must_be_is_not_believed(body: bytes) -> None:
    with pytest.raises(Untrusted):
        understood(Answer(200, body), lambda claims: claims.integer("next"))
