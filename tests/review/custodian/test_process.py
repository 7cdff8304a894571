"""The real process, with what a real store holds: a supervisor of the recording's team opens it, one of another not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import base64url, bundle, enrolment, jws, personal
from protocol.bundle import Bundle
from protocol.carried import carried
from protocol.errors import ProtocolError
from protocol.interaction import Agent, Interaction, Received
from protocol.keyfile import load_private
from protocol.keys import RecipientPublic, signing_key
from protocol.packet import KeyPacket, recording_id
from protocol.policyhash import policy_hash
from protocol.released import receive
from review import cli
from review.analysis.job_states import Failure, Kind
from review.analysis.jobs import Lease
from review.analysis.worker import ReadError
from review.commands import adopting
from review.commands.open_log import public_key
from review.custodian.home import recording_key, review_keys
from review.exchange import ask
from review.filed import set_of
from review.governance.model import Act
from review.leasing import Lending
from review.lifecycle.approvals import Approvals
from review.rules import parse_files
from store import cli as store_cli
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECOVERY
from store.catalog import interactions
from store.catalog.blobs import BlobStore
from store.catalog.interactions import Integration
from store.catalog.queries import Device
from store.evidence.chain import Stored
from store.evidence.evidence import gather
from store.evidence.opening import read_packet
from store.server.services import Services
from testkit import waits
from testkit.custody import NAME, PAGE, RULES, House
from testkit.fakes.pc import FakeRecording, Pc
from testkit.stream_keys import open_stream
from tests.agent.keys.services import fork
from tests.store.conftest import PASSPHRASE
from tests.store.recorded import close, make_filmed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel says who asks on Linux alone")
ANN, SAM = "ann@example.com", "sam@example.com"
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command's JSON; or, with a `code`, its message (with `said`, what it printed)."""
    monkeypatch.setenv("EYELID_CUSTODIAN_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("EYELID_PASSPHRASE", "four words that differ")

    def command(*words: object, code: int = 0, said: bool = False, of: Callable[[list[str]], int] = cli.main) -> Any:
        capsys.readouterr()
        assert of([*map(str, words), *(["--json"] if not code else [])]) == code
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return (told.out if said else told.err) if code else json.loads(told.out)

    return command


@pytest.fixture
def custodian(run: Run, home: Home, tmp_path: Path) -> Iterator[Path]:
    """A custodian's process beside the store; where it listens."""
    token = tmp_path / "enrolment.token"
    named = enrolment.Enrolment("https://localhost", "", home.store_key().public_key(), home.key(COMPLIANCE).id, "s")
    token.write_text(enrolment.make(named))
    run("custodian", "init", "--name", NAME, "--token", token, "--origin", PAGE, "--console", "nobody")
    short = Path(tempfile.mkdtemp())  # a socket's name has 107 characters at the most
    words = [sys.executable, "-m", "review", "custodian", "serve", "--socket", str(short / "s")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline().startswith("the custodian listens"), process.stderr.read()
            yield short / "s"
        finally:
            process.kill()
    shutil.rmtree(short)


def sealed_to(tmp_path: Path) -> RecipientPublic:
    (public,) = (tmp_path / "c" / "keys").glob("review-*.pub")
    return RecipientPublic.from_bytes(base64url.decode(public.read_text().strip()))


def compliance(home: Home) -> Path:
    return home.folder / home.key(COMPLIANCE).file


def sign_bundle(home: Home, before: Bundle, review: RecipientPublic, to: Path, rules: str = RULES) -> Bundle:
    """The next, with the review key and the rules."""
    files = {"rules.yaml": rules.encode()}
    made = Bundle(2, (*before.recipients, review), before.created, before.policy_files, policy_hash(files))
    key = signing_key(load_private(compliance(home), PASSPHRASE).raw)
    to.write_text(f"{bundle.sign(made, key)}\n{carried(files)}\n")
    return made


def record(pc: Pc, made: Bundle, **options: Any) -> FakeRecording:
    """Ten seconds of a PC, whole and closed, in the store."""
    filmed = make_filmed(pc, made, **options)
    close(filmed)
    filmed.put_all()
    assert pc.send_ledger().status_code == 200
    return filmed.recording


class Person:
    """With a key of their own, and a session."""

    def __init__(self, name: str, run: Run, home: Home, socket: Path, folder: Path) -> None:
        invitation, key = folder / f"{name}.invitation", folder / f"{name}.key"
        secret = folder / "compliance.passphrase"
        secret.write_bytes(PASSPHRASE)
        signed = ("--key", compliance(home), "--passphrase-file", secret, "-o", invitation)
        log = folder / "c" / "keys" / "audit.pub"
        self.log = public_key(str(log)).public
        invited = run("custodian", "invite", name, "--to", log, "--player", f"{PAGE}/", *signed)
        assert invited["link"] == f"{PAGE}/#enrol={invitation.read_text().strip()}.{invited['secret']}"
        told = ("--secret", invited["secret"], "-o", key, "--socket", socket)
        assert run("custodian", "enrol-key", invitation, *told)["person"] == name
        self.name, self.socket = name, socket
        self.key = signing_key(load_private(key, b"four words that differ").raw)
        self.session = X25519PrivateKey.generate()

    def open(self, recording: UUID, papers: dict[str, Any]) -> dict[str, Any]:
        told = {
            "person": self.name, "act": "play", "recording": str(recording), "purpose": "complaint",
            "rendition": "redacted", "session": base64url.encode(self.session.public_key().public_bytes_raw()),
            "streams": ["0"], **ask(self.socket, "nonce"),
        }  # fmt: skip
        signed = personal.sign(personal.REQUEST, told, self.key)
        return jws.verify(jws.RELEASE, ask(self.socket, "open", request=signed, papers=papers)["release"], self.log)


@pytest.mark.slow(reason="a custodian's process, a store, two people with keys, and scrypt for each")
def test_a_supervisor_of_the_team_opens_and_one_of_another_does_not_and_the_log_says_both(
    run: Run, home: Home, bundle: Bundle, client: Any, secret: Callable[..., str], clock: Any, services: Services,
    custodian: Path, tmp_path: Path,
) -> None:  # fmt: skip
    made = sign_bundle(home, bundle, sealed_to(tmp_path), tmp_path / "next.bundle")
    assert run("custodian", "bundle", tmp_path / "next.bundle", "--socket", custodian) == {"revision": 2}
    pc = Pc(client)
    assert pc.enrol(secret(group="north desk")).status_code == 200
    assert pc.ask_token(clock.seconds).status_code == 200
    recording = record(pc, made)
    papers = run("papers", "--home", home.folder, recording.id, of=store_cli.main)
    people = {name: Person(name, run, home, custodian, tmp_path) for name in (ANN, SAM)}

    answer = people[ANN].open(recording.id, papers)
    told = {"request": answer["request"], "recording": recording.id, "stream": 0}
    key = receive(people[ANN].session, base64url.decode(answer["keys"]["0"]), **told)
    with services.database.reading() as connection:
        evidence = gather(connection, recording.id)
    opened = list(open_stream(services.blobs, evidence.chosen.streams[0], key, evidence.device.evidence_key))
    assert len(opened) == 7

    with pytest.raises(ProtocolError, match="does not cover this recording, which is of team north") as refused:
        people[SAM].open(recording.id, papers)
    assert refused.value.code == "refused"

    log, keys = tmp_path / "c" / "audit", tmp_path / "c" / "keys"
    shown = run("audit", "show", "--log", log, "--keys", keys, "--kind", "open")["entries"]
    assert [(one["outcome"], one["resource"]) for one in shown] == [
        ("success", [str(recording.id)]), ("failure", [str(recording.id)]),
    ]  # fmt: skip
    assert shown[0]["who"] != shown[1]["who"]
    shutil.copytree(log, tmp_path / "copy")
    assert run("audit", "verify", tmp_path / "copy", "--key", keys / "audit.pub")["sound"] is True

    seeds = ("audit", "show", "--log", log, "--keys", keys, "--kind", "sample")
    waits.until(lambda: len(run(*seeds)["entries"]) == 2, "seeds of this month and the next are committed to")

    listed = run("custodian", "keys", "--socket", custodian)["keys"]
    assert [(one["person"], one["removed"]) for one in listed] == [(ANN, None), (SAM, None)]
    run("custodian", "keys", "--socket", custodian, "--remove", listed[0]["key"])
    with pytest.raises(ProtocolError, match="removed"):
        people[ANN].open(recording.id, papers)


@pytest.mark.slow(reason="a custodian's process, a store, a worker's key and scrypt")
def test_a_worker_reads_what_its_kind_is_made_of_and_the_log_says_so(
    run: Run, home: Home, bundle: Bundle, client: Any, secret: Callable[..., str], clock: Any, services: Services,
    custodian: Path, tmp_path: Path,
) -> None:  # fmt: skip
    rules = RULES.replace("approvals:\n", "  analyst: { may: [analyse], of: { team: [north] }, rendition: original, "
        "analyses: { screen-text: 9 per hour, speech: 9 per hour } }\napprovals:\n")  # fmt: skip
    rules = rules.replace("people:\n", "people:\n  analyst-1: { roles: [analyst] }\n")
    made = sign_bundle(home, bundle, sealed_to(tmp_path), tmp_path / "next.bundle", rules)
    run("custodian", "bundle", tmp_path / "next.bundle", "--socket", custodian)
    pc = Pc(client)
    assert pc.enrol(secret(group="north desk")).status_code == 200
    assert pc.ask_token(clock.seconds).status_code == 200
    recording = record(pc, made)
    papers = run("papers", "--home", home.folder, recording.id, of=store_cli.main)
    worker = Person("analyst-1", run, home, custodian, tmp_path)

    said = list[str]()
    lending = Lending(
        custodian, worker.name, worker.key, worker.log, lambda _: papers, lambda _, code: said.append(code)
    )

    def lease(kind: Kind) -> Lease:
        return Lease(1, 3, time.time_ns() + 120 * 10**9, str(recording.id), kind, "tesseract-5")

    lent = lending.lend(lease(Kind.SCREEN_TEXT))
    assert (set(lent.streams), lent.label) == ({0}, "screen-text/original")
    with services.database.reading() as connection:
        evidence = gather(connection, recording.id)
    sealed, device = evidence.chosen.streams[0], evidence.device.evidence_key
    assert len(list(open_stream(services.blobs, sealed, lent.streams[0], device))) == 7
    with pytest.raises(ReadError) as refused:
        lending.lend(lease(Kind.SPEECH))
    assert (refused.value.failure, said) == (Failure.UNSOUND, ["unknown-stream"])
    shown = run("audit", "show", "--log", tmp_path / "c" / "audit", "--keys", tmp_path / "c" / "keys", "--kind",
                "lease")["entries"]  # fmt: skip
    assert [(one["outcome"], one["resource"]) for one in shown] == [
        ("success", [str(recording.id)]), ("failure", [str(recording.id)]),
    ]  # fmt: skip


@pytest.mark.slow(reason="a custodian's process, two people with keys, and scrypt for each of their commands")
def test_an_erasure_is_asked_for_and_approved_by_commands_and_the_lifecycle_believes_the_signatures(
    run: Run, home: Home, bundle: Bundle, custodian: Path, tmp_path: Path
) -> None:
    rules = RULES.replace("privacy: { may: [list]", "privacy: { may: [list, erase]").replace("need: 2", "need: 1")
    rules = rules.replace("act: [export], by: [compliance, privacy]", "act: [erase], by: [compliance]")
    sign_bundle(home, bundle, sealed_to(tmp_path), tmp_path / "next.bundle", rules)
    run("custodian", "bundle", tmp_path / "next.bundle", "--socket", custodian)
    pia, carl = (Person(f"{name}@example.com", run, home, custodian, tmp_path) for name in ("pia", "carl"))

    def signing(person: Person) -> tuple[object, ...]:
        return ("--as", person.name, "--key", tmp_path / f"{person.name}.key", "--socket", custodian)

    asked = ("custodian", "ask-erasure", set_of([]), "--request", "DSR-1", "--purpose", "request")
    filed = run(*asked, *signing(pia))["filed"]
    shown = run("custodian", "approve", filed, *signing(carl))
    assert (shown["person"], shown["terms"]["request"], shown["approved_by"]) == (pia.name, "DSR-1", [])
    approve = ("custodian", "approve", filed, "--verdict", "approve")
    assert "who asks cannot approve" in run(*approve, *signing(pia), code=1)
    assert run(*approve, *signing(carl)) == {"filed": filed, "verdict": "approve"}
    assert "no request of this id" in run("custodian", "approve", "b" * 64, *signing(carl), code=1)
    governance = parse_files({"rules.yaml": rules.encode()})
    found = Approvals(tmp_path / "c", home.key(COMPLIANCE).id).check(
        governance, Act.ERASE, filed, {}, request="DSR-1", now=time.time_ns()
    )
    assert [one.person for one in found.approvals] == [carl.name]
    told = {"person": pia.name, "act": "play", "recording": str(UUID(int=7)), "purpose": "", "rendition": "redacted",
            "session": "A" * 43, **ask(custodian, "nonce")}  # fmt: skip
    signed = personal.sign(personal.REQUEST, told, pia.key)
    with pytest.raises(ProtocolError, match="nothing but erasures and legal holds"):
        ask(custodian, "file", request=signed)


@pytest.mark.slow(reason="a custodian's process, a store, two people with keys, and scrypt for each of their commands")
def test_consent_is_given_explained_and_withdrawn_by_commands(
    run: Run, home: Home, bundle: Bundle, client: Any, secret: Callable[..., str], clock: Any, services: Services,
    custodian: Path, tmp_path: Path,
) -> None:  # fmt: skip
    rules = RULES.replace("privacy: { may: [list]", "privacy: { may: [list, consent]")
    rules = rules.replace("retention:", "consent: { screen: required }\nretention:")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(rules)
    made = sign_bundle(home, bundle, sealed_to(tmp_path), tmp_path / "next.bundle", rules)
    run("custodian", "bundle", tmp_path / "next.bundle", "--socket", custodian)
    pc = Pc(client)
    assert pc.enrol(secret(group="north desk")).status_code == 200
    assert pc.ask_token(clock.seconds).status_code == 200
    recording = record(pc, made, id=recording_id(1_800_000_000 * 10**9, bytes(10)))  # begins with its time
    ann, pia = (Person(name, run, home, custodian, tmp_path) for name in (ANN, "pia@example.com"))
    papers = run("papers", "--home", home.folder, recording.id, of=store_cli.main)

    def may() -> tuple[bool, Any]:
        """What explain says, once the custodian was found to say the same."""
        asks = ("--as", ANN, "--do", "play", "--purpose", "complaint", "--rules", tmp_path / "rules")
        where = ("--recording", recording.id, "--store", home.folder, "--socket", custodian)
        said = run("governance", "explain", *asks, *where)
        if said["granted"]:
            ann.open(recording.id, papers)
        else:
            with pytest.raises(ProtocolError, match=said["why"][0]["says"]):
                ann.open(recording.id, papers)
        return said["granted"], said

    def consent(verb: str, person: Person, *more: object, code: int = 0, said: bool = False) -> Any:
        where = ("--channel", "screen", "--home", home.folder, "--socket", custodian)
        who = ("--as", person.name, "--key", tmp_path / f"{person.name}.key")
        return run("consent", verb, *more, *who, *where, code=code, said=said)

    assert may()[0] is False
    assert (consent("give", pia, recording.id)["failed"], may()[0]) == ({}, True)
    assert "the consent to its screen was given, as pia@example.com signed" in may()[1]["recording"]["is"]
    run("consent", "withdraw", recording.id, "--as", ANN, "--key", tmp_path / f"{ANN}.key", "--home", home.folder,
        "--socket", custodian, "--channel", "screen", code=1)  # fmt: skip
    assert may()[0] is True

    # What a system says in the store's catalog opens nothing; its interaction tells which recordings are meant.
    phone = integration(services)
    calls = [call(services, phone, said, pc.device, recording) for said in ("given", "missing")]
    assert "does not say that consent to the screen was given" in consent("give", pia, calls[1], code=1)
    taken = consent("withdraw", pia, calls[1])["signed"]
    assert [one["recording"] for one in taken] == [str(recording.id)]
    shown = run("consent", "show", calls[0], "--home", home.folder, "--socket", custodian)["recordings"]
    told = {"state": "withdrawn", "person": pia.name, "reference": calls[1]}
    assert (may()[0], shown) == (False, {str(recording.id): {"screen": told}})
    assert (consent("give", pia, calls[0])["failed"], may()[0]) == ({}, False)  # it was withdrawn for another
    assert (consent("give", pia, recording.id, "--reference", calls[1])["failed"], may()[0]) == ({}, True)

    # Without a signature, too, what one call's system says keeps another call's consent from opening it.
    withdrawn = call(services, phone, "withdrawn", pc.device, recording)
    for which in (calls[0], recording.id):
        shut = consent("give", pia, which, code=1, said=True)
        assert f"! {recording.id}: consent was withdrawn for interaction {withdrawn}" in shut
    later, where = call(services, phone, "given", str(uuid4()), recording), ("--home", home.folder)
    shown = run("consent", "show", later, *where, "--socket", custodian, code=1, said=True)
    for text in (consent("withdraw", pia, later, code=1, said=True), shown):
        assert f"! interaction {later}: no recording of it is here yet" in text

    gone = ("--recording", recording.id, "--store", home.folder, "--socket", tmp_path / "none")
    asks = ("--as", ANN, "--do", "play", "--purpose", "complaint", "--rules", tmp_path / "rules")
    said = run("governance", "explain", *asks, *gone)
    assert (said["granted"], "cannot be asked for consent, so none counts" in str(said["recording"])) == (False, True)


def integration(services: Services) -> tuple[Integration, Ed25519PrivateKey]:
    key = Ed25519PrivateKey.generate()
    made = Integration(str(UUID(int=9)), "phone", key.public_key(), ("example.com",), "49", 1, None)
    with services.database.writing() as connection:
        interactions.let_in(connection, made, "secret")
    return made, key


def call(
    services: Services, phone: tuple[Integration, Ed25519PrivateKey], said: str, device: str, of: FakeRecording
) -> str:
    """An interaction of the PC's at the recording's time, in the catalog; its id."""
    with services.database.reading() as connection:
        start = gather(connection, of.id).recording.start
    about = Interaction(
        uuid4(), phone[0].id, "call", "inbound", "sales", start, start + 1, {"screen": said}, (Agent(device=device),),
        packet="a" * 64, sealed="b" * 64,
    )  # fmt: skip
    with services.database.writing() as connection:
        interactions.keep(connection, Received(about, about.sign(phone[1]), b"", b""), start)
    return str(about.id)


def order(home: Home, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home.database_path)) as database, database:
        database.execute(statement, values)


def ordered_meanwhile(home: Home, blobs: BlobStore, stored: Stored, device: Device) -> KeyPacket:
    found = read_packet(blobs, stored, device)
    values = (str(found.recording), device.id, 1, "", "ordered", "{}")
    order(
        home, 'insert into erasures (recording, device, position, "order", step, found) values (?,?,?,?,?,?)', *values
    )
    return found


def test_a_recording_from_before_the_review_key_is_adopted_with_the_key_that_opens_it(
    run: Run, home: Home, bundle: Bundle, pc: Pc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = record(pc, bundle)
    token = tmp_path / "enrolment.token"
    named = enrolment.Enrolment("https://localhost", "", home.store_key().public_key(), home.key(COMPLIANCE).id, "s")
    token.write_text(enrolment.make(named))
    run("custodian", "init", "--name", NAME, "--token", token, "--origin", PAGE, "--console", "nobody")
    (tmp_path / "recovery").write_bytes(PASSPHRASE)
    recovery = ("--recipient", home.folder / home.key(RECOVERY).file)
    words = ("custodian", "adopt", home.folder, *recovery, "--recipient-passphrase-file", tmp_path / "recovery")
    with monkeypatch.context() as patch:  # an erasure is ordered while its packet is read
        patch.setattr(adopting, "read_packet", partial(ordered_meanwhile, home))
        assert run(*words) == {"adopted": 0, "left": []}
    assert list((tmp_path / "c" / "adopted").iterdir()) == []
    assert run(*words) == {"adopted": 0, "left": []}
    order(home, "delete from erasures")
    assert run(*words) == {"adopted": 1, "left": []}
    assert run(*words) == {"adopted": 0, "left": []}
    keys = review_keys(tmp_path / "c", b"four words that differ")
    packet = KeyPacket.verify(recording.packet.decode(), pc.evidence_key.public_key())
    assert recording_key(tmp_path / "c", keys, packet) == recording.key
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase")
    assert "passphrase does not open it" in run("custodian", "rotate", "--passphrase-file", wrong, code=1)
    rotated = run("custodian", "rotate")
    assert recording_key(tmp_path / "c", review_keys(tmp_path / "c", b"four words that differ"), packet)
    run("custodian", "compromised", rotated["review"])
    assert "no review key" in run("custodian", "compromised", "x", code=2)
    log, keys_folder = tmp_path / "c" / "audit", tmp_path / "c" / "keys"
    shown = run("audit", "show", "--log", log, "--keys", keys_folder, "--kind", "key")["entries"]
    assert [one["facts"]["use"] for one in shown] == ["made", *4 * ["adopt"], "rotated", "compromised"]


def test_a_mistake_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("no token")
    init = ("custodian", "init", "--name", NAME, "--origin", PAGE, "--token")
    assert "begins with eyelid1." in run(*init, token, "--console", "nobody", code=1)
    assert "No such file" in run(*init, tmp_path / "missing", "--console", "nobody", code=1)
    assert "settings.json cannot be read or written: No such file" in run("custodian", "rotate", code=1)
    assert "No such file" in run("custodian", "keys", "--socket", tmp_path / "no-socket", code=1)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "settings.json").write_text("no json")
    assert "not a JSON object" in run("custodian", "compromised", "x", code=1)


def test_a_custodian_that_is_killed_between_entry_and_answer_gave_no_key_and_goes_on(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    custodian = house.ready()
    kept = house.recording()
    before = len(house.entries())
    child = fork()
    if not child:
        append = custodian._log.append

        def die(act: Any) -> int:
            append(act)
            os.kill(os.getpid(), signal.SIGKILL)
            return 0

        custodian._log.append = die  # type: ignore[method-assign]
        try:
            house.open(custodian, ANN, kept)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    (noted,) = house.entries()[before:]
    assert (noted["kind"], noted["outcome"]) == ("open", "success")
    assert house.received(ANN, kept, house.open(house.start(), ANN, kept)) == kept.stream_key(0)
    assert len(house.entries()) == before + 2
