"""The agent's command, run beside this process: which rule closes for what is the agent's knowledge alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from store.errors import WrongUsage

AGENT: Final = "eyelid"


def agents_command(*words: str, otherwise: str) -> list[str]:
    """`eyelid` with these words. `otherwise`: what to do where it is not installed. Raises WrongUsage."""
    beside = Path(sys.executable).with_name(AGENT)
    found = str(beside) if beside.exists() else shutil.which(AGENT)
    if found is None:
        raise WrongUsage(f"`{' '.join((AGENT, *words))}` cannot be run here: {otherwise}")
    return [found, *words]


def check_policies(texts: Mapping[str, str]) -> None:
    """The whole check of a policy that is about to be signed, its examples included. `texts`: file name -> YAML.

    Raises WrongUsage with every mistake: a signed one would be refused on every PC, or close for less than was meant.
    """
    command = agents_command("policy", "check", otherwise="install the agent, it checks what is signed")
    with TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        checked = subprocess.run([*command, "."], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if checked.returncode != 0:
        said = (checked.stdout + checked.stderr).strip()
        raise WrongUsage(f"the policy has mistakes, so nothing was signed:\n{said}")
