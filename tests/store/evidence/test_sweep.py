"""The whole store checked in one go: everything is looked at, and what is wrong has its line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, event, insert, select, update

from protocol import api, ledger
from protocol.bundle import Bundle
from protocol.erasure import Erasure
from protocol.keys import thumbprint
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import erasure, queries, schema
from store.evidence.verify.sweep import Checked, size, sweep
from store.server.services import Services
from testkit.fakes.pc import SECOND, Pc
from tests.store.command_line import Run, key, passphrase_file, run
from tests.store.recorded import POLICY, ZERO, Filmed, close, start_run

__all__ = ["key", "passphrase_file", "run"]  # fixtures

Swept = Callable[..., list[Checked]]


@pytest.fixture
def swept(services: Services, home: Home) -> Swept:
    def everything(after: str = "") -> list[Checked]:
        found = sweep(services.database, services.blobs, None, compliance=home.key(COMPLIANCE).id, after=after)
        return list(found)

    return everything


def wrong(found: list[Checked]) -> list[tuple[str, str, str]]:
    return [(one.kind, finding.code, finding.where) for one in found for finding in one.report.findings]


def test_everything_is_looked_at(filmed: Filmed, new_pc: Callable[[], Pc], swept: Swept, services: Services) -> None:
    idle = new_pc()
    found = swept()
    assert [(one.kind, one.id) for one in found] == [
        ("catalog", "indexes"),
        ("bundle", "1"),
        ("policy", POLICY),
        *(("ledger", device) for device in (filmed.pc.device, idle.device)),
        ("recording", str(filmed.recording.id)),
    ]
    assert wrong(found) == []
    assert size(services.database) == len(found)


def test_it_goes_on_behind_a_recording(pc: Pc, bundle: Bundle, swept: Swept, services: Services) -> None:
    ids = sorted(str(pc.open_recording(bundle).id) for _ in range(3))
    assert [one.id for one in swept(ids[0])] == ids[1:]
    assert size(services.database, ids[0]) == 2
    assert swept(ids[2]) == []


def test_more_recordings_than_a_page(pc: Pc, bundle: Bundle, swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.evidence.verify.sweep._PAGE", 2)
    ids = sorted(str(pc.open_recording(bundle).id) for _ in range(5))
    start_run(pc)
    assert pc.send_ledger().is_success
    found = swept()
    assert [one.id for one in found if one.kind == "recording"] == ids
    assert wrong(found) == []


def test_an_opening_that_is_changed_after_the_ledger_was_checked_hides_nothing(
    filmed: Filmed, services: Services, home: Home
) -> None:
    close(filmed)
    assert filmed.pc.send_ledger().is_success
    found = []
    for one in sweep(services.database, services.blobs, None, compliance=home.key(COMPLIANCE).id):
        found.append(one)
        if one.kind == "ledger":
            with services.database.writing() as connection:
                line = schema.ledger_lines.c
                values = {"kind": "hold", "recording": None, "line": "{}"}
                connection.execute(update(schema.ledger_lines).where(line.kind == "recording-open").values(**values))
    assert wrong(found) == [("recording", "changed-catalog", "the device's ledger")]


def test_an_account_is_searched_for_no_single_recording(
    filmed: Filmed, bundle: Bundle, swept: Swept, services: Services
) -> None:
    """A PC may have sent hundreds of megabytes of account, and thousands of packets that it never opens."""
    for _ in range(3):
        filmed.pc.open_recording(bundle)
    change_line(services, 1, kind="start", recording=str(filmed.recording.id))
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(services.database._to_read, "before_cursor_execute", note)
    found = wrong(swept())
    assert ("ledger", "changed-catalog", "entry 1") in found
    assert not [statement for statement in asked if "LIKE" in statement and "ledger_lines" in statement]


# -- the ledger, whole --------------------------------------------------------------------------------------------


def change_line(services: Services, seq: int, **values: Any) -> None:
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_lines).where(schema.ledger_lines.c.seq == seq).values(**values))


@pytest.fixture
def told(pc: Pc) -> Pc:
    """A PC that never recorded: what it accounts for belongs to no recording."""
    start_run(pc)
    assert pc.send_ledger().is_success
    return pc


def test_lines_that_are_gone(told: Pc, swept: Swept, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.ledger_lines).where(schema.ledger_lines.c.seq.in_((1, 2))))
    assert wrong(swept()) == [
        ("ledger", "missing", "entries 1 to 2"),
        ("ledger", "changed-catalog", "the device's ledger"),
    ]
    assert told.device


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"line": "nonsense"}, ["bad-line", "unsigned", "broken-chain"]),
        ({"hash": "0" * 64}, ["changed-catalog"]),
        ({"kind": "recording-closed"}, ["changed-catalog"]),
        ({"recording": "0193a1b2-0000-7000-8000-000000000001"}, ["changed-catalog"]),
    ],
)
def test_a_line_that_was_changed(
    told: Pc, swept: Swept, services: Services, values: dict[str, str], expected: list[str]
) -> None:
    change_line(services, 2, **values)
    assert [code for _, code, _ in wrong(swept())] == expected
    assert told.device


def test_a_batch_that_the_device_did_not_sign(
    told: Pc, swept: Swept, services: Services, new_pc: Callable[[], Pc]
) -> None:
    other = new_pc()
    other.device, other.ledger.lines = told.device, told.ledger.lines
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_batches).values(token=other.ledger.batch(0)))
    found = [code for _, code, _ in wrong(swept())]
    assert found == ["wrong-signer"] + ["unsigned"] * len(told.ledger.lines)


def test_the_end_that_the_last_health_named(told: Pc, swept: Swept, services: Services) -> None:
    def say(following: int, head: str) -> None:
        body = {
            "wall": 1, "agent_version": "0.1.0", "holds": [], "heads": {}, "pending_chunks": 0, "pending_bytes": 0,
            "ledger": {"next": following, "head": head}, "bundle_revision": 1,
        }  # fmt: skip
        assert told.client.put(api.device_health_path(told.device), json=body, headers=told.bearer).is_success

    say(len(told.ledger.lines), told.ledger.head)
    assert wrong(swept()) == []
    say(len(told.ledger.lines) + 2, "a" * 64)
    (account,) = [one for one in swept() if one.kind == "ledger"]
    assert (account.sound, account.report.notes) == (True, ("2 entries are still on their way",))
    say(3, "a" * 64)
    assert wrong(swept()) == [("ledger", "wrong-head", "entry 2")]
    with services.database.writing() as connection:
        connection.execute(delete(schema.ledger_lines))
    # All of it on its way again: the device still has it, and its number says so. The alarm stays.
    assert wrong(swept()) == [("ledger", "wrong-head", "entry 2")]
    with services.database.reading() as connection:
        assert queries.ledger_head(connection, told.device).head == ledger.ZERO


def test_an_account_that_was_cut_after_the_store_had_confirmed_it(told: Pc, swept: Swept, services: Services) -> None:
    count = len(told.ledger.lines)
    assert told.put_health(told.report()).is_success
    assert wrong(swept()) == []
    columns = schema.ledger_lines.c
    with services.database.writing() as connection:
        connection.execute(delete(schema.ledger_lines).where(columns.seq >= count - 2))
    assert wrong(swept()) == [("ledger", "ledger-cut", f"entries {count - 2} to {count - 1}")]
    with services.database.writing() as connection:  # the unsigned words beside the report say what they like
        unsigned = {"ledger": {"next": 0, "head": ledger.ZERO}, "report": told.report().sign(told.evidence_key)}
        connection.execute(update(schema.health).values(body=json.dumps(unsigned)))
    assert wrong(swept()) == [("ledger", "ledger-cut", f"entries {count - 2} to {count - 1}")]


def test_a_report_that_is_not_the_device_s(
    told: Pc, swept: Swept, services: Services, new_pc: Callable[[], Pc]
) -> None:
    other = new_pc()
    stolen = other.report(device=told.device).sign(other.evidence_key)
    answer = told.put_health(told.report(), stolen)
    assert (answer.status_code, answer.json()["error"]) == (400, "wrong-signer")
    foreign = replace(told.report(), device=other.device).sign(told.evidence_key)
    answer = told.put_health(told.report(), foreign)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad-field")
    assert told.put_health(told.report()).is_success
    with services.database.writing() as connection:
        body = {"ledger": {"next": 0, "head": ledger.ZERO}, "report": stolen}
        connection.execute(update(schema.health).values(body=json.dumps(body)))
    assert wrong(swept()) == [("ledger", "wrong-signer", "the device's last report")]


def test_an_account_that_was_signed_twice(told: Pc, swept: Swept) -> None:
    told.ledger.lines = told.ledger.lines[:1]
    told.ledger.write("hold", at=ZERO, hold="user")
    assert told.send_ledger(told.ledger.batch(0)).status_code == 409
    assert wrong(swept()) == [("ledger", "ledger-fork", "entry 0")]


def test_of_an_account_so_many_findings_are_told(pc: Pc, swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PC may open 840,000 recordings a day that it never makes."""
    for name, bound in {"MOST_FINDINGS": 3, "_PAGE": 2, "_MOST_OPEN": 2}.items():
        monkeypatch.setattr(f"store.evidence.verify.sweep.{name}", bound)  # the real ones take long to reach
    pc.ledger.write("start", at=0)
    for at in range(1, 8):
        pc.ledger.write("recording-open", at=at, recording=str(uuid4()), policy=POLICY, zero=at)
    pc.send_ledger()
    assert wrong(swept()) == [("ledger", "no-recording", f"entry {seq}") for seq in (1, 2, 3)] + [
        ("ledger", "more-findings", "the device's ledger")
    ]


