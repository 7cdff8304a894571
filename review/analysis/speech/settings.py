"""`analysis.yaml`: where the models are, and which one hears which language. Every mistake at once, with its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.language.joined import LANGUAGE
from protocol.language.keys import WORD, WORDS, Key, Keys
from protocol.language.marks import Node
from protocol.language.reading import Reading, quoted
from protocol.language.yaml_marks import read_marks
from review.analysis.speech.model_files import PINNED, Pins, pins_of
from review.analysis.speech.port import SpeechError
from review.analysis.speech.transcript import Settings

NAME: Final = "analysis.yaml"
USUAL: Final = "whisper-base"
LARGEST: Final = 2**20  # bytes
FILE: Final[Keys] = {
    "schema": Key("The version of this language. Always 1.", {"const": LANGUAGE}, True),
    "models": Key("The folder of models, with a folder for each of them.", WORD, True),
    "speech": Key("The model that hears speech: whisper-base unless it says otherwise.", WORD),
    "sums": Key("A file beside this one with what `sha256sum *` prints in that model's folder.", WORD),
    "language": Key("Of all calls, such as de. Left out, it is recognised for each channel.", WORD),
    "languages": Key("Those that it may be: de and en unless it says otherwise.", WORDS),
}


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """`pins`: with the hashes that stand beside the file, if there are any."""

    models: Path
    model: str
    pins: Pins
    settings: Settings


def read_speech_settings(folder: Path) -> SpeechSettings:
    """Of the folder in which `analysis.yaml` stands; paths in it begin there. Raises SpeechError with every mistake."""
    path = folder / NAME
    content = _content(path)
    marked = read_marks(str(path), content)
    reading = Reading()
    reading.mistakes += marked.mistakes
    made = _read(reading, marked.document.root, folder) if marked.document else None
    if reading.mistakes or made is None:
        raise SpeechError("\n".join(f"{mark} {mistake}" for mark, mistake in sorted(reading.mistakes)))
    return made


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise SpeechError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise SpeechError(f"{path} is larger than {LARGEST} bytes: is it the right file?")
    return content


def _read(reading: Reading, root: Node, folder: Path) -> SpeechSettings:
    table = reading.table(root, FILE, "a file of settings")
    if reading.value(table, "schema", Reading.whole_number, 1) != LANGUAGE:
        reading.wrong(table["schema"][0], f"this version reads schema {LANGUAGE}")
    models = folder / reading.value(table, "models", Reading.text, "")
    model = reading.value(table, "speech", Reading.text, USUAL)
    pins = PINNED
    if "/" in model or model.startswith("."):
        reading.wrong(table["speech"][0], f"speech is the name of a folder in models, not {quoted(model)}")
    if "sums" in table:
        try:
            pins = {
                **PINNED,
                **pins_of(model, _content(folder / reading.text(table["sums"][1], "sums")).decode("utf-8")),
            }
        except (SpeechError, UnicodeDecodeError) as error:
            reading.wrong(table["sums"][0], str(error))
    elif model not in PINNED:
        known = " and ".join(sorted(PINNED))
        reading.wrong(table["speech"][0], f"only {known} are pinned here: add sums: … for {quoted(model)}")
    language = reading.value(table, "language", Reading.text, "") or None
    languages = (
        Settings().languages
        if "languages" not in table
        else tuple(word.text for word in reading.texts(table["languages"][1], "languages"))
    )
    return SpeechSettings(models, model, pins, Settings(language, languages))
