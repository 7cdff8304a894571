"""`governance init`: a folder to begin with, whose own tests hold; it asks which template, or is given one."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from importlib import resources
from pathlib import Path
from shlex import quote
from typing import Final

from protocol.language.findings import page
from review.commands.shared import Subcommands, command, option
from review.governance.keys import schema
from review.rules import read_folder
from store.errors import StoreError, WrongUsage

TEMPLATES: Final = {
    "small": "twenty seats: one service, one approver and a delay, consent only where it is written",
    "regulated": "a regulated house: two approvers, consent required, legal minimums, one's own teams",
}
SHIPPED: Final = Path(str(resources.files("review"))) / "templates"
SCHEMA: Final = "schema.json"  # what editors complete from


def add_to(verbs: Subcommands[ArgumentParser]) -> None:
    there = "; ".join(f"{name}, for {what}" for name, what in TEMPLATES.items())
    command(verbs, "governance init", "begin with a template: writes commented files whose own tests hold",
            "--template small --into governance", _init, option("--template", "which one", choices=TEMPLATES),
            option("--into", "where to (now: %(default)s)", "FOLDER", type=Path, default=Path("governance")),
            says=f"Writes a new folder with the files of a template: {there}. Without --template it asks. It "
            "overwrites nothing.")  # fmt: skip


def _init(asked: Namespace) -> int:
    folder: Path = asked.into
    template = asked.template or _chosen()
    files = {path.name: path.read_bytes() for path in sorted((SHIPPED / template).glob("*.yaml"))}
    files[SCHEMA] = (json.dumps(schema(), indent=2) + "\n").encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if there := sorted(name for name in files if (folder / name).exists()):
            raise WrongUsage(
                f"{folder} has {there[0]} already, and nothing was written: name another folder with --into"
            )
        for name, content in files.items():
            with (folder / name).open("xb") as file:  # fails where somebody has just written it
                file.write(content)
    except OSError as failure:
        raise StoreError(f"{folder} cannot be written: {failure.strerror}") from None
    rules = read_folder(folder)
    if asked.json:
        print(json.dumps({"template": template, "written": [str(folder / name) for name in files], "name": rules.name}))
        return 0
    out = page()
    for name in files:
        out.print(f"wrote {folder / name}", markup=False)
    out.print(f"\n{rules.name}: all {len(rules.tests)} tests hold. What next:", style="bold", markup=False)
    for next_one, why in (
        (f"eyelid-review governance test {quote(str(folder))}", "what these rules allow, and what they refuse"),
        (f"eyelid-review governance check {quote(str(folder))}", "after every change of yours"),
    ):
        out.print(f"  {next_one}  {why}", markup=False)
    out.print("Put your own people and teams into people.yaml, and count up revision for every change.")
    return 0


def _chosen() -> str:
    if not sys.stdin.isatty():
        raise WrongUsage(f"say which template: --template {' or '.join(TEMPLATES)}")
    for name, what in TEMPLATES.items():
        print(f"  {name:<10} {what}")
    chosen = input("Which template? ").strip()
    if chosen not in TEMPLATES:
        raise WrongUsage(f"there is no template of this name, write {' or '.join(TEMPLATES)}")
    return chosen
