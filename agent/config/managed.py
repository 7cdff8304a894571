"""What the PC's administrators have set for all users, above every file and variable of a user's.

    Linux     /etc/eyelid/managed.yaml, as agent.yaml. It counts only while root alone can change it.
    Windows   HKLM\\Software\\Policies\\Eyelid\\Agent: a value for each setting, named as in agent.yaml with a dot
              (upload.proxy), as text, a number or a list of texts. Written from Microsoft's reference; not run.
    macOS     /Library/Managed Preferences/org.eyelid.agent.plist, which the system writes from a profile, with the same
              names. Its reading is tested everywhere; under a real profile it was not run.

Each system has one of these places and no other, so nothing here asks which system it is.
"""

from __future__ import annotations

import importlib
import plistlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agent.config.reading import Read, read_file, read_words

FILE: Final = Path("/etc/eyelid/managed.yaml")
PLIST: Final = Path("/Library/Managed Preferences/org.eyelid.agent.plist")
REGISTRY: Final = r"Software\Policies\Eyelid\Agent"
ROOT: Final = 0  # the user number of root

_WRITABLE_BY_OTHERS: Final = 0o022


def read_managed(file: Path = FILE, plist: Path = PLIST, *, owner: int = ROOT) -> Read:
    """The machine's policy; nothing where there is none. `owner`: the user number that alone may write the file."""
    read = Read()
    for part in (_from_file(file, owner), _from_plist(plist), _from_registry()):
        read.values |= part.values
        read.mistakes += part.mistakes
    return read


def _from_file(file: Path, owner: int) -> Read:
    try:
        checked = [(path, path.stat()) for path in (file, file.parent)]
    except (FileNotFoundError, NotADirectoryError):
        return Read()
    except OSError as failure:
        mend = f"run `chmod 755 {file.parent}` and `chmod 644 {file}` as root"
        return Read(mistakes=[f"{file} cannot be read: {failure.strerror}: {mend}"])
    for path, seen in checked:
        if seen.st_uid != owner or seen.st_mode & _WRITABLE_BY_OTHERS:
            mend = f"run `chown root {path}` and `chmod go-w {path}`, or remove {file}"
            return Read(mistakes=[f"{path} can be changed by others than root, so it is no policy: {mend}"])
    return read_file(file)


def _from_plist(plist: Path) -> Read:
    try:
        content = plistlib.loads(plist.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Read()
    except OSError as failure:
        return Read(mistakes=[f"{plist} cannot be read: {failure.strerror}"])
    except (ValueError, plistlib.InvalidFileException):
        return Read(mistakes=[f"{plist} is no list of properties: install the profile again"])
    return read_words(_flat(content, str(plist)), plist.parent)


def _from_registry() -> Read:
    try:
        registry: Any = importlib.import_module("winreg")
    except ModuleNotFoundError:
        return Read()
    try:
        policy = registry.OpenKey(
            registry.HKEY_LOCAL_MACHINE, REGISTRY, 0, registry.KEY_READ | registry.KEY_WOW64_64KEY
        )
    except FileNotFoundError:
        return Read()
    with policy:
        count = registry.QueryInfoKey(policy)[1]
        values = dict(registry.EnumValue(policy, at)[:2] for at in range(count))
    return read_words(_flat(values, rf"HKLM\{REGISTRY}"), Path("C:/"))


def _flat(content: Mapping[str, object], place: str) -> dict[str, tuple[Sequence[str], str]]:
    """Numbers and lists as the words that a file would have."""
    return {
        name: ([str(item) for item in value] if isinstance(value, list) else [str(value)], place)
        for name, value in content.items()
    }
