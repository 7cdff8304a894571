"""Which policy counts on this PC: what the compliance key signed, where its bundle carries a policy, else the folder's.

The recorder picks here, and so does whatever foretells what it does (`doctor`, `windows`, `policy explain`): a second
opinion of which policy counts would be a wrong one. Files that are named are judged as files, elsewhere.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from agent.core.language.change import refusals
from agent.core.model.rules import Policy
from agent.errors import PolicyError
from agent.state import identity
from agent.state.identity import IDENTITY, TRUST, Trust
from agent.state.in_force import NAME, recall, since
from agent.witness.policies import parse_files, read_files
from protocol.language.folder import Files, fingerprint
from protocol.policyhash import policy_hash

SIGNER: Final = 16  # signs of the compliance key's fingerprint that people compare, as `doctor` and the store show them


@dataclass(frozen=True, slots=True)
class Signed:
    """A policy that came with a bundle. `bundle`: its revision, which is not the policy's. `signer`: the fingerprint of
    the compliance key. `created`: when it was signed, wall clock, ns since 1970."""

    files: Files
    bundle: int
    signer: str
    created: int


class Kind(StrEnum):
    """What the folder holds while a signed policy counts."""

    NOTHING = "nothing"
    SAME = "same"
    OLDER = "older"  # left there, and harmless
    ANOTHER = "another"  # it would replace the signed one, or cannot be read


@dataclass(frozen=True, slots=True)
class Beside:
    """`revision`: of the folder's policy, None where it holds none that can be read."""

    kind: Kind
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """`signed`: None where the folder counts."""

    folder: Path
    signed: Signed | None

    @property
    def shown_in(self) -> str:
        """What places in its files begin with."""
        return str(self.folder) if self.signed is None else f"bundle-{self.signed.bundle}"

    def files(self) -> Files:
        """Those that count. Raises PolicyError."""
        return read_files(self.folder) if self.signed is None else self.signed.files

    def changeable_by(self, uid: int, files: Files) -> bool:
        """Whether this user, who is recorded, may change what counts. What is signed no user may; root is not judged.

        Raises OSError where the folder has gone.
        """
        if self.signed is not None or uid == 0:
            return False
        named = [self.folder.absolute(), *(self.folder.absolute() / name for name in files)]
        ends = [*named, *(path.resolve() for path in named)]  # a link, and what it leads to
        # Who may rename a folder above it can put another in its place.
        return any(_may_change(path, uid) for path in {*ends, *(above for path in ends for above in path.parents)})

    def beside(self) -> Beside:
        """Of the folder, while it does not count; NOTHING while it does."""
        if self.signed is None or not fingerprint(self.folder)[1:]:
            return Beside(Kind.NOTHING)
        try:
            files = read_files(self.folder)
            revision = parse_files(files, tested=False).revision
        except PolicyError:
            return Beside(Kind.ANOTHER)
        if policy_hash(files) == policy_hash(self.signed.files):
            return Beside(Kind.SAME, revision)
        try:
            older = revision < parse_files(self.signed.files, tested=False).revision
        except PolicyError:
            older = False
        return Beside(Kind.OLDER if older else Kind.ANOTHER, revision)


def signed_by(trust: Trust) -> Signed | None:
    """The policy of the bundle in force here; None where it leaves that to the folder."""
    bundle = trust.bundle
    if not bundle.policy_files:
        return None
    files = {name: text.encode("utf-8") for name, text in bundle.policy_files.items()}
    return Signed(files, bundle.revision, trust.compliance, bundle.created)


def choose(home: Path, folder: Path) -> Choice:
    """Of the PC whose home this is. Raises UserError and EnvironmentFault where its keys cannot be used: no recorder
    starts with them either."""
    if not (home / IDENTITY).exists():
        return Choice(folder, None)
    return Choice(folder, signed_by(Trust(identity.load(home))))


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a recorder would have in force. `policy`: what can be read of it. `mistakes`: why it does not come into
    force. `refused`: why it may not follow what was in force before. `since`: wall clock, ns since 1970; None where it
    has not been in force yet."""

    choice: Choice
    files: Files
    policy: Policy | None
    mistakes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    since: int | None = None
    beside: Beside = Beside(Kind.NOTHING)


def foretell(home: Path, folder: Path) -> Foretold:
    """Raises as `choose`, and EnvironmentFault where the memory of what was in force is damaged."""
    choice = choose(home, folder)
    last = recall(home)
    files: Files = {}
    policy: Policy | None = None
    mistakes: tuple[str, ...] = ()
    try:
        files = choice.files()
        policy = parse_files(files, shown_in=choice.shown_in)
    except PolicyError as error:
        mistakes = error.mistakes
        try:
            policy = parse_files(files, tested=False, shown_in=choice.shown_in) if files else None
        except PolicyError:
            policy = None
    if policy is None:
        return Foretold(choice, files, None, mistakes, beside=choice.beside())
    refused = () if last is None else refusals(last, policy)
    known = last is not None and last.hash == policy.hash
    return Foretold(choice, files, policy, mistakes, refused, since(home) if known else None, choice.beside())


def signs(home: Path, folder: Path) -> tuple[object, ...]:
    """Changes when what `foretell` reads may have; cheap enough to be asked twice a second."""
    return fingerprint(folder), *(_changed(home / name) for name in (IDENTITY, TRUST, NAME))


def _may_change(path: Path, uid: int) -> bool:
    """By owner and mode; a group's rights are its administrator's affair. In /tmp no user renames another's file."""
    seen = path.lstat()
    if seen.st_uid == uid:
        return True
    sticky = stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX
    return bool(seen.st_mode & stat.S_IWOTH) and not sticky and not stat.S_ISLNK(seen.st_mode)


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
