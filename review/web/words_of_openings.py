"""What the pages say of samples and of what was played of an opening, in German (review.web.words)."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
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
