"""`eyelid-review interactions`: bring in calls, chats and mails, find them, give them out (docs/interactions.md)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Row

from protocol import base64url
from protocol.errors import ProtocolError
from protocol.interaction import ADDRESS, ID, KEY_SIZE, TEL, Interaction, finding_key, is_name, opened, tag
from protocol.keyfile import save_private
from protocol.keys import RecipientPrivate, public_to_text
from protocol.terminal import Wrapped, printable
from review.commands.opening import FINDING, finding_key_in, rules_in
from review.interactions.sending import Credentials, Sender, Stopped
from review.interactions.vcon import MAX_CONTENT, Conversation, TooLarge, Unreadable, of_mail, of_vcon, parsed, written
from store.admin import passphrase
from store.admin.home import Home, default_folder
from store.admin.init import COMPLIANCE
from store.catalog import erasure, interactions, schema
from store.catalog.blobs import BlobFault, BlobMissing
from store.catalog.interactions import Integration
from store.clock import wall
from store.commands.acts import act, add_purpose
from store.commands.audit import catalog_of, check_here, evidence_of, open_recording, recipient_of
from store.commands.options import Subcommands
from store.commands.values import count
from store.errors import StoreError, WrongUsage
from store.evidence import export
from store.evidence.show import console, print_json, print_table, when
from store.evidence.unfinished import building, put_in_place
from store.files import write_new

VCON: Final = "interaction.vcon"
_LINES: Final = frozenset({".jsonl", ".ndjson"})
_One = TypeVar("_One")
_BY: Final = {"tel": TEL, "address": ADDRESS, "id": ID}
_DOMAIN: Final = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")


def add(commands: Subcommands[ArgumentParser]) -> None:
    top = commands.add_parser("interactions", help="calls, chats and mails: bring in, find, give out", epilog=(
        "examples:\n  eyelid-review interactions import calls.jsonl --integration phone.key\n"
        "  eyelid-review interactions find --tel '+49 30 123456'"
    ), formatter_class=Wrapped)  # fmt: skip
    group = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _command(group, "init", "make the finding key, by which numbers and addresses are found", "", _init, finding=True)
    one = _command(group, "add", "let a system send interactions: its keys go into one sealed file",
                   "phone --house example.com --country 49 -o phone.key", _add, home=True, finding=True)  # fmt: skip
    one.add_argument("name", metavar="NAME", help="what it is called in lists")
    one.add_argument("--house", action="append", required=True, metavar="DOMAIN",
                     help="who has an address there is an agent, all others customers; may be repeated")  # fmt: skip
    one.add_argument("--country", default="", metavar="CODE", help="of numbers that begin with one 0, such as 49")
    one.add_argument("--address", metavar="URL", help="where it reaches the store (as PCs do)")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a file that is not there yet")
    one = _command(group, "keys", "list who may send interactions, or withdraw one", "--withdraw 0193a1b2", _keys,
                   home=True, secret=False)  # fmt: skip
    one.add_argument("--withdraw", metavar="ID", help="it sends nothing more; what it sent stays")
    one = _command(group, "import", "seal interactions and send them: .vcon, .json, .jsonl (a vCon each line), .eml",
                   "calls.jsonl mails/*.eml --integration phone.key --queue support", _import)  # fmt: skip
    one.add_argument("files", type=Path, nargs="+", metavar="FILE")
    one.add_argument("--integration", type=Path, required=True, metavar="FILE", help="what `add` wrote")
    one.add_argument("--queue", default="", metavar="NAME", help="of those that name none")
    one = _command(group, "find", "find interactions by a customer's number, address or id, or by agent",
                   "--tel '+49 30 123456'", _find, home=True, finding=True)  # fmt: skip
    by = one.add_mutually_exclusive_group(required=True)
    for name, words in (("tel", "a telephone number"), ("address", "a mail or SIP address"), ("id", "any other id")):
        by.add_argument(f"--{name}", metavar=name.upper(), help=words)
    by.add_argument("--agent", metavar="PERSON", help="by the name that the rules give them")
    one.add_argument("--limit", type=count, default=1000, metavar="N", help="the newest N (%(default)s)")
    one = _command(group, "export", "open an interaction and the recordings of it, as a vCon with files beside it",
                   "0193a1b2 --key recovery.key -o case-17 --purpose DSR-2026-18", _export, home=True)  # fmt: skip
    one.add_argument("interaction", metavar="ID", help="its id, or the beginning of it")
    one.add_argument("--key", type=Path, required=True, metavar="FILE", help="a reader's private key")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="a folder that is not there yet")
    one.add_argument("--partial", action="store_true", help="leave out, and name, what of a recording does not open")


def _command(
    group: Subcommands[ArgumentParser], name: str, summary: str, example: str, run: Callable[[Namespace], int], *,
    home: bool = False, finding: bool = False, secret: bool = True,
) -> ArgumentParser:  # fmt: skip
    parser = group.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", formatter_class=Wrapped,
        epilog=f"examples:\n  eyelid-review interactions {name} {example}",
    )  # fmt: skip
    parser.set_defaults(run=run)
    if home:
        parser.add_argument("--home", type=Path, default=default_folder(os.environ), metavar="DIR",
                            help="the store's folder (EYELID_STORE_HOME; now: %(default)s)")  # fmt: skip
        add_purpose(parser)
    if finding:
        base = Path(os.environ.get("EYELID_REVIEW_HOME", "/var/lib/eyelid-review"))
        parser.add_argument("--finding-key", type=Path, default=base / "keys" / "finding.key", metavar="FILE",
                            help="the house's finding key (%(default)s)")  # fmt: skip
    if secret:
        passphrase.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")
    return parser


def _say(options: Namespace, facts: dict[str, Any], *lines: str) -> None:
    if options.json:
        print_json(facts)
    for line in () if options.json else lines:
        console().print(printable(line), markup=False, soft_wrap=True)


# -- keys ---------------------------------------------------------------------------------------------------------


def _init(options: Namespace) -> int:
    try:
        save_private(options.finding_key, FINDING, os.urandom(KEY_SIZE), passphrase.new(options))
    except OSError as error:
        raise StoreError(f"{options.finding_key} cannot be written: {error.strerror}") from None
    _say(options, {"key": str(options.finding_key)}, f"{options.finding_key}",
         "Without it no number is found again: keep a copy elsewhere, and none on the store's machine.")  # fmt: skip
    return 0


def _add(options: Namespace) -> int:
    house = tuple(domain.lower() for domain in options.house)
    if not all(map(_DOMAIN.fullmatch, house)):
        raise WrongUsage("--house takes a domain, such as example.com")
    if not is_name(options.name) or not re.fullmatch(r"[1-9][0-9]{0,2}|", options.country):
        raise WrongUsage("NAME has letters and no address, --country the digits of a country's code, such as 49")
    home, name, address = Home.open(options.home), str(uuid4()), options.address
    secret = passphrase.existing(options, str(options.finding_key))
    own = Credentials(
        id=name, name=options.name, house=" ".join(house), country=options.country, address=address or home.address,
        ca="" if (address or "").startswith("http:") else home.ca_certificate.read_text("ascii"),
        store_key=public_to_text(home.store_key().public_key()), compliance=home.key(COMPLIANCE).id,
        finding=base64url.encode(finding_key(finding_key_in(options.finding_key, secret), name)),
    )  # fmt: skip
    made = Integration(name, own.name, own.key.public_key(), house, own.country, wall(), None)
    with act(home, options, "interactions-add", recordings=[name]), closing(home.database()) as database:
        try:
            own.save(options.output, secret)
        except OSError as error:
            raise StoreError(f"{options.output} cannot be written: {error.strerror}") from None
        with database.writing() as connection:
            interactions.let_in(connection, made, own.secret)
    _say(options, {"id": name, "file": str(options.output), "compliance": own.compliance},
         f"{options.output}  for the machine that imports, under the finding key's passphrase; id {name}",
         f"{own.compliance}  compliance's key, whose bundles it believes: compare it with theirs")  # fmt: skip
    return 0


def _keys(options: Namespace) -> int:
    home = Home.open(options.home)
    with closing(home.database()) as database:
        with database.reading() as connection:
            known = interactions.integrations(connection)
        if options.withdraw is not None:
            chosen = _only([one for one in known if one.id.startswith(options.withdraw.lower())], options.withdraw)
            noted = act(home, options, "interactions-withdraw", recordings=[chosen.id])
            with noted, database.writing() as connection:
                interactions.withdraw(connection, chosen.id, wall())
                known = interactions.integrations(connection)
    if options.json:
        names = ("id", "name", "house", "withdrawn_at")
        print_json({"integrations": [{name: getattr(one, name) for name in names} for one in known]})
    else:
        print_table(["id", "name", "house", "made", "withdrawn"], [
            (one.id, one.name, ", ".join(one.house), when(one.created_at), when(one.withdrawn_at)) for one in known
        ])  # fmt: skip
    return 0


def _only(found: list[_One], text: str) -> _One:
    if len(found) != 1 or not text:
        raise WrongUsage(f"{len(found)} begin with {text!r}: write the id")
    return found[0]


# -- import -------------------------------------------------------------------------------------------------------


def _import(options: Namespace) -> int:
    own = Credentials.load(options.integration, passphrase.existing(options, str(options.integration)))
    if options.queue and not is_name(options.queue):
        raise WrongUsage("--queue takes a queue's name, and no number or address")
    sent: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    unsent: Counter[str] = Counter()
    place = ""
    with closing(Sender(own)) as sender:
        sender.whom()
        try:
            for path in options.files:
                place = str(path)
                try:
                    for place, source in _sources(path):
                        try:
                            name, new = sender.send(_read(path, source, own, options.queue), source)
                        except Stopped:
                            raise
                        except (StoreError, ProtocolError) as error:
                            failed.append({"from": place, "error": str(error)})
                            if isinstance(error, (Unreadable, ProtocolError)):  # else the store noted it
                                unsent["oversized" if isinstance(error, TooLarge) else "unreadable"] += 1
                        else:
                            sent.append({"from": place, "id": name, "new": new})
                except OSError as error:
                    failed.append({"from": place, "error": f"cannot be read: {error.strerror}"})
        except StoreError as error:
            failed.append({"from": place, "error": f"{error}; from here on nothing was sent"})
        try:
            for why, number in unsent.items():
                sender.refused(why, number)
        except StoreError as error:
            failed.append({"from": "the store's note of what could not be read", "error": str(error)})
    old = sum(not one["new"] for one in sent)
    lines = [f"{one['from']}: {one['error']}" for one in failed]
    lines.append(f"{len(sent) - old} sent, {old} were there before, {len(failed)} could not be read or were refused")
    _say(options, {"sent": sent, "failed": failed}, *lines)
    return 1 if failed else 0


def _sources(path: Path) -> Iterator[tuple[str, bytes]]:
    """(place, what stands there): each line of a file of lines, else the file; of each no more than one may have and a
    byte, which is refused. OSError."""
    with path.open("rb") as file:
        if path.suffix.lower() not in _LINES:
            yield str(path), file.read(MAX_CONTENT + 1)
            return
        number, begins = 1, True
        while line := file.readline(MAX_CONTENT + 1):
            if begins and line.strip():
                yield f"{path}:{number}", line
            begins = line.endswith(b"\n")  # the rest of one that is too long is passed over
            number += begins


def _read(path: Path, source: bytes, own: Credentials, queue: str) -> Conversation:
    suffix = path.suffix.lower()
    if suffix not in {".eml", ".vcon", ".json", *_LINES}:
        raise Unreadable("its name must end in .vcon, .json, .jsonl or .eml")
    return (of_mail if suffix == ".eml" else of_vcon)(source, own.house.split(), queue)


# -- find and export ----------------------------------------------------------------------------------------------


def _find(options: Namespace) -> int:
    home = Home.open(options.home)
    asked = next(((kind, text) for name, kind in _BY.items() if (text := getattr(options, name)) is not None), None)
    key = finding_key_in(options.finding_key, passphrase.existing(options, str(options.finding_key))) if asked else b""
    with catalog_of(home) as connection:
        if asked is None:
            names: list[str | None] = [options.agent.casefold()]
        else:
            keys = [(finding_key(key, one.id), one.country) for one in interactions.integrations(connection)]
            names = [tag(own, *asked, country) for own, country in keys]
        if None in names:
            raise WrongUsage("this is no number, address or id that an interaction could be found by")
        kind, several = "tag" if asked else "person", [name for name in names if name]
        rows = interactions.named(connection, kind, several, options.limit + 1)
        more, rows = len(rows) > options.limit, rows[: options.limit]
        with act(home, options, "interactions-find", recordings=[row.id for row in rows]):
            _print(options, [_facts(home, connection, row) for row in rows], more)
    return 0


def _print(options: Namespace, facts: list[dict[str, Any]], more: bool) -> None:
    recordings = len({one for found in facts for one in found["recordings"]})
    if options.json:
        print_json({"interactions": facts, "more": more, "recordings": recordings})
    elif facts:
        print_table(["interaction", "began", "kind", "direction", "queue", "agents", "recordings"], [
            (one["id"], when(one["start"]), one["kind"], one["direction"], one["queue"] or "-",
             ", ".join(next(iter(agent.values())) for agent in one["agents"]) or "-", str(len(one["recordings"])))
            for one in facts
        ], numbers=(6,))  # fmt: skip
    if not options.json:
        console().print(f"{len(facts)} interactions, and {recordings} recordings of them")
        if more:
            console().print("There are more: raise --limit.")


def _facts(home: Home, connection: Connection, row: Row[Any]) -> dict[str, Any]:
    about = interactions.said(connection, row)[0]
    facts = {name: getattr(row, name) for name in ("id", "kind", "direction", "queue", "start", "end")}
    facts |= {"consent": about.consent, "agents": [one.names for one in about.agents if one.names]}
    return facts | {"recordings": [found.id for found in recordings_of(home, connection, about)]}


def recordings_of(home: Home, connection: Connection, about: Interaction) -> list[Row[Any]]:
    """Whose a PC's user is, the rules say that compliance signed."""
    person_of = rules_in(home, connection)[1].person_of
    return interactions.recordings_of(connection, about.agents, about.start, about.end, person_of)


