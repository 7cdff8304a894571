"""The server's log: one JSON object a line on stderr. What a person needs to find a fault, nothing recorded.

No address asked for, no header, no body, no token; a request is told by its route's template and the device's id.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

log: Final = logging.getLogger("eyelid.store")


class JsonLines(logging.Formatter):
    """Time, level and event, then the facts that were logged beside it (`extra={"facts": {...}}`)."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def say(event: str, level: int = logging.INFO, **facts: object) -> None:
    log.log(level, event, extra={"facts": facts})


@contextmanager
def to_stderr(level: int = logging.INFO) -> Iterator[None]:
    """Within it the log goes to stderr; uvicorn's own words too, but not its record of every request."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(JsonLines())
    levels = {"eyelid.store": level, "uvicorn": logging.WARNING}  # uvicorn.error hands its words on to uvicorn
    access = logging.getLogger("uvicorn.access")
    access.disabled = True
    for name, least in levels.items():
        logger = logging.getLogger(name)
        logger.addHandler(out)
        logger.setLevel(least)
        logger.propagate = False
    try:
        yield
    finally:
        access.disabled = False
        for name in levels:
            logger = logging.getLogger(name)
            logger.removeHandler(out)
            logger.setLevel(logging.NOTSET)
            logger.propagate = True
