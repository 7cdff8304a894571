"""Real models, as a folder of models has them, and a real recogniser: each loaded once for a worker of the run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from review.analysis.speech.model_files import read_model
from review.analysis.speech.whisper import Whisper
from testkit.speech_models import models


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def whisper(model_folder: Path) -> Callable[[str], Whisper]:
    """By the model's name."""
    return cache(lambda name: Whisper(read_model(model_folder, name)))
