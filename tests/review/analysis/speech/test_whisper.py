"""The real engine through the whole of `transcribe`: what people said, what is no speech, and no word to a network."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from review.analysis.spans import SECOND, Span
from review.analysis.speech.model_files import read_model
from review.analysis.speech.pcm import Pcm
from review.analysis.speech.port import RATE, Sound, SpeechError
from review.analysis.speech.transcribe import transcribe
from review.analysis.speech.transcript import Gap, TranscriptState
from review.analysis.speech.whisper import Whisper
from testkit.speech_models import BASE, TINY
from testkit.spoken import SENTENCES, digits, prompts

Loaded = Callable[[str], Whisper]


def noise() -> Sound:
    return np.random.default_rng(3).normal(0, 0.05, 20 * RATE).astype(np.float32)


def music() -> Sound:
    """Four chords, as a telephone system plays while one holds."""
    second = np.arange(2 * RATE) / RATE
    chords = [[262, 330, 392], [349, 440, 523], [392, 494, 587], [262, 330, 392]]
    return np.concatenate([
        sum(0.1 * np.sin(2 * np.pi * tone * second) * np.exp(-second) for tone in chord) for chord in chords * 3
    ]).astype(np.float32)  # fmt: skip


@pytest.mark.parametrize("sound", [noise(), music()], ids=["noise", "music"])
def test_noise_and_music_have_no_words_that_are_believed(whisper: Loaded, sound: Sound) -> None:
    transcript = transcribe(whisper(TINY), Pcm(sound, RATE))
    assert transcript.state in {TranscriptState.NO_SPEECH, TranscriptState.NO_WORDS}, transcript.why
    assert not transcript.said


def test_what_is_closed_in_a_recorded_sentence_is_not_heard(whisper: Loaded) -> None:
    sound = prompts("en", "queue-youarenext")
    whole = transcribe(whisper(TINY), Pcm(sound, RATE))
    words = [word.text.strip(".,").lower() for word in whole.said]
    assert " ".join(words) == SENTENCES["queue-youarenext"]
    place = words.index("answered")
    gap = Span(whole.words[place].start - SECOND // 10, whole.words[place + 2].end + SECOND // 10)
    sides = transcribe(whisper(TINY), Pcm(sound, RATE), [Gap(gap, "payment")])
    said = [word.text.strip(".,").lower() for word in sides.said]
    assert said[:5] == words[:5]
    assert said[-2:] == words[-2:]
    assert "answered" not in said
    assert all(word.end <= gap.start_ns or word.start >= gap.end_ns for word in sides.words)


def test_a_recorded_german_number_is_heard_in_a_language_that_is_recognised(whisper: Loaded) -> None:
    """Of a telephone's 8 kHz. The default of voice detection lost digits of such strings."""
    transcript = transcribe(whisper(BASE), Pcm(digits("de", "86095742719"), RATE))
    assert transcript.language is not None
    assert transcript.language.code == "de"
    assert 0.5 < (transcript.language.probability or 0) <= 1
    assert "".join(sign for word in transcript.said for sign in word.text if sign.isdigit()) == "86095742719"


OFFLINE = """
import socket
import sys
from pathlib import Path
from review.analysis.speech.model_files import read_model
from review.analysis.speech.pcm import Pcm
from review.analysis.speech.transcribe import transcribe
from review.analysis.speech.whisper import Whisper
from testkit.speech_models import TINY
from testkit.spoken import prompts

model = Whisper(read_model(Path(sys.argv[1]), TINY))
print(" ".join(word.text for word in transcribe(model, Pcm(prompts("en", "conf-lockednow"), 16_000)).said))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
"""


def test_no_network_is_asked_from_import_to_transcript(model_folder: Path, tmp_path: Path) -> None:
    """No socket is made, by native code either, but the script's own at its end. The script is over before onnxruntime
    would report to its maker: that it does not is seen by the file with which it begins to.
    """
    trace, temporary = tmp_path / "trace", tmp_path / "temporary"
    temporary.mkdir()
    command = ["strace", "-qq", "-f", "--seccomp-bpf", "-e", "trace=socket", "-o", str(trace)]
    command += [sys.executable, "-W", "error", "-c", OFFLINE, str(model_folder)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert list(temporary.iterdir()) == []
    assert done.stdout == "The conference is now locked.\n", done.stderr
    # Beside calls the trace has signals, and a second line for a call that another thread came between.
    calls = [line.split(maxsplit=1)[1] for line in trace.read_text("utf-8").splitlines() if " socket(" in line]
    assert len(calls) == 1, trace.read_text("utf-8")
    assert calls[0].startswith("socket(AF_INET, SOCK_DGRAM")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, model_folder: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SpeechError, match=r"pip install 'eyelid\[speech\]'"):
        Whisper(read_model(model_folder, TINY))
