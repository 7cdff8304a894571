"""How the texts of --help are laid out: prose is wrapped at the terminal's width, lines that are indented stay as they
are, so that a command can be copied.
"""

from __future__ import annotations

import argparse
import textwrap


class Wrapped(argparse.HelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:  # argparse's own hook for its texts
        lines = text.splitlines()
        return "\n".join(
            line if line.startswith(" ") else textwrap.fill(line, width, initial_indent=indent) for line in lines
        )
