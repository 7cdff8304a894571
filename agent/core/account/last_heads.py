"""Where the recordings of a recorder that died end: the account says it at the next start, or the end could be cut off.

Three things outlive a death: the account's own heads, at most some seconds old; the chunks that wait in the spool; and
the receipts of those that have left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Heads = Mapping[int, tuple[int, str]]
"""stream -> (next sequence, hex SHA-256 of the last sealed chunk)."""


def unfinished(entries: Iterable[Mapping[str, object]]) -> dict[str, Heads]:
    """Recording -> its last heads in the account, of each that was opened and of which no end is told.

    `entries`: of one run of the recorder, in order, and what was written after its death.
    """
    found: dict[str, Heads] = {}
    for entry in entries:
        recording = str(entry.get("recording"))
        match entry:
            case {"kind": "recording-open"}:
                found[recording] = {}
            case {"kind": "recording-closed"} | {"kind": "heads", "final": True}:
                found.pop(recording, None)
            case {"kind": "heads", "heads": dict(heads)} if recording in found:
                found[recording] = {int(stream): (int(head[0]), str(head[1])) for stream, head in heads.items()}
            case {"kind": "stop"}:
                found.clear()
            case _:
                pass
    return found


def farthest(*known: Heads) -> dict[int, tuple[int, str]]:
    """Of each stream the head that reaches farthest."""
    found: dict[int, tuple[int, str]] = {}
    for heads in known:
        for stream, head in heads.items():
            if stream not in found or found[stream][0] < head[0]:
                found[stream] = head
    return dict(sorted(found.items()))
