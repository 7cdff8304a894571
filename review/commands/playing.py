"""`eyelid-review open`: a recording or a case in a browser of this machine, which verifies, decrypts and plays it."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import webbrowser
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from protocol.envelope import SCENE_STREAM, Edition
from protocol.terminal import printable
from review.commands.opening import has_signed_end, with_store
from review.commands.shared import Subcommands, command, option
from store.admin import passphrase
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.commands.acts import act, add_purpose
from store.commands.audit import check_here, evidence_of, ids, keys_of, recipient_of
from store.commands.values import port
from store.errors import StoreError, WrongUsage
from store.evidence.evidence import Evidence
from store.evidence.show import print_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_NAMED: Final = 20  # files that are no part of a case: a folder may have any number
_RECORDING: Final = re.compile(r"[0-9a-fA-F-]+")


def add(commands: Subcommands[ArgumentParser]) -> None:
    command(commands, "open", "play a recording in a browser of this machine, which checks and decrypts it itself",
            "0193a1b2 --key recipient.key --purpose 'ticket 4711' --open\n"
            "  eyelid-review open 0193a1b2 --key recipient.key --passphrase-file pass.txt --json\n"
            "  eyelid-review open complaint/ --key lawyer.key --open  # a case, and no store is needed", _open,
            option("recording", "its id, or the beginning of it; or the folder of a case", "REC"),
            option("--key", "a reader's private key", "FILE", type=Path),
            option("--passphrase", "of a case that is sealed under one", action="store_true"),
            option("--signer", "of a case: the key that must have signed it, as `case export` printed it", "ID"),
            option("--port", "of 127.0.0.1 to listen on (a free one)", type=port, default=0),
            option("--open", "start the browser", action="store_true"),
            passphrase.add_options, add_purpose, with_store,
            says="Serve the player and one recording on this machine until Ctrl-C, and print the address. It is good "
            "for one page, which gets the keys of this recording's screens and sound; nothing decrypted is written. "
            "The act is noted in the operators' log before it; opening a case is not noted.")  # fmt: skip


def _open(asked: Namespace) -> int:
    # Slow to import, and few commands need it.
    from review.cases.reading import is_case  # noqa: PLC0415
    from review.cases.sealing import STATEMENT  # noqa: PLC0415
    from review.player.files import page_files  # noqa: PLC0415
    from review.player.handover import Handover  # noqa: PLC0415
    from review.player.loopback import Loopback  # noqa: PLC0415
    from review.player.source import Source  # noqa: PLC0415

    if is_case(Path(asked.recording)):
        return _open_case(asked)
    if not _RECORDING.fullmatch(asked.recording):
        raise WrongUsage(f"{asked.recording!r} is no recording's id, and no folder of a case (with a {STATEMENT})")
    if asked.key is None:
        raise WrongUsage("--key with a reader's private key is needed")
    if asked.passphrase or asked.signer:
        raise WrongUsage(f"{asked.recording!r} is no folder of a case: --passphrase and --signer are for one")
    home = Home.open(asked.home)
    evidence = evidence_of(home, asked.recording)
    check_here(home, evidence)
    if not has_signed_end(home, evidence):
        raise StoreError(f"recording {evidence.recording.id} has no end that its device signed yet: open it later")
    files = page_files()
    with act(home, asked, "open", **ids(evidence)), closing(home.database()) as database:
        handover = Handover(evidence.recording.id, _keys(asked, home, evidence))
        source = Source.of(evidence, home.blobs(), database, compliance=home.key(COMPLIANCE).id)
        player = Loopback(source, handover, files)
        _play(asked, player.app, player.address, {"recording": str(evidence.recording.id)})
    return 0


def _open_case(asked: Namespace) -> int:
    """From its folder alone."""
    from review.cases import reading  # noqa: PLC0415 - as above
    from review.cases.serving import CaseLoopback  # noqa: PLC0415
    from review.commands import case  # noqa: PLC0415
    from review.player.files import page_files  # noqa: PLC0415

    folder = asked.folder = Path(asked.recording)
    files = page_files()
    statement = case.statement_of(asked)
    key = case.case_key(asked, statement)
    content = reading.content_of(folder, statement, key)
    missing, others = reading.missing(folder, statement), reading.others(folder, statement)
    for one in missing:
        sys.stderr.write(f"eyelid-review: {one} is missing: what it holds does not play\n")
    for one in others[:_NAMED]:
        sys.stderr.write(f"eyelid-review: {printable(one)} is no part of the case\n")
    if len(others) > _NAMED:
        sys.stderr.write(f"eyelid-review: nor are {len(others) - _NAMED} more\n")
    if asked.signer is None:
        sys.stderr.write(f"eyelid-review: signed by the store's key {statement.fingerprint}: compare it\n")
    player = CaseLoopback(content, reading.sources_of(folder, statement, content), files)
    facts = {"case": str(statement.case), "signer": statement.fingerprint, "missing": missing, "not_signed": others}
    _play(asked, player.app, player.address, facts)
    return 0


def _play(asked: Namespace, app: ASGIApp, address_of: Callable[[str], str], facts: dict[str, Any]) -> None:
    """Until Ctrl-C."""
    from review.player.loopback import HERE  # noqa: PLC0415 - as above
    from store.server.web_server import make_server, run  # noqa: PLC0415

    with browser_starter(asked.open) as start:

        def announce(served: str) -> None:
            address = address_of(served)
            if asked.json:
                print_json(facts | {"address": address})
            else:
                sys.stdout.write(f"{address}\nfor one page, once; keep it to yourself. End it with Ctrl-C.\n")
            sys.stdout.flush()
            start(address)

        run(make_server(app, None), HERE, asked.port, announce=announce)


def _keys(asked: Namespace, home: Home, evidence: Evidence) -> dict[int, bytes]:
    """Of what is seen and heard; scenes are for other commands. Raises StoreError, KeyProblem."""
    packet, keys = keys_of(evidence, home.blobs(), recipient_of(asked))
    if packet.edition is Edition.FIRST:
        which = f"recording {evidence.recording.id}"
        raise StoreError(f"{which} is of an earlier agent, with one key for all of it: use `eyelid-store export`")
    return {stream: keys(stream) for stream in evidence.chosen.streams if stream != SCENE_STREAM}


@contextmanager
def browser_starter(wanted: bool) -> Iterator[Callable[[str], None]]:
    """Starts the browser with a file that leads to the address: a command line can be read by all of the machine."""
    folder = Path(tempfile.mkdtemp(prefix="eyelid-")) if wanted else None

    def start(address: str) -> None:
        if folder is None:
            return
        file = folder / "open.html"
        file.touch(0o600)
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(address)}">', "ascii")
        if not webbrowser.open(file.as_uri()):
            sys.stderr.write("eyelid-review: no browser could be started: open the address by hand\n")

    try:
        yield start
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
