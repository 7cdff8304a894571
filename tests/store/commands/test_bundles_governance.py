"""Governance in signed bundles: checked whole, kept by the store, never for a PC, and never an older one again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from protocol import api, bundle
from protocol.carried import carried, read_carried, split
from protocol.policyhash import policy_hash
from store import cli
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.admin.signing import CheckedGovernance
from store.catalog import schema
from store.evidence.verify.sweep import sweep
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.store.commands.test_bundles import Bundles, laptop, policies, policy, run, signed

__all__ = ["laptop", "run", "signed"]  # fixtures

NOTICE = "Wir zeichnen auf.\nFragen: dpo@example.com"


def rules(folder: Path, revision: int = 1, more: str = "", name: str = "roles.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(
        f"schema: 1\nrevision: {revision}\nname: House\nroles:\n  lead: {{ may: [list], of: all }}\n"
        f"retention: [{{ class: rest, keep: 30d }}]\n"
        f"notice: |\n  Wir zeichnen auf.\n  Fragen: dpo@example.com\n{more}...\n",
        encoding="utf-8",
    )
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(laptop: Path) -> Path:
    return rules(laptop / "governance")


@pytest.fixture
def put(run: Bundles, laptop: Path, home: Home) -> Callable[[str], Any]:
    return lambda name: run("put", laptop / name, "--home", home.folder)


def wrong(services: Services, home: Home) -> list[tuple[str, str]]:
    found = sweep(services.database, services.blobs, None, compliance=home.key(COMPLIANCE).id)
    return [(one.kind, finding.code) for one in found for finding in one.report.findings]


def test_governance_is_signed_carried_and_kept_and_no_pc_gets_it(
    run: Bundles, signed: Bundles, put: Callable[[str], Any], laptop: Path, folder: Path, home: Home, pc: Pc,
    services: Services,
) -> None:  # fmt: skip
    told = signed("next.bundle", "--governance", folder)
    files = files_of(folder)
    sizes = {"roles.yaml": len(files["roles.yaml"])}
    assert told["governance"] == {"hash": policy_hash(files), "revision": 1, "files": sizes}
    assert told["notice"] == NOTICE
    assert put("next.bundle")["governance"] == told["governance"]
    token, behind = split((laptop / "next.bundle").read_text())
    answer = pc.client.get(api.BUNDLE, headers=pc.bearer)
    assert answer.json()["bundle"] == token
    assert "may: [list]" not in answer.text
    assert bundle.verify(token, home.key(COMPLIANCE).id).notice == NOTICE
    assert read_carried(behind, told["governance"]["hash"]) == files
    at = ("--home", home.folder)
    shown = run("show", *at, "--save", laptop / "saved", "--save-governance", laptop / "written")
    assert (shown["governance"], shown["notice"]) == (told["governance"], NOTICE)
    assert (laptop / "saved").read_bytes() == (laptop / "next.bundle").read_bytes()
    assert files_of(laptop / "written") == files
    assert wrong(services, home) == []
    with services.database.reading() as connection:
        [reason] = connection.scalars(select(schema.audit.c.reason))
    assert reason == f"revision 2, policy none, governance {policy_hash(files)}"


def test_without_it_a_bundle_is_what_it_was(run: Bundles, signed: Bundles, laptop: Path, home: Home) -> None:
    assert (run("show", "--home", home.folder)["governance"], run("show", "--home", home.folder)["notice"]) == (
        None,
        None,
    )
    signed("one.bundle", "--policies", policies(laptop / "policies", policy(1, "till")))
    assert split((laptop / "one.bundle").read_text())[1] == ""
    code, words = run("show", laptop / "one.bundle", "--save-governance", laptop / "none")
    assert (code, "carries no governance files" in words) == (1, True)
    assert not (laptop / "none").exists()


def test_the_next_bundle_carries_it_on_until_it_is_taken_out(
    signed: Bundles, put: Callable[[str], Any], laptop: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = signed("one.bundle", "--governance", folder)
    two = signed("two.bundle", "--policies", policies(laptop / "policies", policy(1, "till")), before="one.bundle")
    assert (two["governance"], two["notice"]) == (one["governance"], one["notice"])
    assert split((laptop / "two.bundle").read_text())[1] == split((laptop / "one.bundle").read_text())[1]
    code, words = signed("same.bundle", "--governance", folder, before="two.bundle")
    assert (code, "nothing would change" in words) == (2, True)
    own = ["--key", str(laptop / "compliance.key"), "--from", str(laptop / "two.bundle")]
    assert cli.main(["bundle", "sign", *own, "--no-governance", "-o", str(laptop / "three.bundle")]) == 0
    said = capsys.readouterr().out
    assert "GOVERNANCE IS GONE: nothing is opened but by a reader's key, offline." in said
    three = bundle.verify((laptop / "three.bundle").read_text().strip(), one["signer"])
    assert (three.governance, three.notice) == ("", "")
    for name in ("one.bundle", "two.bundle", "three.bundle"):
        assert put(name)["revision"]
    assert put("one.bundle")[0] == 1  # an older bundle stays refused


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("people: { ann@x.org: { roles: [chief] } }\n", 'roles.yaml:10:32 there is no role "chief"'),
        ("teems: {}\n", 'roles.yaml:10:1 "teems" is not a key'),
        (
            "tests: [{ who: { role: lead }, do: play, what: {}, expect: granted }]\n",
            "roles.yaml:10:9",  # a test of the rules' own that does not hold
        ),
        ("a: [\n", "roles.yaml:10:4 YAML finds no end"),
    ],
)
def test_mistakes_are_shown_as_they_are_and_nothing_is_signed(
    signed: Bundles, laptop: Path, folder: Path, more: str, why: str
) -> None:
    rules(folder, more=more)
    code, words = signed("none.bundle", "--governance", folder)
    assert (code, why in words) == (2, True), words
    assert "nothing was signed" in words
    assert "Traceback" not in words
    assert not (laptop / "none.bundle").exists()


def test_every_mistake_is_shown_at_once(signed: Bundles, folder: Path) -> None:
    rules(folder, more="teems: {}\nrools: {}\n")
    _, words = signed("none.bundle", "--governance", folder)
    assert "roles.yaml:10:1" in words
    assert "roles.yaml:11:1" in words


@pytest.mark.parametrize(
    ("names", "why"), [((), "holds no set of governance rules"), (("roles.yml",), "only names that end in .yaml"),
                       (("a:b.yaml",), "no plain name")],
)  # fmt: skip
def test_a_folder_that_is_not_meant_is_refused(signed: Bundles, laptop: Path, names: tuple[str, ...], why: str) -> None:
    (laptop / "odd").mkdir()
    for name in names:
        rules(laptop / "odd", name=name)
    code, words = signed("none.bundle", "--governance", laptop / "odd")
    assert code in (1, 2)
    assert why in words
    assert not (laptop / "none.bundle").exists()


@pytest.mark.parametrize("revision", [2, 1])
def test_older_rules_are_not_put_back_by_a_newer_bundle(signed: Bundles, folder: Path, revision: int) -> None:
    signed("one.bundle", "--governance", rules(folder, 2))
    rules(folder, revision, more="# another\n")
    code, words = signed("two.bundle", "--governance", folder, before="one.bundle")
    assert (code, f"its `revision:` is {revision}, after 2 in the bundle before: write 3" in words) == (2, True), words
    rules(folder, 3)
    assert signed("two.bundle", "--governance", folder, before="one.bundle")["governance"]["revision"] == 3


@pytest.mark.parametrize("before", [0, 2])
def test_rules_without_a_revision_are_told_which_to_write(
    signed: Bundles, folder: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """Which the check refuses; one of another version may not."""
    if before:
        signed("one.bundle", "--governance", rules(folder, before))
    file = rules(folder) / "roles.yaml"
    file.write_text(file.read_text("utf-8").replace("revision: 1\n", ""), "utf-8")
    monkeypatch.setattr("store.commands.bundles.check_governance", CheckedGovernance)  # it finds no mistake
    more = {"before": "one.bundle"} if before else {}
    code, words = signed("two.bundle", "--governance", folder, **more)
    told = f"has changed and says no `revision:`, a whole number: write {before + 1}"
    assert (code, told in words) == (2, True), words


def test_a_check_of_other_bytes_signs_nothing(
    signed: Bundles, laptop: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of another version, or of files that were changed in between: its answer is of another hash."""
    monkeypatch.setattr("store.commands.siblings.policy_hash", lambda _: "0" * 64)  # files that changed
    code, words = signed("none.bundle", "--governance", folder)
    assert (code, "cannot be run here" in words) == (2, True)
    assert not (laptop / "none.bundle").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda _: "", "the governance files are not in it"),
        (lambda behind: behind.replace("[list]", "[play]"), "not the files that compliance signed"),
        (lambda behind: behind[:-9], "no JSON object"),
        (lambda _: json.dumps({"files": {"../a.yaml": ""}}), "no plain name"),
    ],
)  # fmt: skip
def test_files_that_were_not_signed_are_not_taken(
    signed: Bundles, put: Callable[[str], Any], laptop: Path, folder: Path, home: Home, run: Bundles,
    change: Callable[[str], str], why: str,
) -> None:  # fmt: skip
    signed("one.bundle", "--governance", folder)
    token, behind = split((laptop / "one.bundle").read_text())
    (laptop / "odd.bundle").write_text(f"{token}\n{change(behind)}")
    code, words = put("odd.bundle")
    assert (code, why in words) == (1, True), words
    assert run("show", "--home", home.folder)["revision"] == 1


