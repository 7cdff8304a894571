"""The recorder's log: JSON lines in a folder of bounded size, and lines on standard error.

The journal gets plain lines with a priority (`<4>`, sd-daemon(3)), for people: it keeps time, unit and process itself.
JSON is in the file, for machines and for the support archive. No level writes a title, an address or content: an
exception is written as its type and its places, never with its message; messages of libraries are left out.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from protocol.terminal import in_journal

NAME: Final = "eyelid.jsonl"
PIECES: Final = 5  # files that the log's size is shared by; the oldest goes as a whole
OURS: Final = ("agent", "protocol")
MOST: Final = 2000  # characters of one message
NOT_OURS: Final = "(a library's words are not written)"
_PRIORITY: Final = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def write_log(folder: Path | None, level: str, size: int = 0, environment: Mapping[str, str] = os.environ) -> None:
    """From now on this process logs to standard error and, where `folder` is one, to files in it of `size` bytes in
    all; whatever was set before is replaced. A folder that cannot be used is said on standard error."""
    logging.raiseExceptions = False  # a full disk must not put a record with its arguments on standard error
    logging.captureWarnings(True)
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, Line)]:
        root.removeHandler(handler)
        with contextlib.suppress(OSError):  # what a full disk did not take is lost
            handler.close()
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    said = logging.StreamHandler(sys.stderr)
    said.setFormatter(ForJournal() if in_journal(environment) else ForTerminal())
    root.addHandler(said)
    if folder is not None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = _Files(folder / NAME, maxBytes=max(1, size // PIECES), backupCount=PIECES - 1, encoding="utf-8")
        except OSError as failure:
            logging.getLogger(__name__).warning("no log is kept in %s: %s", folder, failure.strerror)
            return
        kept.setFormatter(AsJson())
        root.addHandler(kept)


def log_last_words() -> None:
    """What ends a thread or the program unforeseen is logged like all else, and not printed with its message."""
    sys.excepthook = lambda kind, error, trace: _died("the program", kind, error, trace)
    threading.excepthook = lambda died: _died(
        died.thread.name if died.thread else "a thread", died.exc_type, died.exc_value, died.exc_traceback
    )


def tail(folder: Path, lines: int) -> list[str]:
    """The newest lines that are kept in `folder`, the oldest first. Raises OSError."""
    kept: list[str] = []
    for path in (folder / NAME, *(folder / f"{NAME}.{number}" for number in range(1, PIECES))):
        if len(kept) >= lines or not path.exists():
            break
        kept = path.read_text("utf-8", "replace").splitlines() + kept
    return kept[-lines:]


class _Files(RotatingFileHandler):
    """Only this user may read them."""

    def _open(self) -> TextIOWrapper:
        opened = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(opened, "a", encoding=self.encoding)


# -- one record -----------------------------------------------------------------------------------------------------


def _ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OURS


def _words(record: logging.LogRecord) -> str:
    """One line, fit for a terminal."""
    if not _ours(record):
        return NOT_OURS
    return "".join(letter if letter.isprintable() else " " for letter in record.getMessage())[:MOST]


def _part(record: logging.LogRecord) -> str:
    return record.name.removeprefix("agent.")


def _fault(record: logging.LogRecord) -> dict[str, Any]:
    """The exception without a word of its own: (types, outermost first; the places of the innermost)."""
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    chain: list[BaseException] = []
    error: BaseException | None = record.exc_info[1]
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    places = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(chain[-1].__traceback__)
    ]
    return {"fault": [type(one).__name__ for one in chain], "places": places[-20:]}


class Line(logging.Formatter):
    """Ours, for any reader."""


class AsJson(Line):
    """{"at", "level", "part", "message"}, and for an exception {"fault", "places"}."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "at": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "part": _part(record),
            "message": _words(record),
        }
        return json.dumps({**line, **_fault(record)}, ensure_ascii=False)


class ForTerminal(Line):
    def format(self, record: logging.LogRecord) -> str:
        fault = _fault(record)
        where = f" [{' < '.join(fault['fault'])} in {', '.join(fault['places'][-3:])}]" if fault else ""
        return f"{time.strftime('%H:%M:%S')} {record.levelname.lower()} {_part(record)}: {_words(record)}{where}"


class ForJournal(ForTerminal):
    def format(self, record: logging.LogRecord) -> str:
        _, _, rest = super().format(record).partition(" ")  # the journal has its own clock
        _, _, rest = rest.partition(" ")
        return f"<{_PRIORITY.get(record.levelno, 5)}>{rest}"


def _died(what: str, kind: type[BaseException], error: BaseException | None, trace: Any) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        logging.getLogger(__name__).error("%s has died of a fault of Eyelid's own", what, exc_info=(kind, error, trace))
