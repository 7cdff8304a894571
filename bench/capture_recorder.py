"""Capture, encode, seal and write, as the agent does, in a process of its own: what bench/capture measures.

    python -m bench.capture_recorder --display :7 --out FOLDER

Two threads as in the agent, no gate: whatever is grabbed is kept. Ends at SIGTERM and prints how many frames it kept.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.capture.screen import X11Screen
from agent.core.cut import CHUNK_LENGTH
from agent.core.model import SECOND, Chunk, Frame
from agent.desktop.clock import BootClock
from agent.encode.video import ScreenEncoder
from agent.pipeline import Mailbox


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--display", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    clock = BootClock()
    screen = X11Screen(clock, arguments.display)
    frames: Mailbox[Frame] = Mailbox(room=12)
    stopping = threading.Event()

    def stop(*_: object) -> None:
        stopping.set()
        screen.wake()

    signal.signal(signal.SIGTERM, stop)
    start = clock.now()
    encoding = threading.Thread(target=_encode, args=(frames, start, clock, arguments.out))
    encoding.start()
    _capture(screen, clock, frames, stopping)
    frames.close()
    encoding.join()
    screen.close()


def _capture(screen: X11Screen, clock: BootClock, frames: Mailbox[Frame], stopping: threading.Event) -> None:
    whole_at = 0
    while not stopping.is_set():
        due = whole_at + CHUNK_LENGTH
        repeat = clock.now() >= due
        if repeat or screen.wait((due - clock.now()) / SECOND):
            if repeat:
                whole_at = clock.now()
            for frame in screen.grab(repeat=repeat):
                if not frames.put(frame):
                    raise RuntimeError("the encoder cannot keep up: this machine is too busy to measure on")


def _encode(frames: Mailbox[Frame], start: int, clock: BootClock, out: Path) -> None:
    encoder = ScreenEncoder(start)
    cipher = AESGCM(AESGCM.generate_key(256))
    kept = written = 0
    for frame in frames:
        kept += 1
        for chunk in encoder.encode(frame):
            _write(out / f"{written:06d}", cipher, chunk)
            written += 1
    for chunk in encoder.close(clock.now()):
        _write(out / f"{written:06d}", cipher, chunk)
        written += 1
    print(kept, flush=True)


def _write(path: Path, cipher: AESGCM, chunk: Chunk) -> None:
    nonce = os.urandom(12)
    with path.open("xb") as file:
        file.write(nonce + cipher.encrypt(nonce, chunk.data, None))
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    main()
