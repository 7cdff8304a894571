"""What the pages of cases say in German (review.web.words)."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    "Cases": "Fälle",
    "Case": "Fall",
    "A case is a set of moments of recordings. You see your own, and those whose recordings are all yours to list and "
    "to hold or export.":
        "Ein Fall fasst Abschnitte von Aufnahmen zusammen. Sie sehen Ihre eigenen Fälle und solche, deren Aufnahmen "
        "Sie alle sehen und sperren oder exportieren dürfen.",
    "Title": "Titel",
    "Spans": "Abschnitte",
    "Made by": "Angelegt von",
    "Made on": "Angelegt am",
    "A new case": "Ein neuer Fall",
    "Title of a new case": "Titel eines neuen Falls",
    "Note": "Notiz",
    "Both are kept sealed. Who sees the case reads them, and the title goes with its export.":
        "Beides wird versiegelt aufbewahrt. Wer den Fall sieht, liest es; der Titel steht auch im Export.",
    "Make the case": "Fall anlegen",
    "Back to the cases": "Zurück zu den Fällen",
    "Added by": "Hinzugefügt von",
    "Remove": "Entfernen",
    "Comment by {person} at {time}": "Kommentar von {person} bei {time}",
    "{count} more are not shown: their recordings are not yours to list, or not here any more.":
        "{count} weitere sind nicht gezeigt: Ihre Aufnahmen dürfen Sie nicht sehen, oder es gibt sie nicht mehr.",
    "Spans are added on a recording's page.": "Abschnitte fügen Sie auf der Seite einer Aufnahme hinzu.",
    "Spans change only while a case is open.": "Abschnitte ändern sich nur, solange ein Fall offen ist.",
    "What comments say can be read in the player alone.": "Was Kommentare sagen, lässt sich nur im Player lesen.",
    "Export": "Export",
    "Asked for by {person}, {moment}": "Beantragt von {person}, {moment}",
    "Approved by": "Freigegeben von",
    "The signed rules grant it. On the store's machine this does it:":
        "Die signierten Regeln erlauben ihn. Auf dem Computer des Speichers tut es dies:",
    "Refused by {person}": "Abgelehnt von {person}",
    "The signed rules do not let you ask for its export, or it has no spans yet.":
        "Die signierten Regeln lassen Sie den Export nicht beantragen, oder der Fall hat noch keine Abschnitte.",
    "It is kept sealed. Who sees the case reads it.": "Sie wird versiegelt aufbewahrt. Wer den Fall sieht, liest sie.",
    "{held} of {count} recordings are under a legal hold.":
        "{held} von {count} Aufnahmen unterliegen einer Löschsperre.",
    "One request for each recording of the case.": "Je Aufnahme des Falls entsteht ein Antrag.",
    "Add a span to a case": "Abschnitt zu einem Fall hinzufügen",
    "Add the span": "Abschnitt hinzufügen",
    "As in 1:23.5, from the beginning of the recording.": "Wie in 1:23.5, vom Beginn der Aufnahme an.",
    "open": "offen",
    "export asked for": "Export beantragt",
    "exported": "exportiert",
    "finished": "abgeschlossen",
    "Ask for its export": "Export beantragen",
    "Approve the export": "Export freigeben",
    "Refuse the export": "Export ablehnen",
    "It was exported": "Der Export ist erledigt",
    "Finish the case": "Fall abschließen",
    "Open it again": "Wieder öffnen",
    "Write a title of 200 characters at most, on one line.":
        "Schreiben Sie einen Titel mit höchstens 200 Zeichen, in einer Zeile.",
    "A span ends after it begins, within the recording. Write times as in 1:23.5.":
        "Ein Abschnitt endet nach seinem Beginn und innerhalb der Aufnahme. Schreiben Sie Zeiten wie 1:23.5.",
    "The case has changed in the meantime. Load the page again.":
        "Der Fall wurde inzwischen geändert. Laden Sie die Seite neu.",
    "This case has as many spans as a case can have.": "Mehr Abschnitte kann ein Fall nicht haben.",
}  # fmt: skip