def test_files_without_a_signed_hash_are_not_taken(
    put: Callable[[str], Any], signed: Bundles, laptop: Path, folder: Path
) -> None:
    signed("one.bundle", "--policies", policies(laptop / "policies", policy(1, "till")))
    text = (laptop / "one.bundle").read_text() + carried(files_of(folder))
    (laptop / "odd.bundle").write_text(text)
    code, words = put("odd.bundle")
    assert (code, "not the files that compliance signed" in words) == (1, True)


# -- what the catalog holds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (None, [("bundle", "no-governance")]),
        ('{"files":{"roles.yaml":""}}', [("governance", "wrong-governance")]),
        ("nonsense", [("governance", "malformed")]),
        (b"\xff\x00", [("governance", "malformed")]),
    ],
)
def test_what_became_of_it_in_the_catalog_is_named_and_stops_nothing(
    run: Bundles, signed: Bundles, put: Callable[[str], Any], laptop: Path, folder: Path, home: Home,
    services: Services, pc: Pc, text: object, findings: list[tuple[str, str]],
) -> None:  # fmt: skip
    signed("one.bundle", "--governance", folder)
    put("one.bundle")
    with services.database.writing() as connection:
        change = delete(schema.governance) if text is None else update(schema.governance).values(carried=text)
        connection.execute(change)
    assert wrong(services, home) == findings
    shown = run("show", "--home", home.folder, "--save", laptop / "token")
    assert (shown["governance"]["files"], shown["readers"] != []) == (None, True)
    code, words = signed("two.bundle", "--policies", policies(laptop / "p", policy(1, "till")), before="token")
    assert (code, "sign one with --no-governance first" in words) == (2, True)
    assert signed("two.bundle", "--no-governance", before="token")["governance"] is None
    assert put("one.bundle")["revision"] == 2  # the same bundle again puts them back
    assert wrong(services, home) == []
    assert pc.device


