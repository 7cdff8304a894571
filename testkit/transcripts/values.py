"""Personal data as it is spoken, token by token: random values, in German and English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

DE: Final = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
EN: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TENS = {
    "de": ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"),
    "en": ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
}
_TEENS = {
    "de": ("zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"),
    "en": (
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ),
}
_MONTHS_DE: Final = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
_MONTHS_EN: Final = "January February March April May June July August September October November December"
_MONTHS: Final = {"de": _MONTHS_DE.split(), "en": _MONTHS_EN.split()}
_DE_ORDINALS: Final = "ersten zweiten dritten vierten fünften sechsten siebten achten neunten zehnten elften zwölften"
_POST: Final = (
    "Anton Berta Cäsar Dora Emil Friedrich Gustav Heinrich Ida Julius Kaufmann Ludwig Martha Nordpol Otto Paula Quelle "
    "Richard Samuel Theodor Ulrich Viktor Wilhelm Xanthippe Ypsilon Zacharias"
)
_BUCHSTABEN: Final = {word[0].lower(): word for word in _POST.split()}
_ICAO: Final = (
    "Alpha Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliet Kilo Lima Mike November Oscar Papa Quebec Romeo "
    "Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu"
)
_NATO: Final = {word[0].lower(): word for word in _ICAO.split()}
Tokens = list[str]
"""A digit is written as a figure alone; it is the model of errors that writes it out."""


def pair(language: str, number: int) -> str:
    """10 to 99 in one word, as in German, or with a hyphen."""
    if number < 20:
        return _TEENS[language][number - 10]
    tens, ones = divmod(number, 10)
    if not ones:
        return _TENS[language][tens]
    if language == "de":
        return f"{'ein' if ones == 1 else DE[ones]}und{_TENS['de'][tens]}"
    return f"{_TENS['en'][tens]}-{EN[ones]}"


def digits(random: Random, count: int, first: str = "") -> Tokens:
    return [*first, *(str(random.randrange(10)) for _ in range(count - len(first)))]


def in_pairs(random: Random, language: str, figures: Tokens) -> Tokens:
    """Now and then two digits as one number: sechsundsiebzig, seventy-six."""
    found, at = [], 0
    while at < len(figures):
        two = "".join(figures[at : at + 2])
        if len(two) == 2 and two[0] != "0" and random.random() < 0.3:
            found.append(pair(language, int(two)))
            at += 2
        else:
            found.append(figures[at])
            at += 1
    return found


def _card(random: Random, _: str, __: Mapping[str, Any]) -> Tokens:
    return digits(random, 16, random.choice(["4", "5", "4111", "37"]))


def _iban(random: Random, language: str, _: Mapping[str, Any]) -> Tokens:
    if language == "de":
        return ["D", "E", *digits(random, 20)]
    return ["G", "B", *digits(random, 2), *random.choice(["BARC", "NWBK", "LOYD"]), *digits(random, 14)]


def _expiry(random: Random, language: str, _: Mapping[str, Any]) -> Tokens:
    month, year = random.randrange(1, 13), random.randrange(26, 33)
    return random.choice(
        [
            [*f"{month:02}", *f"{year}"],
            [_MONTHS[language][month - 1], pair(language, year)],
            [f"{month:02}/{year}"],
            [_MONTHS[language][month - 1], f"20{year}"],
        ]
    )


def _birth(random: Random, language: str, _: Mapping[str, Any]) -> Tokens:
    day, month, year = random.randrange(1, 29), random.randrange(1, 13), random.randrange(1940, 2005)
    name = _MONTHS[language][month - 1]
    if language == "en":
        spoken = [] if year >= 2000 else ["nineteen", *([pair("en", year % 100)] if year % 100 > 9 else [])]
        return random.choice(
            [[name, f"{day}th,", str(year)], [f"{month}/{day}/{year}"], [name, pair("en", day + 9), *spoken]]
        )
    ordinals = _DE_ORDINALS.split()
    spoken = ["neunzehnhundert" + pair("de", year % 100)] if year < 2000 else ["zweitausend"]
    return random.choice(
        [
            [f"{day}.", name, str(year)],
            [f"{day:02}.{month:02}.{year}"],
            [ordinals[day % 12], ordinals[month - 1], *spoken],
            [ordinals[day % 12], name, *([pair("de", year % 100)] if year % 100 > 9 else [str(year)])],
        ]
    )


def _phone(random: Random, language: str, _: Mapping[str, Any]) -> Tokens:
    if language == "de":
        return in_pairs(
            random, "de", digits(random, random.choice([10, 11, 12]), random.choice(["0176", "0151", "030"]))
        )
    if random.random() < 0.25:
        return [random.choice(["eight", "six"]), "hundred", *digits(random, 7)]
    return digits(random, 10, random.choice("23456789"))


def _email(random: Random, language: str, lists: Mapping[str, Any]) -> Tokens:
    first, last = random.choice(lists["first"]).lower(), random.choice(lists["last"]).lower()
    at = random.choice(["at", "ät", "Klammeraffe"]) if language == "de" else "at"
    dot = "punkt" if language == "de" else "dot"
    local = random.choice([[first, dot, last], [first[0], dot, last], [last, *str(random.randrange(10, 99))], [first]])
    return [*local, at, *random.choice(lists["host"]).split()]


def _spelling(random: Random, language: str, lists: Mapping[str, Any]) -> Tokens:
    name = "".join(letter for letter in random.choice(lists["last"]).lower() if letter in _NATO)[:8]
    if random.random() < 0.5:
        return [letter.upper() for letter in name]
    if language == "de":
        return [part for letter in name for part in (letter.upper(), "wie", _BUCHSTABEN[letter])]
    return [part for letter in name for part in (letter.upper(), "as", "in", _NATO[letter])]


def _name(random: Random, _: str, lists: Mapping[str, Any]) -> Tokens:
    return [random.choice(lists["first"]), random.choice(lists["last"])]


def _address(random: Random, language: str, lists: Mapping[str, Any]) -> Tokens:
    street, city = random.choice(lists["street"]).split(), random.choice(lists["city"])
    number = str(random.randrange(1, 199))
    if language == "de":
        return [*street, number, *random.choice([[], [*digits(random, 5), city], ["in", city]])]
    return [number, *street, *random.choice([[], [city], [city, *digits(random, 5)]])]


def _account(random: Random, _: str, __: Mapping[str, Any]) -> Tokens:
    return digits(random, random.choice([7, 8, 9, 10]))


MAKERS: Final[Mapping[str, Callable[[Random, str, Mapping[str, Any]], Tokens]]] = {
    "card": _card,
    "cvv": lambda random, _, __: digits(random, 3),
    "expiry": _expiry,
    "iban": _iban,
    "account": _account,
    "ssn": lambda random, _, __: digits(random, 9),
    "tax_id": lambda random, _, __: digits(random, 11),
    "health_insurance": lambda random, _, __: [random.choice("ABCDKMTX"), *digits(random, 9)],
    "birth": _birth,
    "phone": _phone,
    "email": _email,
    "spelling": _spelling,
    "name": _name,
    "address": _address,
    "last_four": lambda random, language, _: in_pairs(random, language, digits(random, 4)),
}
