"""What the console's process says of a policy that is tried is what the commands say: of random ones, to the letter."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.cli.main import main
from review.policies import TrialInput, tried
from review.policy_trial.apart import Judge
from tests.review.policy_trial import chance as chances


def sent(files: list[tuple[str, tuple[str, bytes]]], **texts: str) -> tuple[str, bytes]:
    """Content-Type and body, as a browser makes them of a form."""
    request = httpx.Request("POST", "http://localhost/", files=files, data=texts)
    return request.headers["Content-Type"], request.read()


def form(policy: dict[str, str], *scenes: bytes, **texts: str) -> tuple[str, bytes]:
    files = [("policy", (name, text.encode())) for name, text in policy.items()]
    files.append(("other", ("", b"")))  # else it would be no form with files
    return sent([*files, *(("scenes", ("scenes.jsonl", one)) for one in scenes)], **texts)


def folder(at: Path, files: dict[str, str]) -> str:
    at.mkdir(exist_ok=True)
    for name, text in files.items():
        (at / name).write_text(text)
    return str(at)


def without_folder(value: Any, *folders: str) -> Any:
    """Places as if all files lay in none."""
    text = json.dumps(value)
    for one in folders:
        text = text.replace(f"{one}/", "")
    return json.loads(text)


def command(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    main([*words, "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("seed", range(12))
def test_it_says_what_the_commands_say(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    chance = random.Random(seed)
    own, in_force, new = (chances.policy(chance, revision) for revision in (1, 2, 3))
    told = [chances.scenes(chance, own) for _ in range(2)]
    old_at, new_at = folder(tmp_path / "old", in_force), folder(tmp_path / "new", new)
    against = chance.choice(("own", "in-force"))
    judge, bytes_in_force = Judge(), {name: text.encode() for name, text in in_force.items()}
    said = judge.try_policy(bytes_in_force, "bundle 7", *form(new, *told, against=against))

    checked = without_folder(command(capsys, "policy", "check", new_at), new_at)
    assert said["mistakes"] == checked["mistakes"]
    assert [one | {"kind": ""} for one in said["warnings"]] == [
        {name: value for name, value in one.items() if name not in {"where", "says"}} | {"kind": ""}
        for one in checked["warnings"]
    ]
    compared = without_folder(command(capsys, "policy", "diff", old_at, new_at), old_at, new_at)
    assert without_folder(said["changes"], "bundle 7") == compared["changes"]
    assert len(said["recordings"]) == len(told)
    for one, text in zip(said["recordings"], told, strict=True):
        (tmp_path / "scenes.jsonl").write_bytes(text)
        then = () if against == "own" else ("--then", old_at)
        replayed = command(capsys, "replay", str(tmp_path / "scenes.jsonl"), "--with", new_at, *then)
        replayed = without_folder(replayed, old_at, new_at)
        found = without_folder({name: one[name] for name in replayed}, "bundle 7")
        for lane in replayed["lanes"].values():
            assert lane.pop("stretches") == lane["spans"]
            assert sum(one["to"] - one["from"] for one in lane["spans"]) == one["length"]
        for lane in found["lanes"].values():
            assert lane.pop("left_out") == 0
        assert found == replayed


def test_the_random_ones_differ() -> None:
    """Else the test above would hold to nothing."""
    kinds = set()
    for seed in range(12):
        chance = random.Random(seed)
        _, in_force, new = (chances.policy(chance, revision) for revision in (1, 2, 3))
        told = chances.scenes(chance, in_force)
        old, sent = ({name: text.encode() for name, text in one.items()} for one in (in_force, new))
        said = tried(TrialInput(old, "x", sent, [("s", told)]))
        spans = [span for lane in said["recordings"][0]["lanes"].values() for span in lane["spans"]]
        kinds |= {(one["judged"], one["newly"], bool(one["then"]), bool(one["with"])) for one in spans}
    assert len(kinds) == 5
