"""What the pages of privacy requests say in German (review.web.words)."""

from __future__ import annotations

from typing import Final

GERMAN: Final = {
    "Privacy": "Datenschutz",
    "Privacy requests": "Datenschutzanfragen",
    "Privacy request": "Datenschutzanfrage",
    "What people ask about recordings of themselves. Each is due by the same day of the next month; what is due first "
    "comes first.":
        "Was Menschen zu Aufnahmen verlangen, die sie selbst betreffen. Die Antwort ist bis zum selben Tag des "
        "Folgemonats fällig; was zuerst fällig ist, steht oben.",
    "Answered": "Beantwortet",
    "About": "Betrifft",
    "Came on": "Eingegangen am",
    "A new privacy request": "Neue Datenschutzanfrage",
    "What is asked for": "Was verlangt wird",
    "The day on which it came": "Tag des Eingangs",
    "A customer: number, address or id": "Kunde: Nummer, Adresse oder Kennung",
    "Or a person whose computer is recorded": "Oder eine Person, deren Computer aufgezeichnet wird",
    "Fill in one of both. It is kept sealed.": "Füllen Sie eines der beiden Felder aus. Es wird versiegelt aufbewahrt.",
    "It is kept sealed. All who work on such requests can read it.":
        "Sie wird versiegelt aufbewahrt. Wer solche Anfragen bearbeitet, kann sie lesen.",
    "Enter the request": "Anfrage eintragen",
    "Back to the privacy requests": "Zurück zu den Datenschutzanfragen",
    "Entered by": "Eingetragen von",
    "Two months more, because": "Zwei Monate länger, weil",
    "What is kept": "Was gespeichert ist",
    "This console cannot look for customers: it has no finding key.":
        "Diese Konsole kann nicht nach Kunden suchen: Sie hat keinen Suchschlüssel.",
    "Nothing was found that you may list.": "Es wurde nichts gefunden, was Sie sehen dürfen.",
    "1 recording that you may list.": "1 Aufnahme, die Sie sehen dürfen.",
    "{count} recordings that you may list.": "{count} Aufnahmen, die Sie sehen dürfen.",
    "Deletion, if it is asked for": "Löschung, falls beantragt",
    "Calls": "Gespräche",
    "Decision": "Entscheidung",
    "Finished: {moment}, {person}": "Abgeschlossen: {moment}, {person}",
    "Grounds, which go into the answer as they stand here":
        "Gründe, die wörtlich in die Antwort übernommen werden",
    "It is kept sealed. Send it to the person who asked: the console sends nothing.":
        "Sie wird versiegelt aufbewahrt. Schicken Sie sie der anfragenden Person: Die Konsole verschickt nichts.",
    "minimum of class {name}": "Mindestfrist der Klasse {name}",
    "Decide": "Entscheiden",
    "Take two months more": "Frist um zwei Monate verlängern",
    "Once, within the first month, where the request is hard to answer or there are many (GDPR 12(3)). Tell the person "
    "who asked.":
        "Einmal, innerhalb des ersten Monats, wenn die Anfrage schwierig ist oder es viele sind (Art. 12 Abs. 3 "
        "DSGVO). Teilen Sie es der anfragenden Person mit.",
    "Once the person who asked has the answer, and what it says is done:":
        "Wenn die anfragende Person die Antwort hat und alles erledigt ist, was darin steht:",
    "Finish the request": "Anfrage abschließen",
    "These are of {most} calls. There are earlier ones:": "Diese gehören zu {most} Gesprächen. Es gibt frühere:",
    "Earlier calls": "Frühere Gespräche",
    "Cases of this request": "Fälle zu dieser Anfrage",
    "There is nothing to do here.": "Hier ist nichts zu tun.",
    "A case of these recordings is exported with the approvals that the signed rules want, as any case.":
        "Ein Fall mit diesen Aufnahmen wird wie jeder Fall exportiert, mit den Zustimmungen, die die signierten "
        "Regeln verlangen.",
    "Of a customer it has the time of their calls alone.":
        "Bei einem Kunden enthält er nur die Zeit der eigenen Gespräche.",
    "For the rights of others": "Zum Schutz der Rechte anderer",
    "What is left out is not in the folder at all, and no key of it is. Both ends of a call are one lane: neither can "
    "be left out alone.":
        "Was weggelassen wird, ist im Ordner nicht enthalten, auch kein Schlüssel dazu. Beide Seiten eines Gesprächs "
        "liegen in einer Spur: Keine lässt sich allein weglassen.",
    "Make a case of these recordings": "Fall mit diesen Aufnahmen anlegen",
    "The signed rules do not let you make a case of all these recordings.":
        "Nach den signierten Regeln dürfen Sie nicht aus all diesen Aufnahmen einen Fall anlegen.",
    "A legal hold keeps recordings from being deleted. It does not keep people from opening them: change the signed "
    "rules for that.":
        "Eine Löschsperre verhindert, dass Aufnahmen gelöscht werden. Sie verhindert nicht, dass sie geöffnet werden: "
        "Dafür müssen die signierten Regeln geändert werden.",
    "The signed rules do not let you ask for a legal hold on them: somebody who may has to.":
        "Nach den signierten Regeln dürfen Sie keine Löschsperre beantragen: Das muss jemand tun, der es darf.",
    "This counts for the recording of this page.": "Das gilt für die Aufnahme dieser Seite.",
    "This counts for the {count} recordings of this page.": "Das gilt für die {count} Aufnahmen dieser Seite.",
    "Access (GDPR 15)": "Auskunft (Art. 15 DSGVO)",
    "Erasure (GDPR 17)": "Löschung (Art. 17 DSGVO)",
    "Restriction (GDPR 18)": "Einschränkung (Art. 18 DSGVO)",
    "Objection (GDPR 21)": "Widerspruch (Art. 21 DSGVO)",
    "decided": "entschieden",
    "granted in part": "teilweise bewilligt",
    "sound alone: screens are left out": "nur der Ton: Bilder werden weggelassen",
    "screens alone: sound is left out": "nur die Bilder: der Ton wird weggelassen",
    "everything": "alles",
    "We cannot prove that you are the person whose recordings you ask about. Please send us something that shows it. "
    "Until then we can give nothing away and change nothing.":
        "Wir können nicht feststellen, dass Sie die Person sind, nach deren Aufnahmen Sie fragen. Bitte schicken Sie "
        "uns einen Nachweis. Bis dahin können wir nichts herausgeben und nichts ändern.",
    "By law we must keep some recordings until a certain day, and cannot delete them before:":
        "Einige Aufnahmen müssen wir nach dem Gesetz bis zu einem bestimmten Tag aufbewahren und können sie nicht "
        "vorher löschen:",
    "Some recordings have to be kept for a legal claim. They are used for nothing else meanwhile.":
        "Einige Aufnahmen müssen für einen Rechtsanspruch aufbewahrt werden. Sie werden so lange für nichts anderes "
        "verwendet.",
    "Some recordings show or let hear other people, whose rights weigh more than your request here. These parts are "
    "left out.":
        "Einige Aufnahmen zeigen andere Menschen oder lassen sie hören, deren Rechte hier schwerer wiegen als Ihr "
        "Verlangen. Diese Teile werden weggelassen.",
    "Write a day of the last year, today at the latest.":
        "Schreiben Sie einen Tag des letzten Jahres, spätestens heute.",
    "Name either a customer or a person whose computer is recorded.":
        "Nennen Sie entweder einen Kunden oder eine Person, deren Computer aufgezeichnet wird.",
    "The first month is over: no more time can be taken.":
        "Der erste Monat ist vorbei: Die Frist lässt sich nicht mehr verlängern.",
}  # fmt: skip
