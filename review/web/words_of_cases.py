"""What the pages of cases say in German (review.web.words)."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    "Cases": "Fälle",
    "Case": "Fall",
    "A case is a set of spans of recordings. You see your own cases, and those of others where the signed rules let "
    "you see every recording and hold, export or approve the export.":
        "Ein Fall fasst Abschnitte von Aufnahmen zusammen. Sie sehen Ihre eigenen Fälle und diejenigen anderer, bei "
        "denen Sie nach den signierten Regeln jede Aufnahme sehen und sie sperren, exportieren oder dem Export "
        "zustimmen dürfen.",
    "Title": "Titel",
    "Spans": "Abschnitte",
    "Made by": "Angelegt von",
    "Made on": "Angelegt am",
    "A new case": "Neuer Fall",
    "Title of a new case": "Titel eines neuen Falls",
    "Note": "Notiz",
    "Both are kept sealed. All who see the case can read them. Its export has the title, too.":
        "Beides wird versiegelt aufbewahrt. Wer den Fall sieht, kann es lesen. Der Titel steht auch im Export.",
    "Make the case": "Fall anlegen",
    "Back to the cases": "Zurück zu den Fällen",
    "Added by": "Hinzugefügt von",
    "Remove": "Entfernen",
    "Comment by {person} at {time}": "Kommentar von {person} bei {time}",
    "1 more is not shown: you may not see its recording, or it is no longer here.":
        "1 weiterer wird nicht gezeigt: Sie dürfen die Aufnahme nicht sehen, oder es gibt sie nicht mehr.",
    "{count} more are not shown: you may not see their recordings, or they are no longer here.":
        "{count} weitere werden nicht gezeigt: Sie dürfen die Aufnahmen nicht sehen, oder es gibt sie nicht mehr.",
    "Spans are added on a recording's page.": "Abschnitte fügen Sie auf der Seite einer Aufnahme hinzu.",
    "Spans change only while a case is open.": "Abschnitte ändern sich nur, solange ein Fall offen ist.",
    "What comments say can be read in the player only.": "Den Text der Kommentare zeigt nur der Player.",
    "Only the sound.": "Nur der Ton.",
    "Only the screens.": "Nur die Bilder.",
    "The rest is left out for the rights of others.": "Das Übrige ist zum Schutz der Rechte anderer weggelassen.",
    "Export": "Export",
    "Asked for by {person}, {moment}": "Beantragt von {person}, {moment}",
    "Approved by": "Zugestimmt von",
    "The signed rules grant it. This command exports it on the store's machine:":
        "Die signierten Regeln erlauben den Export. Dieser Befehl führt ihn auf dem Computer des Speichers aus:",
    "Refused by {person}": "Abgelehnt von {person}",
    "The signed rules do not let you ask for its export, or it has no spans yet.":
        "Nach den signierten Regeln dürfen Sie den Export nicht beantragen, oder der Fall hat noch keine Abschnitte.",
    "It is kept sealed. All who see the case can read it.":
        "Sie wird versiegelt aufbewahrt. Wer den Fall sieht, kann sie lesen.",
    "{held} of {count} recordings are under a legal hold.":
        "{held} von {count} Aufnahmen unterliegen einer Löschsperre.",
    "One request for each recording of the case.": "Je Aufnahme des Falls entsteht ein Antrag.",
    "Add a span to a case": "Abschnitt zu einem Fall hinzufügen",
    "Add the span": "Abschnitt hinzufügen",
    "As in 1:23.5, from the beginning of the recording.": "Zum Beispiel 1:23.5, gerechnet vom Beginn der Aufnahme.",
    "open": "offen",
    "export asked for": "Export beantragt",
    "exported": "exportiert",
    "finished": "abgeschlossen",
    "Ask for its export": "Export beantragen",
    "Approve the export": "Dem Export zustimmen",
    "Refuse the export": "Export ablehnen",
    "It was exported": "Der Export ist erledigt",
    "Finish the case": "Fall abschließen",
    "Open it again": "Wieder öffnen",
    "Write a title of 200 characters at most, on one line.":
        "Schreiben Sie einen Titel mit höchstens 200 Zeichen, in einer Zeile.",
    "A span ends after it begins, within the recording. Write times as in 1:23.5.":
        "Ein Abschnitt endet nach seinem Beginn und innerhalb der Aufnahme. Schreiben Sie Zeiten so: 1:23.5.",
    "The case has changed in the meantime. Load the page again.":
        "Der Fall wurde inzwischen geändert. Laden Sie die Seite neu.",
    "This case has as many spans as a case can have.": "Dieser Fall hat so viele Abschnitte, wie ein Fall haben kann.",
}  # fmt: skip
