"""German and English say the same of everything, and each state has its sentence."""

from __future__ import annotations

from string import Formatter
from typing import Any

import pytest

from agent.core.account.evidence import Deaf
from agent.core.holding import OWN_REASONS
from agent.core.language.keys import OWN_RULES
from agent.core.model.rules import Hold
from agent.tray.icon_state import LEFT_OUT, IconState, Lid, icon_state_of
from agent.tray.words import LANGUAGES, Words, catalogue, language
from testkit.played import held, sound, status

ENGLISH = Words("en")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("other", LANGUAGES[1:])
def test_every_language_has_the_same_keys_and_figures(other: str) -> None:
    english, translated = catalogue("en"), catalogue(other)
    assert sorted(english) == sorted(translated)
    assert {key: fields(text) for key, text in english.items()} == {
        key: fields(text) for key, text in translated.items()
    }


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_every_name_that_the_recorder_may_say_has_its_words(spoken: str) -> None:
    texts = catalogue(spoken)
    names = [*(f"rule.{rule}" for rule in OWN_RULES), *(f"hold.{hold.value}" for hold in Hold)]
    names += [*(f"reason.{reason}" for reason in OWN_REASONS), *(f"title.{lid}" for lid in Lid)]
    names += [f"{part}deaf.{deaf.value}" for part in ("", "advice.") for deaf in Deaf]
    for rule in OWN_RULES:
        names += [f"sentence.shut.{rule}"] if rule in LEFT_OUT else [f"sentence.blind.{rule}", f"advice.blind.{rule}"]
    assert [name for name in names if name not in texts] == []


@pytest.mark.parametrize("spoken", LANGUAGES)
@pytest.mark.parametrize(
    "said",
    [
        None,
        status(),
        status(sound=sound()),
        status(sound=sound("closed", rules=("charts",))),
        status(sound=sound("closed")),
        status(sound=sound("blind", rules=("unreadable",))),
        *(status(sound=sound("stalled", fault=deaf.value)) for deaf in Deaf),
        status(sound=sound("stalled", fault="a-fault-of-a-later-version")),
        status("closed", rules=("card-forms",), sound=sound()),
        status("closed", rules=("card-forms",), sound=sound("stalled", fault="silent")),
        status("blind", rules=("web-engine",), sound=sound()),
        status("stalled", sound=sound("stalled", fault="unsealed")),
        held(100.0, sound=sound("held")),
        status("closed", rules=("card-forms", "web-engine")),
        status("closed", rules=("unlisted",)),
        status("closed", rules=("not-allowed",)),
        status("closed"),
        status("blind", rules=("web-engine",)),
        status("blind", rules=("a-rule-of-a-later-version",)),
        status("stalled"),
        status("stopping"),
        held(100.0),
        held(None),
        *(status("held", holds=(hold.value,)) for hold in Hold if hold is not Hold.BLIND),
    ],
)
def test_every_state_has_a_sentence_and_what_needs_a_person_says_what_to_do(
    spoken: str, said: dict[str, object] | None
) -> None:
    words, icon = Words(spoken), icon_state_of(said)
    assert words.title(icon)
    assert words.sentence(icon, said).endswith(".")
    assert bool(words.advice(icon)) is icon.needs_a_person


def test_a_closed_eye_says_why_and_since_when() -> None:
    said = status("closed", rules=("card-forms", "charts"), since_s=0.0)
    sentence = ENGLISH.sentence(icon_state_of(said), said)
    assert "the rule card-forms; the rule charts." in sentence
    assert "since " in sentence
    said["why"] = {"card-forms": "card numbers are never kept"}
    assert ": card numbers are never kept; the rule charts." in ENGLISH.sentence(icon_state_of(said), said)


def test_a_closed_eye_says_what_may_be_recorded_here() -> None:
    said = status("closed", rules=("not-allowed",), since_s=0.0)
    assert ": Eyelid records only what the policy allows here." in ENGLISH.sentence(icon_state_of(said), said)
    said["why"] = {"not-allowed": "crm, softphone"}
    assert ": Eyelid records only crm, softphone here." in ENGLISH.sentence(icon_state_of(said), said)
    assert ": Eyelid nimmt hier nur crm, softphone auf." in Words("de").sentence(icon_state_of(said), said)


OPEN = {"state": "recording"}
SHUT = {"state": "closed", "rules": ("charts",)}
BLIND = {"state": "blind", "rules": ("web-engine",)}


