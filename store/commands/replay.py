"""`replay`: what another policy would have done to a recording, tried on the scenes that were kept with it.

Which rule closes for what is the agent's knowledge alone, so that the agent's own command judges, as a process beside
this one; the scenes go to it through a pipe and are written nowhere.
"""

from __future__ import annotations

import subprocess
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from protocol.errors import ProtocolError
from store.admin import passphrase
from store.admin.home import Home
from store.catalog.blobs import BlobFault
from store.commands import audit
from store.commands.acts import act, add_purpose
from store.commands.options import Subcommands, add_command, home_of
from store.commands.siblings import agents_command
from store.errors import StoreError, WrongUsage
from store.evidence import scenes
from store.evidence.evidence import Evidence
from store.evidence.opening import Unsound

ELSEWHERE: Final = (
    "install the agent beside the store, or export the recording and run `eyelid replay FOLDER --with FILE` where it is"
)


def add(commands: Subcommands[ArgumentParser]) -> None:
    ask = add_command(
        commands,
        "replay",
        "say what another policy would have done to a recording whose policy had its scenes kept (keep_scenes: true)",
        "  eyelid-store replay 0193a1b2 --with new.yaml --key recipient.key\n"
        "  eyelid-store replay 0193a1b2 --with policies/ --key recipient.key --json |\n"
        "      jq .lanes.screen.newly_open_ns\n"
        "exit code 0: the same would be recorded. 1: something would newly open or newly close. 2: anything else.",
        _replay,
    )
    ask.add_argument("recording", metavar="REC", help="its id, or the beginning of it")
    ask.add_argument("--with", dest="now", action="append", required=True, metavar="FILE", help="files, or a folder")
    ask.add_argument("--then", action="append", default=[], metavar="FILE", help="compare with this policy instead")
    ask.add_argument("--key", type=Path, required=True, metavar="FILE", help="a reader's private key")
    passphrase.add_options(ask)
    add_purpose(ask)


def _replay(options: Namespace) -> int:
    """1 is an answer here, so that whatever goes wrong is 2."""
    try:
        command = agents_command("replay", otherwise=ELSEWHERE)
        home = home_of(options)
        evidence = audit.evidence_of(home, options.recording)
        audit.check_here(home, evidence)
        with act(home, options, "replay", **audit.ids(evidence)) as done:
            done.exit_code = _judged(command, _opened(home, evidence, options), options)
    except WrongUsage:
        raise
    except (StoreError, ProtocolError, BlobFault) as error:
        raise WrongUsage(str(error)) from None
    return done.exit_code


def _judged(command: list[str], scenes: bytes, options: Namespace) -> int:
    policies = [f"--{word}={name}" for word, names in (("with", options.now), ("then", options.then)) for name in names]
    shown = ["--json"] if options.json else []
    ended = subprocess.run([*command, "-", *policies, *shown], input=scenes, check=False)
    return ended.returncode if ended.returncode in (0, 1) else 2


def _opened(home: Home, evidence: Evidence, options: Namespace) -> bytes:
    if not scenes.kept(evidence):
        how = "a policy keeps them with `keep_scenes: true`, from the next recording on"
        raise WrongUsage(f"recording {evidence.recording.id} has no scenes to try a policy on: {how}")
    recipient = audit.recipient_of(options)
    blobs = home.blobs()
    _, keys = audit.keys_of(evidence, blobs, recipient)
    report = audit.examined(home, evidence, recipient)
    try:
        lines = [text for _, text in scenes.lines(evidence, blobs, keys, report)]
    except Unsound as error:
        raise StoreError(f"recording {evidence.recording.id}: {error} ({error.code})") from None
    return b"".join((scenes.head(evidence, audit.texts_in_force(home, evidence)), *lines))
