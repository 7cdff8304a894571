"""The page's files as they were installed, and the headers that go with each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.responses import PlainTextResponse, Response

from store.errors import StoreError

PAGE: Final = Path(__file__).with_name("page")
SUMS: Final = "SHA256SUMS"
_ENTRIES: Final = ("page.js", "worker.js")
_APART: Final = "asking.js"  # it starts the worker before the rest of the page is here
_IMPORT: Final = re.compile(r'^import [^;"]*"\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)
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


def served(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """These, and as `page.whole.js` and `worker.whole.js` each entry behind the modules that it imports.

    A module is asked for when the one that imports it has come: some thirty requests before the first picture. A whole
    file has the same lines without `import` and `export`, so no two of its modules may declare the same name.
    """
    texts = {name: content.decode() for name, content in files.items() if name.endswith(".js")}
    wholes = {}
    for entry in _ENTRIES:
        parts: dict[str, str] = {}
        _add(entry, texts, parts)
        apart = "".join(one[0] for one in _IMPORT.finditer(texts[entry]) if one[1] == _APART)
        wholes[entry.replace(".", ".whole.")] = (apart + "".join(parts.values())).encode()
    return {**files, **wholes}


def _add(name: str, texts: Mapping[str, str], parts: dict[str, str]) -> None:
    """The module behind those that it needs, each once."""
    if name in parts or name == _APART:
        return
    for needed in _IMPORT.findall(texts[name]):
        _add(needed, texts, parts)
    parts[name] = f"// {name}\n{_EXPORT.sub('', _IMPORT.sub('', texts[name]))}"


def answer(files: Mapping[str, bytes], name: str) -> Response:
    """The file, or 404. `name`: "" is the page."""
    name = name or "index.html"
    if name not in files:
        return PlainTextResponse("", 404)
    return Response(files[name], media_type=_TYPES.get(Path(name).suffix, "text/plain"))
