"""The demo's custodian. As `eyelid-review custodian serve`, but its memory is not locked: that takes a right which a
person at their own desk may not have (`ulimit -l`).

    python -m scripts.showcase.custodian HOME KEY-FILE SOCKET
"""

from __future__ import annotations

import sys
from pathlib import Path

from protocol import local_socket
from review.commands.open_log import open_log_in
from review.custodian.custodian import Custodian
from review.custodian.home import review_keys
from review.custodian.service import Service


def main(home: Path, key: Path, socket: Path) -> None:
    secret = key.read_bytes()
    log = open_log_in(home / "audit", home / "keys", secret).log
    custodian = Custodian(home, review_keys(home, secret), log)
    with local_socket.listen(socket) as listening:
        print("the custodian listens", flush=True)
        Service(custodian, log, listening).run()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
