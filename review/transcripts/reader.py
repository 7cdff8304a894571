"""The reader of sound: for one lease, each channel of a recording becomes words, and the transcript is sealed.

The sound, the keys and the words are in this process's memory alone, one channel's sound at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from uuid import UUID

from protocol.envelope import SOUND_STREAM
from review.analysis.job_states import Failure, Kind
from review.analysis.jobs import Lease
from review.analysis.lending import Keeper, Lender
from review.analysis.speech.pcm import Pcm
from review.analysis.speech.port import RATE, Recogniser, SpeechError
from review.analysis.speech.transcribe import transcribe
from review.analysis.speech.transcript import Settings, Transcript, TranscriptState, Versions
from review.analysis.worker import Progress, ReadError
from review.transcripts.form import CHANNELS, FORMAT, written
from review.transcripts.sound import Sound, SoundStore

DECODED: Final = 0.1  # the share of a channel's work that decoding is
NO_SOUND: Final = "The recording has no sound"


def version_of(versions: Versions, settings: Settings) -> str:
    """For the job table: another one wherever another transcript may come out."""
    return f"{versions.name(settings)}-f{FORMAT}"


@dataclass(frozen=True)
class SpeechReader:
    """A Reader. `load` gives the recogniser of these versions when it is first needed; it raises SpeechError where the
    model is not the pinned one. `wrong` gets that sentence, which says nothing of a recording.
    """

    store: SoundStore
    lender: Lender
    keeper: Keeper
    versions: Versions
    settings: Settings
    load: Callable[[], Recogniser]
    wrong: Callable[[str], None]

    @property
    def kind(self) -> Kind:
        return Kind.SPEECH

    @property
    def model(self) -> str:
        return version_of(self.versions, self.settings)

    def read(self, lease: Lease, progress: Progress) -> str:
        """As `Reader.read`. Keys are asked for only once the sound was found to be what its PC signed."""
        try:
            recogniser = self._recogniser
        except SpeechError as error:
            self.wrong(str(error))
            raise ReadError(Failure.WRONG_MODEL) from None
        recording = UUID(lease.recording)
        sound = self.store.sound_of(recording)
        progress(0.0)
        lent = self.lender.lend(lease)
        if sound is None:
            nothing = Transcript(TranscriptState.MISSING, NO_SOUND, 0, self.versions, self.settings)
            made, lasts = dict.fromkeys(CHANNELS, nothing), 0
        else:
            made, lasts = {}, sound.length
            for place, channel in enumerate(CHANNELS):
                made[channel] = self._heard(recogniser, sound, lent.streams[SOUND_STREAM], place, progress)
        self.store.check_here(recording)
        progress(1.0)
        return self.keeper.put(lease, lent, written(recording, lasts, made))

    def _heard(self, recogniser: Recogniser, sound: Sound, key: bytes, place: int, progress: Progress) -> Transcript:
        def share(done: float) -> None:
            progress((place + done) / len(CHANNELS))

        decoded = self.store.pcm(sound, key, place, lambda done: share(DECODED * done))
        try:
            return transcribe(
                recogniser, Pcm(decoded, RATE), sound.gaps, self.settings,
                lambda done: share(DECODED + (1 - DECODED) * done),
            )  # fmt: skip
        except SpeechError as error:  # a language that the model does not know
            self.wrong(str(error))
            raise ReadError(Failure.WRONG_MODEL) from None

    @cached_property
    def _recogniser(self) -> Recogniser:
        return self.load()
