"""The packs in policies/: tested from inside, each alone and all together; closed for what they name, never for what
only looks like it, and each entry with its source.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.decide import decide
from agent.core.fit import Fit
from agent.core.match import PageSight, any_of, attributes
from agent.core.model import (
    AllOf,
    Attribute,
    Box,
    Effect,
    Extent,
    Lane,
    Matcher,
    Page,
    Policy,
    PolicyTest,
    Rule,
    Scene,
    Verdict,
    Window,
)
from agent.core.policy_tests import run_tests
from agent.core.policy_url import UrlPattern, parse_pattern
from agent.witness.policies import parse_files, read_files, read_folder

ROOT = Path(__file__).parents[2] / "policies"
PACKS = sorted({file.parent.name for file in ROOT.glob("*/*.yaml")})
FOR_USE = [name for name in PACKS if name != "demo"]  # its pages and programs are the demo's own
ALL = "all packs"

SHOP = "https://shop.example.com/checkout"
STRIPE_CARD = "https://js.stripe.com/v3/elements-inner-card-28d1a5db68bc8cd3492fc1f7b0717035.html"


def joined(*names: str) -> dict[str, bytes]:
    """The files of these packs in one folder, as README.md says: each pack's policy.yaml replaces the one before."""
    return {file: content for name in names for file, content in read_files(ROOT / name).items()}


@cache
def pack(name: str) -> Policy:
    """Reading it also runs the tests inside it: one that does not hold is a PolicyError."""
    return parse_files(joined(*FOR_USE)) if name == ALL else read_folder(ROOT / name)


def judged(*pages: Page, by: str = "payments") -> Verdict:
    return decide(pack(by), Scene(pages=pages))


# -- every pack ---------------------------------------------------------------------------------------------------


def test_there_are_packs() -> None:
    expected = {"demo", "payments", "medical-records", "banking", "passwords", "identity", "hr"}
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


def matchers(rule: Rule) -> list[Matcher]:
    return [m for any_of in rule.any for m in (any_of.matchers if isinstance(any_of, AllOf) else (any_of,))]


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
        rule.id for file in sorted(joined(*names)) for rule in RULES_IN.get(file, ())
    ]