def damage(home: Home, *statements: str) -> None:
    with closing(sqlite3.connect(home.database_path)) as database, database:
        for statement in statements:
            database.execute(statement)


def refused(told: Pc, *, first: int, prev: str = "") -> bytes:
    """The line that the PC signed beside its account at number `first`, and the store refused."""
    entry = json.loads(told.ledger.lines[first - 1])
    prev = prev or ledger.line_hash(told.ledger.lines[first - 1])
    other = ledger.line(first, prev, at=entry["at"], wall=entry["wall"], kind="hold", hold="user")
    batch = ledger.Batch(told.device, first, first, (other,))
    assert told.send_ledger(batch.sign(told.evidence_key)).status_code == 409
    return other


HIDDEN = {
    "its alarm deleted": ["delete from alarms"],
    "its alarm acknowledged": [
        "insert into audit(at, operator, action, alarm, reason) select 1, 'me', 'acknowledge-alarm', id, '' from alarms"
    ],
    "its batch called accepted": ["delete from alarms", "update ledger_batches set accepted = 1"],
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=list(HIDDEN))
def test_a_second_account_is_named_by_what_the_device_signed(
    told: Pc, swept: Swept, home: Home, hidden: list[str]
) -> None:
    last = len(told.ledger.lines) - 1
    refused(told, first=last)
    assert wrong(swept()) == [("ledger", "ledger-fork", f"entry {last}")]
    damage(home, *hidden)
    assert wrong(swept()) == [("ledger", "ledger-fork", f"entry {last}")]


