"""The packs in policies/: tested from inside, each alone and all together; closed for what they name, never for what
only looks like it; each with a guide that says how to use it.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from agent.core.language.tests import run_tests
from agent.core.matching.decide import Verdict, decide
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Effect, Extent, PolicyTest, Rule
from agent.core.model.seen import Box, Page, Scene, Window
from agent.witness.policies import parse_files, read_files
from tests.policies.shipped import ALL, DAILY, FOR_USE, PACKS, ROOT, joined, judged, matchers, pack

# -- every pack ---------------------------------------------------------------------------------------------------


def test_there_are_packs() -> None:
    expected = {
        "demo",
        "payments",
        "medical-records",
        "banking",
        "passwords",
        "identity",
        "hr",
        "webmail",
        "sap",
        "crm",
    }
    assert set(PACKS) == expected


@pytest.mark.parametrize("name", PACKS)
def test_every_rule_closes_each_of_its_lanes_in_a_test_of_the_pack(name: str) -> None:
    policy = pack(name)
    closed = {
        (rule, outcome.lane)
        for outcome in run_tests(policy)
        if outcome.expected is Effect.PAUSE
        for rule in outcome.spoke
    }
    paused = {(rule.id, lane) for rule in policy.rules for lane in Lane if rule.on(lane).effect is Effect.PAUSE}
    assert paused - closed == set()


@pytest.mark.parametrize("name", PACKS)
def test_every_pack_shows_what_looks_alike_and_stays_open(name: str) -> None:
    assert len(open_throughout(name)) >= len(pack(name).rules)


def open_throughout(name: str) -> list[PolicyTest]:
    return [test for test in pack(name).tests if set(test.expect.values()) == {Effect.RECORD}]


@pytest.mark.parametrize("name", FOR_USE)
def test_for_every_rule_a_test_shows_what_looks_like_it_and_stays_open(name: str) -> None:
    """Looks like it: has a word in it that the rule has, so that a comparison by substring would close for it; or,
    where the rule asks for fields, is a page with other fields.
    """
    shown = [(sight, test.scene) for test in open_throughout(name) for sight in [words_of(test)]]
    without = [
        rule.id
        for rule in pack(name).rules
        if not any(
            any(word in sight for word in words(rule)) or (asks_for_fields(rule) and has_fields(scene))
            for sight, scene in shown
            if not any(page.shown is False for page in (*scene.windows, *scene.pages))
        )
    ]
    assert without == []


def words_of(test: PolicyTest) -> str:
    """Everything that a rule could compare, in one text."""
    windows = [f"{window.app} {window.title}" for window in test.scene.windows]
    return " ".join([*windows, *(url for page in test.scene.pages for url in page.urls)]).lower()


def words(rule: Rule) -> set[str]:
    """Names of programs, and those parts of hosts and paths that are long enough to be a name."""
    found = set()
    for matcher in matchers(rule):
        if matcher.attribute in (Attribute.URL, Attribute.APP):
            for pattern in matcher.patterns:
                found |= {word for word in re.split(r"[^a-z0-9]+", pattern.lower()) if len(word) > 4}
    return found - {"index", "https", "frame", "login"}


def asks_for_fields(rule: Rule) -> bool:
    return any(matcher.attribute in (Attribute.FIELD, Attribute.CSS) for matcher in matchers(rule))


def has_fields(scene: Scene) -> bool:
    return any(page.fields or page.selectors for page in scene.pages)


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_closes_no_screen_and_no_sound_of_a_plain_page(name: str) -> None:
    assert judged(Page(("https://example.com/",)), by=name) == Verdict()


# -- packs together -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [*combinations(FOR_USE, 2), tuple(FOR_USE)], ids="+".join)
def test_packs_in_one_folder_are_one_policy_and_hold_one_anothers_tests(names: tuple[str, ...]) -> None:
    together = parse_files(joined(*names))
    assert [rule.id for rule in together.rules] == [
        rule.id for file in sorted(joined(*names)) for rule in rules_in().get(file, ())
    ]


@cache
def rules_in() -> dict[str, tuple[Rule, ...]]:
    """Not as this file is imported, which each worker does."""
    return {
        file: parse_files({file: content, "policy.yaml": read_files(ROOT / name)["policy.yaml"]}, tested=False).rules
        for name in FOR_USE
        for file, content in read_files(ROOT / name).items()
        if file != "policy.yaml"
    }


def test_no_two_packs_have_a_file_of_the_same_name_but_for_the_head() -> None:
    files = [file for name in FOR_USE for file in read_files(ROOT / name) if file != "policy.yaml"]
    assert len(files) == len(set(files))


def test_the_heads_of_all_packs_are_the_same_but_for_the_name() -> None:
    heads = {
        re.sub(r"(?m)^name: .*$", "name:", (ROOT / name / "policy.yaml").read_text("utf-8")): name for name in FOR_USE
    }
    assert list(heads.values()) == [FOR_USE[-1]]


CRM = (
    "https://acme.lightning.force.com/lightning/r/Account/0015/view",
    "https://acme.zendesk.com/agent/tickets/17",
    "https://app.hubspot.com/contacts/17/record/0-1/17",
    "https://acme.crm4.dynamics.com/main.aspx?appid=1&pagetype=entityrecord&etn=account",
    "https://acme.service-now.com/now/nav/ui/classic/params/target/incident.do",
    "https://acme.my.connect.aws/ccp-v2/",
    "https://apps.mypurecloud.de/directory/#/engage/admin/agentmanagement",
    "https://outlook.office.com/mail/inbox",
    "https://mail.google.com/mail/u/0/#inbox",
    "https://teams.microsoft.com/v2/",
    "https://acme.sharepoint.com/sites/handbook/SitePages/passwords-and-payslips.aspx",
    "https://acme.atlassian.net/wiki/spaces/HELP/pages/17/Online+banking",
    "https://www.google.com/search?q=mychart+login",
    "https://www.dhl.de/de/privatkunden.html",
)
PROGRAMS = (
    "outlook", "olk", "thunderbird", "excel", "winword", "ms-teams", "teams", "slack", "zoom", "explorer", "notepad",
    "softphone", "zoiper", "genesys", "citrixreceiver", "chrome", "msedge", "firefox", "xfce4-panel", "finder", "mail",
    "sapgui", "saplogon", "acrobat", "snippingtool", "calculatorapp", "gnome-shell", "nautilus",
)  # fmt: skip


def test_a_days_work_in_a_contact_centre_is_recorded_under_all_packs_but_those_of_whole_systems() -> None:
    """`webmail` and `sap` close for all of a system that a day's work may need: who takes them means that."""
    pages = tuple(Page((url,), frozenset({"name", "email", "tel", "username"}), parked=True) for url in CRM)
    assert judged(*pages, by=DAILY) == Verdict()
    windows = tuple(
        Window(number, app, "Customer 17 - passwords, payslips, patients", number, Box(0, 0, 800, 600), shown=True)
        for number, app in enumerate(PROGRAMS)
    )
    assert decide(pack(DAILY), Scene(windows)) == Verdict()
    assert {reason.id for reason in judged(*pages, by="webmail").screen} == {"webmail"}
    assert {reason.id for reason in decide(pack("sap"), Scene(windows)).screen} == {"sap-programs"}


