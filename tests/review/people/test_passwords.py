"""Passwords with codes: guessed, replayed, raced; and who is kept out by whom."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.people import totp
from review.people.passwords import GUESSES, PROPOSED
from review.people.routes import KNOWN
from review.people.service import Failed
from store.clock import SECOND
from store.errors import Refusal
from tests.review.people.conftest import ANNA, BERT, PASSWORD, Browser, Console, secret_of

WRONG = "another lantern sidewalk mango"


def enter(browser: Browser, person: str, password: str, code: str) -> tuple[int, str]:
    answer = browser.post("/v1/password", {"person": person, "password": password, "code": code})
    return answer.status_code, answer.text


# -- codes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    assert totp.code_of(b"12345678901234567890", seconds // 30, digits=8) == code


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**33), st.integers(-200, 200))
def test_a_code_is_good_for_a_step_before_and_after(secret: bytes, seconds: int, off: int) -> None:
    made = max(0, seconds + off) // 30
    found = totp.step_of(secret, totp.code_of(secret, made), seconds * SECOND)
    if abs(made - seconds // 30) <= 1:
        assert found is not None
        assert totp.code_of(secret, found) == totp.code_of(secret, made)
    elif found is not None:  # once in a million
        assert totp.code_of(secret, found) == totp.code_of(secret, made)


@pytest.mark.parametrize("code", ["", "1", "0" * 7, "é" * 6, "\u0661" * 6, "\udc80" * 6, "000000\n"])
def test_what_is_no_code(code: str) -> None:
    assert totp.step_of(bytes(20), code, 0) is None


# -- a new one --------------------------------------------------------------------------------------------------------


def test_a_password_is_made_with_the_first_code(console: Console) -> None:
    browser = console.browser()
    browser.post("/v1/join", {"link": console.invited()})
    before = browser.token
    proposed = browser.post("/v1/password/new", {"password": PASSWORD}).json()
    secret = secret_of(proposed["uri"])
    wrong = browser.post("/v1/password/set", {"pending": proposed["pending"], "code": "000000"})
    assert wrong.json()["error"] == "wrong-code"
    answer = browser.post("/v1/password/set", {"pending": proposed["pending"], "code": console.code(secret)})
    assert answer.json() == {"state": "signed-in", "person": ANNA}
    assert browser.token != before
    assert console.status(browser) == 200
    assert console.log.said()[-1] == f"account {ANNA} password-set"


@pytest.mark.parametrize("password", ["", "short", "password1234", "anna@example.com", "x" * 1025, "a" * 40])
def test_what_is_soon_guessed(console: Console, password: str) -> None:
    with pytest.raises(Refusal, match="soon guessed"):
        console.app.passwords.propose(console.begun().session, password)


def test_few_are_looked_at_of_a_person(console: Console) -> None:
    session = console.begun().session
    for _ in range(int(PROPOSED.burst)):
        console.app.passwords.propose(session, PASSWORD)
    with pytest.raises(Refusal, match="too often"):
        console.app.passwords.propose(session, PASSWORD)
    console.app.passwords.propose(console.begun(BERT).session, PASSWORD)


def test_of_a_long_one_no_more_is_judged_than_takes_a_moment(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    monkeypatch.setattr("zxcvbn.zxcvbn", lambda text, **_: judged.append(text) or {"score": 4})  # type: ignore[func-returns-value]
    console.app.passwords.propose(console.begun().session, "4@8({[<6" * 9)
    assert judged == ["4@8({[<6" * 3]


def test_new_ones_keep_nobody_from_signing_in(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = console.with_password(ANNA)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*_: object) -> dict[str, str]:
        begun.set()
        go_on.wait(60)
        return {}

    monkeypatch.setattr(console.app.passwords, "propose", slowly)  # as long as the test wants
    browser = console.browser()
    browser.post("/v1/join", {"link": console.invited(BERT)})
    with ThreadPoolExecutor(4) as pool:
        try:
            for _ in range(4):
                pool.submit(browser.post, "/v1/password/new", {"password": PASSWORD})
            assert begun.wait(60)
            assert enter(console.browser(), ANNA, PASSWORD, console.code(secret))[0] == 200
        finally:
            go_on.set()


def test_a_proposal_is_of_one_session_and_of_ten_minutes(console: Console) -> None:
    session = console.begun().session
    pending = console.app.passwords.propose(session, PASSWORD)["pending"]
    berts = console.begun(BERT).session
    with pytest.raises(Refusal, match="too long"):
        console.app.passwords.confirm(berts, pending, "000000", "192.0.2.1")
    for forged in ("", "A" * 99, ("B" if pending[0] == "A" else "A") + pending[1:]):
        with pytest.raises(Refusal, match="too long"):
            console.app.passwords.confirm(session, forged, "000000", "192.0.2.1")
    console.clock.pass_by(600)
    with pytest.raises(Refusal, match="too long"):
        console.app.passwords.confirm(session, pending, "000000", "192.0.2.1")


# -- signing in -------------------------------------------------------------------------------------------------------


def test_a_password_and_its_code(console: Console) -> None:
    secret = console.with_password()
    browser = console.browser()
    assert enter(browser, "ANNA@Example.com", PASSWORD, console.code(secret))[0] == 200
    assert console.status(browser) == 200
    assert console.log.said() == [f"sign-in {ANNA} password"]


def test_a_code_is_good_once(console: Console) -> None:
    secret = console.with_password()
    code = console.code(secret)
    assert enter(console.browser(), ANNA, PASSWORD, code)[0] == 200
    assert enter(console.browser(), ANNA, PASSWORD, code)[0] == 401
    assert console.log.said()[-1] == f"sign-in {ANNA} replayed"


def test_of_two_that_race_with_one_code_one_wins(console: Console) -> None:
    secret = console.with_password()
    proofs = [console.app.passwords.prove(ANNA, PASSWORD, console.code(secret), "", "a") for _ in range(2)]
    console.people.sign_in(proofs[0], "a")
    with pytest.raises(Refusal):
        console.people.sign_in(proofs[1], "a")
    assert len(console.people.sessions(ANNA)) == 1


def test_an_older_code_after_a_newer_one(console: Console) -> None:
    secret = console.with_password()
    older = console.code(secret)
    console.clock.pass_by(30)
    assert enter(console.browser(), ANNA, PASSWORD, console.code(secret))[0] == 200
    assert enter(console.browser(), ANNA, PASSWORD, older)[0] == 401


def test_nobody_hears_who_is_known(console: Console) -> None:
    secret = console.with_password()
    console.invited(BERT)  # known, without a password
    tries = {
        "wrong-password": (ANNA, WRONG, console.code(secret)),
        "wrong-code": (ANNA, PASSWORD, "000000"),
        "no-password": (BERT, PASSWORD, "000000"),
        "no-name": ("\u0430nna@example.com", PASSWORD, console.code(secret)),
    }
    heard = {enter(console.browser(), *one) for one in (*tries.values(), ("eve@example.org", PASSWORD, "000000"))}
    assert len(heard) == 1
    reasons = [act.reason for act in console.log.acts if act.kind == "sign-in"]
    assert reasons == [*tries, "no-password"]
    assert console.log.acts[-2].who == "stranger"


def test_as_much_is_reckoned_for_a_stranger(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    console.with_password()
    passwords, seen = console.app.passwords, list[str]()
    fits = passwords._fits
    # What is compared is counted.
    monkeypatch.setattr(passwords, "_fits", lambda hashed, typed: seen.append(hashed[:40]) or fits(hashed, typed))
    for name in (ANNA, "eve@example.org"):
        with pytest.raises(Failed):
            passwords.prove(name, WRONG, "000000", "", "a")
    assert len(seen) == 2
    assert seen[0].partition("$")[2][:25] == seen[1].partition("$")[2][:25]  # the same parameters


# -- guessing ---------------------------------------------------------------------------------------------------------


def guess(console: Console, known: str = "", person: str = ANNA, origin: str = "203.0.113.9") -> str:
    """What becomes of a wrong guess."""
    try:
        console.app.passwords.prove(person, WRONG, "000000", known, origin)
    except Refusal as refusal:
        return refusal.code
    except Failed:
        return "guessed"
    raise AssertionError


def test_many_addresses_guess_no_faster_than_one(console: Console) -> None:
    console.with_password()
    guesses = [guess(console, origin=f"203.0.113.{at}") for at in range(50)]
    assert guesses == ["guessed"] * int(GUESSES.burst) + ["too-many"] * (50 - int(GUESSES.burst))
    console.guesses_at[0] += 24 * 3600
    assert sum(guess(console) == "guessed" for _ in range(50)) == int(GUESSES.burst)
    assert console.log.said().count(f"sign-in {ANNA} throttled") == 2  # a flood of guesses is no flood of entries


def test_a_stranger_keeps_nobody_out_of_their_own_browser(console: Console) -> None:
    secret = console.with_password()
    browser = console.browser()
    assert enter(browser, ANNA, PASSWORD, console.code(secret))[0] == 200
    while guess(console) == "guessed":
        pass
    console.clock.pass_by(30)
    assert enter(console.browser(), ANNA, PASSWORD, console.code(secret))[0] == 429
    assert enter(browser, ANNA, PASSWORD, console.code(secret))[0] == 200


def test_a_known_browser_guesses_by_its_own_count_and_for_its_own_person(console: Console) -> None:
    secret = console.with_password()
    console.with_password(BERT)
    browser = console.browser()
    enter(browser, ANNA, PASSWORD, console.code(secret))
    known = browser.cookies[KNOWN]
    assert [guess(console, known) for _ in range(12)] == ["guessed"] * 10 + ["too-many"] * 2
    assert guess(console) == "guessed"
    while guess(console, person=BERT) == "guessed":
        pass
    assert guess(console, known, person=BERT) == "too-many"  # of Anna's browser alone
    while guess(console) == "guessed":
        pass
    for forged in (
        "A" * 60,
        known[:-1],
        console.people.sealer.seal("oidc", {"person": ANNA, "id": "1", "ends": 9**18}),
    ):
        assert guess(console, forged) == "too-many"
    console.clock.pass_by(181 * 24 * 3600)
    assert guess(console, known) == "too-many"


def test_names_that_nobody_has_are_held_back_alike(console: Console) -> None:
    console.with_password()
    for person in (ANNA, BERT, "eve@example.org"):
        assert [guess(console, person=person) for _ in range(11)] == ["guessed"] * 10 + ["too-many"]


@pytest.mark.parametrize("person", [ANNA, "eve@example.org"])
def test_a_name_that_shares_a_count_does_not_tell_whether_the_other_is_known(
    console: Console, monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    console.with_password()
    monkeypatch.setattr("review.people.passwords._COUNTS", 1)  # of 4,096
    while guess(console, person=person) == "guessed":
        pass
    assert guess(console, person="new@example.org") == "too-many"


@pytest.mark.parametrize("word", ["\ud800", "\x00", "é" * 2000])
def test_odd_words_are_wrong_words(console: Console, word: str) -> None:
    console.with_password()
    for tried in ((word, PASSWORD, "0"), (ANNA, word, "0"), (ANNA, PASSWORD, word)):
        with pytest.raises(Failed):
            console.app.passwords.prove(*tried, word, "a")
