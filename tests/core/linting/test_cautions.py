"""What is well formed and hardly meant: each caution with its place and its words, and what is no reason for one."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from agent.core.linting.cautions import Kind, cautions
from tests.core.policies import HEAD, parsed


def of_rule(body: str) -> list[tuple[str, str]]:
    """(kind, place and words) of a rule `r`, whose body begins in line 7, column 5."""
    text = HEAD + "rules:\n  - id: r\n    why: a reason\n" + indent(dedent(body).lstrip("\n"), "    ")
    return [(caution.kind.value, str(caution)) for caution in cautions(parsed(text))]


def of_head(head: str) -> list[tuple[str, str]]:
    """Of a line of the head, the fourth."""
    text = HEAD + head + "\nrules:\n  - {id: r, why: w, any: [app: [till]]}\n"
    return [(caution.kind.value, str(caution)) for caution in cautions(parsed(text))]


def any_of(entry: str) -> list[tuple[str, str]]:
    return of_rule(f"any: [{entry}]\n")


@pytest.mark.parametrize(
    "entry",
    [
        "app: [till, 'epic*']",
        "title: ['*chart*', Payment]",
        "all: [{app: [chrome]}, {title: ['*']}]",  # narrowed by the program
        "all: [{app: ['epic*']}, {app: ['*ic']}]",
        "url: [js.stripe.com, 'example.com/*/pay', 'chrome://settings', 'about:blank', intranet, '*/take-payment']",
        "url: ['*?step=pay', '*#/checkout', 'https://bank.example.co.uk', 'com.example', '10.0.0.1', 'edge:*']",
        "field: [cc-number]",
        "css: ['#pan', 'input[name=cvv2]']",
    ],
)
def test_nothing_to_say(entry: str) -> None:
    assert any_of(entry) == []


def case(entry: str, *said: str) -> tuple[str, tuple[str, ...]]:
    return entry, said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        case(
            "all: [{app: [epic]}, {app: [till]}]",
            "a.yaml:7:33 all can never fit: no window has the app asked for here and that of a.yaml:7:18, write both "
            "in one list: app: […, …]",
        ),
        case(
            "app: [epic, Chrome.lnk]",
            "a.yaml:7:23 no process is called Chrome.lnk: that is a file, write the name that `eyelid windows` shows",
        ),
        case(
            "app: [saplogon, sap gui]",
            "a.yaml:7:27 no process is called sap gui: that is a product, write its process, which may be saplogon, "
            "saplgpad, sapgui: `eyelid windows` shows it",
        ),
        case(
            "app: [www.stripe.com]",
            "a.yaml:7:17 no process is called www.stripe.com: that is an address, write url: instead of app:",
        ),
        case(
            "title: ['https://stripe.com*']",
            "a.yaml:7:19 browsers do not write an address into the window's title, write url: instead of title:",
        ),
        case("url: ['htps://stripe.com']", "a.yaml:7:17 no page's address begins with htps:, did you mean https?"),
        case("url: ['smtp://stripe.com']", "a.yaml:7:17 no page's address begins with smtp:, leave it out"),
        case(
            "url: ['stripe.com?step=*pay']",
            "a.yaml:7:17 a * counts only at the end of a part of the query, so that this one never fits, write "
            "?name=begin*",
        ),
        case(
            "title: [\u201c*chart*\u201d]",
            "a.yaml:7:19 a word processor's quotes are part of the word to YAML, so that nothing fits, write '*chart*'",
        ),
        case(
            "url: [pay.invalid]",
            "a.yaml:7:17 no host is called so: .invalid is reserved for what does not exist, write the real address",
        ),
        case(
            "url: [invalid]",
            "a.yaml:7:17 no host is called so: .invalid is reserved for what does not exist, write the real address",
        ),
    ],
)
def test_never(entry: str, said: tuple[str, ...]) -> None:
    assert any_of(entry) == [("never", words) for words in said]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        case("app: ['*']", "a.yaml:7:17 this closes for every program, name the programs"),
        case("title: ['* ?']", "a.yaml:7:19 this closes for every window, write more of the title"),
        case(
            "title: ['*id*']",
            'a.yaml:7:19 this closes for every window in whose title stands "id", write more of the title',
        ),
        case("app: ['e*']", 'a.yaml:7:17 this closes for every program whose name has "e", name the programs'),
        case(
            "all: [{app: ['*']}, {title: ['*']}]",
            "a.yaml:7:24 this closes for every program, name the programs",
        ),
        case("url: ['*']", "a.yaml:7:17 this closes for every page, write the host"),
        case("url: ['https://*/']", "a.yaml:7:17 this closes for every page, write the host"),
        case("url: ['*/a']", "a.yaml:7:17 this closes for every page, write the host"),
        case(
            "url: [com]",
            "a.yaml:7:17 this closes for every site whose address ends in .com, write the whole host",
        ),
        case(
            "url: [co.uk]",
            "a.yaml:7:17 this closes for every site whose address ends in .co.uk, write the whole host",
        ),
        case(
            "url: [de]",
            "a.yaml:7:17 this closes for every site whose address ends in .de, write the whole host",
        ),
        case(
            "field: [cc-csc, email]",
            "a.yaml:7:27 this closes for every form that asks for email, most of them harmless, name a field that only "
            "such forms have",
        ),
        case("css: ['*']", "a.yaml:7:17 this closes for every page, name something that only such pages have"),
        case(
            "css: [Input]",
            'a.yaml:7:17 this closes for every page with a <input>, name one of them: "#its-id" or ".its-class"',
        ),
    ],
)
def test_wide(entry: str, said: tuple[str, ...]) -> None:
    assert any_of(entry) == [("wide", words) for words in said]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        case(
            "allow_unseen: [url: ['chrome:*']]",
            "a.yaml:4:22 this lets pass unseen all of the browser's own pages, saved cards in its settings among them "
            "(chrome:), write the one that is meant, such as chrome://newtab",
        ),
        case(
            "allow_unseen: [url: ['file:///*']]",
            "a.yaml:4:22 this lets pass unseen every file that a browser can show, write the path of the one that is "
            "meant",
        ),
        case(
            "allow_unseen: [url: ['about:blank']]",
            "a.yaml:4:22 this lets pass unseen what any other page can write itself into, leave this out",
        ),
        case(
            "allow_unseen: [title: [Notes]]",
            "a.yaml:4:16 this lets pass unseen whatever calls itself so, and a web page chooses its own title, name "
            "the program with app instead",
        ),
        case(
            "record_when: {any: [app: ['*']]}", "a.yaml:4:27 this begins recording for every program, name the programs"
        ),
    ],
)
def test_what_opens_reaches_too_far(head: str, said: tuple[str, ...]) -> None:
    assert of_head(head) == [("wide", words) for words in said]


def test_what_may_stay_unseen() -> None:
    assert of_head("allow_unseen: [{app: [slack]}, {url: ['about:newtab', 'chrome://newtab', 'file:///help']}]") == []


# -- unless -------------------------------------------------------------------------------------------------------


def test_an_exception_that_swallows_its_rule() -> None:
    assert of_rule("any: [app: [till]]\nunless:\n  - title: [x]\n  - app: ['t*', u]\n") == [
        (
            "never",
            "a.yaml:10:9 r can never close: this unless excuses all that its any names, write a narrower one",
        ),
        ("wide", 'a.yaml:10:15 this keeps this rule silent for every program whose name has "t", name the programs'),
    ]


@pytest.mark.parametrize(
    ("entry", "but"),
    [
        ("field: [cc-csc]", "url: ['*']"),  # the fields of a page without an address of its own
        ("url: ['about:blank']", "url: ['*']"),
        ("title: [x]", "app: ['*']"),  # a program that cannot be read
        ("app: [till]", "title: ['*']"),
    ],
)
def test_an_exception_of_everything_that_can_be_read_leaves_the_rest(entry: str, but: str) -> None:
    assert [kind for kind, _ in of_rule(f"any: [{entry}]\nunless: [{but}]\n")] == ["wide"]


def test_an_exception_of_all_pages_leaves_frames_of_a_page_without_an_address() -> None:
    [never, _] = of_rule("any: [url: [stripe.com]]\nunless: [url: ['*']]\n")
    assert "r closes only for frames inside other pages" in never[1]


def test_an_exception_made_of_several() -> None:
    said = of_rule("any: [all: [{app: [till]}, {title: [x]}]]\nunless: [all: [{app: [till]}, {title: ['*']}]]\n")
    assert said == [
        (
            "never",
            "a.yaml:8:21 r can never close: this unless excuses all that its any names, write a narrower one",
        )
    ]


def test_an_exception_leaves_frames() -> None:
    assert of_rule("any: [url: [stripe.com/docs]]\nunless: [url: [stripe.com]]\n") == [
        (
            "never",
            (
                "a.yaml:8:14 r closes only for frames inside other pages: this unless excuses the pages that its any "
                "names, write a narrower one"
            ),
        )
    ]


def test_an_exception_that_leaves_something() -> None:
    assert of_rule("any: [{url: [stripe.com]}, {field: [cc-csc]}]\nunless: [url: [stripe.com]]\n") == []


# -- rules that do nothing, or nothing more -----------------------------------------------------------------------


def test_a_rule_that_closes_nothing() -> None:
    says = (
        "a.yaml:5:5 r closes nothing: both lanes say record, which counts only beside unlisted: close, write pause for "
        "one, or leave the rule out"
    )
    assert of_rule("any: [app: [till]]\nscreen: record\naudio: record\n") == [("never", says)]
    text = HEAD + "unlisted: close\nrules: [{id: r, why: w, any: [app: [till]], screen: record, audio: record}]\n"
    assert cautions(parsed(text)) == ()


def two(first: str, second: str) -> list[str]:
    text = f"{HEAD}rules:\n  - {{id: one, why: w, {first}}}\n  - {{id: two, why: w, {second}}}\n"
    found = cautions(parsed(text))
    assert {caution.kind for caution in found} <= {Kind.SHADOWED}
    return [str(caution) for caution in found]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("any: [url: [stripe.com]]", "any: [url: [js.stripe.com/v3]]"),
        ("any: [url: [stripe.com]]", "any: [url: [stripe.com]]"),
        ("any: [url: [stripe.com]]", "any: [url: [js.stripe.com]], audio: record"),
        ("any: [url: [stripe.com]], audio: {pause: open}", "any: [url: [js.stripe.com]]"),
        ("any: [url: [stripe.com]], stay_closed: 2s", "any: [url: [js.stripe.com]], stay_closed: 1s"),
        ("any: [url: [stripe.com]], unless: [url: [a.x/b]]", "any: [url: [stripe.com]], unless: [url: [a.x]]"),
    ],
)
def test_a_rule_in_the_shadow_of_another(first: str, second: str) -> None:
    assert two(first, second) == [
        "a.yaml:6:5 two adds nothing: one (a.yaml:5:5) closes for all that it names, leave one of them out"
    ]


def test_the_shadow_falls_on_earlier_ones_too() -> None:
    assert two("any: [app: [till1]]", "any: [app: ['till*']]") == [
        "a.yaml:5:5 one adds nothing: two (a.yaml:6:5) closes for all that it names, leave one of them out"
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("any: [url: [js.stripe.com]]", "any: [url: [braintree.com]]"),
        ("any: [url: [stripe.com]]", "any: [url: [js.stripe.com]], stay_closed: 1s"),
        ("any: [url: [stripe.com]]", "any: [url: [js.stripe.com]], audio: {pause: open}"),
        ("any: [url: [stripe.com]]", "any: [url: [js.stripe.com]], audio: {pause: shown, lead: 5s}"),
        ("any: [url: [stripe.com]], audio: record", "any: [url: [js.stripe.com]]"),
        ("any: [url: [stripe.com]], unless: [url: [a.x]]", "any: [url: [js.stripe.com]]"),
    ],
)
def test_rules_that_each_add_something(first: str, second: str) -> None:
    assert two(first, second) == []


def test_a_rule_that_is_only_tried_makes_no_other_superfluous() -> None:
    assert two("any: [app: [till]], dry_run: true", "any: [app: [till]]") == [
        "a.yaml:5:5 one adds nothing: two (a.yaml:6:5) closes for all that it names, leave one of them out"
    ]
    assert two("any: [app: ['till*']], dry_run: true", "any: [app: [till]]") == []
    assert len(two("any: [app: [till]], dry_run: true", "any: [app: [till]], dry_run: true")) == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("app: [crm]", []),
        ("all: [{app: [desk]}, {title: ['Ticket*']}]", []),
        ("url: [crm.example.com]", []),
        (
            "app: [SAP GUI]",
            [
                (
                    "never",
                    (
                        "a.yaml:4:15 no process is called SAP GUI: that is a product, write its process, which may be "
                        "saplogon, saplgpad, sapgui: `eyelid windows` shows it"
                    ),
                )
            ],
        ),
        (
            "app: [crm, Chrome.exe]",
            [
                (
                    "never",
                    (
                        "a.yaml:4:20 the windows of Chrome.exe count by their pages, which this does not allow, name "
                        "these with url"
                    ),
                )
            ],
        ),
        (
            "title: ['Ticket 1*']",
            [
                (
                    "wide",
                    (
                        "a.yaml:4:9 this allows to be recorded whatever calls itself so, and a web page chooses its "
                        "own title, name the program with app instead"
                    ),
                )
            ],
        ),
        ("app: ['*']", [("wide", "a.yaml:4:15 this allows to be recorded every program, name the programs")]),
    ],
)
def test_what_is_allowed(entry: str, said: list[tuple[str, str]]) -> None:
    assert of_head(f"allow: [{entry}]") == said


def of_browser(unseen: str, *more: str) -> list[tuple[str, str]]:
    """Of an `allow` of Chrome in line 4, `allow_unseen` in line 5, and other files with an `allow` of their own."""
    head = HEAD + f"allow: [app: [crm, chrome]]\nallow_unseen: [app: [{unseen}]]\n"
    found = cautions(parsed(head, *(f"schema: 1\nallow: [app: [{name}]]\n" for name in more)))
    return [(caution.kind.value, str(caution)) for caution in found if caution.where == "a.yaml:4:20"]


def test_a_browser_that_is_allowed_and_may_stay_unseen_is_recorded_whatever_it_shows() -> None:
    assert of_browser("'chrome*'") == of_browser("Chrome.exe", "chrome")
    assert of_browser("Chrome.exe") == [
        (
            "wide",
            (
                "a.yaml:4:20 the windows of chrome are recorded whatever they show where no extension answers for "
                "them: allow_unseen (a.yaml:5:16) lets them pass, leave chrome out there and name its pages with url"
            ),
        )
    ]


@pytest.mark.parametrize("files", [("firefox",), ("chrome", "crm")])
def test_a_browser_that_is_allowed_but_not_recorded(files: tuple[str, ...]) -> None:
    [(kind, says)] = of_browser(*files)
    assert kind == "never"
    assert "count by their pages, which this does not allow" in says
