"""A store with two recordings whose chunks have keys of their own and one of an earlier agent, and an exported case."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from protocol import base64url
from protocol.bundle import verify as verify_bundle
from protocol.envelope import Edition
from protocol.keyfile import save_private
from protocol.keys import RecipientPrivate
from review import cli
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, Plan, found
from store.catalog.statements import newest_bundle
from store.clock import wall
from store.server.enrolment import make_secret
from store.server.serving import open_services
from testkit.cheap_keys import COST
from testkit.fakes.pc import SECOND, Pc
from tests.review.player.conftest import page
from tests.review.player.made import MadeRecording, make
from tests.store.conftest import PASSPHRASE, serving
from tests.store.recorded import ZERO

__all__ = ["page"]


@dataclass(frozen=True)
class Archive:
    """`reader`: the private key of whom cases are sealed to; beside it lies its public half."""

    home: Home
    made: tuple[MadeRecording, MadeRecording]
    earlier: MadeRecording
    folder: Path

    @property
    def ids(self) -> tuple[str, str]:
        one, other = (str(one.recording.id) for one in self.made)
        return one, other

    @property
    def key(self) -> Path:
        return self.home.folder / self.home.key(RECIPIENT).file

    @property
    def reader(self) -> Path:
        return self.folder / "lawyer.key"

    @property
    def passphrase(self) -> Path:
        return self.folder / "passphrase"

    def export(self, folder: Path, *spans: str, to: tuple[object, ...] = (), code: int = 0) -> Path:
        whom = to or ("--to", self.folder / "lawyer.pub")
        asked = ("case", "export", "--spans", *spans, "--title", "Complaint 4711", "--key", self.key, *whom,
                 "--passphrase-file", self.passphrase, "--home", self.home.folder, "-o", folder, "--json")  # fmt: skip
        assert cli.main([str(one) for one in asked]) == code
        return folder

    def verify(self, folder: Path, *more: object) -> list[str]:
        return ["case", "verify", str(folder), "--key", str(self.reader), "--passphrase-file", str(self.passphrase),
                "--json", *map(str, more)]  # fmt: skip


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("cases")
    home = found(Plan(folder / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    services = open_services(home, wall)
    with services.database.writing() as connection:
        newest = newest_bundle(connection)
        secret = make_secret(connection, uses=3, expires_at=wall() + 3600 * SECOND, group="", now=wall())
    assert newest is not None
    bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)
    made = []
    with serving(home, services) as client:
        pcs = [Pc(client) for _ in range(3)]
        assert all([pc.enrol(secret).is_success for pc in pcs])  # noqa: C419 - each of them
        for pc, edition in zip(pcs, (Edition.KEYED, Edition.KEYED, Edition.SIGNED), strict=True):
            assert pc.ask_token(wall() // SECOND).is_success
            one = make(pc, bundle, edition)
            one.send()
            pc.ledger.write("start", at=ZERO + 30 * SECOND)
            assert pc.send_ledger().is_success
            assert pc.put_health(pc.report()).is_success
            made.append(one)
    services.close()
    (folder / "passphrase").write_bytes(PASSPHRASE)
    reader = RecipientPrivate.generate()
    save_private(folder / "lawyer.key", "recipient", reader.to_bytes(), PASSPHRASE, cost=COST)
    (folder / "lawyer.pub").write_text(base64url.encode(reader.public.to_bytes()) + "\n")
    return Archive(home, (made[0], made[1]), made[2], folder)


@pytest.fixture(scope="session")
def exported(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two spans of one recording, which the eye was closed between, and one of the other."""
    one, other = archive.ids
    folder = tmp_path_factory.mktemp("exported") / "complaint"
    return archive.export(folder, f"{one}:5-10", f"{one}:0:20.5-22", f"{other}:14.25-16")


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)
