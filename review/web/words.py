"""English and German: one table, by the English text, and how each language writes times and numbers.

What a policy or the rules say is shown as compliance wrote it. A test holds every text of the pages against the table.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from review.governance.times import FOR_EVER
from review.languages import Spoken, local, start_of
from review.web import (
    words_of_cases,
    words_of_computers,
    words_of_openings,
    words_of_privacy,
    words_of_reviews,
    words_of_rules,
    words_of_trying,
)

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS: Final = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
_SECOND: Final = 10**9


class Words(Spoken):
    def __init__(self, language: str) -> None:
        super().__init__(language, GERMAN)

    def day(self, ns: int) -> str:
        at = local(ns)
        weekday = _WEEKDAYS[self.language][at.weekday()]
        if self.language == "de":
            return f"{weekday}, {at.day}.{at.month}.{at.year}"
        return f"{weekday}, {at.day} {_MONTHS[at.month - 1]} {at.year}"

    def date(self, said: str) -> str:
        """2027-01-31 as a reader writes it."""
        return self.day(start_of(date.fromisoformat(said)))

    def until(self, ns: int) -> str:
        """The day of a period's end; one without an end is later than every calendar's."""
        return self.day(ns) if ns < FOR_EVER else self("without an end")

    def time(self, ns: int) -> str:
        return local(ns).strftime("%H:%M:%S")

    def moment(self, ns: int) -> str:
        return f"{self.day(ns)}, {self.time(ns)}"


def zone() -> str:
    said = datetime.now().astimezone().strftime("%Z %z")
    return f"{said[:-5]}(UTC{said[-5:-2]}:{said[-2:]})"


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


_OTHERS: Final = (
    *(words_of_cases, words_of_computers, words_of_openings, words_of_privacy, words_of_reviews, words_of_rules),
    words_of_trying,
)
_OWN: Final = {
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
    "My searches": "Meine Suchen",
    "Keep this search": "Diese Suche behalten",
    "A name for this search": "Ein Name für diese Suche",
    "Keep it": "Behalten",
    "Only you see it, above this form. Name and question are kept sealed.":
        "Nur Sie sehen sie, oberhalb dieses Formulars. Name und Frage liegen verschlüsselt vor.",
    "Remove the search {name}": "Die Suche {name} entfernen",
    "You keep 50 searches already: remove one first.": "Sie behalten schon 50 Suchen: Entfernen Sie erst eine.",
    "1 recording": "1 Aufnahme",
    "{count} recordings": "{count} Aufnahmen",
    "More than {count} recordings": "Mehr als {count} Aufnahmen",
    "No recording that you may list fits.": "Keine Aufnahme, die Sie sehen dürfen, passt.",
    "You see what the signed rules let you list. The address of this page can be shared: it grants nothing.":
        "Sie sehen, was die signierten Regeln Ihnen zeigen. Die Adresse dieser Seite können Sie weitergeben: "
        "Andere sehen damit nur, was sie selbst sehen dürfen.",
    "Searches, and lists of more than a page, are noted in the audit log.":
        "Suchen und Listen von mehr als einer Seite stehen im Prüfprotokoll.",
    "Newest first": "Neueste zuerst",
    "Time": "Uhrzeit",
    "Recorded": "Aufgezeichnet",
    "Not kept": "Nicht aufgezeichnet",
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
    "Computer": "Computer",
    "State": "Zustand",
    "Number": "Kennung",
    "What became of every second": "Was aus jeder Sekunde wurde",
    "From what the computer signed. This page does not verify it: eyelid-store verify does.":
        "Aus dem, was der Computer signiert hat. Diese Seite prüft es nicht: Das tut eyelid-store verify.",
    "Legend": "Legende",
    "Screen": "Bildschirm",
    "Sound": "Ton",
    "kept": "aufgezeichnet",
    "closed": "geschlossen",
    "held": "angehalten",
    "blind": "blind",
    "missing": "fehlt",
    "recorded and here": "aufgezeichnet und hier",
    "a rule kept it out": "eine Regel schloss es aus",
    "nothing was to be recorded": "es sollte nicht aufgezeichnet werden",
    "nothing could be proven": "nichts ließ sich nachweisen",
    "it should be here and is not": "es sollte hier sein und ist es nicht",
    "The same as a table": "Dasselbe als Tabelle",
    "From": "Von",
    "To": "Bis",
    "What": "Was",
    "Why": "Warum",
    "given up around it": "Sicherheitsabstand",
    "1 more part is not shown: eyelid-store timeline lists it.":
        "1 weiterer Teil ist nicht gezeigt: eyelid-store timeline zählt ihn auf.",
    "{count} more parts are not shown: eyelid-store timeline lists them.":
        "{count} weitere Teile sind nicht gezeigt: eyelid-store timeline zählt sie auf.",
    "There is nothing of it yet.": "Von ihr liegt noch nichts vor.",
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
        "Beim Öffnen entscheidet der Treuhänder. Er prüft auch Einwilligungen, Zustimmungen und Stichproben.",
    "play": "abspielen",
    "comment": "kommentieren",
    "export": "exportieren",
    "ask for a legal hold": "Löschsperre beantragen",
    "see who opened it": "sehen, wer sie geöffnet hat",
    "yes": "ja",
    "not yet": "noch nicht",
    "no": "nein",
    "The sentences are those of eyelid-review governance explain.":
        "Die englischen Sätze sind die von eyelid-review governance explain.",
    "How long it is kept": "Wie lange sie aufbewahrt wird",
    "These rules keep nothing for a time of their own.": "Diese Regeln nennen keine Fristen.",
    "Legal holds": "Löschsperren",
    "None.": "Keine.",
    "Who looked at it": "Wer sie angesehen hat",
    "See who looked at it, and why": "Ansehen, wer sie ansah und warum",
    "Yes: {holds}": "Ja: {holds}",
    "Yes.": "Ja.",
    # Access
    "Back to the recording": "Zurück zur Aufnahme",
    "What this console's audit log says.": "Was das Prüfprotokoll dieser Konsole sagt.",
    "What the custodian released": "Was der Treuhänder freigegeben hat",
    "This console has no copy of the custodian's log, in which openings stand.":
        "Diese Konsole hat keine Kopie vom Protokoll des Treuhänders, in dem Öffnungen stehen.",
    "The copy of the custodian's log cannot be read now, or is not as it was signed.":
        "Die Kopie vom Protokoll des Treuhänders ist gerade nicht lesbar oder nicht so, wie sie signiert wurde.",
    "It released no key of it, as far as the copy of its log goes.":
        "Er hat keinen Schlüssel davon freigegeben, soweit die Kopie seines Protokolls reicht.",
    "To no other person, as far as these entries go.": "An keine andere Person, soweit diese Einträge reichen.",
    "Rule": "Regel",
    "Earlier openings": "Frühere Öffnungen",
    "What the custodian's log says, in {count} of its entries; what you opened yourself is left out.":
        "Was das Protokoll des Treuhänders in {count} seiner Einträge sagt; was Sie selbst geöffnet haben, ist "
        "ausgelassen.",
    "The index of the log is being made: it has {count} entries so far.":
        "Das Verzeichnis des Protokolls entsteht gerade: Es hat bisher {count} Einträge.",
    "When": "Wann",
    "Who": "Wer",
    "Purpose": "Zweck",
    "No look at it was noted here.": "Hier ist kein Zugriff auf sie vermerkt.",
    "looked at the account": "sah den Nachweis an",
    "opened it": "öffnete sie",
    "watched it": "sah sie an",
    "exported it": "exportierte sie",
    "commented on it": "kommentierte sie",
    "had it analysed": "ließ sie auswerten",
    "somebody who is not in the rules": "jemand, den die Regeln nicht nennen",
    # Find by a call
    "Find by a call": "Nach einem Anruf suchen",
    "A caller's number, address or id": "Nummer, Adresse oder Kennung eines Anrufers",
    "Find": "Suchen",
    "As in 030 123456, kim@example.org or C-17. It is in no address and no log as you wrote it; the newest {count} "
    "calls are looked through.":
        "Etwa 030 123456, kim@example.org oder C-17. Was Sie schreiben, steht so in keiner Adresse und keinem "
        "Protokoll; durchsucht werden die neuesten {count} Anrufe.",
    "Calls, chats and mails of the caller that was searched for":
        "Anrufe, Chats und Mails des Anrufers, nach dem gesucht wurde",
    "Calls, chats and mails meanwhile": "Anrufe, Chats und Mails in dieser Zeit",
    "Ended": "Beendet",
    "Queue": "Warteschlange",
    "call": "Anruf",
    "chat": "Chat",
    "mail": "Mail",
    "inbound": "eingehend",
    "outbound": "ausgehend",
    "internal": "intern",
    "By the times that the systems gave. Who called is sealed.":
        "Nach den Zeiten, die die Systeme angaben. Wer anrief, ist versiegelt.",
    "Comments: {count}": "Kommentare: {count}",
    "Written": "Geschrieben",
    "They are sealed: what they say can be read in the player alone.":
        "Sie sind versiegelt: Was in ihnen steht, ist nur im Player zu lesen.",
    "this search was not made in this console: search again":
        "diese Suche stammt nicht aus dieser Konsole: Suchen Sie noch einmal",
    # One's own
    "My recordings": "Meine Aufnahmen",
    "What is recorded here, and your rights": "Was hier aufgezeichnet wird, und Ihre Rechte",
    "The signed rules have no notice yet. Ask who is responsible for recording in this house.":
        "Die signierten Regeln haben noch keinen Hinweis. Fragen Sie, wer in diesem Haus für das Aufzeichnen "
        "verantwortlich ist.",
    "What was recorded of you, how long it is kept, and who looked at it.":
        "Was von Ihnen aufgezeichnet wurde, wie lange es aufbewahrt wird und wer es ansah.",
    "There is no recording of you that you may list.": "Es gibt keine Aufnahme von Ihnen, die Sie sehen dürfen.",
    "Kept at least until": "Aufbewahrt mindestens bis",
    "How long, and why": "Wie lange und warum",
    "Of the recordings above, by the signed rules": "Zu den Aufnahmen oben, nach den signierten Regeln",
    "Class": "Klasse",
    "Kept for": "Aufbewahrt für",
    "Never shorter than": "Nie kürzer als",
    "1 year": "1 Jahr",
    "{count} years": "{count} Jahre",
    "1 day": "1 Tag",
    "{count} days": "{count} Tage",
    "without an end": "ohne Ende",
    "A legal hold keeps a recording longer. On its page you can ask for its erasure or for a correction.":
        "Eine Löschsperre bewahrt eine Aufnahme länger auf. Auf ihrer Seite können Sie um Löschung oder Berichtigung "
        "bitten.",
    "Who looked at them": "Wer sie angesehen hat",
    "The signed rules do not let you see this.": "Die signierten Regeln zeigen Ihnen das nicht.",
    "Recording": "Aufnahme",
    "No other person did, as far as these entries go.": "Keine andere Person, soweit diese Einträge reichen.",
    "Earlier looks": "Frühere Zugriffe",
    "Newest": "Neueste",
    "Earlier": "Frühere",
    "What this console's audit log says, in {count} of its entries; your own looks are left out.":
        "Was das Prüfprotokoll dieser Konsole in {count} seiner Einträge sagt; Ihre eigenen Zugriffe sind ausgelassen.",
    # Requests
    "Requests": "Anträge",
    "All requests": "Alle Anträge",
    "Legal hold": "Löschsperre",
    "Erasure": "Löschung",
    "Correction": "Berichtigung",
    "Ask for a legal hold": "Löschsperre beantragen",
    "Ask for its erasure": "Löschung beantragen",
    "Ask for a correction": "Berichtigung beantragen",
    "Reason": "Begründung",
    "It is kept sealed. Who answers reads it.": "Sie wird versiegelt aufbewahrt. Wer antwortet, liest sie.",
    "It is kept sealed. Who asked reads it.": "Sie wird versiegelt aufbewahrt. Wer den Antrag stellte, liest sie.",
    "A recording itself cannot be changed: say what is wrong with what is noted of it.":
        "Die Aufnahme selbst lässt sich nicht ändern: Sagen Sie, was an den Angaben zu ihr falsch ist.",
    "not answered yet": "noch nicht beantwortet",
    "granted": "bewilligt",
    "refused": "abgelehnt",
    "withdrawn": "zurückgezogen",
    "Grant it": "Bewilligen",
    "Refuse it": "Ablehnen",
    "Withdraw it": "Zurückziehen",
    "What you asked of recordings, and what others ask that you may answer. You ask on a recording's page.":
        "Was Sie zu Aufnahmen beantragt haben, und was andere beantragen und Sie beantworten dürfen. Anträge stellen "
        "Sie auf der Seite einer Aufnahme.",
    "What you asked of recordings. You ask on a recording's page.":
        "Was Sie zu Aufnahmen beantragt haben. Anträge stellen Sie auf der Seite einer Aufnahme.",
    "Which requests": "Welche Anträge",
    "Not answered yet": "Noch nicht beantwortet",
    "Asked by": "Gestellt von",
    "you": "Sie",
    "Asked on": "Gestellt am",
    "Answer due by": "Antwort fällig bis",
    "overdue": "überfällig",
    "Request": "Antrag",
    "Answer": "Antwort",
    "Granting it here does nothing to the recording. On the store's machine this does:":
        "Die Bewilligung hier ändert an der Aufnahme nichts. Auf dem Computer des Speichers tut es dies:",
    "Your answer, with its reason": "Ihre Antwort mit Begründung",
    "There are none.": "Es gibt keine.",
    "Write a reason of 4,000 characters at most, without control characters and marks of direction.":
        "Schreiben Sie eine Begründung mit höchstens 4.000 Zeichen, ohne Steuer- und Richtungszeichen.",
    "The signed rules do not let you do this.": "Die signierten Regeln erlauben Ihnen das nicht.",
    "You asked for this already, and it is not answered yet.":
        "Das haben Sie schon beantragt, und es ist noch nicht beantwortet.",
    "This was answered or withdrawn in the meantime. Load the page again.":
        "Das wurde inzwischen beantwortet oder zurückgezogen. Laden Sie die Seite neu.",
    "This request is not here any more, or not yours to answer.":
        "Diesen Antrag gibt es hier nicht mehr, oder Sie dürfen ihn nicht beantworten.",
    "You asked for too much today: try again tomorrow.":
        "Sie haben heute zu viel beantragt: Versuchen Sie es morgen wieder.",
    "Write a number, an address or an id of 200 characters at most.":
        "Schreiben Sie eine Nummer, eine Adresse oder eine Kennung mit höchstens 200 Zeichen.",
    # Computers
    "Computers": "Computer",
    "The computers are being checked. Load this page again in a moment.":
        "Die Computer werden gerade geprüft. Laden Sie diese Seite gleich noch einmal.",
    "As of {moment}. Problems are worded as in eyelid-store devices.":
        "Stand: {moment}. Was nicht stimmt, ist so gesagt, wie eyelid-store devices es sagt (englisch).",
    "Computer, user or group": "Computer, Benutzer oder Gruppe",
    "Those that left": "Ausgeschiedene",
    "not shown": "nicht gezeigt",
    "shown ({count})": "gezeigt ({count})",
    "1 computer": "1 Computer",
    "{count} computers": "{count} Computer",
    "Version": "Version",
    "Last heard of": "Zuletzt gemeldet",
    "Last chunk": "Letzter Block",
    "Blind": "Blind",
    "What to do": "Was zu tun ist",
    "never": "nie",
    "Blind: share of the time watched in the last day.": "Blind: Anteil an der überwachten Zeit des letzten Tages.",
    "No computer that you may see fits.": "Kein Computer, den Sie sehen dürfen, passt.",
    "broken": "gestört",
    "to look at": "zu prüfen",
    "fine": "in Ordnung",
    "off or shut out": "aus oder ausgeschlossen",
    "Back to the computers": "Zurück zu den Computern",
    "User": "Benutzer",
    "Group": "Gruppe",
    "none": "keine",
    "Rules of compliance": "Regeln der Compliance",
    "revision {number}": "Stand {number}",
    "The last seven days": "Die letzten sieben Tage",
    "There is nothing of it.": "Von ihm liegt nichts vor.",
    "The last seven days, hour by hour; the table below says the same.":
        "Die letzten sieben Tage, Stunde für Stunde; die Tabelle darunter sagt dasselbe.",
    "Day": "Tag",
    "Day by day": "Tag für Tag",
    "1 recording is not whole.": "1 Aufnahme ist nicht vollständig.",
    "{count} recordings are not whole.": "{count} Aufnahmen sind nicht vollständig.",
    "the state is one of those in the list": "der Zustand ist einer aus der Liste",
    # Audit log
    "Audit log": "Prüfprotokoll",
    "Who did what, and why. You see what the signed rules let you read. Reading is noted here, too; what you search "
    "for only as a pseudonym.":
        "Wer was tat, und warum. Sie sehen, was die signierten Regeln Sie lesen lassen. Auch das Lesen steht "
        "hier; wonach Sie suchen, nur als Pseudonym.",
    "This is the log of the console. What was opened stands in the custodian's log. Legal holds that were set or "
    "released, and erasures, stand in the log by which the archive erases: eyelid-review audit show reads both.":
        "Dies ist das Protokoll der Konsole. Was geöffnet wurde, steht im Protokoll des Treuhänders. Gesetzte und "
        "aufgehobene Löschsperren sowie Löschungen stehen im Protokoll, nach dem das Archiv löscht: eyelid-review "
        "audit show liest beide.",
    "Log": "Protokoll",
    "Entries under the signed checkpoint": "Einträge unter dem signierten Prüfpunkt",
    "Newest of them": "Der neueste davon",
    "Cosigned": "Gegengezeichnet",
    "{by}: {count} entries, {moment}": "{by}: {count} Einträge, {moment}",
    "by no other machine yet": "noch von keinem anderen Computer",
    "The console has no cosigner's key and does not check this signature: audit verify --cosigner does.":
        "Die Konsole hat keinen Schlüssel des Gegenzeichners und prüft seine Signatur nicht: Das tut "
        "audit verify --cosigner.",
    "Person": "Person",
    "Act": "Handlung",
    "Outcome": "Ergebnis",
    "success": "gelungen",
    "failure": "gescheitert",
    "Entries": "Einträge",
    "Entry": "Eintrag",
    "To what": "Betrifft",
    "More": "Mehr",
    "No entry that you may read fits, among those searched so far.":
        "Unter den durchsuchten Einträgen passt keiner, den Sie lesen dürfen.",
    "Entry {number}": "Eintrag {number}",
    "Back to the audit log": "Zurück zum Prüfprotokoll",
    "From where": "Von wo",
    "What it says": "Was er sagt",
    "Its body was shredded, as a later entry says. The entry and its proof stay.":
        "Sein Inhalt wurde vernichtet, wie ein späterer Eintrag sagt. Eintrag und Beweis bleiben.",
    "Its place in the log": "Sein Platz im Protokoll",
    "Entry {number} of {count} under the checkpoint below. {steps} hashes lead from it to the signed root.":
        "Eintrag {number} von {count} unter dem Prüfpunkt unten. {steps} Hashes führen von ihm zur signierten "
        "Wurzel.",
    "Download the proof": "Beweis herunterladen",
    "Anybody checks it without this console, with the log's public key:":
        "Jeder prüft ihn ohne diese Konsole, mit dem öffentlichen Schlüssel des Protokolls:",
    "Hashes": "Hashes",
    "Proof": "Beweis",
    "Checkpoint": "Prüfpunkt",
    # Report
    "Report": "Bericht",
    "Report of a period": "Bericht über einen Zeitraum",
    "What was kept and what was not, who looked, what was verified, and what is not known. Signed by the audit log's "
    "key. It is an entry of the log, and is forgotten here after an hour: download it.":
        "Was aufgezeichnet wurde und was nicht, wer zugriff, was geprüft wurde und was nicht bekannt ist. Signiert mit "
        "dem Schlüssel des Prüfprotokolls. Er ist dort ein Eintrag und wird hier nach einer Stunde vergessen: Laden "
        "Sie ihn herunter.",
    "Period": "Zeitraum",
    "Verify every byte: takes long": "Jedes Byte prüfen: dauert lange",
    "Make the report": "Bericht erstellen",
    "The report is being made": "Der Bericht entsteht",
    "This page shows it when it is there. Others can be made after it.":
        "Diese Seite zeigt ihn, wenn er da ist. Weitere gehen erst danach.",
    "The report could not be made. Try again, or tell who runs this console.":
        "Der Bericht ließ sich nicht erstellen. Versuchen Sie es noch einmal, oder sagen Sie es dem Betreiber der "
        "Konsole.",
    "All four into one folder; then anybody checks it:": "Alle vier in einen Ordner; dann prüft ihn jeder:",
    "Another report is being made. Try again when it is there.":
        "Gerade entsteht ein anderer Bericht. Versuchen Sie es danach noch einmal.",
    "a report is of 366 days at most": "ein Bericht umfasst höchstens 366 Tage",
    "the act is one of those in the list": "die Handlung ist eine aus der Liste",
    "the kind is one of those in the list": "die Art ist eine aus der Liste",
    "the outcome is success or failure": "das Ergebnis ist „success“ oder „failure“",
    "a recording is named by its whole number": "eine Aufnahme wird mit ihrer ganzen Kennung genannt",
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
    "nothing could be seen": "es war nichts zu erkennen",
    "not proven in time": "nicht rechtzeitig nachgewiesen",
    "the recorder was not running": "der Rekorder lief nicht",
    "chunks were not received": "Blöcke kamen nicht an",
    "it is on its way": "noch unterwegs",
    "it was erased": "es wurde gelöscht",
    "the ledger has not reported it": "das Journal hat nichts davon gemeldet",
    "nothing was heard": "es war nichts zu hören",
    "the recorder ended and did not say how": "der Rekorder endete ohne Angabe eines Grundes",
    "the device's own clock went back": "die Uhr des Geräts ging zurück",
    "by the person": "von der Person",
    "there was no policy": "es gab keine Richtlinie",
    "the computer had no room left": "der Computer hatte keinen Platz mehr",
    "the screen was locked": "der Bildschirm war gesperrt",
    "another person was in front": "eine andere Person saß davor",
    "who was in front was not known": "wer davor saß, war nicht bekannt",
    "the display was off": "der Bildschirm war aus",
    "the computer slept": "der Computer schlief",
    "the person had logged off": "die Person war abgemeldet",
    "the computer was shut down": "der Computer wurde heruntergefahren",
    "a window's program or title could not be read": "Programm oder Titel eines Fensters war nicht lesbar",
    "a window renders web pages and no browser witness accounts for it":
        "ein Fenster zeigt Webseiten, in die keine Browser-Erweiterung hineinsieht",
    "a page, or a part of it, gave no answer, so it could not be looked into":
        "eine Seite oder ein Teil davon antwortete nicht und war nicht einsehbar",
    "a window shows another machine": "ein Fenster zeigt einen anderen Computer",
    "a switcher or overview shows other windows": "eine Fensterübersicht zeigt andere Fenster",
    "no rule names what was shown, and the policy closes for that":
        "keine Regel nennt das Gezeigte, und dafür schließt die Richtlinie",
    "something was shown that is none of the applications that allow names":
        "gezeigt wurde etwas, das nicht zu den erlaubten Anwendungen gehört",
    "nothing that the policy records was open": "nichts war offen, was die Richtlinie aufzeichnet",
    "no text of this policy is here that can be read": "von dieser Richtlinie ist kein lesbarer Text hier",
    "(revision {revision} of the policy)": "(Stand {revision} der Richtlinie)",
}  # fmt: skip
TABLES: Final = (_OWN, *(one.GERMAN for one in _OTHERS))
GERMAN: Final = {english: said for one in TABLES for english, said in one.items()}
