"""German of the page on which a pause policy is tried, as `words` has that of the others."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    "Try a pause policy": "Eine Pausenrichtlinie ausprobieren",
    "What a changed pause policy would have closed and opened is tried on a page of its own.":
        "Was eine geänderte Pausenrichtlinie geschlossen und geöffnet hätte, lässt sich auf einer eigenen Seite "
        "ausprobieren.",
    "See what a changed policy would close and open, before anybody signs it. A process that can do nothing else "
    "judges what you send. It is kept nowhere, and comes into force nowhere. Sentences about the policy are in "
    "English, as the commands print them.":
        "Sehen Sie, was eine geänderte Richtlinie schließen und öffnen würde, bevor sie jemand signiert. Ein Prozess, "
        "der sonst nichts kann, beurteilt, was Sie senden. Es wird nirgends gespeichert und tritt nirgends in Kraft. "
        "Sätze über die Richtlinie sind englisch, wie die Befehle sie ausgeben.",
    "What to try": "Was ausprobiert wird",
    "The policy's files (.yaml)": "Die Dateien der Richtlinie (.yaml)",
    "Scenes of recordings (scenes.jsonl), 20 at most": "Szenen von Aufnahmen (scenes.jsonl), höchstens 20",
    "Compare with": "Vergleichen mit",
    "the policy in force (bundle {number})": "der geltenden Richtlinie (Bündel {number})",
    "the policy that each recording had": "der Richtlinie, die jede Aufnahme hatte",
    "Or paste a file of it": "Oder fügen Sie eine Datei daraus ein",
    "Name of the pasted file": "Name der eingefügten Datei",
    "The other files in force belong to it": "Die übrigen geltenden Dateien gehören dazu",
    "Try it": "Ausprobieren",
    "24 MiB together at most. It can take some minutes, one trial after another.":
        "Zusammen höchstens 24 MiB. Es kann einige Minuten dauern, ein Versuch nach dem anderen.",
    "Scenes of this archive are sealed, and this console has no key. Who may open a recording gets them with "
    "eyelid-store export. A policy keeps scenes with keep_scenes: true. Without scenes this page says what the "
    "policy's own check and tests say.":
        "Szenen dieses Archivs sind versiegelt, und diese Konsole hat keinen Schlüssel. Wer eine Aufnahme öffnen darf, "
        "bekommt sie mit eyelid-store export. Eine Richtlinie bewahrt Szenen mit keep_scenes: true auf. Ohne Szenen "
        "sagt diese Seite, was Prüfung und Tests der Richtlinie ergeben.",
    "The policy: mistakes, cautions, tests": "Die Richtlinie: Fehler, Hinweise, Tests",
    "The console is receiving as much as it can. Try again in a minute.":
        "Die Konsole empfängt so viel, wie sie kann. Versuchen Sie es in einer Minute noch einmal.",
    "The trial could not be started. Try again, or tell who runs this console.":
        "Der Versuch ließ sich nicht starten. Versuchen Sie es noch einmal, oder sagen Sie es dem Betreiber der "
        "Konsole.",
    "Send 200 files and fields together at most.": "Senden Sie höchstens 200 Dateien und Felder zusammen.",
    "1 rule": "1 Regel",
    "{count} rules": "{count} Regeln",
    "In force: {name}, revision {number}.": "Es gilt: {name}, Stand {number}.",
    "It has mistakes, and would not come into force: {count}":
        "Sie enthält Fehler und würde nicht in Kraft treten: {count}",
    "Mistakes": "Fehler",
    "No mistake.": "Kein Fehler.",
    "Cautions": "Hinweise",
    "No caution.": "Kein Hinweis.",
    "File": "Datei",
    "Line": "Zeile",
    "Column": "Spalte",
    "Its own tests": "Ihre eigenen Tests",
    "It has none.": "Sie hat keine.",
    "{ran} ran, {failed} do not hold.": "{ran} liefen, {failed} halten nicht.",
    "What it would close and open of these recordings": "Was sie in diesen Aufnahmen schließen und öffnen würde",
    "No scenes were sent.": "Es wurden keine Szenen gesendet.",
    "Recording {id}": "Aufnahme {id}",
    "Compared: {old}, revision {first}, with {new}, revision {second}.":
        "Verglichen: {old}, Stand {first}, mit {new}, Stand {second}.",
    "{lane} of recording {id}": "{lane} der Aufnahme {id}",
    "What differs: {what}": "Was sich unterscheidet: {what}",
    "Every span: {what}": "Jeder Abschnitt: {what}",
    "Nothing differs: both policies close and record the same.":
        "Kein Unterschied: Beide Richtlinien schließen und zeichnen dasselbe auf.",
    "Policy compared with": "Verglichene Richtlinie",
    "Policy tried": "Ausprobierte Richtlinie",
    "compared with": "verglichen mit",
    "tried": "ausprobiert",
    "difference": "Unterschied",
    "Difference": "Unterschied",
    "What was in view": "Was zu sehen war",
    "Eyelid's own": "von Eyelid selbst",
    "let pass by": "durchgelassen von",
    "{time} of it was recorded": "{time} davon waren aufgezeichnet",
    "recorded": "aufgezeichnet",
    "not judged": "nicht beurteilt",
    "newly open: closed until now": "neu offen: bisher geschlossen",
    "newly closed: recorded until now": "neu geschlossen: bisher aufgezeichnet",
    "Newly open": "Neu offen",
    "Newly closed": "Neu geschlossen",
    "Closed by both": "Von beiden geschlossen",
    "Recorded by both": "Von beiden aufgezeichnet",
    "Not judged": "Nicht beurteilt",
    "1 more part is not shown: eyelid replay lists it.":
        "1 weiterer Teil ist nicht gezeigt: eyelid replay führt ihn auf.",
    "{count} more parts are not shown: eyelid replay lists them.":
        "{count} weitere Teile sind nicht gezeigt: eyelid replay führt sie auf.",
    "Pages were not searched for these, which only the tried policy names: it may close more.":
        "Nach diesen wurden die Seiten nicht durchsucht, nur die ausprobierte Richtlinie nennt sie: Sie schließt "
        "vielleicht mehr.",
    "What it changes of the policy in force": "Was sie an der geltenden Richtlinie ändert",
    "This archive has no policy in force that can be read: each computer's own folder rules.":
        "Dieses Archiv hat keine lesbare geltende Richtlinie: Auf jedem Computer gilt sein eigener Ordner.",
    "Rules that closed something in the last seven days": "Regeln, die in den letzten sieben Tagen geschlossen haben",
    "In the tried policy": "In der ausprobierten Richtlinie",
    "None closed anything.": "Keine hat etwas geschlossen.",
    "Counted on {looked} of {all} computers.": "Gezählt auf {looked} von {all} Computern.",
    "What one of them says cannot be read whole.": "Was einer davon meldet, ist nicht ganz lesbar.",
    "What {count} of them say cannot be read whole.": "Was {count} davon melden, ist nicht ganz lesbar.",
    "closes no more: it is only tried (dry_run)": "schließt nicht mehr: Sie wird nur erprobt (dry_run)",
    "gone, or called otherwise": "fehlt oder heißt anders",
    "now called {name}": "heißt jetzt {name}",
    # Why there is no answer
    "Others are trying policies. Try again in a minute.":
        "Gerade probieren andere Richtlinien aus. Versuchen Sie es in einer Minute noch einmal.",
    "This is more than 24 MiB together. Send fewer scenes.":
        "Das sind zusammen mehr als 24 MiB. Senden Sie weniger Szenen.",
    "The files did not arrive in time. Try again.":
        "Die Dateien kamen nicht rechtzeitig an. Versuchen Sie es noch einmal.",
    "This did not come from the form of this page. Load it again.":
        "Das kam nicht aus dem Formular dieser Seite. Laden Sie sie neu.",
    "Choose the files of a policy, or paste one.": "Wählen Sie die Dateien einer Richtlinie, oder fügen Sie eine ein.",
    "Two files have the same name.": "Zwei Dateien heißen gleich.",
    "Send 20 files of scenes at most.": "Senden Sie höchstens 20 Dateien mit Szenen.",
    "This would say more than a page holds. Send fewer scenes.":
        "Das ergäbe mehr, als eine Seite fasst. Senden Sie weniger Szenen.",
    "This needs more memory than it may have. Send fewer scenes.":
        "Das braucht mehr Speicher, als es haben darf. Senden Sie weniger Szenen.",
    "This takes longer than it may. Send fewer scenes, or a shorter policy.":
        "Das dauert länger, als es darf. Senden Sie weniger Szenen oder eine kürzere Richtlinie.",
    "The trial ended before it was done. Try again, or tell who runs this console.":
        "Der Versuch endete, bevor er fertig war. Versuchen Sie es noch einmal, oder sagen Sie es dem Betreiber der "
        "Konsole.",
}  # fmt: skip
