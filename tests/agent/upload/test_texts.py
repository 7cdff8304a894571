"""Policy texts wait for the store over restarts, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import EnvironmentFault
from agent.upload.texts import PolicyTexts
from protocol.policyhash import policy_hash

FIRST = {"a.yaml": "rules: [] # ä\n...".encode()}
SECOND = {"a.yaml": b"rules: []\n...", "b.yaml": b"\xef\xbb\xbfwith a byte order mark"}


def drained(texts: PolicyTexts) -> list[tuple[str, dict[str, str]]]:
    out = []
    while (waiting := texts.waiting()) is not None:
        out.append(waiting)
        texts.sent(waiting[0])
    return out


def test_each_policy_waits_once_with_the_text_that_its_hash_is_over(tmp_path: Path) -> None:
    texts = PolicyTexts(tmp_path / "outbox")
    assert texts.waiting() is None
    for files in (FIRST, SECOND, FIRST):
        texts.offer(files)
    out = drained(texts)
    assert [policy for policy, _ in out] == [policy_hash(FIRST), policy_hash(SECOND)]
    for policy, files in out:
        assert policy_hash({name: text.encode() for name, text in files.items()}) == policy
    texts.offer(FIRST)
    assert texts.waiting() is None


def test_what_was_not_sent_waits_in_the_next_process(tmp_path: Path) -> None:
    texts = PolicyTexts(tmp_path / "outbox")
    texts.offer(FIRST)
    texts.offer(SECOND)
    texts.sent(policy_hash(FIRST))
    [(policy, _)] = drained(PolicyTexts(tmp_path / "outbox"))
    assert policy == policy_hash(SECOND)
    assert drained(PolicyTexts(tmp_path / "outbox")) == []


@pytest.mark.parametrize("content", [b"", b'{"files": {"a.yaml": "other"}}', b'{"files"'])
def test_what_is_not_what_its_name_says_is_not_sent(tmp_path: Path, content: bytes) -> None:
    texts = PolicyTexts(tmp_path / "outbox")
    texts.offer(FIRST)
    (tmp_path / "outbox" / policy_hash(FIRST)).write_bytes(content)
    assert PolicyTexts(tmp_path / "outbox").waiting() is None
    assert list((tmp_path / "outbox").iterdir()) == []


def test_without_a_disk_it_still_waits_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = PolicyTexts(tmp_path / "outbox")
    (tmp_path / "outbox").rmdir()
    texts.offer(FIRST)
    assert texts.waiting() is not None
    assert "could not be kept" in caplog.text


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        PolicyTexts(tmp_path / "outbox")