def test_a_second_account_after_the_last_entry(told: Pc, swept: Swept, home: Home) -> None:
    """It contradicts the entry before it alone."""
    count = len(told.ledger.lines)
    refused(told, first=count, prev="a" * 64)
    damage(home, "delete from alarms")
    assert wrong(swept()) == [("ledger", "ledger-fork", f"entry {count}")]


def test_a_refused_line_in_the_place_of_the_accepted_one(told: Pc, swept: Swept, services: Services) -> None:
    """Its batch cannot be deleted with it: the lines before it are signed in no other."""
    last = len(told.ledger.lines) - 1
    other = refused(told, first=last)
    batches = schema.ledger_batches.c
    with services.database.writing() as connection:
        batch = connection.scalar(select(batches.id).where(batches.accepted.is_(False)))
        connection.execute(delete(schema.alarms))
        connection.execute(update(schema.ledger_batches).values(accepted=True))
    change_line(services, last, line=other.decode(), hash=ledger.line_hash(other), kind="hold", batch=batch)
    assert wrong(swept()) == [("ledger", "ledger-fork", f"entry {last}")]


def test_a_line_that_was_changed_is_no_second_account(told: Pc, swept: Swept, home: Home) -> None:
    damage(home, "update ledger_batches set accepted = 0", "update ledger_lines set line = line || ' ' where seq = 2")
    assert {code for _, code, _ in wrong(swept())} == {"unsigned", "changed-catalog", "broken-chain"}
    assert told.device


