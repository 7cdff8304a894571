"""What the lists of the computers say in German (review.web.words)."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    "Lists of the computers": "Listen zu den Computern",
    "Alarms": "Alarme",
    "Gaps": "Lücken",
    "Use of the rules": "Nutzung der Regeln",
    "What the archive found out about computers. An operator acknowledges it on the archive's machine: eyelid-store "
    "alarms --ack.":
        "Was das Archiv über Computer herausgefunden hat. Quittiert wird es von einem Operator auf dem Rechner des "
        "Archivs: eyelid-store alarms --ack.",
    "What should be here and is not, as eyelid-store gaps says it.":
        "Was hier sein müsste und fehlt, so wie eyelid-store gaps es sagt.",
    "{read} of {all} computers were looked at so far. Load this page again in a moment.":
        "Bisher wurden {read} von {all} Computern angesehen. Laden Sie diese Seite gleich noch einmal.",
    "The last seven days. As of {moment}, or later.": "Die letzten sieben Tage. Stand: {moment} oder später.",
    "what it sent cannot be read": "was er gesendet hat, ist nicht lesbar",
    "it has more gaps than are listed": "er hat mehr Lücken, als aufgelistet sind",
    "Kind": "Art",
    "About": "Worum es geht",
    "Acknowledged": "Quittiert",
    "Lost": "Verloren",
    "more than {count}": "mehr als {count}",
    "Nothing that you may see fits.": "Nichts, was Sie sehen dürfen, passt dazu.",
    "a recording that you may not list, or that is not here":
        "eine Aufnahme, die Sie nicht sehen dürfen oder die nicht hier ist",
    "ledger entry {number}": "Eintrag {number} im Protokoll des Computers",
    "stream {stream}, chunk {number}": "Spur {stream}, Abschnitt {number}",
    "1 chunk": "1 Abschnitt",
    "{count} chunks": "{count} Abschnitte",
    "acknowledged": "quittiert",
    "all": "alle",
    "lost": "verloren",
    "given up: the computer's disk was full": "aufgegeben: Die Festplatte des Computers war voll",
    "still on its way": "noch unterwegs",
    "time that is unexplained": "Zeit, die nicht erklärt ist",
    "not what the computer had named": "nicht das, was der Computer genannt hatte",
    "erased by a signed order": "auf signierte Anordnung gelöscht",
    "the state is one of those in the list": "der Zustand ist einer aus der Liste",
    "a moment is written 2027-01-31T08:30": "ein Zeitpunkt wird 2027-01-31T08:30 geschrieben",
    "How often and how long each rule of the policies closed, on the computers that you may see. A rule that never "
    "closed anything on any computer may be wrong.":
        "Wie oft und wie lange jede Regel der Richtlinien auf den Computern, die Sie sehen dürfen, das Auge "
        "geschlossen hat. Eine Regel, die nirgends etwas geschlossen hat, ist vielleicht falsch.",
    "Closed": "Geschlossen",
    "For": "Dauer",
    "Last": "Zuletzt",
    "Would have closed": "Hätte geschlossen",
    "never in all this time": "nie in dieser Zeit",
    "{count} times, {time}": "{count}-mal, {time}",
    "never closed anything": "hat nie etwas geschlossen",
    "closed something": "hat etwas geschlossen",
    "would have closed something": "hätte etwas geschlossen",
}  # fmt: skip
