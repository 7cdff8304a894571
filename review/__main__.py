"""The command `eyelid-review`, and `python -m review`: isolated first, so that little is imported before."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.starting import isolate


def main(arguments: Sequence[str] | None = None) -> int:
    """`arguments`: other words than this process was started with; then it stays the process that it is."""
    if arguments is None:
        isolate("eyelid-review")
    from review.cli import main as command  # noqa: PLC0415 - imported by what was isolated

    return command(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
