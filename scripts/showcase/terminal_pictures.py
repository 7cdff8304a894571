"""Draws docs/images/policy-check.svg, windows.svg and devices.svg: what these commands say in a terminal of 80 columns.

    python -m scripts.showcase.terminal_pictures [FOLDER [NAME...]]     writes them anew, by default to docs/images

The windows are those of a display of its own, with the recorder at work and its extension in a real browser. The
PCs of the store's list are enrolled with a real store, and what they tell of themselves is made up: that spares
waiting for a PC to fall silent.
"""

from __future__ import annotations

import os
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from sqlalchemy import select, update

from protocol import api, enrolment
from protocol import bundle as bundles
from protocol.ledger import line
from protocol.policyhash import policy_hash
from scripts.showcase.shop import shop
from store.admin.home import Home
from store.admin.init import COMPLIANCE, STORE
from store.catalog import schema
from store.catalog.database import Database
from store.catalog.statements import newest_bundle
from store.clock import MINUTE
from testkit.browsers import chromium
from testkit.fakes.pc import Pc, StoreClient
from testkit.fleet import Store, answer, installed, pc, run, store
from testkit.stage import Stage, own_display
from testkit.terminal import drawn, typed

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
HOUR: Final = 60 * MINUTE
TERMINAL: Final = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}

# Mistakes as people make them, in the files of one policy.
MISTAKEN: Final = {
    "policy.yaml": "schema: 1\nrevision: 3\nname: Contact centre: Leeds\n...\n",
    "cards.yaml": """\
schema: 1
rules:
  - id: our-card-pages
    why: PCI DSS 3.3.1.2 - the card verification code is never kept
    any:
      - url: [crm.example.com/pay]
      - fild: [cc-csc]
    audio: { pause: shwon }
    stay_closed: 1:30
...
""",
    "tills.yaml": """\
schema: 1
rules:
  - id: tills
    why: PCI DSS 3.3.1.2 - the card verification code is never kept
    any:
      - title: [*card code*]
...
""",
}
OURS: Final = """\
schema: 1
revision: 3
name: Contact centre
rules:
  - id: card-forms
    why: PCI DSS 3.3.1.2 - the card verification code is never kept
    any:
      - url: ["pay.localhost/card"]
      - field: [cc-number, cc-csc]
    audio: { pause: open, lead: 3s }
  - id: charts
    why: HIPAA 164.502(b) minimum necessary
    any:
      - title: ["*chart*"]
    dry_run: true
allow_unseen:
  - url: ["chrome://newtab", "about:blank"]
...
"""
HOLDS: Final = {"p.yaml": "rules:\n  - {id: cards, why: PCI}\nuser_hold: {reasons: [Private call, Break]}\n...\n"}
HELD: Final = policy_hash({name: text.encode() for name, text in HOLDS.items()})


def _picture(images: Path, name: str, said: str, title: str) -> None:
    (images / f"{name}.svg").write_text(drawn(said, title, name), "utf-8")


# -- policy check -------------------------------------------------------------------------------------------------


def policy_check(images: Path, folder: Path) -> None:
    policies = folder / "policies"
    policies.mkdir()
    for name, text in MISTAKEN.items():
        (policies / name).write_text(text, "utf-8")
    said = typed(installed("eyelid", "policy", "check", "policies"), {**os.environ, **TERMINAL}, folder=folder)
    _picture(images, "policy-check", said, "eyelid policy check policies")


# -- windows ------------------------------------------------------------------------------------------------------


def _sign(services: Store, folder: Path, policy: str) -> None:
    """As compliance does it, with the store's own commands; the store hands it out."""
    (folder / "signed").mkdir()
    (folder / "signed" / "ours.yaml").write_text(policy, "utf-8")
    [key] = [key["private_half"] for key in services.ask("keys")["keys"] if key["name"] == "compliance"]
    home, current, following = str(services.home), str(folder / "current.bundle"), str(folder / "next.bundle")
    for words in (
        ("show", "--home", home, "--save", current),
        ("sign", "--key", key, "--key-file", str(services.secret), "--from", current,
         "--policies", str(folder / "signed"), "-o", following),
        ("put", "--home", home, following),
    ):  # fmt: skip
        answer(f"bundle {words[0]}", run(installed("eyelid-store", "bundle", *words), os.environ))


def windows(images: Path, folder: Path) -> None:
    with own_display(folder / "display") as stage, store(folder) as services:
        _sign(services, folder, OURS)
        _windows(images, folder, stage, services)


def _windows(images: Path, folder: Path, stage: Stage, services: Store) -> None:
    with (
        pc(services, stage, folder / "pc", {}) as recorder,
        stage.program("notes", (60, 400)),
        shop() as sites,
        chromium(stage, folder / "browser", sites.catalogue, eyes=recorder.home),
    ):
        sites.go(sites.checkout)
        recorder.recorder.until(lambda: "card-forms" in (recorder.status() or {}).get("rules", ()), "it closed")
        environment = {**stage.environment, **TERMINAL, "EYELID_CONFIG": str(folder / "pc" / "agent.yaml")}
        said = typed(installed("eyelid", "windows"), environment)
    _picture(images, "windows", said, "eyelid windows")


