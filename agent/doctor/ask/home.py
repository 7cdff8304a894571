"""What lies in this user's home of Eyelid: keys and whom they trust; and the policy, wherever its folder is."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from agent.config import Config, pinned
from agent.core.model.times import SECOND
from agent.doctor.facts import KeyFile, KeysFacts, PolicyFacts
from agent.errors import EnvironmentFault, EyelidError, PolicyError, UserError
from agent.keys.service import ServiceKeys
from agent.state import identity
from agent.state.identity import IDENTITY, TRUST, Identity, Trust
from agent.state.in_force import recall, since
from agent.witness.choice import SIGNER, Choice, choose
from agent.witness.policies import parse_files
from protocol.keys import public_to_text
from protocol.language.folder import Files

_PLACE: Final = re.compile(r"^.*?:\d+:\d+")


def ask_keys(home: Path, socket: Path | None = None) -> KeysFacts:
    """`socket`: where the settings want the keys service."""
    files = tuple(_file(path) for path in (home, home / IDENTITY, home / TRUST) if path.exists())
    if not (home / IDENTITY).exists():
        return KeysFacts(str(home), enrolled=False, files=files)
    try:
        who = identity.load(home)
        identity.check_keys(who, socket)
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
        socket=who.keys.where,
        service=_service(who),
    )


def _service(who: Identity) -> str:
    """What is wrong with the keys in the service; "" for nothing."""
    if not isinstance(who.keys, ServiceKeys):
        return ""
    try:
        device = who.keys.device()
    except EyelidError as failure:
        return str(failure)
    return "" if device == who.device else f"the service at {who.keys.where} has no keys of {who.device}"


def _file(path: Path) -> KeyFile:
    seen = path.lstat()
    return KeyFile(str(path), stat.S_IMODE(seen.st_mode), seen.st_uid == os.getuid())


def ask_policy(config: Config, in_force: str, uid: int | None = None) -> PolicyFacts:
    """`in_force`: the hash that a running recorder judges with, "" where none says. `uid`: of the recorded user."""
    uid = os.getuid() if uid is None else uid
    choice = _choice(config)
    beside = choice.beside()
    seen = PolicyFacts(
        str(choice.folder),
        bundle=None if choice.signed is None else choice.signed.bundle,
        signer="" if choice.signed is None else choice.signed.signer[:SIGNER],
        beside=beside.kind.value,
        beside_revision=beside.revision,
        root=uid == 0,
        pinned=pinned("policies"),
    )
    remembered = None
    try:
        remembered = recall(config.home)
    except EnvironmentFault as damage:
        seen = replace(seen, memory=str(damage))
    if remembered is not None:
        seen = replace(seen, last=(remembered.revision, in_force or remembered.hash))
    try:
        files = choice.files()
        policy = parse_files(files, shown_in=choice.shown_in)
    except PolicyError as error:
        return replace(seen, places=tuple(_place(mistake) for mistake in error.mistakes))
    began = since(config.home) if remembered is not None and remembered.hash == policy.hash else None
    return replace(
        seen,
        revision=policy.revision,
        hash=policy.hash,
        rules=len(policy.rules),
        age=max(0.0, time.time() - _changed(choice, files)),
        since=None if began is None else began / SECOND,
        mine=choice.changeable_by(uid, files),
        parked_tabs=policy.parked_tabs_allowed,
        extensions=tuple(id_ for named in policy.allow_extensions for id_ in named.patterns),
    )


def _choice(config: Config) -> Choice:
    """With keys that cannot be used no recorder starts, which the keys' own check says; the folder is still judged."""
    try:
        return choose(config.home, config.policies)
    except (UserError, EnvironmentFault):
        return Choice(config.policies, None)


def _changed(choice: Choice, files: Files) -> float:
    """Seconds since 1970."""
    if choice.signed is not None:
        return choice.signed.created / SECOND
    return max((choice.folder / name).stat().st_mtime for name in files)


def _place(mistake: str) -> str:
    """Where it is; what it quotes may be an address."""
    found = _PLACE.match(mistake)
    return found[0] if found else mistake.partition(" ")[0]