@pytest.mark.parametrize("body", ["", "[]", "null", '{"report":', '{"a": 1, "a": 2}'])
def test_a_last_report_that_is_damaged_hides_nothing(told: Pc, swept: Swept, services: Services, body: str) -> None:
    assert told.put_health(told.report()).is_success
    change_line(services, 2, kind="recording-closed")
    with services.database.writing() as connection:
        connection.execute(update(schema.health).values(body=body))
    assert wrong(swept()) == [
        ("ledger", "malformed", "the device's last report"),
        ("ledger", "changed-catalog", "entry 2"),
    ]


@pytest.mark.parametrize("ledger_told", [None, 5, {}, {"next": -1, "head": "a"}, {"next": 1}])
def test_an_end_of_another_shape_beside_the_last_report_is_not_told(
    told: Pc, swept: Swept, services: Services, ledger_told: object
) -> None:
    assert told.put_health(told.report()).is_success
    with services.database.writing() as connection:
        connection.execute(update(schema.health).values(body=json.dumps({"ledger": ledger_told})))
    assert wrong(swept()) == []


@pytest.mark.parametrize("moved", [True, False])
def test_a_recording_that_is_gone(
    filmed: Filmed, new_pc: Callable[[], Pc], swept: Swept, services: Services, moved: bool
) -> None:
    """The device signed that it made it: its rows may go, or to another device; its account does not."""
    other = new_pc()
    with services.database.writing() as connection:
        if moved:
            connection.execute(update(schema.recordings).values(device=other.device))
        else:
            connection.execute(delete(schema.sealed))
            connection.execute(delete(schema.recordings))
    account = next(one for one in swept() if one.id == filmed.pc.device)
    assert [(one.code, one.where) for one in account.report.findings] == [("no-recording", "entry 6")]
    assert str(filmed.recording.id) in account.report.findings[0].message


def test_a_recording_that_goes_on_or_was_given_up_is_not_missing(told: Pc, swept: Swept) -> None:
    ours = [str(UUID(int=number)) for number in (1, 2)]
    told.ledger.write("recording-open", at=ZERO, recording=ours[0], policy=POLICY)
    told.ledger.write("given-up", at=ZERO, recording=ours[0], stream=0xFFFF, sequence=0)
    told.ledger.write("recording-closed", at=ZERO, recording=ours[0], heads={}, why="stop")
    told.ledger.write("recording-open", at=ZERO, recording=ours[1], policy=POLICY)
    assert told.send_ledger().is_success
    assert wrong(swept()) == []
    told.ledger.write("start", at=ZERO)
    assert told.send_ledger().is_success
    assert wrong(swept()) == [("ledger", "no-recording", "entry 9")]


