"""How `eyelid` and `eyelid-store` start: isolated from the Python and the libraries that the environment names.

A variable can put another's code into a process that holds keys and content, or have it write down its TLS keys. What
is honoured, what is not, and what that leaves open: docs/threat-model.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

from protocol.system import ON_WINDOWS

# Each may load code into the process, or write down what it keeps secret.
WEAKENING: Final = (
    *("LD_", "DYLD_"),  # the loaders of Linux and macOS: PRELOAD, AUDIT, LIBRARY_PATH, INSERT_LIBRARIES, ...
    *("GCONV_PATH", "GLIBC_TUNABLES"),
    *("SSLKEYLOGFILE", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"),
)
PYTHON: Final = "PYTHON"  # `-I` ignores them all; removed, so that no child honours them
_STARTED: Final = "eyelid-isolated"  # among Python's -X options: it was done


def weakening(environment: Mapping[str, str]) -> list[str]:
    """The names of those that are cleared, and named on stderr."""
    return sorted(name for name in environment if name.startswith(WEAKENING))


def isolate(program: str) -> None:
    """Starts this program anew, as the same process, with `-I` and without those variables, unless it was started so.

    Says once on stderr which were cleared. To be called before anything else is imported. Windows cannot replace a
    process.
    """
    if ON_WINDOWS or _STARTED in sys._xoptions:  # noqa: SLF001 - the one place where Python keeps them
        return
    found = weakening(os.environ)
    if sys.flags.isolated and not found:
        return
    if found:
        sys.stderr.write(
            f"{program}: cleared from the environment, since it can take in others' code or give out keys: "
            f"{', '.join(found)}\n"
        )
        sys.stderr.flush()
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*WEAKENING, PYTHON))}
    again = [sys.executable, "-I", "-X", _STARTED, *sys.orig_argv[1:]]
    os.execve(sys.executable, again, kept)  # noqa: S606 - the same program, without a shell
