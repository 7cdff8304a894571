"""A program in another language, made from the docs alone, says the same of a store's disk as Eyelid does."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from protocol.bundle import Bundle
from protocol.envelope import open_sealed
from protocol.keys import RecipientPrivate
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT
from store.catalog.queries import devices, recordings_after
from store.catalog.statements import bundle_of
from store.evidence.account import BlindCause, Closed, Held, Kept, Missing, Part, totals
from store.evidence.chain import Stored
from store.evidence.evidence import Evidence, gather
from store.evidence.opening import load_recipient, read_body, read_packet, recording_key
from store.evidence.timeline.recording import facts, state
from store.evidence.verify.ledger import Defect, SignedLedger
from store.evidence.verify.recording import examine
from store.evidence.verify.sweep import check_ledger
from tests.quick import Cases
from tests.store.conftest import PASSPHRASE
from tests.vectors.erasing import ERASING, follow_log
from tests.vectors.make_store import HERE, HOME, PASSPHRASE_FILE
from tests.vectors.programs import VECTORS, lay_out, run_program
from tests.vectors.tampering import BESIDE, TAMPERING, garbled, tampered
from tests.vectors.worlds import Disk, make_world

DOCS: Final = VECTORS.parent.parent / "docs"
ROUNDS: Final = 4  # of every kind of tampering


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory)


def open_store(folder: Path, home: Path, key: Path, passphrase: Path) -> subprocess.CompletedProcess[str]:
    return run_program(folder, "store.mjs", home, "--json", "--key", key, "--passphrase-file", passphrase)


def strangers_answer(folder: Path, home: Path, key: Path, passphrase: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(recording -> what the program says of it, device -> what is wrong with its ledger)."""
    ran = open_store(folder, home, key, passphrase)
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr
    said = json.loads(ran.stdout)
    ledgers = {one["id"]: {strangers_finding(finding) for finding in one["findings"]} for one in said["ledgers"]}
    return {one["id"]: comparable(one) for one in said["recordings"]}, ledgers


def media_of(home: Home, reader: RecipientPrivate, evidence: Evidence) -> dict[str, str]:
    """Stream -> SHA-256 of what its chunks hold, one after another."""
    blobs, chosen = home.blobs(), evidence.chosen
    assert chosen.packet is not None
    packet = read_packet(blobs, chosen.packet, evidence.device)
    key = recording_key(packet, reader)

    def media(stream: int, chain: Iterable[Stored]) -> bytes:
        own = packet.stream_key(key, stream)
        return b"".join(open_sealed(own, read_body(blobs, one))[1] for one in chain)

    return {str(stream): hashlib.sha256(media(stream, chain)).hexdigest() for stream, chain in chosen.streams.items()}


def ledgers_of(home: Home) -> dict[str, set[tuple[str, str, str]]]:
    """Device -> what Eyelid finds in its ledger."""
    database = home.database()
    with database.reading() as connection:
        known = devices(connection)
    found = {one.id: {finding_of(defect) for defect in check_ledger(database, one)[0]} for one in known}
    database.close()
    return found


def eyelids_answers(home: Home, reader: RecipientPrivate, recordings: list[str]) -> dict[str, Any]:
    database = home.database()
    answers = {}
    with database.reading() as connection:
        for recording in recordings:
            evidence = gather(connection, UUID(recording))
            report = examine(
                evidence, home.blobs(), reader, compliance=home.key(COMPLIANCE).id,
                bundles=lambda revision: bundle_of(connection, revision),
                ledger=SignedLedger(database, evidence.device),
            )  # fmt: skip
            places = [(one.check, one.code, one.where) for one in report.findings]
            assert len(places) == len(set(places))
            answers[recording] = described(evidence) | {"findings": {finding_of(one) for one in report.findings}}
            if report.sound and evidence.erased is None:
                answers[recording]["media"] = media_of(home, reader, evidence)
                assert facts(evidence)["whole_ns"] == evidence.length
    database.close()
    return answers


def described(evidence: Evidence) -> dict[str, Any]:
    chosen = evidence.chosen
    bodies = [*([chosen.packet] if chosen.packet else []), *(one for chain in chosen.streams.values() for one in chain)]
    parts = {lane: evidence.account_of(lane) for lane in evidence.lanes}
    return {
        "state": state(evidence),
        "length": evidence.length,
        "bodies": [{"stream": one.stream, "sequence": one.sequence, "sha256": one.sha256} for one in bodies],
        "lanes": {
            lane: {"parts": [part_of(part) for part in told], "sums": sums_of(told)} for lane, told in parts.items()
        },
    }