@pytest.mark.parametrize("opened", [True, False])
def test_a_recording_of_which_only_the_last_report_speaks(
    told: Pc, bundle: Bundle, swept: Swept, services: Services, opened: bool
) -> None:
    """Its chunks came before the account did, or it goes on: the device signed that it had receipts."""
    recording = told.open_recording(bundle)
    if opened:
        told.ledger.write("recording-open", at=ZERO, recording=str(recording.id), policy=recording.policy)
        assert told.send_ledger().is_success
    assert told.put_sealed(recording.seal(length=SECOND)).is_success
    assert told.put_health(told.report(recording)).is_success
    assert wrong(swept()) == []
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed))
        connection.execute(delete(schema.recordings))
    where = "entry 6" if opened else "the device's last report"
    assert wrong(swept()) == [("ledger", "no-recording", where)]
    told.ledger.write("start", at=ZERO)
    assert told.send_ledger().is_success
    assert wrong(swept()) == [("ledger", "no-recording", where)]
    assert told.put_health(told.report(recording, receipted={0: 0})).is_success  # all of it waits in the PC's spool
    assert ("ledger", "no-recording", "the device's last report") not in wrong(swept())


def test_an_account_under_another_device_s_name(
    told: Pc, new_pc: Callable[[], Pc], swept: Swept, services: Services
) -> None:
    """Rows and keys of two PCs exchanged: what each signed says whose it is."""
    other = new_pc()
    assert told.put_health(told.report()).is_success
    with services.database.writing() as connection:
        rows = connection.execute(select(schema.devices.c.id, schema.devices.c.evidence_key))
        keys = {row.id: row.evidence_key for row in rows}
        for device, key in ((other.device, "-"), (told.device, keys[other.device]), (other.device, keys[told.device])):
            chosen = schema.devices.c.id == device
            connection.execute(update(schema.devices).where(chosen).values(evidence_key=key))
        for table in (schema.ledger_lines, schema.ledger_batches, schema.health):
            connection.execute(update(table).values(device=other.device))
    found = {(code, where) for _, code, where in wrong(swept())}
    assert {("misplaced", "batch from entry 0"), ("misplaced", "the device's last report")} <= found


