"""English and German: one table, by the English text, and how each language writes times and numbers.

What a policy or the rules say is shown as compliance wrote it. A test holds every text of the pages against the table.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS: Final = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
_SECOND: Final = 10**9
_FIRST, _LAST = -(2**40), 2**40  # s that every system's calendar has


class Words:
    """Of one reader. Called with an English text, it gives theirs."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, english: str, **values: object) -> str:
        text = GERMAN.get(english, english) if self.language == "de" else english
        return text.format(**values) if values else text

    def number(self, value: int) -> str:
        return f"{value:,}".replace(",", "." if self.language == "de" else ",")

    def day(self, ns: int) -> str:
        at = local(ns)
        weekday = _WEEKDAYS[self.language][at.weekday()]
        if self.language == "de":
            return f"{weekday}, {at.day}.{at.month}.{at.year}"
        return f"{weekday}, {at.day} {_MONTHS[at.month - 1]} {at.year}"

    def time(self, ns: int) -> str:
        return local(ns).strftime("%H:%M:%S")

    def moment(self, ns: int) -> str:
        return f"{self.day(ns)}, {self.time(ns)}"


def local(ns: int) -> datetime:
    """In the console's own time zone: it has one, as a house has."""
    return datetime.fromtimestamp(min(max(ns // _SECOND, _FIRST), _LAST)).astimezone()


def zone() -> str:
    said = datetime.now().astimezone().strftime("%Z %z")
    return f"{said[:-5]}(UTC{said[-5:-2]}:{said[-2:]})"


def start_of(day: date) -> int:
    """ns since 1970 at which that day begins here."""
    return int(datetime(day.year, day.month, day.day).astimezone().timestamp()) * _SECOND


def lasting(ns: int) -> str:
    """4:07, or 1:02:03."""
    minutes, seconds = divmod(ns // _SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def exactly(ns: int) -> str:
    """As `lasting`, to the tenth of a second: parts of a recording are short."""
    tenths = ns // (_SECOND // 10)
    return f"{lasting(tenths // 10 * _SECOND)}.{tenths % 10}"


def chosen(said: str, accepted: str) -> str:
    """`said`: what the person chose. `accepted`: Accept-Language."""
    if said in LANGUAGES:
        return said
    best, weight = "en", 0.0
    for one in accepted[:200].split(","):
        name, _, quality = one.strip().partition(";q=")
        try:
            said_weight = float(quality or 1)
        except ValueError:
            continue
        if (known := name[:2].lower()) in LANGUAGES and said_weight > weight:
            best, weight = known, said_weight
    return best


GERMAN: Final = {
    # Every page
    "Skip to the content": "Zum Inhalt springen",
    "Main": "Hauptnavigation",
    "Recordings": "Aufnahmen",
    "My sessions": "Meine Sitzungen",
    "Sign out": "Abmelden",
    "Language": "Sprache",
    "Signed in as": "Angemeldet als",
    "Times are {zone}.": "Uhrzeiten in {zone}.",
    # Sign-in
    "Sign in": "Anmelden",
    "This page needs JavaScript to sign you in.": "Zum Anmelden braucht diese Seite JavaScript.",
    "Sign in with a passkey": "Mit Passkey anmelden",
    "Password and code": "Passwort und Code",
    "Name": "Name",
    "as in anna@example.com": "wie anna@example.com",
    "Password": "Passwort",
    "Code": "Code",
    "six digits from your app": "sechs Ziffern aus Ihrer App",
    "Sign in with the password": "Mit Passwort anmelden",
    "Sign in with {provider}": "Mit {provider} anmelden",
    "This did not sign you in. Try again, or ask who runs this console.":
        "Die Anmeldung ist nicht gelungen. Versuchen Sie es noch einmal, oder fragen Sie, wer diese Konsole betreibt.",
    "No passkey of this console was used. Try again, or choose another way.":
        "Es wurde kein Passkey dieser Konsole verwendet. Versuchen Sie es noch einmal, oder wählen Sie einen anderen "
        "Weg.",
    "Too many tries: wait half an hour, or sign in another way.":
        "Zu viele Versuche: Warten Sie eine halbe Stunde, oder melden Sie sich anders an.",
    "The console could not be reached. Try again.": "Die Konsole war nicht zu erreichen. Versuchen Sie es noch einmal.",
    "This could not be done. Try again later.": "Das war nicht möglich. Versuchen Sie es später noch einmal.",
    # Link and ways in
    "Welcome": "Willkommen",
    "This link works once. With it you make your own way to sign in.":
        "Dieser Link gilt einmal. Mit ihm richten Sie ein, wie Sie sich künftig anmelden.",
    "Continue": "Weiter",
    "This link was used, is too old, or never was one. Ask for a new one.":
        "Dieser Link wurde schon benutzt, ist zu alt oder war nie einer. Bitten Sie um einen neuen.",
    "How you sign in": "So melden Sie sich an",
    "Make one of these. It replaces every earlier way, if you came by a link.":
        "Richten Sie eines davon ein. Kamen Sie über einen Link, ersetzt es alle früheren Wege.",
    "A passkey": "Ein Passkey",
    "Your device keeps a key and asks for your finger, face or PIN. Nothing to remember, and nothing to steal.":
        "Ihr Gerät bewahrt einen Schlüssel auf und fragt nach Finger, Gesicht oder PIN. Nichts zu merken, nichts zu "
        "stehlen.",
    "Make a passkey": "Passkey einrichten",
    "Where passkeys cannot be.": "Wo Passkeys nicht möglich sind.",
    "Twelve characters or more, such as four words.": "Zwölf Zeichen oder mehr, etwa vier Wörter.",
    "Choose this password": "Dieses Passwort wählen",
    "Enter this secret into your authenticator app:": "Geben Sie dieses Geheimnis in Ihre Authenticator-App ein:",
    "Open it in the app": "In der App öffnen",
    "Confirm the code": "Code bestätigen",
    "This password is soon guessed: take twelve characters or more, or four words.":
        "Dieses Passwort ist leicht zu erraten: Nehmen Sie zwölf Zeichen oder mehr, oder vier Wörter.",
    "This is not the code: is the clock of that device right?": "Das ist nicht der Code: Geht die Uhr des Geräts "
        "richtig?",
    "This took too long: choose a password again.": "Das hat zu lange gedauert: Wählen Sie das Passwort neu.",
    "This needs a session of the last ten minutes: sign in again.":
        "Das geht nur in den ersten zehn Minuten einer Sitzung: Melden Sie sich neu an.",
    "This needs a one-time link: ask for one.": "Dafür brauchen Sie einen Einmal-Link: Bitten Sie um einen.",
    "This session has ended. Sign in again.": "Diese Sitzung ist beendet. Melden Sie sich neu an.",
    # Find
    "Find recordings": "Aufnahmen finden",
    "Filter": "Filter",
    "From day": "Von Tag",
    "To day": "Bis Tag",
    "Agent": "Person",
    "Team": "Team",
    "All teams": "Alle Teams",
    "Closed by rule": "Geschlossen durch Regel",
    "Any": "Alle",
    "Length": "Dauer",
    "under 1 min": "unter 1 min",
    "1 to 5 min": "1 bis 5 min",
    "5 to 15 min": "5 bis 15 min",
    "15 min and more": "15 min und mehr",
    "Show": "Anzeigen",
    "Clear": "Zurücksetzen",
    "1 recording": "1 Aufnahme",
    "{count} recordings": "{count} Aufnahmen",
    "More than {count} recordings": "Mehr als {count} Aufnahmen",
    "No recording that you may list fits.": "Keine Aufnahme, die Sie sehen dürfen, passt.",
    "You see what the signed rules let you list. The address of this page can be shared: it grants nothing.":
        "Sie sehen, was die unterschriebenen Regeln Ihnen zeigen. Die Adresse dieser Seite können Sie weitergeben: "
        "Sie gewährt nichts.",
    "Searches, and lists of more than a page, are noted in the audit log.":
        "Suchen und Listen von mehr als einer Seite stehen im Prüfprotokoll.",
    "Newest first": "Neueste zuerst",
    "Time": "Uhrzeit",
    "Recorded": "Aufgezeichnet",
    "Not kept": "Nicht behalten",
    "1 screen": "1 Bildschirm",
    "{count} screens": "{count} Bildschirme",
    "sound": "Ton",
    "nothing": "nichts",
    "goes on": "läuft noch",
    "broken off": "abgebrochen",
    "cannot be read": "nicht lesbar",
    "ended": "beendet",
    "unknown": "unbekannt",
    "Next page": "Nächste Seite",
    "First page": "Erste Seite",
    "Pages": "Seiten",
    # Recording
    "Recording of {moment}": "Aufnahme vom {moment}",
    "Back to the recordings": "Zurück zu den Aufnahmen",
    "Computer": "Rechner",
    "State": "Zustand",
    "Number": "Kennung",
    "What became of every second": "Was aus jeder Sekunde wurde",
    "Out of what the computer signed. This page does not verify it: eyelid-store verify does.":
        "Aus dem, was der Rechner unterschrieben hat. Diese Seite prüft es nicht: Das tut eyelid-store verify.",
    "Legend": "Legende",
    "Screen": "Bildschirm",
    "Sound": "Ton",
    "kept": "behalten",
    "closed": "geschlossen",
    "held": "angehalten",
    "blind": "blind",
    "missing": "fehlt",
    "recorded and here": "aufgezeichnet und hier",
    "a rule kept it out": "eine Regel hielt es heraus",
    "nothing was to be recorded": "es sollte nicht aufgezeichnet werden",
    "nothing could be proven": "nichts ließ sich nachweisen",
    "it should be here and is not": "es sollte hier sein und ist es nicht",
    "The same as a table": "Dasselbe als Tabelle",
    "From": "Von",
    "To": "Bis",
    "What": "Was",
    "Why": "Warum",
    "given up around it": "drumherum aufgegeben",
    "{count} more parts are not shown: eyelid-store timeline lists them.":
        "{count} weitere Teile sind nicht gezeigt: eyelid-store timeline zählt sie auf.",
    "There is nothing of it yet.": "Es gibt noch nichts von ihr.",
    "Play": "Abspielen",
    "Play this recording": "Diese Aufnahme abspielen",
    "The player asks what for. Then you sign, with a key of your own, and the opening is noted with your name.":
        "Der Player fragt, wozu. Dann unterschreiben Sie mit einem eigenen Schlüssel, und die Öffnung wird mit Ihrem "
        "Namen vermerkt.",
    "It verifies every second in your browser.": "Er prüft jede Sekunde in Ihrem Browser.",
    "Something is missing yet, such as an approval: the player says what.":
        "Noch fehlt etwas, etwa eine Zustimmung: Der Player sagt, was.",
    "What you may do": "Was Sie dürfen",
    "The custodian decides when something is opened. It also looks for consent, approvals and samples.":
        "Beim Öffnen entscheidet der Treuhänder (custodian). Er prüft auch Einwilligungen, Freigaben und Stichproben.",
    "play": "abspielen",
    "comment": "kommentieren",
    "export": "exportieren",
    "ask for a legal hold": "Aufbewahrungssperre erbitten",
    "see who opened it": "sehen, wer sie geöffnet hat",
    "yes": "ja",
    "not yet": "noch nicht",
    "no": "nein",
    "The sentences are those of eyelid-review governance explain.":
        "Die englischen Sätze sind die von eyelid-review governance explain.",
    "How long it is kept": "Wie lange sie aufbewahrt wird",
    "These rules keep nothing for a time of their own.": "Diese Regeln nennen keine Fristen.",
    "Legal holds": "Aufbewahrungssperren",
    "None.": "Keine.",
    "Who looked at it": "Wer sie angesehen hat",
    "See who looked at it, and why": "Ansehen, wer sie ansah und warum",
    "Yes: {holds}": "Ja: {holds}",
    "Yes.": "Ja.",
    # Access
    "Back to the recording": "Zurück zur Aufnahme",
    "What this console's audit log says, of its last {count} entries. Openings stand in the custodian's own log.":
        "Was das Prüfprotokoll dieser Konsole sagt, aus den letzten {count} Einträgen. Öffnungen stehen im eigenen "
        "Protokoll des Treuhänders.",
    "When": "Wann",
    "Who": "Wer",
    "Purpose": "Zweck",
    "Nobody did, as far as these entries go.": "Niemand, soweit diese Einträge reichen.",
    "looked at the account": "sah den Nachweis an",
    "somebody who is not in the rules": "jemand, den die Regeln nicht nennen",
    # Sessions
    "Where you are signed in. End what you do not know.": "Wo Sie angemeldet sind. Beenden Sie, was Sie nicht kennen.",
    "Began": "Beginn",
    "Last used": "Zuletzt benutzt",
    "Way in": "Weg",
    "Address": "Adresse",
    "this one": "diese",
    "End": "Beenden",
    "End the session of {moment}": "Sitzung vom {moment} beenden",
    "Another way to sign in": "Ein weiterer Weg zur Anmeldung",
    "Make another passkey or password": "Weiteren Passkey oder Passwort einrichten",
    "passkey": "Passkey",
    "password": "Passwort",
    "link": "Link",
    "oidc": "Anbieter",
    # Errors
    "This is not here": "Das gibt es hier nicht",
    "There is no such page, or you may not see it.": "Diese Seite gibt es nicht, oder Sie dürfen sie nicht sehen.",
    "This cannot be asked so": "So lässt sich das nicht fragen",
    "Not now": "Gerade nicht",
    "Nothing was done. Try again later, or tell who runs this console.":
        "Es ist nichts geschehen. Versuchen Sie es später, oder sagen Sie es dem Betreiber der Konsole.",
    "a day is written 2027-01-31": "ein Tag wird 2027-01-31 geschrieben",
    "the first day is after the last": "der erste Tag liegt nach dem letzten",
    "a name has at most 200 characters that can be printed": "ein Name hat höchstens 200 druckbare Zeichen",
    "the length is one of those in the list": "die Dauer ist eine aus der Liste",
    "this is no place in a list": "das ist keine Stelle einer Liste",
    # What the store says of time that was not kept (store.evidence.rules)
    "nothing could be seen": "es war nichts zu sehen",
    "not proven in time": "nicht rechtzeitig nachgewiesen",
    "the recorder was not running": "der Recorder lief nicht",
    "chunks were not received": "Teile sind nicht angekommen",
    "it is on its way": "es ist unterwegs",
    "it was erased": "es wurde gelöscht",
    "the ledger has not told of it": "das Kontobuch hat nichts davon gemeldet",
    "nothing was heard": "es war nichts zu hören",
    "the recorder ended and did not say how": "der Recorder endete und sagte nicht wie",
    "the device's own clock went back": "die Uhr des Geräts ging zurück",
    "by the person": "von der Person",
    "there was no policy": "es gab keine Richtlinie",
    "the computer had no room left": "der Rechner hatte keinen Platz mehr",
    "the screen was locked": "der Bildschirm war gesperrt",
    "another person was in front": "eine andere Person saß davor",
    "who was in front was not known": "wer davor saß, war nicht bekannt",
    "the display was off": "der Bildschirm war aus",
    "the computer slept": "der Rechner schlief",
    "the person had logged off": "die Person war abgemeldet",
    "the computer was shut down": "der Rechner wurde heruntergefahren",
    "a window's program or title could not be read": "Programm oder Titel eines Fensters war nicht lesbar",
    "a window renders web pages and no browser witness accounts for it":
        "ein Fenster zeigt Webseiten, für die kein Browser-Zeuge einsteht",
    "a page, or a part of it, gave no answer, so it could not be looked into":
        "eine Seite oder ein Teil davon antwortete nicht und war nicht einsehbar",
    "a window shows another machine": "ein Fenster zeigt einen anderen Rechner",
    "a switcher or overview shows other windows": "eine Übersicht zeigt andere Fenster",
    "no rule names what was shown, and the policy closes for that":
        "keine Regel nennt das Gezeigte, und dafür schließt die Richtlinie",
    "something was shown that is none of the applications that allow names":
        "gezeigt wurde etwas, das nicht zu den erlaubten Anwendungen gehört",
    "nothing that the policy records was open": "nichts war offen, was die Richtlinie aufzeichnet",
    "no text of this policy is here that can be read": "von dieser Richtlinie ist kein lesbarer Text hier",
}  # fmt: skip
