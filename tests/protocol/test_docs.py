"""docs/envelope.md is what a stranger implements: it names every code, type and number that the code uses."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Final

from protocol import base64url, jws, keys
from tests.protocol.test_vectors import cases, load

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "envelope.md").read_text(encoding="utf-8")


def raised_codes() -> set[str]:
    """The first argument of every error that protocol/ makes."""
    codes: set[str] = set()
    for file in (ROOT / "protocol").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(first := node.args[0], ast.Constant):
                name = ast.unparse(node.func).rpartition(".")[2]
                if re.fullmatch(r"\w*Error|KeyProblem|_error", name) and name not in {"ValueError", "OSError"}:
                    codes.add(str(first.value))
    return codes


def test_every_code_is_on_the_page() -> None:
    codes = raised_codes()
    assert {"bad-magic", "wrong-tag", "bad-field", "wrong-commitment", "broken-chain", "damaged"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []


def test_every_code_of_the_vectors_exists() -> None:
    expected = {case["expect"] for name in ("chunks", "packets", "signed", "statements") for case in cases(name)}
    expected |= {code for case in cases("ledger") for code in case["expect"]}
    assert expected - {"ok"} <= raised_codes()


def test_every_type_is_on_the_page() -> None:
    assert [typ for typ in sorted(jws.TYPES) if f"| `{typ}` |" not in PAGE] == []


def test_every_kind_of_ledger_entry_is_on_the_page() -> None:
    kinds: set[str] = set()
    for file in (ROOT / "agent").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(first := node.args[0], ast.Constant):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in {"Write", "write", "_write_heads"} and isinstance(first.value, str):
                    kinds.add(first.value)
    kinds = {kind for kind in kinds if re.fullmatch(r"[a-z-]+", kind)}
    assert {"start", "lane-closed", "heads"} <= kinds
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in PAGE] == []


def test_the_suite_s_numbers_are_on_the_page() -> None:
    for label, number in (("KEM", keys.KEM_ID), ("KDF", keys.KDF_ID), ("AEAD", keys.AEAD_ID)):
        assert f"| {label} | 0x{number:04X} " in PAGE
    assert f'"kem": {keys.KEM_ID}, "kdf": {keys.KDF_ID}, "aead": {keys.AEAD_ID}' in PAGE


def test_the_example_on_the_page_is_the_vector() -> None:
    block = next(block for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) if "EYL1" in block)
    dumped = ""
    for row in block.strip().splitlines():
        at, written, *_ = re.split(r"  +", row.strip())
        assert int(at) * 2 == len(dumped)
        dumped += written.replace(" ", "")
    sealed = load("recording")["chunks"][1]["sealed"]
    assert dumped == sealed


def test_the_example_packet_is_the_vector() -> None:
    example = next(
        json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if '"v": 1' in block
    )
    payload = json.loads(base64url.decode(load("recording")["packet"].split(".")[1]))
    assert example.keys() == payload.keys()
    for name in example.keys() - {"wrapped", "monitors"}:
        assert example[name] == payload[name]
    assert example["wrapped"].keys() == payload["wrapped"].keys()
    assert example["monitors"] == payload["monitors"][:1]


def test_the_page_s_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors
