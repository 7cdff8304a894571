"""The governance files that go with a bundle: in its file and in the store, never to a PC.

The bundle has their hash alone (`Bundle.governance`); who carries them can withhold them, and change nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from protocol.claims import VERSION, Claims, parse_object
from protocol.errors import BundleError
from protocol.language.folder import LARGEST_FOLDER, MOST_FILES
from protocol.policyhash import policy_hash

MAX_SIZE: Final = 16 * 2**20  # characters; as JSON no byte of a file becomes more than six
LARGEST_FILE: Final = 2 * MAX_SIZE + 4  # bytes of a bundle's: a token has at most as many, and lines have ends
_LONGEST_NAME: Final = 255  # bytes
# A file's name and no path, on any system. Half surrogates are what Python makes of names that are no UTF-8.
_OTHER: Final = r"/\\:\x00-\x1f\x7f-\x9f\ud800-\udfff"
_NAME: Final = re.compile(rf"[^.{_OTHER}][^{_OTHER}]*\.yaml")


def carried(files: Mapping[str, bytes]) -> str:
    """The files (name -> UTF-8) as one line of ASCII. Raises BundleError: bad-field, bad-name, oversized."""
    _check(files)
    try:
        texts = {name: files[name].decode("utf-8") for name in sorted(files)}
    except UnicodeDecodeError:
        raise BundleError("bad-field", "governance: a file of it is not text in UTF-8") from None
    return json.dumps({"v": VERSION, "files": texts}, separators=(",", ":"))


def read_carried(text: str, hash: str) -> Mapping[str, bytes]:  # noqa: A002 - what it is
    """The files, if `hash` is theirs: that of a bundle's `governance`.

    Raises BundleError: oversized, malformed, bad-field, unknown-version, unknown-critical, bad-name; wrong-governance
    for other files than those that were signed.
    """
    if len(text) > MAX_SIZE:
        raise BundleError("oversized", f"governance: {len(text)} characters, more than the {MAX_SIZE} allowed")
    try:
        values = parse_object(text.encode("ascii"))
    except ValueError:
        message = "governance: behind the bundle's token stands no JSON object in ASCII: is its file whole?"
        raise BundleError("malformed", message) from None
    claims = Claims(values, "governance", BundleError)
    claims.check_format()
    files = {name: content.encode("utf-8") for name, content in claims.text_map("files").items()}
    _check(files)
    if policy_hash(files) != hash:
        raise BundleError("wrong-governance", "governance: these are not the files that compliance signed")
    return files


def split(text: str) -> tuple[str, str]:
    """Of a bundle's file: the signed token, and what it carries; "" where that is nothing."""
    token, _, behind = text.strip().partition("\n")
    return token.rstrip(), behind.strip()


def _check(files: Mapping[str, bytes]) -> None:
    if not files:
        raise BundleError("bad-field", "governance: there is no file")
    if len(files) > MOST_FILES:
        raise BundleError("oversized", f"governance: {len(files)} files, more than the {MOST_FILES} allowed")
    if (size := sum(map(len, files.values()))) > LARGEST_FOLDER:
        raise BundleError("oversized", f"governance: {size} bytes, more than the {LARGEST_FOLDER} allowed")
    for name in files:
        if not _NAME.fullmatch(name) or len(name.encode("utf-8")) > _LONGEST_NAME:
            raise BundleError("bad-name", "governance: a file of it has no plain name that ends in .yaml")
