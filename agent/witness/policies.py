"""The files of a policy: all the *.yaml of a folder are one policy with one hash, or one list of every mistake."""

from __future__ import annotations

from pathlib import Path

from agent.core.language.policy import parse
from agent.core.language.tests import failed_tests
from agent.core.model.rules import Policy
from agent.errors import PolicyError
from protocol.language import folder as of_language
from protocol.language.errors import MistakesError
from protocol.language.folder import Files
from protocol.policyhash import policy_hash


def read_folder(folder: Path, *, tested: bool = True) -> Policy:
    """The policy of the folder. Raises PolicyError with every mistake, also where it holds no policy at all.

    `tested`: a policy whose own tests do not hold is a mistaken one.
    """
    return parse_files(read_files(folder), tested=tested)


def parse_files(files: Files, *, tested: bool = True, shown_in: str = "") -> Policy:
    """The policy that these files (name -> content) are together. Raises PolicyError with every mistake.

    `shown_in`: the folder that mistakes name before the file's own name. The hash is over the names alone.
    """
    try:
        read = of_language.read_documents(files, shown_in)
    except MistakesError as error:
        raise PolicyError(error.mistakes) from None
    mistakes = [*read.mistakes]
    try:
        policy = parse(read.documents, policy_hash(files), whole=read.whole)
    except PolicyError as error:
        raise PolicyError((*mistakes, *error.mistakes)) from None
    if read.whole and tested:  # else a test may fail for want of a rule that cannot be read yet
        mistakes += failed_tests(policy)
    if mistakes or not read.whole:
        raise PolicyError(tuple(mistakes))
    return policy


def read_files(folder: Path) -> dict[str, bytes]:
    """The folder's policy files as they are. Raises PolicyError for what cannot be read, or not be meant."""
    try:
        return of_language.read_files(folder, "policy")
    except MistakesError as error:
        raise PolicyError(error.mistakes) from None
