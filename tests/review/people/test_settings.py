"""`people.yaml`: what it says, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.people.names import Narrowing
from review.people.settings import ProviderSettings, Settings, is_safe, read_settings
from store.errors import StoreError

WHOLE = """\
schema: 1
address: https://review.example.com/
idle: 10m
providers:
  staff:
    issuer: https://login.example.com/realms/staff
    client: eyelid
    secret_file: staff.secret
    people: ["*@Example.com", guest@example.org]
    amr: [mfa]
    roles: { leads: [lead], "cn=Agents,dc=x": [agent] }
    teams: { north-people: [north] }
...
"""


def read(folder: Path, text: str) -> Settings:
    (folder / "people.yaml").write_text(text)
    (folder / "staff.secret").write_text("s3cret\n")
    return read_settings(folder)


def test_a_whole_one(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    assert (settings.address, settings.idle, settings.host) == (
        "https://review.example.com", 600 * 10**9, "review.example.com",
    )  # fmt: skip
    staff = settings.providers["staff"]
    assert (staff.secret, staff.claim, staff.amr) == ("s3cret", "email", ("mfa",))
    assert [staff.speaks_for(one) for one in ("anna@example.com", "guest@example.org", "eve@example.org")] == [
        True, True, False,
    ]  # fmt: skip
    assert staff.narrowing({"groups": ["leads", "x"]}) == Narrowing(frozenset({"lead"}), frozenset())


def test_a_small_one(tmp_path: Path) -> None:
    assert read(tmp_path, "schema: 1\naddress: http://localhost:8080\n...\n") == Settings("http://localhost:8080")
    assert read(tmp_path, "schema: 1\naddress: https://Review.x:443/\n...\n") == Settings("https://review.x")


def test_the_player_stands_at_another_port_of_the_same_host(tmp_path: Path) -> None:
    text = "schema: 1\naddress: https://review.x\nplayer: https://Review.x:8443/\n...\n"
    assert read(tmp_path, text) == Settings("https://review.x", player="https://review.x:8443")


@pytest.mark.parametrize("player", ["https://review.x", "https://review.x:443", "https://player.x:8443",
                                    "http://review.x:8443", "https://review.x:8443/p"])  # fmt: skip
def test_a_player_that_is_not_apart_or_not_on_that_host_is_a_mistake(tmp_path: Path, player: str) -> None:
    with pytest.raises(StoreError, match="player"):
        read(tmp_path, f"schema: 1\naddress: https://review.x\nplayer: {player}\n...\n")


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("address: https://review.example.com/", "address: http://review.example.com", "2:10"),
        ("address: https://review.example.com/", "address: https://review.example.com/x", "leave out what follows"),
        ("address: https://review.example.com/", "adress: x", "did you mean address"),
        ("idle: 10m", "idle: 59s", "a minute or more"),
        ("idle: 10m", "idle: 2h", "3:7"),
        ("schema: 1", "schema: 2", "reads schema 1"),
        ("  staff:", "  Staff 1:", "is no name"),
        ("    issuer: https", "    issuer: http", "http:// on this machine alone"),
        ("    client: eyelid\n", "", "without client"),
        ("    secret_file: staff.secret", "    secret_file: other", "cannot be read"),
        ('["*@Example.com", guest@example.org]', '["*"]', "names no people"),
        ('["*@Example.com", guest@example.org]', "[]", "is empty"),
        ("{ north-people: [north] }", "[north]", "names with what each has"),
        ("{ north-people: [north] }", "{ a: [north], a: [north] }", "stands twice"),
        ("    amr: [mfa]", "    amr: mfa", "is a list"),
        ("...\n", "", "people.yaml"),
    ],
)
def test_mistakes(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    assert was in WHOLE
    with pytest.raises(StoreError, match=r"people\.yaml:\d+:\d+ ") as raised:
        read(tmp_path, WHOLE.replace(was, becomes))
    assert says in str(raised.value)


def test_every_mistake_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        read(tmp_path, WHOLE.replace("idle: 10m", "idle: 1s").replace("issuer:", "isuer:").replace("[mfa]", "[]"))
    assert len(str(raised.value).splitlines()) == 4


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: &x [*x]\n", b"[" * 50, b"", b"x" * (2**20 + 1)])
def test_what_is_no_file_of_settings(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "people.yaml").write_bytes(content)
    with pytest.raises(StoreError):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://x", True), ("http://127.0.0.1:1", True), ("http://[::1]:1", True), ("http://localhost", True),
        ("http://x", False), ("http://127.0.0.1.x", False), ("file:///x", False), ("https://", False), ("", False),
        ("https://a@x", False), ("https://x#y", False), ("https://x:99999", False), ("https://[x", False),
        ("None", False),
    ],
)  # fmt: skip
def test_addresses(url: str, safe: bool) -> None:
    assert is_safe(url) is safe


def test_a_name_that_only_ends_alike() -> None:
    one = ProviderSettings("https://x", "c", ("*@example.com",))
    assert not one.speaks_for("anna@evil-example.com")
    assert not one.speaks_for("@example.com")
