"""`eyelid policy init`: a folder to begin with, made from packs that ship with Eyelid; or what one lacks."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path
from shlex import quote
from typing import Any, Final

from rich.console import Console

from agent import config
from agent.cli.policy.reading import read
from agent.config import managed
from agent.core.language.keys import schema
from agent.core.model.rules import Policy
from agent.errors import EnvironmentFault, PolicyError, UserError
from agent.witness.policies import parse_files, read_files
from protocol.language.findings import counted, page
from protocol.language.folder import fingerprint
from protocol.language.marks import Table
from protocol.language.yaml_marks import read_marks

PACKS: Final = Path(str(resources.files("policies")))
HEAD: Final = "policy.yaml"  # the same in every pack, but for the name: of several packs it is needed once
SCHEMA: Final = "schema.json"  # what editors complete from

PLACE: Final = Path("/etc/eyelid/policies")  # where IT lays it; any folder of root's will do
_NAME: Final = re.compile(r"^name: (.+)$", re.MULTILINE)


def add_to(verbs: Any) -> None:
    init = verbs.add_parser(
        "init",
        help="begin with a pack: writes a folder to go on from",
        description="Copies one or more policy packs into a folder, which is made if it is not there. In a folder that "
        "has a policy it adds what is missing. Asks nothing and overwrites nothing. Without a pack it lists those "
        "there are.",
        epilog="example: eyelid policy init payments passwords --into policies",
    )
    init.add_argument("packs", nargs="*", metavar="PACK", help="the packs' names; without any they are listed")
    init.add_argument("--into", metavar="FOLDER", help="where to (default: the configured policy folder)")
    init.add_argument("--json", action="store_true", help="print one JSON object")
    init.set_defaults(work=_init)


def _init(asked: argparse.Namespace) -> int:
    if not asked.packs:
        return _list(as_json=asked.json)
    for name in asked.packs:
        if name not in packs():
            raise UserError(f"there is no pack {name}; there are {', '.join(packs())}")
    folder = Path(asked.into) if asked.into else config.load().policies
    there = _policy_in(folder)
    shipped = _shipped(list(dict.fromkeys(asked.packs)))
    missing = {
        name: content
        for name, content in shipped.items()
        if not os.path.lexists(folder / name) and not (name == HEAD and _has_revision(there))
    }
    left = {
        name: _as_shipped(folder / name, content)
        for name, content in shipped.items()
        if name not in missing and os.path.lexists(folder / name)
    }
    policy = _together(folder, there, missing)
    write(missing, folder)
    if asked.json:
        print(json.dumps(_as_json(folder, policy, list(missing), left)))
        return 0
    out = page()
    for name in missing:
        out.print(f"{'added' if there else 'wrote'} {folder / name}", markup=False)
    for name, as_shipped in left.items():
        but = "; not as this release ships it" if as_shipped is False else ""
        out.print(f"left  {folder / name} (there already{but})", markup=False)
    out.print()
    _say_what_next(out, folder, policy, missing, added=bool(there))
    out.print()
    _say_how_it_counts(out, folder, here=not asked.into)
    return 0


def _as_json(folder: Path, policy: Policy, written: Sequence[str], left: Mapping[str, bool | None]) -> dict[str, Any]:
    """`as_shipped` is null for the head, which is the policy's own."""
    return {
        "written": [str(folder / name) for name in written],
        "left": [{"file": str(folder / name), "as_shipped": same} for name, same in left.items()],
        "name": policy.name,
        "revision": policy.revision,
        "revision_at": policy.where,
    }


