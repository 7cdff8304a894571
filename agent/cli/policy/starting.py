"""`eyelid policy init`: a folder to begin with, made from packs that ship with Eyelid."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from shlex import quote
from typing import Any, Final

from rich.console import Console

from agent import config
from agent.cli.policy.reading import counted, page, read
from agent.config import managed
from agent.core.language.keys import schema
from agent.errors import EnvironmentFault, UserError

PACKS: Final = Path(str(resources.files("policies")))
HEAD: Final = "policy.yaml"  # the same in every pack, but for the name: of several packs it is needed once

PLACE: Final = Path("/etc/eyelid/policies")  # where IT lays it; any folder of root's will do
_NAME: Final = re.compile(r"^name: (.+)$", re.MULTILINE)


def add_to(verbs: Any) -> None:
    init = verbs.add_parser(
        "init",
        help="begin with a pack: writes a folder to go on from",
        description="Copies one or more policy packs into a folder, which is made if it is not there. Asks nothing and "
        "overwrites nothing. Without a pack it lists those there are.",
        epilog="example: eyelid policy init payments passwords --into policies",
    )
    init.add_argument("packs", nargs="*", metavar="PACK", help="the packs' names; without any they are listed")
    init.add_argument("--into", metavar="FOLDER", help="where to (default: the configured policy folder)")
    init.set_defaults(work=_init)


def _init(asked: argparse.Namespace) -> int:
    if not asked.packs:
        return _list()
    for name in asked.packs:
        if name not in packs():
            raise UserError(f"there is no pack {name}; there are {', '.join(packs())}")
    folder = Path(asked.into) if asked.into else config.load().policies
    written = _copy(list(dict.fromkeys(asked.packs)), folder)
    policy = read([str(folder)], tested=True)
    out = page()
    for path in written:
        out.print(f"wrote {path}", markup=False)
    out.print()
    out.print(f"{policy.name}: all its tests hold.", markup=False)
    out.print("What next:", style="bold")
    for command, why in (
        (f"eyelid policy test {quote(str(folder))}", "what closes, and what looks like it and stays open"),
        ("eyelid windows --watch", "what your programs and pages are called, and what the rules say of them"),
        (f"eyelid policy check {quote(str(folder))}", "after every change of yours: what is wrong, and where"),
    ):
        out.print(f"  {command:<32}  {why}", markup=False)
    out.print("Write rules of your own into a file beside these. Count up revision in policy.yaml for every change.")
    out.print()
    _say_how_it_counts(out, folder, here=not asked.into)
    return 0


def _say_how_it_counts(out: Console, folder: Path, *, here: bool) -> None:
    """`here`: it is the folder that a recorder of this user reads."""
    if here:
        out.print(
            f"{folder} is where this PC's policy is read from: a recorder of yours takes it at once.", markup=False
        )
        out.print("`eyelid doctor` says whether the agent who is recorded can change it. To prevent that:")
    else:
        out.print("It counts on a PC once one of these is done:")
    by_it = (
        "IT, on each PC: the folder belongs to root, so that the person who is recorded cannot change it,\n"
        f"      and {managed.FILE} names it (policies: {PLACE})"
    )
    by_compliance = "compliance, with its key: the store hands it out, and the PCs take no other"
    for command, who in (
        (f"sudo install -m 644 -D -t {PLACE} {quote(str(folder))}/*.yaml", by_it),
        (f"eyelid-store bundle sign --policies {quote(str(folder))} ...", by_compliance),
    ):
        out.print(f"  {command}\n      {who}", markup=False)


def packs() -> list[str]:
    return sorted(path.parent.name for path in PACKS.glob(f"*/{HEAD}"))


def _list() -> int:
    out = page()
    for name in packs():
        policy = read([str(PACKS / name)], tested=False)
        out.print(f"  {name:<18} {policy.name}: {counted(len(policy.rules), 'rule')}", markup=False)
    out.print()
    out.print("`eyelid policy init PACK --into FOLDER` writes one into a folder, or several.")
    return 0


def _named(packs: Sequence[str]) -> str:
    heads = [(PACKS / name / HEAD).read_text("utf-8") for name in packs]
    names = [found[1] for head in heads if (found := _NAME.search(head))]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _copy(names: Sequence[str], folder: Path) -> list[Path]:
    """What was written: the packs' files, one head with all their names, and the schema for editors."""
    sources = [path for name in names for path in sorted((PACKS / name).glob("*.yaml")) if path.name != HEAD]
    sources.append(PACKS / names[0] / HEAD)
    there = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if there:
        raise UserError(
            f"{folder} holds a policy already ({there[0].name}); nothing was written. Choose an empty folder; to add a "
            f"pack to a policy, copy its files but {HEAD} into it, and count up its revision"
        )
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            text = source.read_text("utf-8").replace("$schema=../schema.json", "$schema=./schema.json")
            if source.name == HEAD:
                text = _NAME.sub(f"name: {_named(names)}", text, count=1)
            (folder / source.name).write_text(text, "utf-8")
            written.append(folder / source.name)
        (folder / "schema.json").write_text(json.dumps(schema(), indent=2) + "\n", "utf-8")
        written.append(folder / "schema.json")
    except OSError as failure:
        raise EnvironmentFault(f"{folder} cannot be written: {failure.strerror}") from None
    return written