def sums_of(parts: tuple[Part, ...]) -> dict[str, int]:
    sums = totals(parts)
    return {name: getattr(sums, name) for name in ("kept", "closed", "closed_margin", "held", "blind", "missing")}


def part_of(part: Part) -> dict[str, Any]:
    fields: dict[str, Any] = {"from": part.start, "to": part.end, "margin": part.margin}
    match part.cause:
        case Kept():
            return fields | {"what": "kept"}
        case Closed(policy, rules):
            return fields | {"what": "closed", "rules": list(rules), "policy": policy}
        case Held(holds, reason, policy):
            person = {"reason": reason, **({"policy": policy} if isinstance(reason, int) else {})}
            return fields | {"what": "held", "holds": list(holds), **(person if "user" in holds else {})}
        case BlindCause(why):
            return fields | {"what": "blind", "why": why}
        case Missing(why):
            return fields | {"what": "missing", "why": why}


def finding_of(one: Defect) -> tuple[str, str, str]:
    """(check, code, where): "stream sequence", "entry number", "batch number", or what else it is about."""
    where = one.where.removesuffix(" (the body not chosen)")
    if found := re.fullmatch(r"stream (\d+), sequences? (\d+)(?: to -?\d+)?", where):
        where = f"{found[1]} {found[2]}"
    elif found := re.fullmatch(r"(?:([a-z ]*batch) (?:from|of) )?(?:entry|entries) (\d+)(?: to \d+)?", where):
        where = f"{found[1] or 'entry'} {found[2]}"
    elif where == "key packet" or where.startswith("bundle revision"):
        where = "65535 0"
    return one.check, one.code, where


def strangers_finding(one: dict[str, Any]) -> tuple[str, str, str]:
    match one["where"]:
        case {"stream": None}:
            where = "recording"
        case {"stream": stream, "sequence": sequence}:
            where = f"{stream} {sequence}"
        case {"entry": entry}:
            where = f"entry {entry}"
        case {"batch": batch} | {"batch_of": batch}:
            where = f"batch {batch}"
        case {"refused_batch": batch}:
            where = f"refused batch {batch}"
        case {"device": _}:
            where = "device"
        case {"ledger": _}:
            where = "the device's ledger"
        case _:
            where = "the device's last report"
    return one["check"], one["code"], where


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    if "lanes" not in answer:
        return {
            "state": None,
            "length": None,
            "bodies": None,
            "lanes": None,
            "findings": {("recording", "unreadable", "")},
        }
    lanes = {
        lane: told | {"parts": [part | {"margin": part["margin"] is not None} for part in told["parts"]]}
        for lane, told in answer["lanes"].items()
    }
    findings = [strangers_finding(one) for one in answer["findings"]]
    assert len(set(findings)) == len(findings)
    names = ("state", "length", "bodies")
    media = {} if findings or answer["state"] in ("erased", "erasing") else {"media": answer["media"]}
    return {name: answer[name] for name in names} | {"lanes": lanes, "findings": set(findings)} | media


def test_of_the_frozen_store_both_say_the_same(node_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(HERE, tmp_path / "copy")
    home, passphrase = Home.open(folder / HOME), folder / PASSPHRASE_FILE
    key = home.folder / home.key(RECIPIENT).file
    given, ledgers = strangers_answer(node_folder, home.folder, key, passphrase)
    database = home.database()
    with database.reading() as connection:
        recordings = [str(one.id) for one in recordings_after(connection, "", 100)]
    database.close()
    reader = load_recipient(key, passphrase.read_bytes().rstrip())
    assert given == eyelids_answers(home, reader, recordings)
    assert ledgers == ledgers_of(home)
    assert not [findings for findings in ledgers.values() if findings]
    assert not [one for answer in given.values() for one in answer["findings"]]
    assert {answer["state"] for answer in given.values()} == {"closed", "broken-off", "open"}
    assert {stream for answer in given.values() for stream in answer["media"]} == {"0", "1", "32768", "32769"}


def test_a_wrong_passphrase_is_named_and_nothing_else(node_folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "passphrase"
    wrong.write_text("wrong\n")
    home = Home.open(HERE / HOME)
    ran = open_store(node_folder, home.folder, home.folder / home.key(RECIPIENT).file, wrong)
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "store.mjs: wrong-passphrase\n")


def test_garbage_in_the_catalog_stops_nothing(
    home: Home, bundle: Bundle, readers: dict[str, RecipientPrivate], node_folder: Path, tmp_path: Path
) -> None:
    disk = Disk(home.folder)
    recordings = garbled(range(40), disk, bundle, readers[RECIPIENT])
    disk.close()
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE)
    ran = open_store(node_folder, home.folder, home.folder / home.key(RECIPIENT).file, passphrase)
    assert ran.returncode == 0, ran.stderr
    assert "    at " not in ran.stderr
    assert len(json.loads(ran.stdout)["recordings"]) == len(recordings)