def _say_what_next(out: Console, folder: Path, policy: Policy, wrote: Collection[str], *, added: bool) -> None:
    """`wrote`: the files' names. `added`: to a policy that was there."""
    if not wrote:
        out.print("Nothing is missing: nothing was written.")
    out.print(f"{policy.name}: all its tests hold.", markup=False)
    if added and any(name != SCHEMA for name in wrote):
        out.print(f"Count up revision {policy.revision} in {policy.where} to put this in force.", markup=False)
    out.print("What next:", style="bold")
    for command, why in (
        (f"eyelid policy test {quote(str(folder))}", "what closes, and what looks like it and stays open"),
        ("eyelid windows --watch", "what your programs and pages are called, and what the rules say of them"),
        (f"eyelid policy check {quote(str(folder))}", "after every change of yours: what is wrong, and where"),
    ):
        out.print(f"  {command:<32}  {why}", markup=False)
    place = Path(policy.where.rpartition(":")[0].rpartition(":")[0]).name
    out.print(f"Write rules of your own into a file beside these. Count up revision in {place} for every change.")


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


def _list(*, as_json: bool) -> int:
    named = {name: read([str(PACKS / name)], tested=False) for name in packs()}
    if as_json:
        facts = [{"pack": name, "name": policy.name, "rules": len(policy.rules)} for name, policy in named.items()]
        print(json.dumps({"packs": facts}))
        return 0
    out = page()
    for name, policy in named.items():
        out.print(f"  {name:<18} {policy.name}: {counted(len(policy.rules), 'rule')}", markup=False)
    out.print()
    out.print("`eyelid policy init PACK --into FOLDER` writes one into a folder, or several.")
    return 0


def _named(packs: Sequence[str]) -> str:
    heads = [(PACKS / name / HEAD).read_text("utf-8") for name in packs]
    names = [found[1] for head in heads if (found := _NAME.search(head))]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


# -- the folder ---------------------------------------------------------------------------------------------------


def _policy_in(folder: Path) -> Mapping[str, bytes]:
    """The policy files that lie there, none where it is empty or not there."""
    if not fingerprint(folder)[1:]:
        return {}
    try:
        return read_files(folder)
    except PolicyError as error:
        raise _refused(folder, error) from None


def _refused(folder: Path, error: PolicyError) -> PolicyError:
    head = f"nothing was written into {folder}: with what is missing, the policy would not come into force:"
    return PolicyError((head, *error.mistakes))


def _has_revision(files: Mapping[str, bytes]) -> bool:
    """Whether one of them is the policy's head, whatever it is called."""
    documents = [read_marks(name, content).document for name, content in files.items()]
    roots = [document.root for document in documents if document]
    return any(key.text == "revision" for root in roots if isinstance(root, Table) for key, _ in root.entries)


def _shipped(names: Sequence[str]) -> dict[str, bytes]:
    """The packs' files, one head with all their names, and the schema for editors; by the files' names."""
    sources = [path for name in names for path in sorted((PACKS / name).glob("*.yaml")) if path.name != HEAD]
    sources.append(PACKS / names[0] / HEAD)
    files = {}
    for source in sources:
        text = source.read_text("utf-8").replace("$schema=../schema.json", "$schema=./schema.json")
        if source.name == HEAD:
            text = _NAME.sub(f"name: {_named(names)}", text, count=1)
        files[source.name] = text.encode()
    return dict(sorted(files.items())) | {SCHEMA: (json.dumps(schema(), indent=2) + "\n").encode()}


def _together(folder: Path, there: Mapping[str, bytes], missing: Mapping[str, bytes]) -> Policy:
    """The policy that the folder will hold."""
    files = {**there, **{name: content for name, content in missing.items() if name != SCHEMA}}
    try:
        return parse_files(files, shown_in=str(folder))
    except PolicyError as error:
        raise _refused(folder, error) from None


def _as_shipped(path: Path, content: bytes) -> bool | None:
    """None for the head: it is the policy's own, and no release brings a new one."""
    try:
        same = path.read_bytes() == content
    except OSError as failure:
        says = f"nothing was written into {path.parent}: {path.name} cannot be read ({failure.strerror})"
        raise EnvironmentFault(f"{says}, remove it or give it another name") from None
    return None if path.name == HEAD else same


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """The head last: without its revision no reader takes a part of the rules for the policy."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key=lambda name: name == HEAD):
            with (folder / name).open("xb") as file:  # fails where somebody has just written it
                file.write(files[name])
    except OSError as failure:
        raise EnvironmentFault(f"{folder} cannot be written: {failure.strerror}") from None