@pytest.mark.parametrize(
    ("said", "of_call", "title", "english", "german"),
    [
        (
            OPEN,
            None,
            "recording",
            "Calls are not recorded here.",
            "Gespräche werden auf diesem Computer nicht aufgenommen.",
        ),
        (OPEN, sound(), "recording", "your screen and the call are being recorded", "und Ihr Gespräch werden"),
        (
            OPEN,
            sound("closed", rules=("cards",)),
            "recording the screen, the call is closed",
            "not being recorded: the rule cards",
            "nicht aufgenommen. Grund: die Regel cards",
        ),
        (OPEN, sound("closed"), "recording", "not being recorded for a moment", "für einen Moment nicht aufgenommen"),
        (
            OPEN,
            sound("blind", rules=("unreadable",)),
            "recording the screen, the call is closed",
            "a window that Eyelid cannot read",
            "Grund: ein Fenster, das Eyelid nicht lesen kann",
        ),
        (
            OPEN,
            sound("stalled", fault="no-device"),
            "recording the screen, but NOT the call",
            "NOT being recorded: Eyelid finds no headset",
            "NICHT aufgenommen: Eyelid findet weder ein Headset",
        ),
        (
            OPEN,
            sound(fault="microphone"),
            "recording, but only one end of the call",
            "no signal comes from your microphone",
            "Von Ihrem Mikrofon kommt kein Signal",
        ),
        (SHUT, None, "closed", "charts. Nothing is being kept.", "charts. Nichts wird aufgezeichnet."),
        (
            SHUT,
            sound(),
            "screen closed, the call is recorded",
            "but the call goes on being recorded",
            "das Gespräch wird aber weiter aufgenommen",
        ),
        (
            SHUT,
            sound("closed", rules=("charts",)),
            "closed",
            "neither of the screen nor of the call",
            "weder vom Bildschirm noch vom Gespräch",
        ),
        (
            SHUT,
            sound("closed", rules=("charts", "cards")),
            "closed",
            "of the call either: the rule cards.",
            "und vom Gespräch auch nicht. Grund dafür: die Regel cards",
        ),
        (
            SHUT,
            sound("stalled", fault="silent"),
            "closed, and the call cannot be recorded",
            "The call is NOT being recorded",
            "Das Gespräch wird NICHT aufgenommen",
        ),
        (
            SHUT,
            sound(fault="far-end"),
            "screen closed, one end of the call is recorded",
            "Only your microphone is being recorded",
            "nur Ihr Mikrofon aufgenommen",
        ),
        (
            {"state": "blind", "since_s": 0.1},
            sound(),
            "screen closed, the call is recorded",
            "something on the screen has changed. Nothing on the screen is being kept, but the call goes on",
            "das Gespräch wird aber weiter aufgenommen",
        ),
        (
            BLIND,
            sound(),
            "not recording the screen, only the call; something is wrong",
            "the call goes on being recorded",
            "das Gespräch wird aber weiter aufgenommen",
        ),
        (
            BLIND,
            sound(fault="far-end"),
            "not recording the screen, only the call; something is wrong",
            "Only your microphone",
            "nur Ihr Mikrofon",
        ),
        (
            BLIND,
            sound("blind", rules=("web-engine",)),
            "not recording, something is wrong",
            "neither of the screen nor of the call",
            "weder vom Bildschirm noch vom Gespräch",
        ),
        (
            {"state": "held", "holds": ("locked",)},
            sound("held"),
            "closed",
            "neither of the screen nor of the call",
            "weder vom Bildschirm noch vom Gespräch",
        ),
    ],
)
def test_it_says_of_screen_and_call_which_is_closed_and_which_goes_on(
    said: dict[str, Any], of_call: dict[str, Any] | None, title: str, english: str, german: str
) -> None:
    told = status(**said, sound=of_call)
    icon = icon_state_of(told)
    assert english in ENGLISH.sentence(icon, told)
    assert german in Words("de").sentence(icon, told)
    assert ENGLISH.title(icon) == f"Eyelid: {title}"


def test_a_fault_of_screen_and_call_says_what_to_do_about_both() -> None:
    said = status("blind", rules=("web-engine",), sound=sound("stalled", fault="no-device"))
    advice = ENGLISH.advice(icon_state_of(said))
    assert "browser extension" in advice
    assert "Plug in your headset" in advice


def test_a_hold_says_how_long_still() -> None:
    for left, words in ((299.0, "5 min left"), (61.0, "2 min left"), (12.0, "under a minute left")):
        said = held(left)
        assert words in ENGLISH.sentence(icon_state_of(said), said)
    assert "until you resume it" in ENGLISH.sentence(IconState(Lid.HELD, "user"), held(None))


def test_offline_says_for_how_long_and_how_much_waits() -> None:
    assert ENGLISH.offline(status()) == ENGLISH.offline(None) == ""
    assert ENGLISH.offline(status(offline_s=720.0, waiting_s=800.0)) == (
        "Offline: the store has confirmed nothing for 12 min. Recordings of the last 13 min wait on this computer; "
        "nothing is lost."
    )
    assert "last 12 min" in ENGLISH.offline(status(offline_s=720.0, waiting_s=None))


def test_ages_stand_still_while_all_is_well() -> None:
    assert ENGLISH.age(None) == "not yet"
    assert ENGLISH.age(0.0) == ENGLISH.age(9.9) == "under 10 s ago"
    assert ENGLISH.age(30.0) == "30 s ago"
    assert ENGLISH.age(600.0) == "10 min ago"
    assert ENGLISH.age(7200.0) == "2.0 h ago"


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LC_MESSAGES": "de_AT", "LANG": "C"}, "de"),
        ({"LC_ALL": "", "LANG": "de"}, "de"),
    ],
)
def test_the_language_is_the_locales(environment: dict[str, str], spoken: str) -> None:
    assert language(environment) == spoken
