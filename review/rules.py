"""Governance files as they lie in a folder or in a bundle: one set with one hash, or every mistake of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from protocol.bundle import Bundle, verify
from protocol.carried import read_carried, split
from protocol.errors import BundleError
from protocol.language.errors import MistakesError
from protocol.language.folder import read_documents, read_files
from protocol.language.marks import Node
from protocol.policyhash import policy_hash
from review.governance.examples import failed_tests, read_question
from review.governance.model import Governance, Question
from review.governance.parse import parse
from review.governance.reading import Files
from review.refusal import Refusal


def read_folder(folder: Path, *, tested: bool = True) -> Governance:
    """Raises MistakesError with every mistake, also where the folder holds no governance files at all."""
    return parse_files(read_files(folder, "set of governance rules"), tested=tested, shown_in=str(folder))


def parse_files(files: Mapping[str, bytes], *, tested: bool = True, shown_in: str = "") -> Governance:
    """`tested`: rules whose own tests do not hold are mistaken ones. `shown_in`: the folder that mistakes name.

    Raises MistakesError with every mistake.
    """
    read = read_documents(files, shown_in)
    mistakes = [*read.mistakes]
    try:
        governance = parse(read.documents, policy_hash(files), whole=read.whole)
    except MistakesError as error:
        raise MistakesError((*mistakes, *error.mistakes)) from None
    if read.whole and tested:
        mistakes += failed_tests(governance)
    if mistakes or not read.whole:
        raise MistakesError(tuple(mistakes))
    return governance


def in_force(bundle: Bundle, files: Mapping[str, bytes], *, shown_in: str = "") -> Governance:
    """The rules of a bundle that was verified, with the files that it carries (`protocol.carried`).

    By one that has no governance nothing is granted. Raises BundleError (wrong-governance) for other files than those
    that were signed, or none; MistakesError as `parse_files`.
    """
    if not bundle.governance and not files:
        return Governance(signed=bundle.created)
    if not files or policy_hash(files) != bundle.governance:
        raise BundleError("wrong-governance", "governance: these are not the files that compliance signed")
    return replace(parse_files(files, shown_in=shown_in), signed=bundle.created)


def of_bundle(text: str, compliance: str) -> tuple[Bundle, Governance | None]:
    """A bundle's file as `bundle sign` wrote it, and the rules that it carries. `compliance`: fingerprint of its key.

    Raises Refusal ("mistaken-rules"), BundleError, SignatureError.
    """
    token, files = split(text)
    made = verify(token, compliance)
    try:
        return made, in_force(made, read_carried(files, made.governance)) if made.governance else None
    except MistakesError as error:
        raise Refusal("mistaken-rules", str(error)) from None


def question_of(files: Mapping[str, bytes], governance: Governance, node: Node, now: int) -> Question:
    """What a scene asks of these files' rules. Raises MistakesError with every mistake of the scene."""
    known = Files(read_documents(files).documents, whole=True)
    question = read_question(known, governance, node, now)
    if known.reading.mistakes:
        raise MistakesError(tuple(f"{mark} {mistake}" for mark, mistake in sorted(known.reading.mistakes)))
    return question
