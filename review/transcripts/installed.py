"""Which reader of sound there is on this machine, as the console offers its jobs and the worker takes them.

There is one where `analysis.yaml` lies in the console's folder, and faster-whisper is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from review.analysis.job_states import Kind
from review.analysis.speech.model_files import WEIGHTS, read_model
from review.analysis.speech.port import SpeechError
from review.analysis.speech.settings import NAME, SpeechSettings, read_speech_settings
from review.analysis.speech.transcript import Versions
from review.analysis.speech.whisper import ENGINE, Whisper
from review.transcripts.reader import version_of


@dataclass(frozen=True, slots=True)
class Installed:
    """`versions`: of what a transcript will be made with; no model is loaded for it."""

    speech: SpeechSettings
    versions: Versions

    def load(self) -> Whisper:
        """Raises SpeechError."""
        return Whisper(read_model(self.speech.models, self.speech.model, self.speech.pins))


def installed(folder: Path, models: Path | None = None) -> Installed:
    """`folder`: the console's. `models`: in place of the folder that `analysis.yaml` names. Raises SpeechError, which
    says what is missing.
    """
    if not (folder / NAME).exists():
        raise SpeechError(
            f"{folder / NAME} is not there: it says where the models of speech are, and is written in two lines "
            "(docs/speech.md)"
        )
    speech = read_speech_settings(folder)
    speech = replace(speech, models=models) if models else speech
    pins = speech.pins[speech.model]
    if WEIGHTS not in pins:
        raise SpeechError(f"The list of hashes of {speech.model} lacks {WEIGHTS}, without which it is not loaded")
    if not is_engine_here():
        raise SpeechError(
            f"{ENGINE} is not installed here, so that no sound is transcribed: pip install 'eyelid[speech]'"
        )
    return Installed(speech, Versions(ENGINE, version(ENGINE), speech.model, pins[WEIGHTS]))


def readers(folder: Path) -> Mapping[Kind, str]:
    """Kind -> version of the reader that there is: none where something is missing, so that jobs stay waiting.

    Raises SpeechError for an `analysis.yaml` with mistakes.
    """
    if not (folder / NAME).exists() or not is_engine_here():
        return {}
    here = installed(folder)
    return {Kind.SPEECH: version_of(here.versions, here.speech.settings)}


def is_engine_here() -> bool:
    return find_spec("faster_whisper") is not None
