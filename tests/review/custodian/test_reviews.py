"""Reviews at the custodian: who signs a month, what is refused, and what the log and its signature then say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import base64url, jws, personal
from protocol.claims import Claims
from protocol.errors import ProtocolError, SignatureError
from review.custodian.custodian import Custodian
from review.refusal import Refusal
from review.reviews import DONE, MISSING, OUTCOMES, UNFINISHED, Statement, listed, sums
from review.samples import sample
from testkit.custody import RULES
from tests.review.custodian.test_samples import NOVEMBER, Season, at

CLEO, ANN, CARL = "cleo@example.com", "ann@example.com", "carl@example.com"
LINE: Final = "{ review: mifid, by: compliance, since: 2026-11-01, within: 20d, why: MiFID II 16(7) }"
REVIEWED: Final = RULES.replace(
    "purposes: [audit, complaint] }", "purposes: [audit, mifid], sample: { mifid: 2 per agent per month } }"
).replace("retention:", f"reviews: [{LINE}]\nretention:")


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    made = Season(tmp_path_factory.mktemp("season"), rules=REVIEWED)
    made.fill()
    made.draw()
    return made


@pytest.fixture(scope="module")
def custodian(season: Season) -> Custodian:
    return season.house.start()


def drawn(season: Season) -> list[str]:
    return sorted(one for there in season.result.drawn["mifid"].values() for one in there)


def outcomes(season: Season, missing: int = 0) -> dict[str, str]:
    several = drawn(season)
    return {one: MISSING if place < missing else OUTCOMES[place % 3] for place, one in enumerate(several)}


def token(season: Season, custodian: Custodian, found: dict[str, str], /, person: str = CLEO, **changed: Any) -> str:
    said = {
        **custodian.nonce(), "person": person, "review": "mifid", "month": NOVEMBER.name,
        "state": UNFINISHED if MISSING in found.values() else DONE, **sums(found),
        "outcomes": hashlib.sha256(listed(found).encode()).hexdigest(),
    }  # fmt: skip
    signer = season.house.people[changed.pop("signer", person)]
    return personal.sign(personal.REVIEW, said | changed, signer)


def hand_in(custodian: Custodian, signed: str, text: str) -> dict[str, Any]:
    return custodian.review(Claims({"review": signed, "list": text}, "request", ProtocolError), "test")


@pytest.mark.parametrize(("missing", "state"), [(0, DONE), (1, UNFINISHED)])
def test_a_month_is_signed_and_what_is_missing_is_named(
    season: Season, custodian: Custodian, missing: int, state: str
) -> None:
    found = outcomes(season, missing)
    signed = token(season, custodian, found)
    told = jws.verify(
        jws.REVIEWED, hand_in(custodian, signed, listed(found))["reviewed"], season.house.signer.key.public
    )
    noted = season.house.entries()[-1]
    assert (noted["kind"], noted["outcome"], noted["resource"]) == ("review", "success", ["mifid"])
    facts = noted["facts"]
    assert facts == {
        "step": "signed", "month": "2026-11", "state": state, "rule": facts["rule"], **sums(found),
        "outcomes": hashlib.sha256(listed(found).encode()).hexdigest(),
        **({"recordings": drawn(season)[:1]} if missing else {}),
    }  # fmt: skip
    assert facts["rule"].startswith("rules.yaml:")
    entry = len(season.house.entries())
    assert {name: told[name] for name in ("signed", "person", "review", "month", "state", "at")} == {
        "signed": personal.read(personal.REVIEW, signed).id, "person": CLEO, "review": "mifid", "month": "2026-11",
        "state": state, "at": season.house.clock.now,
    }  # fmt: skip
    assert told["entry"] >= entry - 1


WRONG: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "in another's name": ({"person": ANN, "signer": CLEO}, "other-person"),
    "without the role": ({"person": ANN}, "refused"),
    "to another custodian": ({"custodian": "x"}, "other-custodian"),
    "no nonce of this one": ({"nonce": base64url.encode(bytes(40))}, "stale"),
    "a review that is none": ({"review": "other"}, "refused"),
    "no word": ({"review": "A b"}, "bad-field"),
    "another month": ({"month": "2026-10"}, "not-drawn"),
    "no month": ({"month": "2026-11-01"}, "bad-field"),
    "a path": ({"month": "../2026-11"}, "bad-field"),
    "another state": ({"state": "good"}, "bad-field"),
    "unfinished, and nothing is missing": ({"state": UNFINISHED}, "unfinished"),
    "other sums": ({"fine": 0}, "other-outcomes"),
    "no number": ({"fine": "1"}, "bad-field"),
    "another list": ({"outcomes": "0" * 64}, "other-outcomes"),
    "no hash": ({"outcomes": "x"}, "bad-field"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_else_is_signed_is_refused_and_noted(season: Season, custodian: Custodian, name: str) -> None:
    changed, code = WRONG[name]
    found = outcomes(season)
    before = len(season.house.entries())
    with pytest.raises(ProtocolError) as refused:
        hand_in(custodian, token(season, custodian, found, **changed), listed(found))
    assert refused.value.code == code
    noted = season.house.entries()[before:]
    assert [(one["kind"], one["outcome"], one["reason"]) for one in noted] == [("review", "failure", code)]


def test_a_month_with_one_missing_is_not_signed_as_done(season: Season, custodian: Custodian) -> None:
    found = outcomes(season, 1)
    with pytest.raises(Refusal) as refused:
        hand_in(custodian, token(season, custodian, found, state=DONE), listed(found))
    assert refused.value.code == "unfinished"


def _without_first(found: dict[str, str]) -> dict[str, str]:
    return dict(list(found.items())[1:])


LISTS: Final[dict[str, tuple[Callable[[dict[str, str]], dict[str, str]], str]]] = {
    "one is left out": (_without_first, "other-sample"),
    "one is added": (lambda found: found | {"0193a1b2-0000-7000-8000-0000000000a1": "fine"}, "other-sample"),
    "nothing": (lambda _: {}, "other-sample"),
    "no outcome": (lambda found: dict.fromkeys(found, "good"), "malformed"),
}


@pytest.mark.parametrize("name", LISTS)
def test_the_list_is_of_what_was_drawn(season: Season, custodian: Custodian, name: str) -> None:
    """Signed as it is, by who may."""
    change, code = LISTS[name]
    found = change(outcomes(season))
    with pytest.raises(Refusal) as refused:
        hand_in(custodian, token(season, custodian, found), listed(found))
    assert refused.value.code == code


@pytest.mark.parametrize("spoil", [
    lambda text: "".join(reversed(text.splitlines(keepends=True))), lambda text: text + "\n", lambda text: text.strip(),
    lambda text: text + text.splitlines(keepends=True)[0], lambda text: text.replace("\n", "\r\n"),
])  # fmt: skip
def test_a_list_has_one_spelling(season: Season, custodian: Custodian, spoil: Callable[[str], str]) -> None:
    text = spoil(listed(outcomes(season)))
    hashed = hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(Refusal) as refused:
        hand_in(custodian, token(season, custodian, outcomes(season), outcomes=hashed), text)
    assert refused.value.code == "malformed"


def test_a_forged_signature_is_refused(season: Season, custodian: Custodian) -> None:
    found = outcomes(season)
    signed = token(season, custodian, found)
    head, payload, signature = signed.split(".")
    other = token(season, custodian, found, person=CARL).split(".")
    for forged in (
        f"{head}.{payload}.{other[2]}", f"{head}.{other[1]}.{signature}", f"{other[0]}.{payload}.{signature}",
        f"{head}.{payload}.", f"{head}.{payload}.{base64url.encode(bytes(64))}",
    ):  # fmt: skip
        with pytest.raises(ProtocolError):
            hand_in(custodian, forged, listed(found))
    consent = personal.sign(personal.CONSENT, {**custodian.nonce(), "person": CLEO}, season.house.people[CLEO])
    with pytest.raises(SignatureError):
        hand_in(custodian, consent, listed(found))
    hand_in(custodian, signed, listed(found))
    with pytest.raises(Refusal, match="counts once"):
        hand_in(custodian, signed, listed(found))


def test_the_sample_is_given_once_it_is_drawn(season: Season, custodian: Custodian) -> None:
    def asked(purpose: str, month: str) -> object:
        return custodian.drawn(Claims({"purpose": purpose, "month": month}, "request", ProtocolError), "test")["drawn"]

    assert asked("mifid", "2026-11") == drawn(season)
    assert asked("audit", "2026-11") is None  # drawn without it
    assert asked("mifid", "2026-12") is None
    for odd in ("", "2026-13", "../clock", "2026-11-01", "26-11"):
        with pytest.raises(ProtocolError) as refused:
            asked("mifid", odd)
        assert refused.value.code == "bad-field"


@given(st.dictionaries(st.uuids(version=4).map(str), st.sampled_from((*OUTCOMES, MISSING)), max_size=20))
def test_only_what_adds_up_is_taken(found: dict[str, str]) -> None:
    counts = sums(found)
    assert counts["drawn"] == len(found) == sum(counts[one] for one in (*OUTCOMES, MISSING))
    for state in (DONE, UNFINISHED):
        said = Statement("mifid", NOVEMBER, state, counts, hashlib.sha256(listed(found).encode()).hexdigest())
        if (state == DONE) == (counts[MISSING] == 0):
            facts = said.check(listed(found), list(found))
            assert facts.get("recordings", []) == sorted(one for one in found if found[one] == MISSING)
        else:
            with pytest.raises(Refusal):
                said.check(listed(found), list(found))


@pytest.mark.parametrize("without", [{}, {"audit": {}}])
def test_a_month_that_was_drawn_without_the_purpose_is_not_signed(
    season: Season, custodian: Custodian, without: dict[str, object]
) -> None:
    """It was signed as done, of none. One that was drawn of nobody's recordings still is."""
    path = Path(season.samples) / "2026-11.drawn"
    before = path.read_bytes()
    try:
        path.write_text(json.dumps(without))
        assert sample(Path(season.samples), "mifid", NOVEMBER.name) is None
        with pytest.raises(Refusal) as refused:
            hand_in(custodian, token(season, custodian, {}), "")
        assert refused.value.code == "not-drawn"
        path.write_text(json.dumps({"mifid": {}}))
        assert sample(Path(season.samples), "mifid", NOVEMBER.name) == []
    finally:
        path.write_bytes(before)


def test_samples_lie_beside_it(season: Season) -> None:
    assert at("2026-12-04T00:00") <= season.house.clock.now
    assert (Path(season.samples) / "2026-11.drawn").exists()
