"""The report's texts in German, and how each language writes its figures; a test holds every text against the table."""

from __future__ import annotations

from typing import Final

from review.languages import Spoken, local

LANGUAGES: Final = ("en", "de")
_SECOND: Final = 10**9


class Words(Spoken):
    def __init__(self, language: str) -> None:
        super().__init__(language, GERMAN)

    def moment(self, ns: int) -> str:
        return local(ns).strftime("%d.%m.%Y %H:%M:%S" if self.language == "de" else "%Y-%m-%d %H:%M:%S")


def lasting(ns: int) -> str:
    """120:04:07, whole seconds."""
    minutes, seconds = divmod(ns // _SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def visible(text: str) -> str:
    """Without what would turn the direction of a line or hide in it: such characters stand as their numbers."""
    return "".join(one if one.isprintable() else f"U+{ord(one):04X}" for one in text)


GERMAN: Final = {
    "Report of a period": "Bericht über einen Zeitraum",
    "{first} to {last}": "{first} bis {last}",
    "Made": "Erstellt",
    "Asked for by": "Verlangt von",
    "Days and times are of the zone {zone}.": "Tage und Zeiten gelten für die Zone {zone}.",
    "Signed by the audit log": "Signiert mit dem Schlüssel des Prüfprotokolls",
    "A recording belongs whole to the day on which it began. Times are hours:minutes:seconds, cut to the second; the "
    "JSON has them to the nanosecond.":
        "Eine Aufnahme zählt ganz zu dem Tag, an dem sie begann. Zeiten sind Stunden:Minuten:Sekunden, auf die Sekunde "
        "gekürzt; das JSON hat sie auf die Nanosekunde.",
    "What became of the time": "Was aus der Zeit wurde",
    "Screen": "Bildschirm",
    "Sound": "Ton",
    "Recordings": "Aufnahmen",
    "Whole": "Gesamt",
    "Kept": "Aufgezeichnet",
    "Closed": "Geschlossen",
    "Around it": "Sicherheitsabstand",
    "Held": "Angehalten",
    "Blind": "Blind",
    "Missing": "Fehlt",
    "Lane": "Bild oder Ton",
    "Closed: by a rule. Around it: given up before and after. Held: nothing was to be recorded. Blind: nothing could "
    "be proven. Missing: it should be here and is not, or it was erased.":
        "Geschlossen: durch eine Regel. Sicherheitsabstand: davor und danach verworfen. Angehalten: es sollte "
        "nicht aufgezeichnet werden. Blind: nichts ließ sich nachweisen. Fehlt: es sollte hier sein und ist es nicht, "
        "oder es wurde gelöscht.",
    "No recording began in this period.": "In diesem Zeitraum begann keine Aufnahme.",
    "By day": "Nach Tagen",
    "Day": "Tag",
    "By group": "Nach Gruppen",
    "Group": "Gruppe",
    "Closed, by rule": "Geschlossen, nach Regeln",
    "Rule": "Regel",
    "Reason": "Grund",
    "Times": "Male",
    "No rule closed anything.": "Keine Regel schloss etwas.",
    "Where several rules closed at once, each has the whole time: these do not add up.":
        "Schlossen mehrere Regeln zugleich, hat jede die ganze Zeit: Diese Zahlen ergeben keine Summe.",
    "Held, blind and missing, by reason": "Angehalten, blind und fehlend, nach Gründen",
    "What": "Was",
    "Time": "Zeit",
    "Nothing was.": "Nichts davon.",
    "Policies": "Richtlinien",
    "Policies of the recordings": "Richtlinien der Aufnahmen",
    "Policy": "Richtlinie",
    "First recording": "Erste Aufnahme",
    "Last recording": "Letzte Aufnahme",
    "Text here": "Text hier",
    "Bundles that the store gave out": "Bündel, die der Speicher ausgab",
    "Revision": "Revision",
    "In force from": "Gültig ab",
    "until": "bis",
    "Governance": "Zugriffsregeln",
    "Signed": "Signiert",
    "yes": "ja",
    "no": "nein",
    "now": "heute",
    "Who looked": "Wer zugegriffen hat",
    "Acts in the period": "Handlungen im Zeitraum",
    "Log": "Protokoll",
    "Act": "Handlung",
    "Outcome": "Ergebnis",
    "Number": "Anzahl",
    "By person": "Nach Personen",
    "Person": "Person",
    "Openings and exports": "Öffnungen und Exporte",
    "Played": "Abgespielt",
    "not reported": "nicht gemeldet",
    "Looks at an account": "Blicke in einen Nachweis",
    "When": "Wann",
    "Entry": "Eintrag",
    "Purpose": "Zweck",
    "Recording": "Aufnahme",
    "None was noted.": "Keine ist vermerkt.",
    "People stand here by their pseudonyms in the log.": "Personen stehen hier mit ihren Pseudonymen im Protokoll.",
    "console": "Konsole",
    "custodian": "Treuhänder",
    "lifecycle": "Löschung",
    "Periodic reviews": "Regelmäßige Prüfungen",
    "The rules in force could not be read: which reviews they demand is not known.":
        "Die geltenden Regeln waren nicht lesbar: Welche Prüfungen sie verlangen, ist nicht bekannt.",
    "None was due, and none was signed.": "Keine war fällig, und keine wurde unterschrieben.",
    "{all} months: {done} signed as done, {late} late.":
        "{all} Monate: {done} als erledigt unterschrieben, {late} verspätet.",
    "done": "erledigt",
    "unfinished": "unvollständig",
    "not signed": "nicht unterschrieben",
    "late": "verspätet",
    "Review": "Prüfung",
    "Month": "Monat",
    "Due before": "Fällig vor",
    "State": "Zustand",
    "Drawn": "Gezogen",
    "Fine": "In Ordnung",
    "Escalated": "Weitergemeldet",
    "No outcome": "Ohne Ergebnis",
    "Signed by": "Unterschrieben von",
    "Legal holds and erasures": "Löschsperren und Löschungen",
    "Hold": "Sperre",
    "Destroyed": "Vernichtet",
    "Basis": "Grundlage",
    "Reference": "Verweis",
    "Certificate": "Bescheinigung",
    "The logs that were read name no hold that was set or released.":
        "Die gelesenen Protokolle nennen keine Sperre, die gesetzt oder aufgehoben wurde.",
    "Nothing was erased.": "Nichts wurde gelöscht.",
    "Alarms": "Alarme",
    "Alarm": "Alarm",
    "Raised": "Ausgelöst",
    "Acknowledged": "Quittiert",
    "No alarm was raised.": "Kein Alarm wurde ausgelöst.",
    "What was verified": "Was geprüft wurde",
    "The store's verify ran over {count} recordings from {moment} on: {sound} without a finding.":
        "Die Prüfung des Speichers lief ab {moment} über {count} Aufnahmen: {sound} ohne Befund.",
    "Finding": "Befund",
    "Check that was left out": "Ausgelassene Prüfung",
    "Recordings with findings": "Aufnahmen mit Befund",
    "The log of {log} was read whole: {count} entries, as they were signed.":
        "Das Protokoll ({log}) wurde ganz gelesen: {count} Einträge, wie sie signiert wurden.",
    "What this report does not know": "Was dieser Bericht nicht weiß",
    "Nothing was verified: the figures are what PCs signed, unchecked. eyelid-store verify --all checks them.":
        "Nichts wurde geprüft: Die Zahlen sind, was die Computer signiert haben, ungeprüft. eyelid-store verify --all "
        "prüft sie.",
    "The accounts of PCs were not walked from their first entry: a recording whose every trace is gone does not show. "
    "eyelid-store verify --all and gaps do that.":
        "Die Journale der Computer wurden nicht vom ersten Eintrag an geprüft: Eine Aufnahme, von der jede Spur "
        "fehlt, zeigt sich nicht. Das tun eyelid-store verify --all und gaps.",
    "What PCs recorded in the period and have not sent yet is not in it.":
        "Was Computer in dem Zeitraum aufgezeichnet und noch nicht gesendet haben, steht nicht darin.",
    "Time in which no recording was open is in no figure: eyelid-store gaps has it.":
        "Zeit, in der keine Aufnahme lief, steht in keiner Zahl: eyelid-store gaps hat sie.",
    "The log of {log} was not read: {why}": "Das Protokoll ({log}) wurde nicht gelesen: {why}",
    "{count} recordings could not be read; they are in no figure: {names}":
        "{count} Aufnahmen waren nicht lesbar; sie stehen in keiner Zahl: {names}",
    "{count} recordings go on: their figures will change.": "{count} Aufnahmen laufen noch: Ihre Zahlen ändern sich.",
    "{count} recordings are gone, and nothing signed says why.":
        "{count} Aufnahmen sind fort, und nichts Signiertes sagt, warum.",
    "{count} entries of the log of {log} were shredded: what they said is not in here.":
        "{count} Einträge des Protokolls ({log}) wurden vernichtet: Was sie sagten, steht nicht hier.",
    "{count} entries of the log of {log} were changed: eyelid-review audit verify names them.":
        "{count} Einträge des Protokolls ({log}) wurden verändert: eyelid-review audit verify nennt sie.",
    "{count} more rows are in the logs and the store.": "{count} weitere Zeilen stehen in Protokollen und Speicher.",
    "Of {what} there are more than this report lists: the rest is counted as others.":
        "Von {what} gibt es mehr, als dieser Bericht aufzählt: Der Rest zählt als others.",
    "No log here knows of copies that left the house, or who plays them.":
        "Kopien, die das Haus verlassen haben, und wer sie abspielt, kennt hier kein Protokoll.",
    "Characters that the PDF has no letter for stand as U+ and their number; the HTML and the JSON have them.":
        "Zeichen, für die das PDF keinen Buchstaben hat, stehen als U+ und ihre Nummer; HTML und JSON haben sie.",
    "its folder was not named (--custodian)": "sein Ordner wurde nicht genannt (--custodian)",
    "it has the legal holds, and its folder was not named (--lifecycle)":
        "es enthält die Löschsperren, und sein Ordner wurde nicht genannt (--lifecycle)",
    "it is the custodian's own, and the console has no key to it":
        "es gehört dem Treuhänder allein, und die Konsole hat keinen Schlüssel dazu",
    "Page {page} of {pages}": "Seite {page} von {pages}",
}  # fmt: skip