def shut_by(home: Home, connection: Connection, recording: str, start: int, length: int) -> str:
    """Why it stays shut: consent to another call that it shows was withdrawn; "" where that is not so. `length`: of the
    recording, or more.
    """
    for row in interactions.meanwhile(connection, start, start + length):
        about = interactions.said(connection, row)[0]
        shut = "withdrawn" in about.consent.values()
        if shut and any(one.id == recording for one in recordings_of(home, connection, about)):
            return f"consent was withdrawn for interaction {about.id}, which it belongs to as well: it stays shut"
    return ""


def _export(options: Namespace) -> int:
    home = Home.open(options.home)
    export.check_target(options.output)
    with closing(home.database()) as database:
        home.check_not_put_back(database)
    with catalog_of(home) as connection:
        columns = schema.erasures.c.recording
        gone = erasure.tombstones(connection, columns.startswith(options.interaction.lower(), autoescape=True))
        if len(gone) == 1:
            raise StoreError(f"interaction {gone[0].recording}: {gone[0]}")
        row = _only(interactions.beginning(connection, options.interaction.lower()), options.interaction)
        about, whose = interactions.said(connection, row)
        recordings = recordings_of(home, connection, about)
        asked = ((one.id, shut_by(home, connection, one.id, one.start, one.length)) for one in recordings)
        shut = {one: why for one, why in asked if why}
    if "withdrawn" in about.consent.values():
        raise StoreError(f"interaction {about.id}: consent was withdrawn, so it stays shut")
    reader = recipient_of(options)
    missing = [f"recording {one}: {why}" for one, why in shut.items()]
    recordings = [one for one in recordings if one.id not in shut]
    with act(home, options, "export", recordings=[str(about.id), *(one.id for one in recordings)]) as done:
        try:
            packet, chunk = map(home.blobs().get, interactions.names_of(about))
        except (BlobMissing, BlobFault):
            raise StoreError(f"interaction {about.id}: its bytes are gone or cannot be read") from None
        content = opened(row.statement, packet, chunk, whose.evidence_key, reader)[1]
        try:
            with building(home.exports, options.output) as folder:
                opening = _Opening(home, reader, folder, options.partial, missing)
                dialog = [said for one in recordings for said in opening.dialog(one)]
                write_new(folder / VCON, _with(content, dialog, str(about.id), missing) if dialog else content)
                put_in_place(folder, options.output)
        except OSError as error:
            raise StoreError(f"{options.output} cannot be written: {error.strerror}") from None
        done.exit_code = 1 if missing else 0
    _say(options, {"file": str(options.output / VCON), "recordings": len(dialog), "missing": missing},
         str(options.output / VCON), *missing)  # fmt: skip
    return done.exit_code


