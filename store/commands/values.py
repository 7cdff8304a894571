"""Values of options, as people write them. Needs no store, so that commands that open none start without one."""

from __future__ import annotations

import ipaddress
import re
from argparse import ArgumentTypeError
from typing import Final

from protocol.numbers import read_number
from store.clock import SECOND

_SIZES: Final = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS: Final = {"m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> int:
    """30m, 12h, 7d -> ns."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    if not match:
        raise ArgumentTypeError(f"{text!r} is no length of time: write 30m, 12h or 7d")
    return int(match[1]) * _UNITS[match[2]] * SECOND


def port(text: str) -> int:
    number = read_number(text, 65535)
    if number is None:
        raise ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535 (0 takes a free one)")
    return number


def size(text: str) -> int:
    """500MB, 20GB, 2TB -> bytes."""
    match = re.fullmatch(r"([1-9][0-9]{0,5}) ?([MGT]B)", text)
    if not match:
        raise ArgumentTypeError(f"{text!r} is no size: write 500MB, 20GB or 2TB")
    return int(match[1]) * _SIZES[match[2]]


def count(text: str) -> int:
    number = read_number(text, 100_000)
    if not number:
        raise ArgumentTypeError(f"{text!r} must be a number from 1 to 100000")
    return number


def loopback(text: str) -> tuple[str, int]:
    """Scraping needs no secret, so it is for this machine alone."""
    host, _, number = text.rpartition(":")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ArgumentTypeError(
            f"{text!r}: an address of this machine alone and a port, such as 127.0.0.1:9464; for a Prometheus "
            "elsewhere put a proxy of yours before it"
        )
    return host.strip("[]"), port(number)
