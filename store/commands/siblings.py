"""Eyelid's other commands, run beside this process: what a policy closes for is the agent's knowledge alone, and what
governance says that of the people's side.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from protocol.carried import carried
from protocol.policyhash import policy_hash
from store.admin.signing import CheckedGovernance
from store.errors import WrongUsage

AGENT: Final = "eyelid"


def agents_command(*words: str, otherwise: str, tried: bool = True) -> list[str]:
    """`eyelid` with these words. `otherwise`: what to do where it is not installed, or (only where it is `tried`, which
    takes half a second of CPU) of a version that does not know them. Raises WrongUsage."""
    beside = Path(sys.executable).with_name(AGENT)
    found = str(beside) if beside.exists() else shutil.which(AGENT)
    if found is None or (
        tried and subprocess.run([found, *words, "--help"], capture_output=True, check=False).returncode != 0
    ):
        raise WrongUsage(f"`{' '.join((AGENT, *words))}` cannot be run here: {otherwise}")
    return [found, *words]


def check_policies(texts: Mapping[str, str]) -> None:
    """The whole check of a policy that is about to be signed, its examples included. `texts`: file name -> YAML.

    Raises WrongUsage with every mistake: a signed one would be refused on every PC, or close for less than was meant.
    """
    agents_check = partial(agents_command, "policy", "check", otherwise="install the agent, it checks what is signed")
    command = agents_check(tried=False)
    with TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        checked = subprocess.run([*command, "."], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if checked.returncode != 0:
        agents_check()
        said = (checked.stdout + checked.stderr).strip()
        raise WrongUsage(f"the policy has mistakes, so nothing was signed:\n{said}")


def check_governance(files: Mapping[str, bytes]) -> CheckedGovernance:
    """These files as they may be signed, after the whole check of them, their own tests included.

    The check gets the very bytes, and its answer counts only with the hash of them. Raises WrongUsage with every
    mistake, BundleError for files that no bundle carries.
    """
    carried(files)  # first of all: their names are about to be written
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        command = [sys.executable, "-I", "-m", "review", "governance", "check", "--json", "."]
        checked = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    try:
        said = json.loads(checked.stdout)
        mistakes = [_as_line(mistake) for mistake in said["mistakes"]]
        if checked.returncode == 0 and said["hash"] == policy_hash(files):
            return CheckedGovernance(files, said["notice"])
    except (ValueError, KeyError, TypeError):
        mistakes = []
    if mistakes:
        raise WrongUsage("\n".join(("the governance has mistakes, so nothing was signed:", *mistakes)))
    why = checked.stderr.strip() or "it spoke of other files"
    raise WrongUsage(f"`eyelid-review governance check` cannot be run here, so nothing was signed: {why}")


def _as_line(mistake: Mapping[str, object]) -> str:
    place = "" if mistake["file"] is None else f"{mistake['file']}:{mistake['line']}:{mistake['column']} "
    return f"{place}{mistake['message']}"
