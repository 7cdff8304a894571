"""`analysis.yaml` says where the models are; each mistake in it is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.analysis.speech.model_files import PINNED, read_model
from review.analysis.speech.port import SpeechError
from review.analysis.speech.settings import NAME, read_speech_settings
from review.analysis.speech.transcript import Settings
from testkit.speech_models import TINY

FILES = ("config.json", "model.bin", "tokenizer.json")
SUMS = "".join(f"{letter * 64}  {file}\n" for letter, file in zip("abc", FILES, strict=True))


def written(folder: Path, text: str) -> Path:
    (folder / NAME).write_text(f"schema: 1\n{text}...\n", "utf-8")
    return folder


def test_a_folder_is_enough(tmp_path: Path) -> None:
    read = read_speech_settings(written(tmp_path, "models: models\n"))
    assert (read.models, read.model, read.pins, read.settings) == (
        tmp_path / "models",
        "whisper-base",
        PINNED,
        Settings(),
    )


def test_the_model_that_it_names_is_loaded(tmp_path: Path, model_folder: Path) -> None:
    text = f"models: {model_folder}\nspeech: {TINY}\nlanguage: en\nlanguages: [en, fr]\n"
    read = read_speech_settings(written(tmp_path, text))
    assert read_model(read.models, read.model, read.pins).name == TINY
    assert read.settings == Settings("en", ("en", "fr"))


def test_a_model_of_ones_own_is_pinned_by_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "small.sums").write_text(SUMS, "utf-8")
    read = read_speech_settings(written(tmp_path, "models: /m\nspeech: whisper-small\nsums: small.sums\n"))
    assert read.pins["whisper-small"]["model.bin"] == "b" * 64


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("", ["without models"]),
        ("models: m\nspeech: ../x\nlanguage: [de]\n", ["name of a folder", "only whisper-base", "language is a word"]),
        ("models: m\nspeech: whisper-small\n", ['add sums: … for "whisper-small"']),
        ("models: m\nspeech: whisper-small\nsums: none\n", ["none cannot be read: No such file"]),
        ("models: m\nspeech: whisper-small\nsums: analysis.yaml\n", ["Line 1 of the hashes of whisper-small"]),
        ("models: m\nmodel: x\nlanguages: []\n", ['"model" is not a key', "languages is empty"]),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    with pytest.raises(SpeechError) as refused:
        read_speech_settings(written(tmp_path, text))
    assert all(mistake in str(refused.value) for mistake in mistakes), refused.value
    assert str(refused.value).startswith(f"{tmp_path / NAME}:")


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match=r"analysis.yaml cannot be read: No such file"):
        read_speech_settings(tmp_path)
    written(tmp_path, "#" * 2**20)
    with pytest.raises(SpeechError, match=r"is larger than 1048576 bytes"):
        read_speech_settings(tmp_path)
