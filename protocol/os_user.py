"""Who runs this process, as the system says: not as the environment claims, which anyone can set."""

from __future__ import annotations

import os

from protocol.system import ON_WINDOWS


def os_user() -> str:
    """The name of the account, or its number where it has none. Not `getpass.getuser`, which believes LOGNAME.

    On Windows the environment's word, for want of a better one. Bytes that are no UTF-8 come as "?".
    """
    if ON_WINDOWS:
        return whole(os.environ.get("USERNAME", ""))
    import pwd  # noqa: PLC0415 - Windows has none

    uid = os.getuid()
    try:
        return whole(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return str(uid)


def whole(claimed: str) -> str:
    """Bytes that are no UTF-8 come as half surrogates, and no JSON that has them is read again."""
    return claimed.encode("utf-8", "replace").decode("utf-8")