@pytest.mark.slow(reason="a store for each kind of tampering, which two programs examine whole")
def test_of_every_tampering_both_say_the_same(
    home: Home, bundle: Bundle, readers: dict[str, RecipientPrivate], node_folder: Path, tmp_path: Path, cases: Cases
) -> None:
    disk = Disk(home.folder)
    ways = len(TAMPERING)
    seeds = [seed for one in cases(range(ROUNDS), "tampering") for seed in range(one * ways, (one + 1) * ways)]
    done = tampered(seeds, disk, bundle, readers[RECIPIENT])
    disk.close()
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE + b"\n")
    given, ledgers = strangers_answer(node_folder, home.folder, home.folder / home.key(RECIPIENT).file, passphrase)
    assert ledgers == ledgers_of(home)
    wanted = eyelids_answers(home, readers[RECIPIENT], list(done))
    others = {
        what: (given[recording], wanted[recording])
        for recording, what in done.items()
        if given[recording] != wanted[recording]
    }
    assert not others, "\n".join(differences(others))
    came = {(check, code) for answer in wanted.values() for check, code, _ in answer["findings"]}
    if len(seeds) == ROUNDS * ways:  # one round in four, as under --quick, finds no example of some codes
        assert codes_of_the_page() - came == set()
        assert {code for findings in ledgers.values() for _, code, _ in findings} >= LEDGER_CODES


def test_a_run_that_lost_its_first_entry_walks_from_the_number_of_that_entry(
    home: Home, bundle: Bundle, readers: dict[str, RecipientPrivate], node_folder: Path, tmp_path: Path
) -> None:
    """Without a `start` a run begins with entry 0, also where that entry is gone."""
    disk, worlds = Disk(home.folder), []
    for seed in range(3):
        worlds.append(world := make_world(seed, disk, bundle, readers[RECIPIENT]))
        disk.run("UPDATE ledger_lines SET kind = 'stop' WHERE device = ? AND kind = 'start'", world.pc.device)
        disk.run("DELETE FROM ledger_lines WHERE device = ? AND seq = 0", world.pc.device)
    disk.close()
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE + b"\n")
    given, ledgers = strangers_answer(node_folder, home.folder, home.folder / home.key(RECIPIENT).file, passphrase)
    assert ledgers == ledgers_of(home)
    wanted = eyelids_answers(home, readers[RECIPIENT], [world.id for world in worlds])
    for answer in wanted.values():
        assert ("ledger", "wrong-seq") in {(check, code) for check, code, _ in answer["findings"]}
    assert given == wanted


def test_an_opening_that_cannot_be_read_still_has_the_lanes_named_before_it(
    home: Home, bundle: Bundle, readers: dict[str, RecipientPrivate], node_folder: Path, tmp_path: Path
) -> None:
    """Its row says where it stands in the run."""
    disk, worlds = Disk(home.folder), []
    for seed in range(12):
        worlds.append(world := make_world(seed, disk, bundle, readers[RECIPIENT]))
        disk.run(
            "UPDATE ledger_lines SET line = line || char(0) WHERE kind = 'recording-open' AND recording = ?", world.id
        )
    disk.close()
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE + b"\n")
    given, _ = strangers_answer(node_folder, home.folder, home.folder / home.key(RECIPIENT).file, passphrase)
    wanted = eyelids_answers(home, readers[RECIPIENT], [world.id for world in worlds])
    others = {one: (given[one], wanted[one]) for one in wanted if given[one] != wanted[one]}
    assert not others, "\n".join(differences(others))
    assert {tuple(answer["lanes"]) for answer in wanted.values()} == {("screen",), ("screen", "audio")}


