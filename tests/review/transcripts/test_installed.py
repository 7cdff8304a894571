"""The reader of sound is there where `analysis.yaml` and the engine are; what is missing is said as what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.analysis.job_states import Kind
from review.analysis.speech.port import SpeechError
from review.analysis.speech.settings import NAME
from review.transcripts import installed
from testkit.speech_models import TINY, models

SETTINGS = f"schema: 1\nmodels: models\nspeech: {TINY}\nlanguage: en\n...\n"


def test_without_settings_nothing_is_made_and_the_worker_says_what_to_write(tmp_path: Path) -> None:
    assert installed.readers(tmp_path) == {}
    with pytest.raises(SpeechError, match=r"analysis\.yaml is not there: it says where the models of speech are"):
        installed.installed(tmp_path)


def test_without_the_engine_nothing_is_made_and_the_worker_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of tests has it."""
    (tmp_path / NAME).write_text(SETTINGS)
    monkeypatch.setattr(installed, "is_engine_here", lambda: False)
    assert installed.readers(tmp_path) == {}
    with pytest.raises(SpeechError, match=r"faster-whisper is not installed here.*pip install 'eyelid\[speech\]'"):
        installed.installed(tmp_path)


def test_settings_with_mistakes_are_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("schema: 1\nmodels: models\nspeech: whisper-vast\n...\n")
    with pytest.raises(SpeechError, match="pinned"):
        installed.readers(tmp_path)


def test_the_version_is_known_before_the_model_is_loaded(tmp_path: Path) -> None:
    """Of the console, which has no models, and of the worker, which has."""
    (tmp_path / NAME).write_text(SETTINGS)
    found = installed.readers(tmp_path)
    assert found.keys() == {Kind.SPEECH}
    here = installed.installed(tmp_path)
    with pytest.raises(SpeechError, match="is missing: the folder of models must hold it"):
        here.load()
    models(tmp_path / "models")
    assert here.load().versions == here.versions
    assert found[Kind.SPEECH].startswith("whisper-tiny.en-1a5afae0-faster-whisper-")


def test_a_model_of_other_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(SETTINGS)
    folder = models(tmp_path / "models") / TINY
    config = (folder / "config.json").read_bytes()
    folder.unlink()
    folder.mkdir()
    (folder / "config.json").write_bytes(config + b" ")
    with pytest.raises(SpeechError, match="is not the pinned file"):
        installed.installed(tmp_path).load()