# -- devices ------------------------------------------------------------------------------------------------------


Entry = tuple[float, str, dict[str, Any]]


class Fleet:
    """PCs that are enrolled with the store. What they tell is about the last hours by this machine's clock."""

    def __init__(self, services: Store, client: httpx.Client, database: Database) -> None:
        self._services = services
        self._client = client
        self._database = database
        self._began = time.time_ns() - 6 * HOUR
        with database.reading() as connection:
            newest = newest_bundle(connection)
        assert newest is not None
        self._bundle = bundles.verify(newest[1], Home.open(services.home).key(COMPLIANCE).id)

    def pc(self, host: str) -> Pc:
        made = Pc(self._client)
        secret = enrolment.parse(self._services.ask("enroll-token", "--group", "leeds")["token"]).secret
        answer = self._client.post(api.ENROLL, json=made.application(secret, host=host))
        made.device = answer.raise_for_status().json()["device"]
        made.ask_token(int(time.time())).raise_for_status()
        return made

    def tells(self, made: Pc, *entries: Entry, **health: Any) -> None:
        """`entries` of its account (hours since it began, kind, fields) after its start, and its health just now."""
        self._client.put(api.policy_path(HELD), json={"files": HOLDS}, headers=made.bearer).raise_for_status()
        begins: list[Entry] = [(0.0, "start", {}), (0.0, "lane-open", {"lane": "screen"})]
        for hours, kind, fields in (*begins, *entries):
            at, lines = int(hours * HOUR), made.ledger.lines
            lines.append(line(len(lines), made.ledger.head, at=at, wall=self._began + at, kind=kind, **fields))
        made.put_sealed(made.open_recording(self._bundle).seal()).raise_for_status()
        made.send_ledger().raise_for_status()
        body = {
            "wall": time.time_ns(), "agent_version": "0.1.0", "heads": {}, "holds": [], "pending_chunks": 0,
            "pending_bytes": 0, "ledger": {"next": len(made.ledger.lines), "head": made.ledger.head},
            "bundle_revision": 1, **health,
        }  # fmt: skip
        self._client.put(api.device_health_path(made.device), json=body, headers=made.bearer).raise_for_status()

    def was_last_heard(self, made: Pc, hours: float) -> None:
        """So many hours ago."""
        then = time.time_ns() - int(hours * HOUR)
        mine = select(schema.recordings.c.id).where(schema.recordings.c.device == made.device)
        with self._database.writing() as connection:
            for table, column, of in (
                (schema.health, "at", schema.health.c.device == made.device),
                (schema.ledger_batches, "received_at", schema.ledger_batches.c.device == made.device),
                (schema.sealed, "received_at", schema.sealed.c.recording.in_(mine)),
            ):
                connection.execute(update(table).where(of).values({column: then}))

    def was_enrolled(self, made: Pc, hours: float) -> None:
        then = time.time_ns() - int(hours * HOUR)
        with self._database.writing() as connection:
            connection.execute(
                update(schema.devices).where(schema.devices.c.id == made.device).values(enrolled_at=then)
            )


def _populate(fleet: Fleet) -> None:
    never = "rule-never-matched"
    closed: dict[str, Any] = {"lane": "screen", "rules": ["web-engine"], "policy": HELD}
    fleet.tells(fleet.pc("desk-01"))
    fleet.tells(fleet.pc("desk-02"), (5.9, "hold", {"hold": "user", "reason": 1, "policy": HELD}), holds=["user"])
    silent = fleet.pc("desk-03")
    fleet.tells(silent, pending_chunks=181, pending_bytes=6_100_000)
    fleet.was_last_heard(silent, 2.0)
    fleet.tells(fleet.pc("desk-04"), (0.1, "alarm", {"what": never, "rules": [0], "policy": HELD}))
    fleet.tells(fleet.pc("desk-05"), (1.0, "lane-closed", closed))
    fleet.tells(fleet.pc("desk-06"), (4.0, "stop", {"why": "shutdown"}))
    fleet.was_enrolled(fleet.pc("reception-1.leeds.example.com"), 30.0)


def devices(images: Path, folder: Path) -> None:
    with store(folder) as services, closing(Home.open(services.home).database()) as database:
        trust = ssl.create_default_context(cafile=Home.open(services.home).ca_certificate)
        with StoreClient(Home.open(services.home).key(STORE).id, base_url=services.address, verify=trust) as client:
            _populate(Fleet(services, client, database))
        command = installed("eyelid-store", "devices", "--home", str(services.home))
        said = typed(command, {**os.environ, **TERMINAL}, quiet=True)
    _picture(images, "devices", said, "eyelid-store devices")


# -- all of them --------------------------------------------------------------------------------------------------

PICTURES: Final[dict[str, Callable[[Path, Path], None]]] = {
    "policy-check": policy_check,
    "windows": windows,
    "devices": devices,
}


def main() -> None:
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    for name in sys.argv[2:] or PICTURES:
        with TemporaryDirectory(prefix="eyelid-") as made:
            PICTURES[name](images, Path(made))


if __name__ == "__main__":
    main()
