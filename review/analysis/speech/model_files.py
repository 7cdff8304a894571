"""A model's files, read out of the folder of models and held against a list of hashes before anything is loaded.

What was checked is what is loaded: the files are read once, and the engine gets their bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from review.analysis.speech.port import SpeechError

Pins = Mapping[str, Mapping[str, str]]
"""Model's name, which is its folder's, -> file -> SHA-256 in hex."""

WEIGHTS: Final = "model.bin"
# Without the tokenizer the engine would fetch one from the internet.
NEEDED: Final = frozenset({WEIGHTS, "config.json", "tokenizer.json"})
LARGEST: Final = 8 * 2**30  # bytes of a file: the largest Whisper has three
PINNED: Final[Pins] = {
    "whisper-base": {
        "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    },
    "whisper-tiny.en": {
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """`contents`: by file name. `sha256`: of the weights."""

    name: str
    sha256: str
    contents: Mapping[str, bytes]


def read_model(folder: Path, name: str, pins: Pins = PINNED) -> ModelFiles:
    """Raises SpeechError where a file is missing, or is not the pinned one."""
    if name not in pins:
        raise SpeechError(f"{name} has no list of hashes: name one of {', '.join(sorted(pins))}, or pin its files")
    wanted = pins[name]
    if missing := sorted(NEEDED - wanted.keys()):
        raise SpeechError(f"The list of hashes of {name} lacks {', '.join(missing)}, without which it is not loaded")
    contents = {}
    for file, pinned in wanted.items():
        contents[file] = _read(folder / name / file)
        found = hashlib.sha256(contents[file]).hexdigest()
        if found != pinned:
            raise SpeechError(
                f"{folder / name / file} is not the pinned file: its SHA-256 is {found}, not {pinned}. Nothing is "
                "transcribed with it; copy it again from where the model came from"
            )
    return ModelFiles(name, wanted[WEIGHTS], contents)


def pins_of(name: str, sums: str) -> Pins:
    """Of a model that is not in `PINNED`: `sums` is what `sha256sum *` prints in its folder. Raises SpeechError."""
    found = {}
    for number, line in enumerate(sums.splitlines(), 1):
        match = re.fullmatch(r"([0-9a-f]{64}) [ *]([A-Za-z0-9_][A-Za-z0-9._-]*)", line)
        if match is None:
            raise SpeechError(f"Line {number} of the hashes of {name} is not as `sha256sum *` prints it")
        found[match[2]] = match[1]
    return {name: found}


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise SpeechError(f"{path} is larger than {LARGEST} bytes: is it the right file?")
        return path.read_bytes()
    except FileNotFoundError:
        raise SpeechError(f"{path} is missing: the folder of models must hold it (docs/analysis.md)") from None
    except OSError as error:
        raise SpeechError(f"{path} cannot be read: {error.strerror}") from None
