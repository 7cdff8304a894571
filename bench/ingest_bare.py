"""What bench/ingest compares the store with: the same server, certificate and settings, an application that only reads.

    python -m bench.ingest_bare HOME [--http]

It answers every body with as many bytes as a receipt has, and keeps nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from store.admin.home import Home
from store.server.listening import listen, make_server, url

ANSWER: Final = json.dumps({"receipt": "x" * 560}).encode("ascii")


async def read_only(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application."""
    assert scope["type"] == "http"
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode("ascii"))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


def main(home: Path, *, tls: bool) -> None:
    """Until it is told to stop; says on stdout where it listens, as the store does."""
    application: Any = read_only
    server = make_server(application, Home.open(home).tls if tls else None)
    with listen("127.0.0.1", 0) as listener:
        listener.allow(5000)
        print(json.dumps({"address": url("127.0.0.1", listener.getsockname()[1], tls=tls)}), flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]), tls="--http" not in sys.argv)