def test_a_row_of_another_hash_is_named_and_stops_nothing(
    signed: Bundles, put: Callable[[str], Any], folder: Path, home: Home, services: Services
) -> None:
    signed("one.bundle", "--governance", folder)
    put("one.bundle")
    with services.database.writing() as connection:
        connection.execute(update(schema.governance).values(hash=b"\xff"))
    assert wrong(services, home) == [("bundle", "no-governance"), ("governance", "wrong-governance")]


def test_a_bundle_that_is_no_text_is_named_and_stops_nothing(
    signed: Bundles, put: Callable[[str], Any], folder: Path, home: Home, services: Services
) -> None:
    signed("one.bundle", "--governance", folder)
    put("one.bundle")
    with services.database.writing() as connection:
        changed = update(schema.bundles).where(schema.bundles.c.revision == 2).values(token=b"\xff")
        connection.execute(changed)
    assert wrong(services, home) == [("bundle", "malformed")]


def test_people_are_told_of_governance_and_notice(
    signed: Bundles, laptop: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed("one.bundle", "--governance", folder)
    assert cli.main(["bundle", "show", str(laptop / "one.bundle")]) == 0
    told = capsys.readouterr().out
    assert f"governance {policy_hash(files_of(folder))}, revision 1" in told
    assert "notice     Wir zeichnen auf." in told
    assert "notice     Fragen: dpo@example.com" in told
    (laptop / "token").write_text(split((laptop / "one.bundle").read_text())[0])
    assert cli.main(["bundle", "show", str(laptop / "token")]) == 0
    assert "its files are not here" in capsys.readouterr().out
    assert cli.main(["bundle", "show", str(laptop / "current.bundle")]) == 0
    assert "governance none: nothing is opened but by a reader's key, offline" in capsys.readouterr().out
