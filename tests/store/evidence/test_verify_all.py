"""`eyelid-store verify --all` as an operator runs it: what it prints, its facts, and how it goes on when cut short."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from protocol.bundle import Bundle
from store.admin.home import Home
from store.evidence.verify.sweep import sweep
from testkit.fakes.pc import SECOND, Pc
from tests.store.command_line import Run, key, passphrase_file, run
from tests.store.recorded import Filmed, blob, close, flip, make_filmed

__all__ = ["key", "passphrase_file", "run"]  # fixtures


def test_verify_all_of_a_sound_store(run: Run, filmed: Filmed, key: Any, passphrase_file: Any) -> None:
    told = run("verify", "--all")
    assert told.code == 0
    assert "checked 1 catalog, 1 bundle, 1 policy, 1 ledger, 1 recording: nothing wrong was found" in told.out
    assert "not checked in 1 recording: every chunk opens" in told.out
    assert "no private key was given (--key)" in told.out
    opened = run("verify", "--all", "--key", key, "--passphrase-file", passphrase_file)
    assert (opened.code, "not checked" in opened.out) == (0, False)
    facts = run("verify", "--all", "--json").facts
    assert [one["device"] for one in facts.pop("reports")] == [filmed.pc.device]
    assert facts.pop("compliance") in opened.out
    assert facts == {
        "unsound": [],
        "checked": {"catalog": 1, "bundle": 1, "policy": 1, "ledger": 1, "recording": 1},
        "not_sound": {},
        "not_checked": {
            name: {"recordings": 1, "why": "no private key was given (--key)"} for name in ("commitment", "tags")
        },
        "erased": {"signed_by": None, "recordings": []},
        "sound": True,
    }
    assert filmed.recording


def test_verify_all_gives_a_line_to_each_that_is_not_sound(
    run: Run, filmed: Filmed, home: Home, bundle: Bundle
) -> None:
    second = make_filmed(filmed.pc, bundle)
    close(second)
    second.put_all()
    filmed.pc.send_ledger()
    for sequence in (1, 2, 3, 4):
        flip(blob(home, second.recording, second.sealed[sequence], sequence), 200)
    told = run("verify", "--all")
    assert told.code == 1
    (line,) = [line for line in told.out.splitlines() if line.startswith("recording")]
    assert str(second.recording.id) in line
    assert "stream 0, sequence 1: the bytes are not those that a receipt was given for (damaged)" in line
    assert "and 1 more" in line
    assert "checked 1 catalog, 1 bundle, 1 policy, 1 ledger, 2 recordings: NOT SOUND: 1 recording" in told.out
    facts = run("verify", "--all", "--json")
    assert facts.code == 1
    (unsound,) = facts.facts["unsound"]
    assert (unsound["id"], len(unsound["findings"])) == (str(second.recording.id), 4)


def test_an_interrupted_check_says_where_to_go_on(
    run: Run, pc: Pc, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted(str(pc.open_recording(bundle).id) for _ in range(2))

    def cut(*arguments: Any, **named: Any) -> Any:
        for one in sweep(*arguments, **named):
            yield one
            if one.id == ids[0]:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("store.commands.sweep.sweep", cut)
        told = run("verify", "--all")
    assert told.code == 130
    assert f"verify --all --after {ids[0]}" in told.err
    rest = run("verify", "--all", "--after", ids[0], "--json")
    assert rest.facts["checked"] == {"recording": 1}


@pytest.mark.parametrize("arguments", [(), ("0193", "--all"), ("0193", "--after", str(UUID(int=1)))])
def test_verify_wants_one_recording_or_all(run: Run, arguments: tuple[str, ...]) -> None:
    told = run("verify", *arguments)
    assert (told.code, "--all" in told.err) == (2, True)


def test_json_of_many_unsound_is_one_object(run: Run, pc: Pc, bundle: Bundle, home: Home) -> None:
    made = [pc.open_recording(bundle) for _ in range(3)]
    for recording in made:
        pc.put_sealed(recording.seal(length=SECOND))
        pc.put_sealed(recording.seal(length=SECOND))
    for path in list((home.folder / "blobs").rglob("00000-0000000000-*")):
        path.unlink()
    facts = run("verify", "--all", "--json").facts
    assert sorted(one["id"] for one in facts["unsound"]) == sorted(str(one.id) for one in made)
    assert (facts["sound"], facts["not_sound"]) == (False, {"recording": 3})
