"""A model is loaded if each of its files is the pinned one, and else refused with a sentence."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from review.analysis.speech.model_files import PINNED, WEIGHTS, Pins, pins_of, read_model
from review.analysis.speech.port import SpeechError
from review.analysis.speech.whisper import Whisper
from testkit.speech_models import BASE, TINY

FILES = {"config.json": b"{}", WEIGHTS: b"weights", "tokenizer.json": b"[]"}


def placed(folder: Path) -> Pins:
    (folder / "small").mkdir()
    for name, content in FILES.items():
        (folder / "small" / name).write_bytes(content)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in FILES.items())
    return pins_of("small", sums)


def test_the_pinned_files_are_read(tmp_path: Path) -> None:
    model = read_model(tmp_path, "small", placed(tmp_path))
    assert model.contents == FILES
    assert model.sha256 == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_file_of_another_hash_is_refused(tmp_path: Path, file: str) -> None:
    pins = placed(tmp_path)
    (tmp_path / "small" / file).write_bytes(b"others")
    with pytest.raises(SpeechError, match=rf"{file} is not the pinned file: its SHA-256 is [0-9a-f]{{64}}, not"):
        read_model(tmp_path, "small", pins)


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_file_that_is_missing_is_refused(tmp_path: Path, file: str) -> None:
    pins = placed(tmp_path)
    (tmp_path / "small" / file).unlink()
    with pytest.raises(SpeechError, match=rf"{file} is missing"):
        read_model(tmp_path, "small", pins)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    pins = placed(tmp_path)
    (tmp_path / "small" / WEIGHTS).unlink()
    (tmp_path / "small" / WEIGHTS).mkdir()
    with pytest.raises(SpeechError, match=r"model.bin cannot be read: Is a directory"):
        read_model(tmp_path, "small", pins)


def test_a_list_without_the_tokenizer_is_refused_as_the_engine_would_fetch_one(tmp_path: Path) -> None:
    pins = placed(tmp_path)
    short = {"small": {name: one for name, one in pins["small"].items() if name != "tokenizer.json"}}
    with pytest.raises(SpeechError, match=r"lacks tokenizer.json"):
        read_model(tmp_path, "small", short)


def test_a_model_without_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match=r"other has no list of hashes: name one of whisper-base, whisper-tiny.en"):
        read_model(tmp_path, "other")


@pytest.mark.parametrize("line", ["no hash", "0" * 64, "0" * 64 + "  ../model.bin", "0" * 63 + "  model.bin", ""])
def test_a_list_that_is_not_as_sha256sum_prints_it_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(SpeechError, match=r"Line 2 of the hashes of small"):
        pins_of("small", f"{'0' * 64}  model.bin\n{line}\n")


def test_pinned_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match=r"small is pinned, and cannot be loaded: "):
        Whisper(read_model(tmp_path, "small", placed(tmp_path)))


def test_the_models_of_the_tests_are_the_pinned_ones(model_folder: Path) -> None:
    assert {name: read_model(model_folder, name).sha256 for name in PINNED} == {
        name: files[WEIGHTS] for name, files in PINNED.items()
    }
    assert {BASE, TINY} == PINNED.keys()


def test_one_flipped_bit_of_real_weights_is_refused(model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(model_folder / TINY, tmp_path / TINY)
    with (tmp_path / TINY / WEIGHTS).open("r+b") as weights:
        weights.seek(40_000_000)
        one = weights.read(1)
        weights.seek(-1, 1)
        weights.write(bytes([one[0] ^ 1]))
    with pytest.raises(SpeechError, match=r"model.bin is not the pinned file"):
        read_model(tmp_path, TINY)
