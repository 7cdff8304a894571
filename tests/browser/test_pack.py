"""`eyelid browser pack` and `policy`: packages that hold under a reader of our own and under Chromium itself."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from agent.browser import pack
from agent.browser.manifests import EXTENSION, FIREFOX_ID, chromium_id, id_of
from agent.cli.main import main
from agent.errors import EnvironmentFault

ROOT = Path(__file__).resolve().parents[2]
SHORT = 1024  # bits of a key that browsers refuse
FILES = ROOT / "installer" / "browser"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main(["browser", *arguments]) == code
    said = capsys.readouterr()
    return said.out, said.err


# -- a reader of CRX3, written from crx3.proto and not from the writer -------------------------------------------------


def varint(read: io.BytesIO) -> int:
    value = shift = 0
    while True:
        (byte,) = read.read(1)
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field; every field of this format is length-delimited."""
    read = io.BytesIO(message)
    while read.tell() < len(message):
        tag = varint(read)
        assert tag & 7 == 2
        length = varint(read)
        content = read.read(length)
        assert len(content) == length
        yield tag >> 3, content


@dataclass(frozen=True)
class Crx:
    id: str
    public: bytes
    archive: bytes


def read_crx(content: bytes) -> Crx:
    """Raises InvalidSignature, or AssertionError when the id is not that of the key that signed."""
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version) == (b"Cr24", 3)
    header, archive = content[12 : 12 + length], content[12 + length :]
    proofs = [proof for number, proof in fields(header) if number == 2]
    (signed,) = [signed for number, signed in fields(header) if number == 10000]
    ((number, crx_id),) = fields(signed)
    assert (number, len(crx_id)) == (1, 16)
    message = b"CRX3 SignedData\x00" + struct.pack("<I", len(signed)) + signed + archive
    for proof in proofs:
        public, signature = dict(fields(proof))[1], dict(fields(proof))[2]
        verifier = serialization.load_der_public_key(public)
        assert isinstance(verifier, rsa.RSAPublicKey)
        verifier.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        if hashlib.sha256(public).digest()[:16] == crx_id:
            return Crx(id_of(public), public, archive)
    raise AssertionError("no key of it has its id")


def opened(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None
        return {name: read.read(name) for name in read.namelist()}


def test_the_crx_is_signed_by_the_key_whose_id_it_has(key: rsa.RSAPrivateKey) -> None:
    packed = pack.pack(key)
    read = read_crx(packed.crx)
    assert read.id == packed.chromium_id
    manifest = json.loads(opened(read.archive)["manifest.json"])
    assert base64.b64decode(manifest["key"]) == read.public == pack.public_half(key)


@pytest.mark.parametrize("at", [-1, -200, 20, 600])
def test_a_changed_byte_breaks_the_signature(key: rsa.RSAPrivateKey, at: int) -> None:
    """Of the reader above: what it accepts means something."""
    content = bytearray(pack.pack(key).crx)
    content[at] ^= 1
    with pytest.raises((InvalidSignature, AssertionError, ValueError)):
        read_crx(bytes(content))


def source() -> dict[str, bytes]:
    return {
        path.relative_to(EXTENSION).as_posix(): path.read_bytes() for path in EXTENSION.rglob("*") if path.is_file()
    }


def test_both_packages_hold_every_file_and_differ_in_the_key_alone(key: rsa.RSAPrivateKey) -> None:
    packed = pack.pack(key)
    whole = json.loads(source()["manifest.json"])
    for archive in (read_crx(packed.crx).archive, packed.xpi):
        files = opened(archive)
        assert {name: files[name] for name in files if name != "manifest.json"} == {
            name: content for name, content in source().items() if name != "manifest.json"
        }
        manifest = json.loads(files["manifest.json"])
        assert {**manifest, "key": whole["key"]} == whole
    assert "key" not in json.loads(opened(packed.xpi)["manifest.json"])
    assert packed.firefox_id == FIREFOX_ID == whole["browser_specific_settings"]["gecko"]["id"]
    assert packed.version == whole["version"]


def test_the_same_source_and_key_give_the_same_bytes(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(EXTENSION, copy)
    for age, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (age, age))
        path.chmod(0o700)
    (copy / ".DS_Store").touch()
    assert pack.pack(key, copy) == pack.pack(key)


def test_an_extension_that_is_not_whole(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="install Eyelid again"):
        pack.pack(key, tmp_path)


def chromium(*arguments: str) -> None:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = ["chromium", "--no-message-box", *as_root, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_chromium_packs_the_same_extension(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    """Its own packer and our reader, our packer and our reader: one id, one set of files."""
    copy, pem = tmp_path / "extension", tmp_path / "extension.pem"
    ours = pack.pack(key)
    for name, content in opened(read_crx(ours.crx).archive).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(content)
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    chromium(f"--pack-extension={copy}", f"--pack-extension-key={pem}", f"--user-data-dir={tmp_path / 'profile'}")
    theirs = read_crx((tmp_path / "extension.crx").read_bytes())
    assert theirs.id == ours.chromium_id
    assert opened(theirs.archive) == opened(read_crx(ours.crx).archive)


# -- the command -------------------------------------------------------------------------------------------------------


def test_packing_makes_a_key_and_says_what_it_is_worth(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "pack", "-o", "out", "--url", "https://it.example.org/eyelid", "--json")
    key = folder / "eyelid-extension.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "keep it secret" in err
    told = json.loads(out)
    first = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    assert set(first) == {"eyelid.crx", "eyelid.xpi", "update.xml"}
    assert read_crx(first["eyelid.crx"]).id == told["chromium_id"]

    app = ET.fromstring(first["update.xml"]).find("{http://www.google.com/update2/response}app")  # noqa: S314 - our own
    assert app is not None
    check = app[0]
    assert app.get("appid") == told["chromium_id"]
    assert check.get("codebase") == "https://it.example.org/eyelid/eyelid.crx"
    assert check.get("version") == told["version"]

    out, err = run(capsys, "pack", "-o", "out", "--url", "https://it.example.org/eyelid/")
    assert err == ""
    assert f"--id {told['chromium_id']} --crx-url https://it.example.org/eyelid/update.xml" in out
    assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == first


def test_a_key_that_others_may_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "pack", "-o", "out")
    (folder / "eyelid-extension.pem").chmod(0o644)
    _, err = run(capsys, "pack", "-o", "out")
    assert "chmod 600" in err
    assert "give yours with --url" in err


def test_the_key_is_not_published(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run(capsys, "pack", "-o", ".", code=2)
    assert "keep the key elsewhere" in err
    assert list(folder.iterdir()) == []


def pem(private: Any, password: bytes | None = None) -> bytes:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: b"no key", "no private key in PEM"),
        (lambda: b"x" * 70_000, "too large for a key"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
        (lambda: pem(rsa.generate_private_key(65537, SHORT)), "not an RSA key of 2048 bits"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1()), b"word"), "locked with a password"),
    ],
    ids=["text", "large", "elliptic", "short", "locked"],
)
def test_files_that_are_no_key(
    folder: Path, capsys: pytest.CaptureFixture[str], made: Callable[[], bytes], why: str
) -> None:
    content = made()
    (folder / "key.pem").write_bytes(content)
    _, err = run(capsys, "pack", "--key", "key.pem", "-o", "out", code=2)
    assert "key.pem" in err
    assert why in err
    assert (folder / "key.pem").read_bytes() == content


