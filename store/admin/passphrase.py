"""Where the secret that seals private keys comes from: a file, a key file, the environment, or the person at hand."""

from __future__ import annotations

import getpass
import os
import secrets
import sys
import unicodedata
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from protocol import base64url
from protocol.dumps import refuse_dumps
from store.errors import StoreError, WrongUsage
from store.files import write_new

VARIABLE: Final = "EYELID_PASSPHRASE"
ENOUGH: Final = 3  # of zxcvbn's 0 to 4: more than 10^8 guesses, each of which takes scrypt 0.3 s
_JUDGED: Final = 72  # characters that zxcvbn looks at: it takes seconds for hundreds
_LEAST_KEY_FILE: Final = 32  # bytes
_MOST: Final = 4096  # bytes of either file


def add_options(parser: ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--passphrase-file", type=Path, metavar="F", help="read the passphrase from the first line of F")
    group.add_argument("--key-file", type=Path, metavar="F", help="use the bytes of F (at least 32) as the passphrase")


def given(options: Namespace) -> bool:
    """Whether a passphrase can be had without asking."""
    return bool(options.passphrase_file or options.key_file or os.environ.get(VARIABLE))


def existing(options: Namespace, what: str) -> bytes:
    """The passphrase of something sealed before; `what` names it for the person who is asked."""
    _hold_fast()
    if options.key_file:
        return _key_file(options.key_file)
    return _text(_read(options, f"Passphrase of {what}: "))


def new(options: Namespace) -> bytes:
    """A passphrase to seal new keys under: asked twice, long enough. A key file that is not there yet is made."""
    _hold_fast()
    if options.key_file:
        if not options.key_file.exists():
            try:
                write_new(options.key_file, base64url.encode(secrets.token_bytes(32)).encode() + b"\n")
            except OSError as error:
                raise StoreError(f"{options.key_file} cannot be written: {error.strerror}") from None
        return _key_file(options.key_file)
    text = _read(options, "New passphrase for the private keys: ")
    _refuse_weak(text)
    if not given(options) and _ask("The same again: ") != text:
        raise WrongUsage("the two passphrases differ: start again")
    return _text(text)


def _hold_fast() -> None:
    """Neither the passphrase nor what it opens ends in a core file. Raises StoreError."""
    try:
        refuse_dumps()
    except OSError as error:
        raise StoreError(str(error)) from None


def _refuse_weak(text: str) -> None:
    """Raises WrongUsage for what is soon guessed: who steals the files has all the time."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - reads lists of words, and few commands make a key

    judged = zxcvbn(text[:_JUDGED])
    if judged["score"] < ENOUGH:
        why = judged["feedback"]["warning"].rstrip(".").lower() or "it is too short"
        raise WrongUsage(f"this passphrase is soon guessed ({why}): take four words that do not belong together")


def _read(options: Namespace, prompt: str) -> str:
    if options.passphrase_file:
        try:
            lines = _limited(options.passphrase_file).decode("utf-8").splitlines()
        except UnicodeDecodeError:
            raise WrongUsage(f"{options.passphrase_file} is not text in UTF-8: --key-file takes any bytes") from None
        if not lines or not lines[0]:
            raise WrongUsage(f"{options.passphrase_file}: the first line is empty, it must be the passphrase")
        return lines[0]
    return os.environ.get(VARIABLE) or _ask(prompt)


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise WrongUsage(f"a passphrase is needed: give --passphrase-file, --key-file or {VARIABLE}")
    return getpass.getpass(prompt)


def _text(typed: str) -> bytes:
    # One keyboard types é as one character, another as two.
    return unicodedata.normalize("NFC", typed).encode("utf-8")


def _key_file(path: Path) -> bytes:
    content = _limited(path)
    if len(content) < _LEAST_KEY_FILE:
        raise WrongUsage(f"{path} has {len(content)} bytes: a key file needs at least {_LEAST_KEY_FILE}, by chance")
    return content


def _limited(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _MOST:
        raise WrongUsage(f"{path} is larger than {_MOST} bytes: is it the right file?")
    return content
