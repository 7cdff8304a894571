"""What the pages say of samples and of what was played of an opening, in German (review.web.words)."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    # What waits for approvals
    "Opening": "Öffnung",
    "Openings and exports that wait for an approval": "Öffnungen und Exporte, die auf eine Zustimmung warten",
    "The custodian does not answer, so openings and exports that wait for an approval are not shown now.":
        "Der Treuhänder antwortet nicht. Öffnungen und Exporte, die auf eine Zustimmung warten, werden darum gerade "
        "nicht gezeigt.",
    "waits for others": "wartet auf andere",
    "waits for you": "wartet auf Sie",
    "no person yet": "noch niemand",
    "Approvals missing": "Fehlende Zustimmungen",
    "{need} by {roles}": "{need} von {roles}",
    "Waits until": "Wartet bis",
    "People who may approve it find it on this page, or by this link:":
        "Wer zustimmen darf, findet es auf dieser Seite oder mit diesem Link:",
    "It goes on where you asked: leave that page or command open.":
        "Es geht dort weiter, wo Sie gefragt haben: Lassen Sie diese Seite oder diesen Befehl offen.",
    "Look at it in the player": "Im Player ansehen",
    "{count} more wait. What ends first is shown.": "{count} weitere warten. Gezeigt ist, was zuerst endet.",
    "Other requests": "Weitere Anträge",
    "to approve in the player, under Requests": "brauchen Ihre Zustimmung im Player, unter Anträge",
    "The custodian does not answer: openings and exports that wait are not counted.":
        "Der Treuhänder antwortet nicht: Öffnungen und Exporte, die warten, sind nicht gezählt.",
    "Only what was drawn opens.": "Nur gezogene Aufnahmen lassen sich öffnen.",
    "What is left of the sample the custodian does not say now ({code}).":
        "Was von der Stichprobe übrig ist, sagt der Treuhänder gerade nicht ({code}).",
    "Of {month} nothing is drawn yet.": "Aus {month} ist noch nichts gezogen.",
    "Of {candidates} recordings of this agent in {month}, {drawn} were drawn. You opened {opened} of these; {left} are "
    "left.":
        "Von {candidates} Aufnahmen dieser Person aus {month} wurden {drawn} gezogen. Davon haben Sie {opened} "
        "geöffnet; {left} sind übrig.",
    "This recording is among them.": "Diese Aufnahme ist dabei.",
    "This recording is not among them.": "Diese Aufnahme ist nicht dabei.",
    "Played": "Abgespielt",
    "more reports than are read here": "mehr Meldungen, als hier gelesen werden",
    "not reported": "nicht gemeldet",
    "Microphone": "Mikrofon",
    "Far end": "Gegenseite",
    "Screen {number}": "Bildschirm {number}",
    "and {count} more": "und {count} weitere",
    "Played is what the page of who opened it reported to the custodian. A changed page can report something else, or "
    "nothing: what was released is the most that they can have seen.":
        "Abgespielt ist, was die Seite der öffnenden Person dem Treuhänder gemeldet hat. Eine veränderte Seite kann "
        "etwas anderes melden oder nichts: Freigegebenes ist das Höchste, was sie gesehen haben kann.",
}  # fmt: skip