@pytest.mark.parametrize("name", FOR_USE)
def test_no_pack_cries_wolf_where_nobody_opens_what_it_names(name: str) -> None:
    """A file of one's own beside it is watched all the same."""
    assert {rule.never_matched for rule in pack(name).rules} == {0}
    own = b"schema: 1\nrules: [{ id: own, why: w, any: [app: [crm]] }]\n...\n"
    together = parse_files({**read_files(ROOT / name), "own.yaml": own})
    assert [rule.id for rule in together.rules if rule.never_matched] == ["own"]


def test_no_pack_asks_for_a_title() -> None:
    """Any window whose title was missed for a moment would be in doubt, and close the eye."""
    assert [rule.id for rule in pack(ALL).rules for m in matchers(rule) if m.attribute is Attribute.TITLE] == []


# -- a pack and what somebody adds to it ---------------------------------------------------------------------------


def examples(page: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("name", FOR_USE)
def test_a_file_of_ones_own_goes_beside_a_pack(name: str) -> None:
    """As its guide shows it, with the pack's files as they are."""
    [example] = examples(ROOT / name / "README.md")
    together = parse_files({**read_files(ROOT / name), "ours.yaml": example.encode()})
    own = parse_files({"ours.yaml": example.encode(), "policy.yaml": read_files(ROOT / name)["policy.yaml"]})
    assert {rule.id for rule in together.rules} == {rule.id for rule in (*own.rules, *pack(name).rules)}
    assert len(together.rules) == len(own.rules) + len(pack(name).rules)


@pytest.mark.slow(reason="the policy is parsed anew without each of its entries")
@pytest.mark.parametrize("name", ["banking", "hr", "passwords"])
def test_an_entry_is_switched_off_by_a_sign_before_its_line(name: str) -> None:
    """As every guide says: what is then wrong with the policy is at most a test that showed the entry."""
    file = f"{name}.yaml"
    files = read_files(ROOT / name)
    lines = files[file].decode().splitlines(keepends=True)
    entries = [number for number, line in enumerate(lines) if re.match(r" +- (url|app): \[.*\]", line)]
    for number in entries:
        without = "".join([*lines[:number], "# ", lines[number], *lines[number + 1 :]])
        parsed = parse_files({**files, file: without.encode()}, tested=False)
        assert [rule.id for rule in parsed.rules] == [rule.id for rule in pack(name).rules]


@pytest.mark.parametrize("name", [name for name in FOR_USE if name != "payments"])
def test_sound_is_closed_as_well_by_one_change_that_breaks_no_test(name: str) -> None:
    """As the guides say, in somebody's own copy."""
    files = {
        file: content.replace(b"\n    audio: record\n", b"\n    audio: { pause: open, lead: 3s }\n")
        for file, content in read_files(ROOT / name).items()
    }
    assert {rule.on(Lane.AUDIO).extent for rule in parse_files(files).rules} == {Extent.OPEN}


@pytest.mark.parametrize("name", FOR_USE)
def test_every_pack_has_a_guide_of_one_page(name: str) -> None:
    guide = (ROOT / name / "README.md").read_text("utf-8")
    headings = re.findall(r"(?m)^## (.*)$", guide)
    assert headings == [
        "What it closes for",
        "What it does not see",
        "What it costs",
        "Add your own",
        "Switch an entry off",
        "Test it",
    ]
    for said in ("eyelid policy check FOLDER", "eyelid policy test FOLDER", *(rule.id for rule in pack(name).rules)):
        assert said in guide
    assert len(guide.splitlines()) <= 90


def test_the_table_lists_every_pack() -> None:
    listed = re.findall(r"(?m)^\| \[([\w-]+)\]\(\1/\)", (ROOT / "README.md").read_text("utf-8"))
    assert sorted(listed) == PACKS


@pytest.mark.parametrize("name", [name for name in FOR_USE if name != "payments"])
def test_what_is_said_is_recorded_but_for_payments(name: str) -> None:
    assert {rule.on(Lane.AUDIO).effect for rule in pack(name).rules} == {Effect.RECORD}
    assert {rule.on(Lane.SCREEN).extent for rule in pack(name).rules} == {Extent.SHOWN}
