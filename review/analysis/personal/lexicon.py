"""Words by which personal data is asked for, announced or excused: tables to be read, added to, and argued about.

A phrase is words in this order with at most three others between. A word of six letters or more is also found misspelt,
and split or joined. Words are in lower case; ß is ss.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Kind(StrEnum):
    CARD = "card"
    CVV = "cvv"
    EXPIRY = "expiry"
    IBAN = "iban"
    ACCOUNT = "account"
    SSN = "ssn"
    TAX_ID = "tax_id"
    HEALTH_INSURANCE = "health_insurance"
    BIRTH = "birth"
    PHONE = "phone"
    EMAIL = "email"
    SPELLING = "spelling"
    NAME = "name"
    ADDRESS = "address"
    LAST_FOUR = "last_four"
    NUMBER = "number"  # digits that nothing explains
    REPEATED = "repeated"  # what the other end had said


NUMERIC: Final = frozenset(Kind) - {Kind.EMAIL, Kind.SPELLING, Kind.NAME, Kind.ADDRESS, Kind.REPEATED}

# What names a datum, in a question of the agent as in a statement of the customer.
NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    Kind.CARD: (
        "kartennummer", "kreditkartennummer", "nummer karte", "nummer kreditkarte", "kreditkarte nummer",
        "sechzehn ziffern", "sechzehn stellen", "karte zahlen", "zahle karte",
        "card number", "number card", "long number", "sixteen digits", "credit card number", "debit card number",
        "which card", "welche karte", "pay card",
    ),
    Kind.CVV: (
        "prüfziffer", "kartenprüfnummer", "prüfnummer", "sicherheitscode", "sicherheitsnummer", "kartenprüfziffer",
        "drei ziffern", "drei zahlen", "drei stellen", "ziffern rückseite", "hinten steht", "rückseite steht",
        "zahlen hinten", "cvv", "cvc", "cvb", "cv", "security code", "three digits", "four digits front",
        "verification number", "verification code", "on the back", "digits back", "see vv", "ce vau vau",
    ),
    Kind.EXPIRY: (
        "gültig bis", "bis gültig", "ablaufdatum", "läuft ab", "verfallsdatum", "gültigkeit", "verfällt", "ablauf",
        "expiry", "expires", "expire", "expiration", "valid until", "valid through", "good until", "good through",
        "exp date",
    ),
    Kind.IBAN: (
        "iban", "i ban", "e-bahn", "ebahn", "e-mahn", "eye ban", "bankverbindung", "kontoverbindung", "i-ban",
        "konto abbuchen", "bank account details",
        "sort code",
    ),
    Kind.ACCOUNT: (
        "kontonummer", "kundennummer", "vertragsnummer", "mitgliedsnummer", "depotnummer", "account number",
        "routing number", "member number", "customer number", "policy number", "membership number",
        "bankleitzahl", "iban konto", "passnummer", "ausweisnummer", "passport number", "pin", "kennwort",
    ),
    Kind.SSN: (
        "social security", "social security number", "ssn", "your social", "my social", "national insurance",
        "sozialversicherungsnummer", "rentenversicherungsnummer",
    ),
    Kind.TAX_ID: (
        "steuer-id", "steuerid", "steuer id", "steueridentifikationsnummer", "steuernummer",
        "steuerliche identifikationsnummer", "identifikationsnummer", "tax number", "tax id", "taxpayer",
    ),
    Kind.HEALTH_INSURANCE: (
        "versichertennummer", "krankenversichertennummer", "krankenversicherungsnummer", "gesundheitskarte",
        "krankenkassenkarte", "versicherungsnummer", "insurance number", "medicare", "nhs number",
    ),
    Kind.BIRTH: (
        "geburtsdatum", "geburtstag", "geboren", "geburtsjahr", "jahrgang", "date of birth", "birthday", "birth date",
        "birthdate", "was born", "were born", "dob",
    ),
    Kind.PHONE: (
        "telefonnummer", "handynummer", "mobilnummer", "rufnummer", "rückrufnummer", "erreichen telefonisch",
        "nummer zurückrufen", "nummer erreichen", "phone number",
        "telephone number", "mobile number", "cell number", "cell phone", "number reach",
    ),
    Kind.EMAIL: (
        "e-mail", "email", "mailadresse", "e-mail-adresse", "mail", "e-mails", "email address",
    ),
    Kind.SPELLING: (
        "buchstabieren", "buchstabiere", "buchstabiert", "wie schreibt", "schreibt sich", "wird geschrieben",
        "geschrieben wird", "schreibt man", "spell", "spelled", "spelt", "spelling", "is written",
    ),
    Kind.ADDRESS: (
        "adresse", "anschrift", "wohnen", "wohne", "wohnhaft", "umgezogen", "postleitzahl", "hausnummer", "wohnort",
        "lieferadresse", "rechnungsadresse", "current address", "your address", "my address", "street address",
        "billing address", "shipping address", "you live", "i live", "we moved", "post code", "postcode", "zip code",
    ),
    Kind.LAST_FOUR: (
        "letzten vier", "letzte vier", "endet auf", "enden auf", "worauf endet", "last four", "ends in", "end in",
        "ending in",
    ),
}  # fmt: skip

# Names, which only a question or a turn of speech announces.
NAME_ASKED: Final = (
    "ihr name", "ihren namen", "ihr nachname", "vornamen", "vorname", "nachnamen", "nachname", "welchen namen",
    "wem spreche", "wie heissen", "your name", "full name", "first name", "last name", "surname", "am speaking",
    "am talking", "what name", "whose name", "mädchenname", "maiden name", "speaking with", "talking to",
)  # fmt: skip
NAME_BEFORE: Final = (
    "mein name ist", "mein name lautet", "ich heisse", "mein name", "my name is", "my name's", "name ist", "name is",
)  # fmt: skip
# Announce a name only where the next word has a capital.
NAME_BEFORE_CAPITAL: Final = (
    "hier ist", "hier spricht", "am apparat ist", "this is", "i'm", "i am", "herr", "herrn", "frau", "mister", "mr",
    "mrs", "ms", "miss",
)  # fmt: skip
NAME_AFTER: Final = ("ist mein name", "is my name", "speaking", "am apparat", "hier", "here")
MY_SPOUSE: Final = _set("meine eine die deine seine der my a the")  # "meine Frau": no name follows

# The agent says again what was said, to the end of that turn.
SAYS_AGAIN: Final = (
    "wiederhole", "ich lese vor", "lese noch mal vor", "zur bestätigung", "i repeat", "read that back", "read back",
    "let me repeat",
)  # fmt: skip

# An agent's turn near a name of a datum is a question if it has one of these, or if it ends soon after.
REQUESTS: Final = _set(
    "bitte darf dürfte können könnten kann könnte wie was welche welcher welches wann wo worauf wem nennen nenne sagen "
    "sag geben gib verraten brauche bräuchte bräuchten benötige haben hätte lesen liest fehlt noch what what's which "
    "when where how who may can could please give tell read confirm verify need have do would provide"
)

# Turns of the agent that end no answer.
PROMPTS: Final = _set(
    "ja jawohl mhm hm hmm aha genau weiter okay ok gut richtig so und dann moment gerne bitte sehr yes yeah yep uh huh "
    "uhhuh go on ahead right sure alright and next mm hmm"
)

FILLERS: Final = _set("äh ähm ähem öhm hm hmm mhm um uh er erm uhm ah ach also ja so mal well okay ok like")
CORRECTIONS: Final = _set(
    "nein quatsch falsch entschuldigung sorry pardon moment halt stopp korrektur no wait mean actually oops scratch i "
    "ich meine"
)
CONNECTORS: Final = _set(
    "und and dann then nochmal nochmals wieder again strich bindestrich minus dash hyphen punkt dot point komma comma "
    "schrägstrich slash leerzeichen space doppel doppelt double triple dreimal zweimal plus mit bis"
)
# Heard for a digit, and counted as one only beside others.
HOMOPHONES: Final = _set(
    "for fore to too ate won oh o ein eine eines einst frei dry fünft fünfte ach achte neuen neue sieb lieben zeh nein "
    "fife niner sex sechse nul zwar"
)

MONTHS: Final = _set(
    "januar jänner februar märz april mai juni juli august september oktober november dezember january february march "
    "may june july october december jan feb mar apr jun jul aug sep sept okt oct nov dez dec"
)

# Harmless: what stands after a number, and what stands before one of at most `HARMLESS_DIGITS` digits.
UNITS: Final = _set(
    "euro euros eur € cent cents dollar dollars $ pound pounds pence franken prozent percent % promille uhr o'clock "
    "oclock pm p.m a.m sekunde sekunden minute minuten stunde stunden tag tage tagen woche wochen monat monate monaten "
    "jahr jahre jahren second seconds minutes hour hours day days week weeks month months year years kilometer meter "
    "zentimeter millimeter km cm mm miles feet inches megabit mbit gigabit gbit megabits gigabits gigabyte megabyte gb "
    "mb tb megahertz volt volts watt watts ampere grad degrees kilo kilogramm gramm liter stück mal personen leute "
    "leuten people punkte points breit hoch lang wide tall high long kilowattstunden kwh pieces times"
)
HARMLESS_DIGITS: Final = 12  # a longer one is masked whatever is said before it
HARMLESS_BEFORE: Final = (
    "bestellnummer", "auftragsnummer", "ticketnummer", "vorgangsnummer", "sendungsnummer", "paketnummer",
    "rechnungsnummer", "artikelnummer", "seriennummer", "modell", "fehlercode", "fehler", "version", "raum", "zimmer",
    "aktenzeichen", "bearbeitungsnummer", "order number", "ticket number", "tracking number", "case number",
    "confirmation number", "invoice number", "reference number", "item number", "serial number", "model", "error code",
    "error", "flight", "room",
)  # fmt: skip
BEFORE_A_YEAR: Final = _set("jahr jahre in seit ab since from until year bis anfang ende mitte")
YEARS: Final = range(2018, 2036)  # of appointments, contracts and versions: no grown person was born in them

AT: Final = _set("at ät @ et ed add klammeraffe affe")
DOTS: Final = _set("punkt dot . point")
DOMAINS: Final = _set("de com net org info eu uk co at ch io edu gov")
# An e-mail address does not reach back over these.
EMAIL_BEGINS: Final = _set(
    "an auf ist lautet is to it's its mail e-mail email ja yes die adresse address mailen schreiben schicken send "
    "write auch have also unter das that's i"
)

STREETS: Final = (
    "strasse", "straße", "weg", "allee", "gasse", "platz", "ring", "damm", "ufer", "chaussee", "steig", "graben",
    "markt", "bach", "str", "stieg", "promenade",
)  # fmt: skip
STREETS_AFTER: Final = _set(
    "street road avenue lane court drive close boulevard way place square crescent terrace highway"
)
BEFORE_A_STREET: Final = _set("am an im zum zur hohe hoher alte alter neue neuer kleine grosse obere untere")

PHONETIC: Final = _set(
    "anton ärger aachen berta berlin cäsar charlotte chemnitz dora düsseldorf emil essen friedrich frankfurt gustav "
    "goslar heinrich hamburg ida ingelheim julius jena kaufmann konrad köln ludwig leipzig martha münchen nordpol "
    "nürnberg otto ökonom offenbach paula potsdam quelle quickborn richard rostock samuel siegfried salzwedel schule "
    "theodor tübingen ulrich übermut unna viktor völklingen wilhelm wuppertal xanthippe xanten ypsilon zacharias "
    "zwickau eszett alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike "
    "november oscar papa quebec romeo sierra tango uniform victor whiskey whisky x-ray xray yankee zulu"
)
AS_IN: Final = _set("wie as in for like von")

# Of no meaning when the other end says them, too.
COMMON: Final = _set(
    "dann dass danke bitte nein doch aber auch habe haben hier ist sind wird eine einen mein meine nummer karte name "
    "datum that's this that with have here your yours number card name thank thanks right correct richtig stimmt okay "
    "ihre noch also gültig geboren born moment sure "
    "klar alles gerne lautet email mail address adresse street road lane avenue strasse unter below from"
)

# Capitals that are no name.
NO_NAME: Final = _set(
    "i i'm i'll i'd ich sie ihr ihre ihnen ihren guten tag morgen abend hallo hello hi hey good yes ja no nein und and "
    "okay mein my the der die das danke thanks"
)

# Said by a speaker of a datum; in a question they are no sign.
SAID_ONLY: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.EXPIRY: ("läuft",),
    Kind.CARD: ("mastercard", "visa", "amex"),
    Kind.IBAN: ("überweisen auf", "buchen von", "abbuchen von", "pay to account", "transfer it to"),
    Kind.ACCOUNT: ("konto", "account is", "have account"),
    Kind.TAX_ID: ("finanzamt",),
    Kind.HEALTH_INSURANCE: ("krankenkasse",),
    Kind.PHONE: (
        "telefon",
        "rufen zurück",
        "rufen an",
        "erreichbar",
        "call back",
        "call me",
        "reach me",
        "my cell",
        "nummer ist",
        "mobil",
    ),
    Kind.EMAIL: ("mailen", "schreiben an", "write to", "line at", "mailen an"),
    Kind.LAST_FOUR: ("ending",),
}

# All phrases by the list that they are in: those of a datum by its kind, which a question and a statement share.
BEFORE, BEFORE_CAPITAL, AFTER = "before-a-name", "before-a-capital", "after-a-name"
HARMLESS, AGAIN, SAID = "harmless", "again", "said"
PHRASES: Final[Mapping[str, tuple[str, ...]]] = {
    **NAMED,
    Kind.NAME: NAME_ASKED,
    BEFORE: NAME_BEFORE,
    BEFORE_CAPITAL: NAME_BEFORE_CAPITAL,
    AFTER: NAME_AFTER,
    HARMLESS: HARMLESS_BEFORE,
    AGAIN: SAYS_AGAIN,
    **{f"{SAID} {kind}": phrases for kind, phrases in SAID_ONLY.items()},
}
