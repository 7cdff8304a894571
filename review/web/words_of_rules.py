"""German of the pages about rules and about how long recordings stay, as `words` has that of the others."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    # Rules in force
    "Rules": "Regeln",
    "Rules in force": "Geltende Regeln",
    "Who may see what, how long it is kept, and what is not recorded: the newest bundle signed with the compliance "
    "key. Sentences about the rules are in English, as the commands print them.":
        "Wer was sehen darf, wie lange es aufbewahrt wird und was nicht aufgezeichnet wird: das neueste Bündel, das "
        "mit dem Compliance-Schlüssel signiert ist. Sätze über die Regeln sind englisch, wie die Befehle sie ausgeben.",
    "Bundle": "Bündel",
    "In this archive since": "In diesem Archiv seit",
    "Signed": "Signiert",
    "Signed by the compliance key": "Signiert vom Compliance-Schlüssel",
    "Hash of the rules": "Hash der Regeln",
    "Hash of the policies": "Hash der Richtlinien",
    "Explain: may this person do this?": "Erklären: Darf diese Person das?",
    "Rendition": "Fassung",
    "redacted": "geschwärzt",
    "original": "Original",
    "Recording (ID)": "Aufnahme (Kennung)",
    "Explain": "Erklären",
    "About the recording": "Zur Aufnahme",
    "What is missing": "Was fehlt",
    "What changed with this bundle": "Was sich mit diesem Bündel geändert hat",
    "It is the first.": "Es ist das erste.",
    "Before it was bundle {number}, here since {moment}.": "Davor galt Bündel {number}, hier seit {moment}.",
    "Who may see what, and how long it is kept": "Wer was sehen darf und wie lange es aufbewahrt wird",
    "What is not recorded": "Was nicht aufgezeichnet wird",
    "Nothing that these rules do has changed.": "An dem, was diese Regeln bewirken, hat sich nichts geändert.",
    "They cannot be compared:": "Sie lassen sich nicht vergleichen:",
    "Opens more": "Öffnet mehr",
    "Deletes sooner": "Löscht früher",
    "Reviews less": "Prüft weniger",
    "Opens less": "Öffnet weniger",
    "Keeps longer": "Bewahrt länger auf",
    "Weaker: what was closed will be recorded": "Schwächer: Was geschlossen war, wird aufgezeichnet",
    "Stronger: what was recorded will be closed": "Stärker: Was aufgezeichnet wurde, wird geschlossen",
    "Other change": "Sonstige Änderung",
    "Try other rules before they count": "Andere Regeln ausprobieren, bevor sie gelten",
    "Choose a bundle, or the files of a governance folder. They are tried over recordings of this archive and kept "
    "nowhere. What comes into force, compliance signs.":
        "Wählen Sie ein Bündel oder die Dateien eines Regelordners. Sie werden an Aufnahmen dieses Archivs erprobt "
        "und nirgends gespeichert. Was in Kraft tritt, signiert die Compliance.",
    "A bundle, or files that end in .yaml": "Ein Bündel, oder Dateien mit der Endung .yaml",
    "the last 7 days": "die letzten 7 Tage",
    "the last 30 days": "die letzten 30 Tage",
    "the whole archive": "das ganze Archiv",
    "Try them": "Ausprobieren",
    "The rules are being tried. The result appears on this page.":
        "Die Regeln werden gerade erprobt. Das Ergebnis erscheint auf dieser Seite.",
    "These rules have mistakes:": "Diese Regeln enthalten Fehler:",
    "The trial failed. Try again, or tell who runs this console.":
        "Die Erprobung ist gescheitert. Versuchen Sie es noch einmal, oder sagen Sie es dem Betreiber der Konsole.",
    "Other rules are being tried. Try again when that is over.":
        "Gerade werden andere Regeln erprobt. Versuchen Sie es danach noch einmal.",
    "{name}, revision {number}, in place of the rules in force":
        "{name}, Stand {number}, anstelle der geltenden Regeln",
    "Tried over 1 recording:": "Erprobt an 1 Aufnahme:",
    "Tried over {count} recordings:": "Erprobt an {count} Aufnahmen:",
    "{deleted} would be deleted in the next {days} days, {sooner} sooner than now.":
        "In den nächsten {days} Tagen würden {deleted} gelöscht, {sooner} davon früher als jetzt.",
    "1 cannot be read, and is kept.": "1 ist nicht lesbar und wird aufbewahrt.",
    "{count} cannot be read, and are kept.": "{count} sind nicht lesbar und werden aufbewahrt.",
    "Who could open more, or less": "Wer mehr oder weniger öffnen könnte",
    "No change: all could open what they can open now.": "Keine Änderung: Alle können öffnen, was sie jetzt öffnen.",
    "Recordings now": "Aufnahmen jetzt",
    "Then": "Dann",
    "Less": "Weniger",
    "With every approval that could be asked for.": "Mit allen Zustimmungen, um die man bitten könnte.",
    "What would be deleted, and when": "Was gelöscht würde, und wann",
    "No change.": "Keine Änderung.",
    "Deleted: rules in force": "Löschung: geltende Regeln",
    "Deleted: these rules": "Löschung: diese Regeln",
    "What they change": "Was sie ändern",
    "Their text": "Wortlaut",
    "This bundle has no policy: each computer's own folder rules.":
        "Dieses Bündel hat keine Richtlinie: Es gilt der Ordner auf jedem Computer.",
    # How long recordings stay
    "Retention": "Aufbewahrung",
    "Retention and erasure": "Aufbewahrung und Löschung",
    "What the rules delete next, what is held back, and what an erasure would do. Nothing is deleted here.":
        "Was die Regeln als Nächstes löschen, was gesperrt ist und was eine Löschung bewirken würde. Hier wird nichts "
        "gelöscht.",
    "What is deleted next": "Was als Nächstes gelöscht wird",
    "These rules delete nothing in the next 90 days.": "In den nächsten 90 Tagen löschen diese Regeln nichts.",
    "Recordings by class; the table below says the same.": "Aufnahmen nach Klasse; die Tabelle unten sagt dasselbe.",
    "on request": "auf Antrag",
    "now": "jetzt",
    "in {days} days": "in {days} Tagen",
    "Due now": "Fällig",
    "Within {days} days": "Binnen {days} Tagen",
    "Each column includes the ones before it. The counts come from the search index and leave out interactions; "
    "recordings with doubts are kept longer. The store deletes only when eyelid-review due --apply is run.":
        "Jede Spalte schließt die vorigen ein. Die Zahlen stammen aus dem Suchverzeichnis und enthalten keine Anrufe, "
        "Chats und Mails; Aufnahmen mit offenen Fragen bleiben länger. Gelöscht wird erst durch eyelid-review due "
        "--apply.",
    "Legal holds are not counted: what is under one stays.":
        "Löschsperren sind nicht eingerechnet: Was gesperrt ist, bleibt.",
    "What is under a legal hold is left out.": "Was unter einer Löschsperre steht, ist weggelassen.",
    "Hold": "Löschsperre",
    "Review by": "Zu überprüfen bis",
    "Owner": "Verantwortlich",
    "Placed": "Gesetzt",
    "If released": "Nach Aufhebung",
    "{count} deleted at once": "{count} sofort gelöscht",
    "first deleted on {day}": "erste Löschung am {day}",
    "none deleted": "keine gelöscht",
    "not visible to you": "für Sie nicht sichtbar",
    "1 more is not shown: eyelid-review holds list.": "1 weitere ist nicht gezeigt: eyelid-review holds list.",
    "{count} more are not shown: eyelid-review holds list.":
        "{count} weitere sind nicht gezeigt: eyelid-review holds list.",
    "Preview of an erasure": "Vorschau einer Löschung",
    "Choose what to erase: one recording, a person, or what a search finds.":
        "Wählen Sie, was gelöscht werden soll: eine Aufnahme, die Aufnahmen einer Person oder das Ergebnis einer "
        "Suche.",
    "One recording (ID)": "Eine Aufnahme (Kennung)",
    "Show what would be deleted": "Zeigen, was gelöscht würde",
    "1 of the {count} shown would be deleted now.": "1 der {count} gezeigten würde jetzt gelöscht.",
    "{going} of the {count} shown would be deleted now.": "{going} der {count} gezeigten würden jetzt gelöscht.",
    "There are more than {count}: ask for some at a time.": "Es sind mehr als {count}: Beantragen Sie sie in Teilen.",
    "Each preview is noted in the audit log.": "Jede Vorschau wird im Prüfprotokoll vermerkt.",
    "Deletion": "Löschung",
    "stays": "bleibt",
    "Ask for their erasure": "Löschung dieser Aufnahmen beantragen",
    "One request for each of them. Others answer it, and the store does it, by approvals where the rules want them.":
        "Ein Antrag für jede. Andere entscheiden ihn, und das Archiv führt ihn aus, mit Zustimmungen, wo die Regeln "
        "sie verlangen.",
    "You may ask for their erasure for different purposes only: show fewer of them.":
        "Ihre Löschung können Sie nur zu verschiedenen Zwecken beantragen: Lassen Sie sich weniger davon zeigen.",
    "The signed rules do not let you ask for their erasure.":
        "Die signierten Regeln erlauben Ihnen nicht, die Löschung dieser Aufnahmen zu beantragen.",
    # How far the analysis is
    "Analysis": "Auswertung",
    "No line of the signed rules lets anybody analyse recordings: nothing is analysed.":
        "Keine Zeile der signierten Regeln erlaubt die Auswertung von Aufnahmen: Es wird nichts ausgewertet.",
    "What has no program that reads it stays waiting.": "Wofür kein Programm installiert ist, das bleibt in der "
        "Warteschlange.",
    "What is made": "Was entsteht",
    "Program": "Programm",
    "installed": "installiert",
    "not installed": "nicht installiert",
    "Waiting": "Wartend",
    "In work": "In Arbeit",
    "Done": "Fertig",
    "In the last hour": "Letzte Stunde",
    "Failed": "Gescheitert",
    "Why something failed says eyelid-review analyse --status.":
        "Woran etwas gescheitert ist, zeigt eyelid-review analyse --status.",
    "Speech": "Sprache",
    "Text on screens": "Text auf Bildschirmen",
    "Chats and mails": "Chats und Mails",
    "Personal data": "Personenbezogene Daten",
    "Redacted rendition": "Geschwärzte Fassung",
    "Search index": "Suchverzeichnis",
}  # fmt: skip
