"""Whisper, by faster-whisper and its Silero voice detection, out of memory and without a network.

It is installed with `eyelid[speech]`; nothing else of Eyelid imports it.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from review.analysis.spans import MILLISECOND
from review.analysis.speech.model_files import ModelFiles
from review.analysis.speech.port import RATE, HeardWord, Part, Sound, SpeechError
from review.analysis.speech.transcript import Language, Settings, Versions

if TYPE_CHECKING:
    import faster_whisper

ENGINE: Final = "faster-whisper"
_LONGEST: Final = 120  # s of a piece of speech, where it has a pause of 0.1 s to end at
_VOICES_AT_ONCE: Final = 600 * RATE  # voice detection takes a copy of what it looks at
# One guess and no second one: with temperatures a doubtful part costs five times as much. What is doubtful is marked
# here, so that the engine's own limits, which drop words, are off. The last part's words as a prompt bring on loops.
OPTIONS: Final[dict[str, Any]] = {
    "beam_size": 1,
    "temperature": 0.0,
    "word_timestamps": True,
    "condition_on_previous_text": False,
    "no_speech_threshold": None,
    "log_prob_threshold": None,
    "compression_ratio_threshold": None,
}


class Whisper:
    """A Recogniser. `threads`: of each step; a worker takes one core."""

    def __init__(self, files: ModelFiles, threads: int = 1) -> None:
        if importlib.util.find_spec("faster_whisper") is None:
            raise SpeechError("faster-whisper is not installed: pip install 'eyelid[speech]'")
        os.environ["HF_HUB_OFFLINE"] = "1"  # nothing asks; if a later version did, it would fail
        # Without it onnxruntime (1.32) reports to its maker after some 30 s, and leaves a file in the temporary folder.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import faster_whisper  # noqa: PLC0415 - slow to import, and optional

        self.versions: Final = Versions(ENGINE, version(ENGINE), files.name, files.sha256)
        try:
            self._model: faster_whisper.WhisperModel = faster_whisper.WhisperModel(
                files.name, device="cpu", compute_type="int8", cpu_threads=threads, files=dict(files.contents)
            )
        except Exception as error:  # noqa: BLE001 - RuntimeError, ValueError and plain Exception, as it says
            raise SpeechError(f"{files.name} is pinned, and cannot be loaded: {error}") from None
        self.languages: Final = frozenset(self._model.supported_languages)

    def voices(self, sound: Sound, settings: Settings) -> Sequence[tuple[int, int]]:
        from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415

        options = VadOptions(
            threshold=settings.speech_from,
            min_silence_duration_ms=settings.pause // MILLISECOND,
            speech_pad_ms=settings.pad // MILLISECOND,
            max_speech_duration_s=_LONGEST,
        )
        found = list[tuple[int, int]]()
        for at in range(0, len(sound), _VOICES_AT_ONCE):
            for piece in get_speech_timestamps(sound[at : at + _VOICES_AT_ONCE], options):
                start, end = at + piece["start"], at + piece["end"]
                if found and start == at and found[-1][1] == at:  # speech goes on from one look to the next
                    start = found.pop()[0]
                found.append((start, end))
        return found

    def language(self, sound: Sound, among: Sequence[str]) -> Language:
        known = [one for one in among if one in self.languages]
        if not known:
            raise SpeechError(self._unknown(" and ".join(among)))
        if len(known) == 1:
            return Language(known[0])
        _, _, all_of_them = self._model.detect_language(audio=sound)
        probability = {code: share for code, share in all_of_them if code in known}
        code = max(known, key=lambda one: probability.get(one, 0.0))
        return Language(code, min(probability.get(code, 0.0) / max(sum(probability.values()), 1e-9), 1.0))

    def parts(self, sound: Sound, language: str) -> Iterator[Part]:
        if language not in self.languages:
            raise SpeechError(self._unknown(language))
        if not len(sound):
            return
        end = len(sound) / RATE
        found, _ = self._model.transcribe(sound, language=language, **OPTIONS)
        for segment in found:
            words = []
            for word in segment.words or ():
                # It looks at 30 s at a time, and writes into what it has filled up with silence, too.
                start = min(max(float(word.start), 0.0), end)
                text = word.word.strip()
                if any(sign.isalnum() for sign in text):
                    words.append(HeardWord(text, start, min(max(float(word.end), start), end), float(word.probability)))
            yield Part(sorted(words, key=lambda one: (one.start, one.end)), float(segment.no_speech_prob))

    def _unknown(self, language: str) -> str:
        known = ", ".join(sorted(self.languages)) if len(self.languages) < 5 else f"{len(self.languages)} languages"
        return f"{self.versions.model} knows {known}, and not {language}: name another model, or another language"
