"""What lies in this user's home of Eyelid: keys and whom they trust; and the policy, wherever its folder is."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from pathlib import Path
from typing import Final

from agent import identity
from agent.config import Config
from agent.doctor.facts import KeyFile, KeysFacts, PolicyFacts
from agent.errors import EnvironmentFault, PolicyError, UserError
from agent.identity import IDENTITY, TRUST, Trust
from agent.witness.in_force import recall
from agent.witness.policies import parse_files, read_files
from protocol.keys import public_to_text
from protocol.policyhash import policy_hash

_PLACE: Final = re.compile(r"^.*?:\d+:\d+")


def ask_keys(home: Path) -> KeysFacts:
    files = tuple(_file(path) for path in (home, home / IDENTITY, home / TRUST) if path.exists())
    if not (home / IDENTITY).exists():
        return KeysFacts(str(home), enrolled=False, files=files)
    try:
        who = identity.load(home)
        trust = Trust(who)
    except (UserError, EnvironmentFault) as fault:
        return KeysFacts(str(home), enrolled=True, files=files, trouble=str(fault))
    return KeysFacts(
        str(home),
        enrolled=True,
        files=files,
        device=who.device,
        group=who.group,
        store_key=hashlib.sha256(public_to_text(who.store_key).encode()).hexdigest()[:16],
        compliance=who.compliance,
        bundle=trust.bundle.revision,
    )


def _file(path: Path) -> KeyFile:
    seen = path.lstat()
    return KeyFile(str(path), stat.S_IMODE(seen.st_mode), seen.st_uid == os.getuid())


def ask_policy(config: Config, in_force: str, uid: int | None = None) -> PolicyFacts:
    """`in_force`: the hash that a running recorder judges with, "" where none says. `uid`: whoever is recorded."""
    folder = config.policies
    uid = os.getuid() if uid is None else uid
    last, memory = None, ""
    try:
        if (remembered := recall(config.home)) is not None:
            last = (remembered.revision, in_force or remembered.hash)
    except EnvironmentFault as damage:
        memory = str(damage)
    try:
        files = read_files(folder)
        policy = parse_files(files, shown_in=str(folder))
    except PolicyError as error:
        places = tuple(_place(mistake) for mistake in error.mistakes)
        return PolicyFacts(str(folder), places, last=last, memory=memory)
    newest = max((folder / name).stat().st_mtime for name in files)
    return PolicyFacts(
        str(folder),
        revision=policy.revision,
        hash=policy.hash,
        rules=len(policy.rules),
        age=max(0.0, time.time() - newest),
        last=last,
        memory=memory,
        signed=_signed(config.home, policy.hash),
        mine=uid != 0 and any(_may_change(path, uid) for path in (*(folder / name for name in files), *_above(folder))),
        root=uid == 0,
        parked_tabs=policy.parked_tabs_allowed,
    )


def _above(folder: Path) -> tuple[Path, ...]:
    """The folder and all that it lies in: whoever may rename one of them puts another in its place."""
    whole = folder.resolve()
    return whole, *whole.parents


def _may_change(path: Path, uid: int) -> bool:
    """By owner and mode; a group's rights are its administrator's affair. In /tmp nobody renames what is another's."""
    seen = path.stat()
    return seen.st_uid == uid or bool(seen.st_mode & stat.S_IWOTH and not seen.st_mode & stat.S_ISVTX)


def _place(mistake: str) -> str:
    """Where it is; what it quotes may be an address."""
    found = _PLACE.match(mistake)
    return found[0] if found else mistake.partition(" ")[0]


def _signed(home: Path, hash_: str) -> bool | None:
    try:
        files = Trust(identity.load(home)).bundle.policy_files
    except (UserError, EnvironmentFault):
        return None
    return policy_hash({name: text.encode() for name, text in files.items()}) == hash_ if files else None