@dataclass(frozen=True, slots=True)
class _Opening:
    """Opens recordings into a folder, for their dialog objects. `missing`: what did not open, in words."""

    home: Home
    reader: RecipientPrivate
    folder: Path
    partial: bool
    missing: list[str]

    def dialog(self, row: Row[Any]) -> Iterator[dict[str, Any]]:
        folder = self.folder / "recordings" / row.id
        folder.parent.mkdir(exist_ok=True, mode=0o700)
        chosen = Namespace(output=folder, gaps=export.Gaps.SLATE, partial=self.partial)
        try:
            evidence = evidence_of(self.home, row.id)
            check_here(self.home, evidence)
            done = open_recording(self.home, evidence, chosen, self.reader)
        except (StoreError, ProtocolError) as error:
            self.missing.append(f"recording {row.id}: {error}")
            return
        if not done.complete:
            self.missing.append(f"recording {row.id}: not all of it is here; its timeline.json says what is missing")
        film = done.film is not None and not done.film.why_not
        for name in [export.FILM] if film else [one.name for one in done.files if one.name != export.SCENES]:
            with (folder / name).open("rb") as file:
                sha512 = hashlib.file_digest(file, "sha512").digest()
            yield {
                "type": "recording", "start": written(row.start), "duration": row.length / 1e9, "parties": [0],
                "mediatype": "video/x-mp4", "url": f"recordings/{row.id}/{name}",
                "content_hash": f"sha512-{base64url.encode(sha512)}",
            }  # fmt: skip


def _with(content: bytes, dialog: list[dict[str, Any]], uuid: str, missing: list[str]) -> bytes:
    """The vCon with more dialog; one that came from elsewhere is named as what this one amends."""
    try:
        vcon = parsed(content)
    except Unreadable:  # an integration seals what it will
        missing.append(f"interaction {uuid}: what was sealed is no vCon, and so its recordings are not listed in it")
        return content
    before, own = vcon.get("uuid"), vcon.get("dialog")
    if before != uuid and not {"redacted", "group"} & vcon.keys():
        vcon["amended"] = {"uuid": before} if isinstance(before, str) else {}
    vcon |= {"uuid": uuid, "updated_at": written(wall()), "dialog": [*(own if isinstance(own, list) else []), *dialog]}
    return json.dumps(vcon, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
