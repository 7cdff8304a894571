"""`eyelid policy init`: a folder to begin with, made from a pack that ships with Eyelid."""

from __future__ import annotations

import argparse
import json
from importlib import resources
from pathlib import Path
from typing import Any

from agent import config
from agent.cli.policy.reading import counted, page, read
from agent.core.policy_keys import schema
from agent.errors import EnvironmentFault, UserError

PACKS = Path(str(resources.files("policies")))


def add_to(verbs: Any) -> None:
    init = verbs.add_parser(
        "init",
        help="begin with a pack: writes a folder to go on from",
        description="Copies a policy pack into a folder, which is made if it is not there. Nothing is overwritten.",
        epilog="example: eyelid policy init payments policies/   (without a pack: lists them)",
    )
    init.add_argument("pack", nargs="?", metavar="PACK", help="the pack's name; without it the packs are listed")
    init.add_argument("folder", nargs="?", metavar="FOLDER", help="where to (default: the configured folder)")
    init.set_defaults(work=_init)


def _init(asked: argparse.Namespace) -> int:
    if asked.pack is None:
        return _list()
    pack = PACKS / asked.pack
    if asked.pack not in packs():
        raise UserError(f"there is no pack {asked.pack}; there are {', '.join(packs())}")
    folder = Path(asked.folder) if asked.folder else config.load().policies
    written = _copy(pack, folder)
    policy = read([str(folder)], tested=True)
    out = page()
    for path in written:
        out.print(f"wrote {path}", markup=False)
    out.print()
    out.print(f"{policy.name}, revision {policy.revision}: all its tests hold.", markup=False)
    out.print("What next:", style="bold")
    for command, why in (
        (f"eyelid policy test {folder}", "what closes, and what looks like it and stays open"),
        ("eyelid windows --watch", "what your programs and pages are called, and what the rules say of them"),
        (f"eyelid policy check {folder}", "after every change of yours: what is wrong, and where"),
    ):
        out.print(f"  {command:<44} {why}", markup=False)
    out.print("Write rules of your own into a file beside these. Count up `revision` to put a change in force.")
    return 0


def packs() -> list[str]:
    return sorted(path.parent.name for path in PACKS.glob("*/policy.yaml"))


def _list() -> int:
    out = page()
    for name in packs():
        policy = read([str(PACKS / name)], tested=False)
        out.print(f"  {name:<18} {policy.name}: {counted(len(policy.rules), 'rule')}", markup=False)
    out.print()
    out.print("`eyelid policy init PACK FOLDER` writes one of them into a folder.")
    return 0


def _copy(pack: Path, folder: Path) -> list[Path]:
    sources = sorted(pack.glob("*.yaml"))
    there = [folder / source.name for source in sources if (folder / source.name).exists()]
    if there:
        raise UserError(f"{there[0]} is there already; nothing was written. Choose another folder")
    others = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if others:
        raise UserError(
            f"{folder} holds a policy already ({others[0].name}); nothing was written. Choose an empty folder, and "
            "copy what you need from it"
        )
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            text = source.read_text("utf-8").replace("$schema=../schema.json", "$schema=./schema.json")
            (folder / source.name).write_text(text, "utf-8")
            written.append(folder / source.name)
        (folder / "schema.json").write_text(json.dumps(schema(), indent=2) + "\n", "utf-8")
        written.append(folder / "schema.json")
    except OSError as failure:
        raise EnvironmentFault(f"{folder} cannot be written: {failure.strerror}") from None
    return written