def test_what_comes_while_it_is_checked_is_not_taken_for_cut_off(
    told: Pc, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes on beside it: entries and a report of them arrive after the lines were read."""
    walked = ledger.Walk

    def walk(*arguments: Any) -> Any:
        told.ledger.write("lane-open", at=ZERO, lane="screen")
        assert told.send_ledger().is_success
        assert told.put_health(told.report()).is_success
        return walked(*arguments)

    monkeypatch.setattr("store.evidence.verify.sweep.Walk", walk)  # a running store takes more just then
    assert wrong(swept()) == []


def test_a_row_with_a_vast_number_is_named_at_once(told: Pc, swept: Swept, services: Services) -> None:
    last = schema.ledger_lines.c.seq == len(told.ledger.lines) - 1
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_lines).where(last).values(seq=9 * 10**18))
    codes = {code for _, code, _ in wrong(swept())}
    assert {"missing", "unsigned", "changed-catalog"} <= codes


def test_a_row_that_cannot_be_read_hides_no_other(
    filmed: Filmed, new_pc: Callable[[], Pc], bundle: Bundle, run: Run, home: Home
) -> None:
    last = new_pc().open_recording(bundle)
    with closing(sqlite3.connect(home.database_path)) as database:
        device = str(UUID(int=5))
        for name, owner in (
            ("0", device),
            ("ABCDEF00-0000-7000-8000-0000000000A1", device),
            (str(UUID(int=7)), "none"),
        ):
            row = (name, owner, "x", b"\xff", "", "", 0)
            database.execute("INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        database.execute("UPDATE devices SET evidence_key = 'AAAA' WHERE id = ?", [filmed.pc.device])
        database.commit()
    told = run("verify", "--all")
    assert told.code == 1
    checked = "checked 1 catalog, 1 bundle, 1 policy, 2 ledgers, 5 recordings"
    assert f"{checked}: NOT SOUND: 1 ledger, 4 recordings" in told.out
    assert str(last.id) not in told.out


# -- what comes from compliance -----------------------------------------------------------------------------------


def test_a_bundle_or_policy_that_was_changed(filmed: Filmed, swept: Swept, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(update(schema.policies).values(files='{"p.yaml": "rules: []"}'))
        connection.execute(update(schema.bundles).values(revision=2))
    found = wrong(swept())
    assert found[:2] == [
        ("bundle", "changed-catalog", "bundle revision 2"),
        ("policy", "wrong-hash", f"policy {POLICY[:12]}"),
    ]
    assert filmed.recording


@pytest.mark.parametrize("text", ["", "[]", '{"": "x"}', '{"p.yaml": 3}'])
def test_a_policy_s_text_that_is_none_any_more(filmed: Filmed, swept: Swept, services: Services, text: str) -> None:
    with services.database.writing() as connection:
        connection.execute(update(schema.policies).values(files=text))
    assert ("policy", "wrong-hash", f"policy {POLICY[:12]}") in wrong(swept())
    assert filmed.recording


# -- the command --------------------------------------------------------------------------------------------------


def test_a_bundle_that_is_no_text_is_named(filmed: Filmed, swept: Swept, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(update(schema.bundles).values(token=b"\0"))
    found = swept()
    assert ("bundle", "malformed") in {which[:2] for which in wrong(found)}
    assert ("recording", "bad-bundle") in {which[:2] for which in wrong(found)}
    assert filmed.recording


def test_of_every_pc_it_says_what_it_last_signed_of_its_end(told: Pc, new_pc: Callable[[], Pc], run: Run) -> None:
    assert told.put_health(told.report()).is_success
    silent = new_pc()
    facts = {one["device"]: one for one in run("verify", "--all", "--json").facts["reports"]}
    count = len(told.ledger.lines)
    assert (facts[told.device]["entries"], facts[told.device]["confirmed"]) == (count, count)
    assert facts[silent.device]["at"] is None
    said = run("verify", "--all")
    assert f"{count} entries, {count} confirmed" in said.out
    assert f"{silent.device}  no signed report" in said.out


def test_who_deletes_a_recording_and_appoints_a_key_is_shown_with_that_key(
    filmed: Filmed, run: Run, services: Services, swept: Swept
) -> None:
    """Its row deleted or not: only a person can tell that the key is not the audit log's."""
    key, victim = Ed25519PrivateKey.generate(), filmed.recording.id
    order = Erasure(victim, filmed.pc.device, "period", "short", "a" * 64, "", "x", 1, ZERO)
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.recording == str(victim)))
        erasure.appoint(connection, "x", key.public_key(), 2)
        values = {"recording": str(victim), "device": filmed.pc.device, "position": 1, "order": order.sign(key)}
        found = json.dumps({"packets": [], "objects": 0, "bytes": 0})
        connection.execute(insert(schema.erasures).values(**values, step="shredded", found=found, shredded_at=ZERO))
    signer = thumbprint(key.public_key())
    for kind in ("recording", "erasure"):
        if kind == "erasure":
            with services.database.writing() as connection:
                connection.execute(delete(schema.recordings).where(schema.recordings.c.id == str(victim)))
        assert (kind, str(victim)) in {(one.kind, one.id) for one in swept()}
        said = run("verify", "--all")
        assert said.code == 0
        assert f"{kind}  {victim}" in said.out
        assert signer in said.out
        assert run("verify", "--all", "--json").facts["erased"] == {
            "signed_by": signer,
            "recordings": [str(victim)],
        }
        assert signer in run("verify", str(victim)[:12]).out
        listed = run("recordings", "--json").facts["recordings"]
        assert [one["erased"]["signer"] for one in listed if one["recording"] == str(victim)] == [signer]
        assert "being erased" in " ".join(run("recordings").out.split())


def test_a_deletion_that_no_key_explains_is_a_finding_without_a_row_too(
    filmed: Filmed, services: Services, swept: Swept
) -> None:
    with services.database.writing() as connection:
        values = {"recording": str(filmed.recording.id), "device": filmed.pc.device, "position": 1, "order": "x.y.z"}
        connection.execute(
            insert(schema.erasures).values(**values, step="erased", found='{"packets":[],"objects":0,"bytes":0}')
        )
        connection.execute(delete(schema.sealed))
        connection.execute(delete(schema.recordings))
    assert ("erasure", "unexplained", "recording") in wrong(swept())