@pytest.mark.parametrize("arguments", [("--key", "none/key.pem", "-o", "out"), ("--key", ".", "-o", "out")])
def test_a_key_that_cannot_be_made_or_read(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    _, err = run(capsys, "pack", *arguments, code=2)
    assert "cannot be" in err
    assert list(folder.iterdir()) == []


def test_addresses_that_are_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--url" in run(capsys, "pack", "-o", "out", "--url", "intranet", code=2)[1]
    assert "update.xml" in run(capsys, "policy", "--crx-url", "https://x.example/eyelid.crx", code=2)[1]
    assert list(folder.iterdir()) == []


# -- what is shipped ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chromium", "chrome", "edge", "firefox"])
def test_the_installers_files_are_what_the_command_prints(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "policy", "--browser", name)
    path = FILES / name / ("policies.json" if name == "firefox" else "eyelid.json")
    assert path.read_text("utf-8") == out, f"eyelid browser policy --browser {name} > {path.relative_to(ROOT)}"
    assert "example" in err  # whoever copies it is told that the addresses are not theirs


def test_the_page_for_it_shows_the_entries_as_they_are() -> None:
    page = (FILES / "README.md").read_text("utf-8")
    chrome = json.loads((FILES / "chrome" / "eyelid.json").read_text("utf-8"))
    edge = json.loads((FILES / "edge" / "eyelid.json").read_text("utf-8"))
    firefox = json.loads((FILES / "firefox" / "policies.json").read_text("utf-8"))["policies"]
    for value in (chrome["ExtensionSettings"], firefox["ExtensionSettings"], firefox["Preferences"]):
        assert json.dumps(value) in page
    for name in {*chrome, *edge, *firefox}:
        assert f"`{name}`" in page
    assert chromium_id() in page


def test_ids_and_addresses_find_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    other, url = "abcdefghijklmnopabcdefghijklmnop", "https://it.example.org/update.xml"
    out, err = run(capsys, "policy", "--browser", "edge", "--id", other, "--crx-url", url)
    policy = json.loads(out)
    assert err == ""
    assert policy["ExtensionSettings"][other]["update_url"] == url
    assert policy["MandatoryExtensionsForInPrivateNavigation"] == [other]
    assert chromium_id() not in out
    out, _ = run(capsys, "policy")
    assert [line for line in out.splitlines() if line.startswith("#")] == [
        "# Chromium: /etc/chromium/policies/managed/eyelid.json",
        "# Chrome: /etc/opt/chrome/policies/managed/eyelid.json",
        "# Edge: /etc/opt/edge/policies/managed/eyelid.json",
        "# Firefox: /etc/firefox/policies/policies.json",
    ]


def test_the_wheel_carries_the_extension_and_the_relay(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as read:
        names = set(read.namelist())
    assert {f"agent/browser/extension/{name}" for name in source()} <= names
    assert "agent/browser/native_host.py" in names
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"agent", "policies", "protocol", "review", "store"}
