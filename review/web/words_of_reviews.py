"""What the pages of reviews say in German (review.web.words)."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    "Reviews": "Prüfungen",
    "Review": "Prüfung",
    "The signed rules demand that a sample of each month is looked at. The custodian draws it: no person chooses.":
        "Die signierten Regeln verlangen, dass von jedem Monat eine Stichprobe geprüft wird. Der Treuhänder zieht sie, "
        "niemand wählt sie aus.",
    "Month": "Monat",
    "By": "Von",
    "Done by the end of": "Zu erledigen bis zum Ende von",
    "Looked at": "Geprüft",
    "{seen} of {drawn}": "{seen} von {drawn}",
    "not signed yet": "noch nicht unterschrieben",
    "not drawn yet, or the custodian does not answer": "noch nicht gezogen, oder der Treuhänder antwortet nicht",
    "it is drawn from the fourth day of the next month on": "wird ab dem vierten Tag des nächsten Monats gezogen",
    "late": "verspätet",
    "signed as done": "als erledigt unterschrieben",
    "signed as unfinished": "als unvollständig unterschrieben",
    "Back to the reviews": "Zurück zu den Prüfungen",
    "Demanded by": "Verlangt durch",
    "Role": "Rolle",
    "What was drawn": "Was gezogen wurde",
    "a finding": "Beanstandung",
    "escalated": "weitergemeldet",
    "not looked at yet": "noch nicht geprüft",
    "it is no longer here": "nicht mehr vorhanden",
    "Write the outcome": "Ergebnis eintragen",
    "It is kept sealed. Those who do this review can read it. Only what is fine may stay without one.":
        "Sie wird versiegelt aufbewahrt. Wer diese Prüfung macht, kann sie lesen. Nur was in Ordnung ist, kommt ohne "
        "Notiz aus.",
    "Save the outcome": "Ergebnis speichern",
    "Signatures": "Unterschriften",
    "You sign with your own key in the player's page. What has no outcome is named there, and the month is then signed "
    "as unfinished.":
        "Sie unterschreiben mit Ihrem eigenen Schlüssel auf der Seite des Players. Was kein Ergebnis hat, wird dort "
        "genannt, und der Monat gilt dann als unvollständig unterschrieben.",
    "Every recording has an outcome. You sign with your own key in the player's page.":
        "Jede Aufnahme hat ein Ergebnis. Sie unterschreiben mit Ihrem eigenen Schlüssel auf der Seite des Players.",
    "Sign as unfinished": "Als unvollständig unterschreiben",
    "Sign as done": "Als erledigt unterschreiben",
    "Who signs has to see every recording of the sample.":
        "Wer unterschreibt, muss jede Aufnahme der Stichprobe sehen dürfen.",
    "Choose an outcome.": "Wählen Sie ein Ergebnis.",
    "This month was signed as done: nothing of it changes any more.":
        "Dieser Monat wurde als erledigt unterschrieben: Daran ändert sich nichts mehr.",
}  # fmt: skip
