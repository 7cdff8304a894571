"""A worker is lent the keys of one lease by a custodian that serves, and each refusal means for its job what it should:
what may come is tried again, what is final is not, and only silence counts as no answer.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws, local_socket, personal
from protocol.envelope import SOUND_STREAM, Edition
from protocol.keys import derived_key
from review.analysis.derived import Derived, Shelf
from review.analysis.job_states import Failure, Kind
from review.analysis.jobs import Lease
from review.analysis.lending import Lender, Lent
from review.analysis.worker import ReadError
from review.audit.log import AuditLog
from review.custodian.custodian import Custodian
from review.custodian.service import Service
from review.exchange import SIZE
from review.governance.model import Rendition
from review.leases import LONGEST
from review.leasing import MEANS, Lending
from testkit.custody import SECOND, House, Kept
from testkit.flipping import flip_in
from tests.review.custodian.test_leases import ALLOWED, ONE, SCENES, TWO, furnished, recording

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel says who asks on Linux alone")


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())  # a socket's name has 107 characters at the most
    with closing(local_socket.listen(folder / "s")) as own:
        threading.Thread(target=serve, args=(own,), daemon=True).start()
        yield folder / "s"
        own.shutdown(socket.SHUT_RDWR)
    shutil.rmtree(folder)


@dataclass
class Desk:
    """A worker beside a custodian that serves a house."""

    house: House
    custodian: Custodian
    socket: Path
    kept: list[Kept] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def papers(self, asked: UUID) -> Mapping[str, Any]:
        return next(one.papers for one in self.kept if one.id == asked)

    def worker(self, name: str = ONE, **changed: Any) -> Lending:
        told: dict[str, Any] = {
            "key": self.house.people[name], "custodian": self.house.signer.key.public, "papers": self.papers,
            "said": lambda kind, code: self.said.append(f"{kind} {code}"), "socket": self.socket,
        }  # fmt: skip
        return Lending(worker=name, **told | changed)

    def lease(self, **changed: Any) -> Lease:
        """Of the recording that was made last."""
        deadline = self.house.clock.now + 120 * SECOND
        return replace(Lease(4, 7, deadline, str(self.kept[-1].id), Kind.SPEECH, "base.1"), **changed)

    def record(self, **told: Any) -> Kept:
        self.kept.append(recording(self.house, **told))
        return self.kept[-1]


@contextmanager
def served(folder: Path, rules: str = ALLOWED) -> Iterator[Desk]:
    house = furnished(folder, rules)
    custodian = house.ready()
    log = AuditLog(house.folder / "audit", house.signer, house.reading, clock=house.clock.wall)
    with listening(lambda own: Service(custodian, log, own).run()) as path:
        yield Desk(house, custodian, path)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with served(tmp_path / "house") as made:
        made.record()
        yield made


def failure(worker: Lender, lease: Lease) -> Failure:
    with pytest.raises(ReadError) as error:
        worker.lend(lease)
    return error.value.failure


# -- what is lent -----------------------------------------------------------------------------------------------------


def test_a_lease_brings_the_keys_of_its_kind_and_the_key_to_seal_by(desk: Desk) -> None:
    (kept,) = desk.kept
    lent = desk.worker().lend(desk.lease())
    words = derived_key(kept.key, kept.id, "speech/original")
    assert lent == Lent({SOUND_STREAM: kept.stream_key(SOUND_STREAM)}, "speech/original", words)
    assert words.hex() not in repr(lent)
    noted = desk.house.entries()[-1]
    assert (noted["kind"], noted["outcome"], noted["facts"]["fence"]) == ("lease", "success", 7)
    screens = desk.worker(TWO).lend(desk.lease(kind=Kind.SCREEN_TEXT))
    assert (sorted(screens.streams), screens.label, desk.said) == ([0, 1], "screen-text/original", [])


def test_a_lease_of_personal_data_brings_keys_of_what_others_made_and_whose_signature_counts(desk: Desk) -> None:
    (kept,) = desk.kept
    lent = desk.worker().lend(desk.lease(kind=Kind.PERSONAL))
    assert (lent.streams, lent.label) == ({}, "personal/original")
    for label in ("speech/original", "screen-text/original"):
        assert lent.results[label] == derived_key(kept.key, kept.id, label)
        assert lent.results[label].hex() not in repr(lent)
    assert sorted(lent.results) == ["screen-text/original", "speech/original"]
    workers = {one.public_bytes_raw() for one in lent.workers}
    assert workers == {desk.house.people[one].public_key().public_bytes_raw() for one in (ONE, TWO)}


def test_each_lease_has_a_session_of_its_own(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions, sign = list[str](), personal.sign

    def signing(typ: str, said: Mapping[str, Any], key: Any) -> str:
        sessions.append(said["session"])
        return sign(typ, said, key)

    monkeypatch.setattr(personal, "sign", signing)  # sees what is signed
    worker = desk.worker()
    for _ in range(2):
        worker.lend(desk.lease())
    assert len(set(sessions)) == 2


def test_what_is_sealed_under_it_opens_under_it_alone(desk: Desk, tmp_path: Path) -> None:
    shelf, lease = Shelf(tmp_path / "derived", desk.house.people[ONE]), desk.lease()
    shelf.put(lease, desk.worker().lend(lease), b"Guten Tag")
    (kept,) = desk.kept
    one, key = Derived.of(lease, "speech/original"), derived_key(kept.key, kept.id, "speech/original")
    public = desk.house.people[ONE].public_key()
    assert shelf.get(one, key, public) == b"Guten Tag"
    for other in (derived_key(kept.key, kept.id, "speech/redacted"), kept.key, kept.stream_key(SOUND_STREAM)):
        with pytest.raises(ValueError, match="not the one"):
            shelf.get(replace(one, rendition=Rendition.ORIGINAL), other, public)


# -- what is refused --------------------------------------------------------------------------------------------------


def test_the_cap_of_the_hour_is_tried_again_and_then_there_are_keys(desk: Desk) -> None:
    for _ in range(3):
        desk.worker().lend(desk.lease())
    assert failure(desk.worker(), desk.lease()) is Failure.NOT_YET
    desk.house.clock.pass_by(3601)
    desk.worker().lend(desk.lease())
    assert desk.said == ["speech too-many"]


def test_missing_consent_is_tried_again_and_withdrawn_consent_is_final(tmp_path: Path) -> None:
    rules = ALLOWED.replace("privacy: { may: [list], of: all }",
                            "privacy: { may: [list, consent], of: all, purposes: [request] }")  # fmt: skip
    with served(tmp_path / "house", rules.replace("retention:", "consent: { voice: required }\nretention:")) as desk:
        kept = desk.record()
        assert failure(desk.worker(), desk.lease()) is Failure.NOT_YET
        desk.house.consent(desk.custodian, "pia@example.com", kept, "given")
        desk.worker().lend(desk.lease())
        desk.house.consent(desk.custodian, "pia@example.com", kept, "withdrawn")
        assert failure(desk.worker(), desk.lease()) is Failure.REFUSED
        assert desk.said == ["speech no-consent", "speech refused"]


def still_recording(desk: Desk) -> Kept:
    kept = desk.record()
    kept.papers["closing"] = recording(desk.house, of=kept, ended=False).papers["closing"]
    return kept


def papers_of_another(desk: Desk) -> None:
    desk.record().papers |= recording(desk.house).papers


def changed_papers(desk: Desk) -> None:
    kept = desk.record()
    kept.papers["packet"] = flip_in(kept.papers["packet"], 2)


@pytest.mark.parametrize(
    ("made", "code", "means"),
    [
        (still_recording, "not-closed", Failure.NOT_YET),
        (lambda desk: desk.record(group="south desk"), "refused", Failure.REFUSED),
        (lambda desk: desk.record(edition=Edition.FIRST), "no-stream-keys", Failure.REFUSED),
        (lambda desk: desk.record(streams=(0, SCENES)), "unknown-stream", Failure.UNSOUND),
        (papers_of_another, "other-recording", Failure.UNSOUND),
        (changed_papers, "bad-signature", Failure.UNSOUND),
        (lambda desk: desk.record(revision=9), "stale-bundle", Failure.NOT_YET),
        (lambda desk: desk.record(store=Ed25519PrivateKey.generate()), "wrong-signer", Failure.NOT_YET),
    ],
)
def test_what_speaks_against_a_recording(desk: Desk, made: Callable[[Desk], Any], code: str, means: Failure) -> None:
    made(desk)
    assert failure(desk.worker(), desk.lease()) is means
    assert desk.said == [f"speech {code}"]


def test_what_speaks_against_the_worker_ends_no_job_for_good(desk: Desk) -> None:
    """Else a worker whose key was removed, or a rule that is missing, would fail the whole table within minutes."""
    asked = desk.lease()
    assert failure(desk.worker(key=Ed25519PrivateKey.generate()), asked) is Failure.NOT_YET
    assert failure(desk.worker(TWO, key=desk.house.people[ONE]), asked) is Failure.NOT_YET
    for wrong in ({"deadline": desk.house.clock.now + LONGEST + 1}, {"model": "a model"}, {"kind": Kind.INDEX},
                  {"recording": "no id"}):  # fmt: skip
        assert failure(desk.worker(TWO), desk.lease(**wrong)) is Failure.NOT_YET
    desk.custodian.remove(personal.PersonKey(desk.house.people[ONE].public_key()).id, "test")
    assert failure(desk.worker(), asked) is Failure.NOT_YET
    assert desk.said == [
        "speech unknown-key", "speech other-person", "speech stale", "speech bad-field", "index not-here",
        "speech malformed", "speech key-removed",
    ]  # fmt: skip


def test_without_papers_nothing_is_asked(desk: Desk) -> None:
    before = len(desk.house.entries())
    for code, means in (("no-papers", Failure.NO_ANSWER), ("not-closed", Failure.NOT_YET)):
        worker = desk.worker(papers=lambda _, code=code: {"error": code, "message": "none"})
        assert failure(worker, desk.lease()) is means
    assert len(desk.house.entries()) == before


def test_no_custodian_is_no_answer(desk: Desk, tmp_path: Path) -> None:
    assert failure(desk.worker(socket=tmp_path / "none"), desk.lease()) is Failure.NO_ANSWER
    assert desk.said == ["speech FileNotFoundError"]


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """A false custodian: a nonce first, then these bytes."""

    def serve(own: socket.socket) -> None:
        for answer in (b'{"nonce": "AAAA", "custodian": "review.example.com/custodian"}', *answers):
            connection, _ = own.accept()
            with connection:
                (size,) = SIZE.unpack(local_socket.receive(connection, SIZE.size, time.monotonic() + 60))
                local_socket.receive(connection, size, time.monotonic() + 60)
                connection.sendall(SIZE.pack(len(answer)) + answer if answer else b"")

    return serve


@pytest.mark.parametrize(
    ("answer", "code", "means"),
    [
        (b"", "ConnectionError", Failure.NO_ANSWER),  # it hangs up
        (b"no JSON", "malformed", Failure.NOT_YET),
        (b"{}", "no-lease", Failure.NOT_YET),
        (b'{"leased": "a.b.c"}', "no-lease", Failure.NOT_YET),
        (b'{"error": "of-a-later-custodian"}', "of-a-later-custodian", Failure.NOT_YET),
        (b'{"error": {}, "message": 7}', "{}", Failure.NOT_YET),
    ],
)
def test_an_answer_that_is_none_gives_no_key(desk: Desk, answer: bytes, code: str, means: Failure) -> None:
    with listening(answering(answer)) as path:
        assert failure(desk.worker(socket=path), desk.lease()) is means
    assert desk.said == [f"speech {code}"]


def test_what_another_signed_gives_no_key(desk: Desk) -> None:
    """A false custodian that knows the key under which words would be sealed could read them."""
    other = Ed25519PrivateKey.generate().public_key()
    assert failure(desk.worker(custodian=other), desk.lease()) is Failure.NOT_YET
    assert desk.said == ["speech no-lease"]


@pytest.mark.parametrize("seals", [{"speech/original": "AAAA"}, {}, {"speech/original": "AAAA", "text/original": "AA"}])
def test_what_was_signed_for_another_lease_gives_no_key(desk: Desk, seals: dict[str, str]) -> None:
    payload = {"request": "ab" * 32, "keys": {}, "seals": seals}
    answer = json.dumps({"leased": jws.sign(jws.LEASED, payload, desk.house.signer.private)}).encode()
    with listening(answering(answer)) as path:
        assert failure(desk.worker(socket=path), desk.lease()) is Failure.NOT_YET
    assert desk.said == ["speech no-lease"]


def test_codes_that_are_final_are_few() -> None:
    assert {code for code, means in MEANS.items() if means is not Failure.NO_ANSWER} == {
        "refused", "no-stream-keys", "unknown-stream", "other-recording", "other-packet", "bad-signature",
    }  # fmt: skip
