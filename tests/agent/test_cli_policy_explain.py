"""`eyelid policy explain`: which line closes for what somebody asks about, by which policy, and what would undo it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.cli.main import main
from agent.config import load
from agent.core.language.change import InForce
from agent.core.model.times import SECOND
from agent.enrolment import enrol
from agent.state.in_force import remember
from agent.witness.policies import read_folder
from testkit.fakes.store import FakeStore
from tests.agent.policy_commands import RULES, Out, folder, said, told

__all__ = ["folder"]  # a fixture


def test_explain_names_the_line_and_what_would_undo_it(folder: Path, capsys: Out) -> None:
    out = said(capsys, "explain", "--app", "till", "--title", "Payment")
    assert "Screen: closed\n  ● card-forms closes the screen, because\n" in out
    assert '    the program is called "till".\n' in out
    assert f"    {folder / 'cards.yaml'}:8:15  - app: [till]\n" in out
    assert "    Why: PCI DSS 3.3.1.2\n" in out
    assert 'under unless: of card-forms:  - all: [{ app: ["till"] }, { title: ["Payment"] }]' in out
    assert "Sound: recorded\n  ○ card-forms fits, and lets the sound be recorded, because\n" in out
    assert "To close for it, write audio: pause in card-forms." in out


def test_explain_says_what_no_name_of_a_program_tells(capsys: Out) -> None:
    """Slack is made of web pages: the recorder closes for it, which nobody sees by its name."""
    assert "Electron" in said(capsys, "explain", "--app", "slack")
    assert "Electron" not in said(capsys, "explain", "--app", "till", "--title", "Payment")
    assert "Electron" not in said(capsys, "explain", "https://shop.example")


@pytest.mark.parametrize("address", ["shop.example/pay", "shop.example:8443/pay", "localhost:3000"])
def test_an_address_without_its_scheme_is_not_judged_as_another(address: str, capsys: Out) -> None:
    assert main(["policy", "explain", address]) == 2
    assert f"write https://{address}" in capsys.readouterr().err


def test_explain_doubts_an_address_that_no_page_has(capsys: Out) -> None:
    """It would be recorded, but only because no page is ever called so."""
    assert "no page's address begins with htps:, did you mean https?" in said(capsys, "explain", "htps://shop.example")
    assert "begins with" not in said(capsys, "explain", "about:newtab")


def test_explain_both_lanes_at_once(capsys: Out) -> None:
    assert "Screen and sound: recorded\n  No rule fits it.\n" in said(capsys, "explain", "https://shop.example")
    facts = told(capsys, "explain", "--app", "epic")
    assert facts["audio"]["effect"] == "pause"
    assert facts["audio"]["rules"][0]["undo"].endswith('- app: ["epic"]')


def explained(folder: Path, out: Out, rules: str, *asked: str) -> str:
    (folder / "cards.yaml").write_text(f"schema: 1\nrevision: 1\nname: n\n{rules}\n...\n")
    return said(out, "explain", *asked)


def test_explain_pages(folder: Path, capsys: Out) -> None:
    rules = (
        "rules: [{id: r, why: w, any: [{url: [js.stripe.com]}, {field: [cc-csc]}, {css: ['#pan']}], "
        "unless: [url: [stripe.com/docs]], audio: {pause: open}}]"
    )
    page = "https://shop.example.com:8443/cart?id=7"
    out = explained(folder, capsys, rules, page, "--frame", "https://js.stripe.com/v3")
    assert "with the frame https://js.stripe.com/v3\n" in out
    assert 'the frame https://js.stripe.com/v3 is one that "js.stripe.com" names.' in out
    assert '- url: ["shop.example.com:8443/cart"]' in out
    out = explained(folder, capsys, rules, page, "--field", "cc-csc", "--open")
    assert "open in the background" in out
    assert "○ r closes the screen only while it is in view, because" in out
    assert 'the page has a form field of the kind "cc-csc".' in out
    assert "To close also then, write screen: { pause: open } in r." in out
    out = explained(folder, capsys, rules, page, "--css", "#pan")
    assert 'the page has something that fits "#pan".' in out
    out = explained(folder, capsys, rules, "https://stripe.com/docs", "--frame", "https://js.stripe.com/v3")
    assert "Screen and sound: recorded\n  ○ r keeps silent, because\n" in out
    assert "To close for it, take that line out of unless: of r." in out
    out = explained(folder, capsys, rules, "file:///a/b.html", "--field", "cc-csc")
    assert '- url: ["file:///a/b.html"]' in out


def test_explain_what_nobody_can_read(folder: Path, capsys: Out) -> None:
    rules = "rules: [{id: r, why: w, any: [url: [x.example], field: [cc-csc]]}]".replace(", field", "}, {field")
    rules = rules.replace("any: [url", "any: [{url").replace("csc]]}]", "csc]}]}]")
    out = explained(folder, capsys, rules, "about:blank", "--field", "cc-csc")
    assert "It has no address of its own by which it could be left out." in out
    out = explained(folder, capsys, rules, "about:settings")
    assert "● unreadable (a rule of Eyelid's own) closes both, because" in out
    assert 'add under allow_unseen:  - url: ["about:settings"]' in out
    out = explained(folder, capsys, f"allow_unseen: [url: ['about:newtab']]\n{rules}", "about:newtab")
    assert "○ unreadable (a rule of Eyelid's own) keeps silent" in out
    assert "To close for it, take that line out of allow_unseen." in out


def test_explain_what_another_extension_may_be_showing(folder: Path, capsys: Out) -> None:
    rules = "rules: [{id: r, why: w, any: [field: [cc-csc]]}]"
    out = explained(folder, capsys, rules, "--extension", "dialler@example.com")
    assert "what the extension dialler@example.com may be showing\n" in out
    assert "● unseen-page (a rule of Eyelid's own) closes both, because" in out
    assert "this extension of the browser may be showing something beside its pages" in out
    assert 'add under allow_extensions:  - "dialler@example.com"' in out
    out = explained(
        folder, capsys, f"{rules}\nallow_extensions: [dialler@example.com]", "--extension", "dialler@example.com"
    )
    assert "○ unseen-page (a rule of Eyelid's own) keeps silent" in out
    assert "To close for it, take that line out of allow_extensions." in out
    out = explained(folder, capsys, rules, "--extension", "")
    assert "Bring the browser extension up to date." in out


def test_explain_a_rule_that_is_only_tried(folder: Path, capsys: Out) -> None:
    rules = "rules: [{id: r, why: w, any: [title: ['*chart*']], dry_run: true}]"
    out = explained(folder, capsys, rules, "--title", "Doe - chart")
    assert "a window of some program" in out
    assert "Screen and sound: recorded\n  ◌ r would close both, but is only tried (dry_run), because\n" in out
    assert 'the title is "Doe - chart", which fits "*chart*".' in out


def test_explain_what_is_not_listed_or_not_recorded(folder: Path, capsys: Out) -> None:
    head = "unlisted: close\nrecord_when: {any: [{title: ['Call*']}, {all: [{app: [a]}]}]}\n"
    out = explained(folder, capsys, head + "rules: [{id: r, why: w, any: [app: [x]]}]", "--app", "notes")
    assert "To record it, name it in a rule with screen: record and audio: record." in out
    assert "It is recorded while this is open: title Call*." in out


def test_explain_what_is_not_allowed(folder: Path, capsys: Out) -> None:
    allow = "allow: [app: [crm]]\n"
    out = explained(folder, capsys, allow, "--app", "notes")
    assert "● not-allowed (a rule of Eyelid's own) closes both, because" in out
    assert "the policy keeps only what allow names, and this is not named there" in out
    assert 'To record it, add under allow:  - app: ["notes"]' in out
    assert "Screen and sound: recorded" in explained(folder, capsys, allow, "--app", "crm")
    out = explained(folder, capsys, allow, "--title", "of some program")
    assert "It has no name that can be read, and so it cannot be allowed." in out
    (folder / "ours.yaml").write_text("schema: 1\nallow: [app: [notes]]\n...\n")
    out = said(capsys, "explain", "--app", "notes", "--policy", str(folder))
    assert f"add under allow: in each of these files: {folder}/cards.yaml, {folder}/ours.yaml  - app:" in out


def test_explain_needs_one_thing(capsys: Out) -> None:
    for wrong in (
        [],
        ["https://x", "--app", "till"],
        ["--app", "till", "--field", "cc-csc"],
        ["shop.example"],
        ["https://x", "--extension", "a@x"],
    ):
        assert main(["policy", "explain", *wrong]) == 2
    err = capsys.readouterr().err
    assert "an address, --app with --title, or --extension" in err
    assert "give --extension alone" in err
    assert "--frame, --field and --css are of a page" in err
    assert "shop.example is no address: it has no scheme such as https://; write https://shop.example" in err


def test_explain_judges_by_what_compliance_signed(folder: Path, capsys: Out) -> None:
    with FakeStore() as shop:
        signed = RULES.replace("revision: 3", "revision: 4").replace("id: card-forms", "id: forms")
        shop.bundle = shop.signed_bundle(7, None, **{"cards.yaml": signed})
        enrol(shop.pasted(), load())
    out = said(capsys, "explain", "--app", "till")
    assert "Signed with bundle 7 by the compliance key " in out
    assert f"The folder {folder} holds an older policy (revision 3): it does not count.\n" in out
    assert "    bundle-7/cards.yaml:8:15  - app: [till]\n" in out
    assert told(capsys, "explain", "--app", "till")["policy"]["folder_holds"] == "older"
    out = said(capsys, "explain", "--app", "till", "--policy", str(folder))  # files that are named are judged as files
    assert "● card-forms closes the screen" in out
    assert "bundle" not in out
    assert "does not count: bundle 7 carries a signed policy" in said(capsys, "check")
    assert "does not count: bundle 7 carries a signed policy" in said(capsys, "test")
    assert "does not count" not in said(capsys, "check", str(folder))


def test_explain_by_a_policy_that_is_not_in_force(tmp_path: Path, folder: Path, capsys: Out) -> None:
    remember(tmp_path, InForce.of(read_folder(folder)), 1_700_000_000 * SECOND)
    assert "in force here since 2023-11-1" in said(capsys, "explain", "--app", "till")
    (folder / "cards.yaml").write_text(RULES.replace("why: PCI", "why: the PCI"))
    assert "It changes nothing: " in said(capsys, "explain", "--app", "till")
    (folder / "cards.yaml").write_text(RULES.replace("audio: record}", "audio: pause}").replace(": 3", ": 4"))
    assert "It has 1 mistake and does not come into force" in said(capsys, "explain", "--app", "till")
    (folder / "cards.yaml").write_text("schema: 1\n")
    assert main(["policy", "explain", "--app", "till"]) == 2
    assert "does not end with the line" in capsys.readouterr().err