def test_of_what_the_device_signed_beside_its_account_both_say_the_same(
    home: Home, bundle: Bundle, readers: dict[str, RecipientPrivate], node_folder: Path, tmp_path: Path
) -> None:
    """Without the slow test's other tamperings: each of these has many shapes."""
    disk = Disk(home.folder)
    done = tampered(range(6 * len(BESIDE)), disk, bundle, readers[RECIPIENT], BESIDE)
    disk.close()
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE + b"\n")
    given, ledgers = strangers_answer(node_folder, home.folder, home.folder / home.key(RECIPIENT).file, passphrase)
    assert ledgers == ledgers_of(home)
    wanted = eyelids_answers(home, readers[RECIPIENT], list(done))
    others = {done[one]: (given[one], wanted[one]) for one in done if given[one] != wanted[one]}
    assert not others, "\n".join(differences(others))
    named = [{code for _, code, _ in findings} for findings in ledgers.values()]
    assert [device for device, findings in ledgers.items() if not findings] == []
    assert {"ledger-fork", "unsigned", "changed-catalog", "malformed", "wrong-head"} <= set().union(*named)


@pytest.mark.slow(reason="a store with many erasures tampered with, which two programs examine whole")
def test_of_every_erasure_both_say_the_same(
    home: Home, bundle: Bundle, readers: dict[str, RecipientPrivate], node_folder: Path, tmp_path: Path
) -> None:
    disk = Disk(home.folder)
    follow_log(disk)
    done = tampered(range(2 * len(ERASING)), disk, bundle, readers[RECIPIENT], ERASING)
    here = [recording for (recording,) in disk.run("SELECT id FROM recordings")]
    disk.close()
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE + b"\n")
    given, ledgers = strangers_answer(node_folder, home.folder, home.folder / home.key(RECIPIENT).file, passphrase)
    assert ledgers == ledgers_of(home)
    assert "no-recording" in {code for findings in ledgers.values() for _, code, _ in findings}
    wanted = eyelids_answers(home, readers[RECIPIENT], here)
    others = {done[one]: (given[one], wanted[one]) for one in here if given[one] != wanted[one]}
    assert not others, "\n".join(differences(others))
    assert {answer["state"] for answer in wanted.values()} == {"erased", "erasing", "gone"}
    came = {(check, code) for answer in wanted.values() for check, code, _ in answer["findings"]}
    assert came >= {("erasure", "unexplained"), ("erasure", "not-erased")}


# Of a device's whole ledger, beside those of a line and a batch.
LEDGER_CODES: Final = {
    "missing", "changed-catalog", "unsigned", "wrong-head", "ledger-cut", "no-recording", "bad-signature", "fork",
}  # fmt: skip


def codes_of_the_page() -> set[tuple[str, str]]:
    """(check, code) of the table in docs/store-format.md, as far as it names them one by one."""
    page = (DOCS / "store-format.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|(.*?)\|(.*?)\|", page.partition("## Checks and their codes")[2], re.MULTILINE)
    check, found = "", set()
    for first, second in rows:
        check = (re.findall(r"`([a-z-]+)`", first) or [check])[0]
        found |= {(check, code) for code in re.findall(r"`([a-z-]+)`", second)}
    assert len(found) > 25
    return found


def apart(one: Any, other: Any) -> list[tuple[Any, Any]]:
    """What differs, each as small as it can be told."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [pair for pairs in zip(one, other, strict=True) for pair in apart(*pairs)]
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys() and "from" not in one:
        return [pair for name in one for pair in apart(one[name], other[name])]
    return [] if one == other else [(one, other)]


def differences(others: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    """What the stranger says alone, and what Eyelid does."""
    told = [f"{len(others)} disagreements"]
    for what, (said, wanted) in others.items():
        told.append(what)
        for name in wanted:
            if name == "findings":
                told.append(f"  findings: {sorted(said[name] - wanted[name])} | {sorted(wanted[name] - said[name])}")
            elif name in ("bodies", "lanes"):
                told += [f"  {name}: {one} | {other}" for one, other in apart(said[name], wanted[name])]
            elif said[name] != wanted[name]:
                told.append(f"  {name}: {said[name]} | {wanted[name]}")
    return told