RULES_IN = {
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


def test_a_days_work_in_a_contact_centre_is_recorded_under_all_packs_together() -> None:
    pages = tuple(Page((url,), frozenset({"name", "email", "tel", "username"}), parked=True) for url in CRM)
    assert judged(*pages, by=ALL) == Verdict()
    windows = tuple(
        Window(number, app, "Customer 17 - passwords, payslips, patients", number, Box(0, 0, 800, 600), shown=True)
        for number, app in enumerate(PROGRAMS)
    )
    assert decide(pack(ALL), Scene(windows)) == Verdict()


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


# -- payments: what must close ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        (Page((SHOP, STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "https://shop.example.com/frame", STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "about:srcdoc", STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "https://js.stripe.com/v3/controller-1.html", STRIPE_CARD)), "hosted-card-fields"),
        (Page(("view-source:https://checkout.stripe.com/c/pay/1",)), "payment-pages"),
        (Page((SHOP,), frozenset({"cc-number"})), "card-forms"),
        (Page((SHOP,), frozenset({"name", "CC-CSC"})), "card-forms"),
        (Page((SHOP, "https://cards.example.net/form"), frozenset({"cc-exp-month"})), "card-forms"),
        (Page((SHOP,), selectors=frozenset({'[data-cse="encryptedCardNumber"]'})), "card-forms"),
        (Page((SHOP, "https://www.rsa3dsauth.co.uk/3ds2/cReqWebBased?issuer=1")), "card-confirmation"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_strangers_page_closes(page: Page, rule: str) -> None:
    verdict = judged(Page(("https://news.example/",)), page)
    assert [[reason.id for reason in verdict.on(lane)] for lane in Lane] == [[rule], [rule]]


def test_in_a_window_behind_others_it_closes_the_sound_alone() -> None:
    verdict = judged(Page(("https://news.example/",)), Page((SHOP, STRIPE_CARD), shown=False))
    assert [reason.id for reason in verdict.audio] == ["hosted-card-fields"]
    assert verdict.screen == ()


def test_in_a_tab_behind_another_it_closes_both() -> None:
    """Its picture is in the tab's preview, and nothing in the pack says that previews are off."""
    verdict = judged(Page(("https://news.example/",)), Page((SHOP, STRIPE_CARD), parked=True))
    assert [[reason.id for reason in verdict.on(lane)] for lane in Lane] == [["hosted-card-fields"]] * 2


def test_it_stays_closed_while_a_number_may_be_read_back() -> None:
    assert {rule.stay_closed for rule in pack("payments").rules} == {3_000_000_000}
    assert {rule.on(Lane.AUDIO).lead for rule in pack("payments").rules} == {3_000_000_000}


@pytest.mark.parametrize("url", ["chrome://newtab/", "chrome://new-tab-page/", "edge://newtab/", "about:newtab"])
def test_a_new_tab_into_which_nobody_may_look_closes_nothing(url: str) -> None:
    assert judged(Page((url,), unread=True)) == Verdict()


@pytest.mark.parametrize(
    "url",
    [
        "chrome://settings/payments",
        "chrome://newtab.example/",
        "edge://wallet/",
        "about:preferences",
        "about:blank",
        "https://newtab/",
        SHOP,
    ],
)
def test_any_other_page_into_which_nobody_may_look_closes_both(url: str) -> None:
    verdict = judged(Page((url,), unread=True))
    assert verdict.screen
    assert verdict.audio


# -- addresses, one by one ----------------------------------------------------------------------------------------


Address = tuple[str, Rule, UrlPattern]  # the pack that has it, the rule, the pattern


def addresses() -> tuple[Address, ...]:
    return tuple(
        (name, rule, parse_pattern(written))
        for name in FOR_USE
        for rule in pack(name).rules
        for matcher in matchers(rule)
        if matcher.attribute is Attribute.URL
        for written in matcher.patterns
    )


ADDRESSES = addresses()
OF_A_HOST = [address for address in ADDRESSES if address[2].host and not address[2].scheme]
OF_ANY_HOST = [address for address in ADDRESSES if not address[2].host and not address[2].scheme]


def example(pattern: UrlPattern, host: str, scheme: str = "https") -> str:
    """An address that the pattern fits, but for its host."""
    fragment = f"#{pattern.fragment.replace('*', 'anything&')}" if pattern.fragment else ""
    return f"{scheme}://{host}{pattern.path.replace('*', 'anything/') or '/'}{fragment}"


def closed_by(page: Page, by: str) -> set[str]:
    return {reason.id for reason in judged(page, by=by).screen}


def excused(rule: Rule, page: Page) -> bool:
    return any_of(rule.unless, PageSight.of(page).own_address_only()) is Fit.YES


def test_every_address_is_of_a_host_of_a_path_or_of_a_browser() -> None:
    browsers = {"chrome", "edge", "about", "chrome-extension"}
    assert {pattern.scheme for _, _, pattern in ADDRESSES} == {None, *browsers}
    assert [pattern for _, _, pattern in ADDRESSES if pattern.query] == []
    assert [pattern.host for _, _, pattern in OF_A_HOST if "." not in pattern.host] == []
    assert {name for name, _, _ in OF_ANY_HOST} == {"medical-records", "banking", "hr"}


def test_no_address_stands_there_twice() -> None:
    patterns = [pattern for _, _, pattern in ADDRESSES]
    assert len(patterns) == len(set(patterns)) > 300


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_every_address_of_a_host_closes_as_a_page_and_as_a_frame(scheme: str) -> None:
    for (name, rule, pattern), subdomain in product(OF_A_HOST, ("", "www.", "a.b-2.")):
        url = example(pattern, subdomain + pattern.host, scheme)
        assert rule.id in closed_by(Page((url,)), by=name) or excused(rule, Page((url,))), url
        assert rule.id in closed_by(Page((SHOP, url)), by=name), url


def test_every_address_of_a_path_closes_on_any_host() -> None:
    for (name, rule, pattern), host in product(OF_ANY_HOST, ("emr.example", "10.0.0.7", "[fd00::7]", "localhost")):
        url = example(pattern, host)
        for page in (Page((url,)), Page((SHOP, url))):
            assert rule.id in closed_by(page, by=name), url


def test_every_address_of_a_browser_closes_also_where_such_pages_are_let_pass() -> None:
    """A person who lets all of chrome: pass excuses from Eyelid's own rules, never from the pack's."""
    careless = replace(pack("passwords"), allow_unseen=(Matcher(Attribute.URL, ("chrome:*", "edge:*", "about:*")),))
    for _, rule, pattern in (address for address in ADDRESSES if address[2].scheme):
        colon = ":" if pattern.scheme == "about" else "://"
        page = Page((f"{pattern.scheme}{colon}{pattern.host}{pattern.path}",), unread=True)
        assert rule.id in {reason.id for reason in decide(careless, Scene(pages=(page,))).screen}, page


def mutations(host: str) -> tuple[str, ...]:
    """Hosts of somebody else, which a comparison by substring would take for this one."""
    name, _, tld = host.rpartition(".")
    return (
        f"not{host}",
        f"my-{host}",
        f"{host}.example",
        f"{host}.evil.com.example",
        f"{name}.{tld}x",
        f"{name}-secure.{tld}x",
        f"{name}.example",
        f"{host.replace('.', '-')}.example",
        f"{host[:-1]}",
    )


def test_a_host_that_looks_alike_closes_nothing() -> None:
    for name, _, pattern in OF_A_HOST:
        for host in mutations(pattern.host):
            url = example(pattern, host)
            assert judged(Page((url,)), Page((SHOP, url)), by=name) == Verdict(), url


def test_a_path_that_stands_further_behind_closes_nothing() -> None:
    for _, _, pattern in OF_ANY_HOST:
        for before in ("/blog", "/2026/11", "/de/hilfe"):
            url = example(pattern, f"news.example{before}")
            assert judged(Page((url,)), Page((SHOP, url)), by=ALL) == Verdict(), url


LABEL = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(st.sampled_from([pattern for _, _, pattern in OF_A_HOST]), LABEL, LABEL)
def test_a_host_is_not_one_that_it_begins_or_ends(pattern: UrlPattern, before: str, after: str) -> None:
    for host in (f"{before}{pattern.host}", f"{before}-{pattern.host}", f"{pattern.host}.{after}.example"):
        assert judged(Page((SHOP, example(pattern, host))), by=ALL) == Verdict()


@given(st.sampled_from([pattern for _, _, pattern in (*OF_A_HOST, *OF_ANY_HOST)]))
def test_an_address_inside_another_ones_path_query_or_fragment_closes_nothing(pattern: UrlPattern) -> None:
    inner = example(pattern, pattern.host or "emr.example").removeprefix("https://")
    pages = [Page((f"https://news.example/{sign}{inner}",)) for sign in ("", "?to=https://", "#https://", "r/https://")]
    assert judged(*pages, by=ALL) == Verdict()


# -- where entries come from --------------------------------------------------------------------------------------

NAMED = re.compile(r"- (url|app|title): ")


def says_where_from(comment: str, abbreviations: set[str]) -> bool:
    """`doc:` with an address or what the file calls one; `seen`, `unverified`. Nothing else is a source."""
    if re.search(r"\b(seen|unverified)\b", comment):
        return True
    documented = re.search(r"\bdoc: ([\w.-]+)", comment)
    return documented is not None and (
        re.search(r"\w\.\w", documented[1]) is not None or documented[1] in abbreviations
    )


def without_source(text: str) -> list[int]:
    """The numbers of lines with an entry that neither its own comment nor the block right above explains."""
    abbreviations = set(re.findall(r"(?m)^# doc: (\w+) means \S+\.\S+", text))
    rules = text.partition("\nrules:\n")[2].partition("\ntests:\n")[0]
    first = text[: text.index("\nrules:\n")].count("\n") + 3
    source = in_comment = False
    found = []
    for number, line in enumerate(rules.splitlines(), start=first):
        says = says_where_from(line.partition("#")[2], abbreviations)
        if line.strip().startswith("#"):
            source = says or (in_comment and source)
        elif NAMED.match(line.strip()) and not (source or says):
            found.append(number)
        in_comment = line.strip().startswith("#")
    return found


@pytest.mark.parametrize("name", FOR_USE)
def test_every_entry_says_where_it_comes_from(name: str) -> None:
    files = {path.name: path.read_text("utf-8") for path in (ROOT / name).glob("*.yaml") if path.name != "policy.yaml"}
    missing = {file: without_source(text) for file, text in files.items()}
    assert [file for file in missing if missing[file]] == [], missing


@pytest.mark.parametrize(
    ("entry", "sourced"),
    [
        ("- url: [a.example] # seen: A", True),
        ("- url: [a.example] # unverified", True),
        ("- url: [a.example] # doc: docs.a.example/csp", True),
        ("- url: [a.example] # doc: somewhere", False),
        ("- url: [a.example] # unseen", False),
        ("- url: [a.example]", False),
        ("- app: [a]", False),
        ("# seen\n      - app: [a]", True),
        ("# seen\n      - app: [b]\n      # others\n      - app: [a]", False),
    ],
)
def test_an_entry_without_a_source_is_found(entry: str, sourced: bool) -> None:
    assert (without_source(f"schema: 1\n\nrules:\n  - id: a\n      {entry}\n\ntests:\n") == []) is sourced


def test_the_payments_pack_asks_for_nothing_that_a_window_alone_could_answer() -> None:
    asked = {attribute for rule in pack("payments").rules for any_of in rule.any for attribute in attributes(any_of)}
    assert asked == {Attribute.URL, Attribute.FIELD, Attribute.CSS}


@pytest.mark.parametrize("name", [name for name in FOR_USE if name != "payments"])
def test_what_is_said_is_recorded_but_for_payments(name: str) -> None:
    assert {rule.on(Lane.AUDIO).effect for rule in pack(name).rules} == {Effect.RECORD}
    assert {rule.on(Lane.SCREEN).extent for rule in pack(name).rules} == {Extent.SHOWN}
