"""The page's files as they were installed, and the headers that go with each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.responses import PlainTextResponse, Response

from store.errors import StoreError

PAGE: Final = Path(__file__).with_name("page")
SUMS: Final = "SHA256SUMS"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; media-src blob:; "
    "connect-src 'self'{console}; require-trusted-types-for 'script'; trusted-types eyelid; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}
_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
                 ".json": "application/json"}  # fmt: skip


def headers(console: str = "") -> dict[str, str]:
    """`console`: the one other origin that the page may ask."""
    return {"Content-Security-Policy": _POLICY.format(console=f" {console}" if console else "")} | _HEADERS


def page_files(folder: Path = PAGE) -> dict[str, bytes]:
    """Name -> content, as the list of hashes has them. Raises StoreError where one is another."""
    files = {}
    try:
        for line in (folder / SUMS).read_text("ascii").splitlines():
            sha256, _, name = line.partition("  ")
            files[name] = (folder / name).read_bytes()
            if hashlib.sha256(files[name]).hexdigest() != sha256:
                raise StoreError(f"{folder / name} is not the file that was installed: install Eyelid anew")
    except OSError as error:
        raise StoreError(f"{error.filename} cannot be read: install Eyelid anew") from None
    return files


def answer(files: Mapping[str, bytes], name: str) -> Response:
    """The file, or 404. `name`: "" is the page."""
    name = name or "index.html"
    if name not in files:
        return PlainTextResponse("", 404)
    return Response(files[name], media_type=_TYPES.get(Path(name).suffix, "text/plain"))
