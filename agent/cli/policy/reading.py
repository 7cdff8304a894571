"""Policies as the command line names them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from agent import config
from agent.core.model.rules import Policy
from agent.errors import UserError
from agent.witness.policies import parse_files, read_files


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="files or one folder (default: the configured folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def paths_of(named: Sequence[str]) -> list[Path]:
    return [Path(name) for name in named] or [config.load().policies]


def read(named: Sequence[str], *, tested: bool) -> Policy:
    """Files of one folder, or a whole folder, are one policy, with the hash that it would have in force.

    Raises PolicyError with every mistake, UserError where the files are none.
    """
    paths = paths_of(named)
    if not named and not paths[0].exists():
        raise UserError(f"there is no policy in {paths[0]}; `eyelid policy init payments` begins with one")
    if len(paths) == 1 and paths[0].is_dir():
        return parse_files(read_files(paths[0]), tested=tested, shown_in=str(paths[0]))
    if folder := next((path for path in paths if path.is_dir()), None):
        raise UserError(
            f"{folder} is a folder: name one folder alone, or files; a policy is the files of one folder, and the "
            "folder names them all"
        )
    folders = {path.parent for path in paths}
    if len(folders) > 1:
        raise UserError("the files lie in different folders; a policy is the files of one folder")
    files: dict[str, bytes] = {}
    for path in paths:
        try:
            files[path.name] = path.read_bytes()
        except OSError as failure:
            raise UserError(f"{path} cannot be read: {failure.strerror}") from None
    return parse_files(files, tested=tested, shown_in=str(folders.pop()))
