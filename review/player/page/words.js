// All texts of the page, in each language. A code that never changes stands beside each finding.

const EN = {
  play: "Play",
  pause: "Pause",
  back: "10 seconds back",
  on: "10 seconds forward",
  before: "Previous picture",
  after: "Next picture",
  speed: "Speed",
  skip: "Skip what was not kept",
  microphone: "Microphone",
  farEnd: "Far end",
  screens: "Screens",
  controls: "Playback",
  timeline: "Timeline",
  proof: "What was verified",
  gaps: "Not kept",
  keys: "Keyboard",
  close: "Close",
  theme: "Dark",
  help: "Keyboard",
  language: "Deutsch",
  screen: "Screen",
  sound: "Sound",
  screenLane: "Screen",
  audioLane: "Sound",
  loading: "Opening and checking …",
  at: (time, what) => `${time}: ${what}`,
  of: (one, all) => `${one} of ${all}`,
  checking: (done, all) => `Checking: ${done} of ${all}`,
  verified: "Verified in this browser",
  wrong: (n) => (n === 1 ? "One thing is wrong" : `${n} things are wrong`),
  skipped: (length, why) => `Skipped ${length}: ${why}`,
  quiet: "Skip silence",
  skippedQuiet: (length, all) => `Skipped ${length} of silence, ${all} in all`,
  waveform: (percent) => `Waveform: ${percent} %`,
  spans: "Loop and marks",
  spansNote: "Kept in this page only: they are gone when it is closed.",
  loop: (from, to) => `Repeats ${from} – ${to}`,
  loopHalf: (from) => `From ${from} …`,
  noLoop: "Nothing is repeated.",
  loopStart: "Start (A)",
  loopEnd: "End (B)",
  loopClear: "Clear (C)",
  mark: "Mark (D)",
  unmark: (at) => `Remove the mark at ${at}`,
  transcript: "Transcript",
  transcriptFind: "Find a word",
  transcriptHits: (count, at) =>
    !count ? "Not found." : at ? `${at} of ${count}` : `${count} found. Enter goes to the next, Shift+Enter back.`,
  transcriptNote: (model) =>
    `Written by speech recognition${model ? ` (${model})` : ""}, which makes mistakes: what was said is in the ` +
    "recording. Words it was unsure of are underlined with dots. What was not recorded is not in it.",
  unsure: "the recognition was unsure of this word",
  unheard: "Speech of which no word was made out.",
  hidePersonal: "Hide personal data",
  personalFound: (count) =>
    `Rules found ${count ? `personal data in ${count} place${count > 1 ? "s" : ""}` : "no personal data"}. ` +
    "They miss some, names above all.",
  personalUnread: (end, spoke) => `${end}: the rules do not know its language${spoke ? ` (${spoke})` : ""}.`,
  personalRefused: (why) => `Personal data is not marked, as what was found of it is not shown: ${why}`,
  personalMissing: {
    none: "Nothing looked for personal data in it yet: nothing is hidden.",
    "no-key": "Personal data is not marked, as not all of the recording was opened: nothing is hidden.",
  },
  personalKinds: {
    card: "card number",
    cvv: "security code",
    expiry: "card's expiry",
    iban: "IBAN",
    account: "account number",
    ssn: "social security number",
    tax_id: "tax number",
    health_insurance: "health insurance number",
    birth: "date of birth",
    phone: "phone number",
    email: "e-mail address",
    spelling: "spelled word",
    name: "name",
    address: "address",
    last_four: "last digits",
    number: "number",
    repeated: "repeated by the other end",
  },
  noTranscript: (end, why) => `${end}: ${why}.`,
  heard: {
    "no-words": "speech, but no word was made out",
    "no-speech": "no speech",
    closed: "not recorded, by rules",
    "too-short": "too short to transcribe",
    empty: "no sound",
    missing: "no sound",
    unusable: "the sound cannot be transcribed",
  },
  comments: "Comments",
  noComments: "No comments yet.",
  commentOn: (span) => `Comment on ${span}`,
  commentNoSpan: "To comment, set a start (A) and an end (B).",
  commentNote: "Sealed with the recording's own key, and signed by you. People who may open the recording can read it.",
  commentSend: "Sign and save",
  commentSending: "The comment is being saved …",
  commentKept: "Comment saved.",
  commentRefused: (why) => `Comment not saved: ${why}`,
  commentsFailed: (why) => `Comments could not be loaded: ${why}`,
  commentsRefused: (count, why) =>
    `${count === 1 ? "1 comment" : `${count} comments`} did not pass the check and ` +
    `${count === 1 ? "is" : "are"} not shown: ${why}`,
  full: "Full screen",
  silent: "This browser has no sound device: pictures go on without sound.",
  loads: "Loading …",
  consoleWaits: "The console does not answer. Trying again.",
  otherName: ({ host, os_user }) => `its key packet names ${os_user}, ${host} (other-name)`,
  states: { closed: "", "broken-off": "the recorder ended without closing it", open: "its end is not signed" },
  one: "Show this screen large",
  all: "Show all screens side by side",
  nothing: "Everything was kept.",
  kept: "kept",
  closed: "closed",
  held: "held",
  blind: "blind",
  missing: "missing",
  outside: "not part of this case",
  case: "Case",
  leftOut: {
    screen: "The screens are left out for the rights of others.",
    audio: "The sound is left out for the rights of others.",
  },
  caseHere: "this recording",
  onHold: (hold, since, review) => `On legal hold ${hold} since ${since}; its review is due on ${review}.`,
  erasedOf: (id, on) => `Recording ${id} was erased on ${on}: its certificate is in the case.`,
  erasedUnproven: (id) => `Recording ${id} is missing, and its certificate of erasure does not verify.`,
  unverified: "not verified",
  bad: "does not verify",
  closedBy: (rules) => `Closed by rule ${rules}`,
  closedAlone: "Closed",
  revision: (number) => `revision ${number} of the policy`,
  heldBy: (holds) => `Held: ${holds}`,
  margin: "given up around it",
  byPerson: "by the person",
  byPersonWhy: (why) => `by the person (${why})`,
  refused: (code, why) => `Stopped here: ${why} (${code})`,
  waits: "Goes on at the next key frame.",
  notHere: "Nothing was kept of this screen.",
  noDecoder: "This browser cannot decode this screen.",
  good: "good",
  wrongMark: "wrong",
  notChecked: "not checked",
  checks: {
    bytes: "every chunk is here, with the bytes that were received",
    "key-packet": "the key packet is signed by the device, for the readers that compliance named",
    headers: "every chunk is at the place that it names",
    signatures: "every chunk is signed by the device",
    chain: "every chunk follows the one before it, without a gap",
    ledger: "the ledger is signed by the device and has no gap",
    heads: "every stream goes as far as the device signed",
    account: "nothing was kept at a time that the ledger says was closed",
    tags:
      "every chunk of screens and sound opens, unchanged since it was sealed, with the key that the device " +
      "committed to",
  },
  limits:
    "Checked by this page, with the device's key as this archive enrolled it. Not checked here: that key " +
    "itself, the names of rules (their numbers are signed), what the catalog says of other recordings, " +
    "and the commitment in the key packet, which the opening command checked.",
  limitsReleased:
    "Checked by this page, with the key of the PC that the custodian named in what it signed. Not checked here: the " +
    "names of rules (their numbers are signed), what the catalog says of other recordings, and the commitment in the " +
    "key packet, which the custodian checked.",
  limitsCase:
    "Checked by this page, with the key of the PC that the exporting store named in what it signed. Not checked here: " +
    "whether chunks were left out at the edges of a span, the names of rules (their numbers are signed), and whose " +
    "key signed the case: the opening command shows it.",
  own: {
    unreadable: "a window's program or title could not be read",
    "web-engine": "a window shows web pages that no browser extension could look into",
    "unseen-page": "a page, or a part of it, gave no answer",
    "remote-display": "a window shows another machine",
    overview: "a switcher or overview shows other windows",
    unlisted: "no rule names what was shown, and the policy closes for that",
    "not-allowed": "something was shown that is none of the allowed applications",
    "not-recorded": "nothing that the policy records was open",
    blind: "nothing could be seen",
  },
  reasons: {
    blind: "nothing could be seen",
    unproven: "not proven in time",
    died: "the recorder was not running",
    lost: "chunks were not received",
    "not-here-yet": "it is on its way",
    erased: "it was erased",
    "no-ledger": "the ledger says nothing about it",
    silent: "nothing was heard",
    "no-end": "the recorder ended and did not say how",
    "clock-went-back": "the device's own clock went back",
    locked: "the screen was locked",
    "not-in-front": "another person was in front",
    "seat-unknown": "who was in front was not known",
    "display-off": "the display was off",
    logoff: "the person had logged off",
    shutdown: "the computer was shut down",
    suspended: "the computer slept",
    "spool-full": "the computer had no room left",
    "no-policy": "there was no policy",
  },
  codes: {
    lost: "the chunk is not here",
    "no-key": "the case has no key for it",
    damaged: "its bytes are not those that were received",
    truncated: "it is cut short",
    oversized: "it is too large",
    "bad-magic": "it is not a sealed chunk",
    "unknown-kind": "its header is damaged",
    "unknown-flags": "its header is damaged",
    "bad-stream": "its header is damaged",
    "bad-span": "it claims more time than there can be",
    "wrong-recording": "it is a chunk of another recording",
    "wrong-stream": "it is a chunk of another stream",
    "wrong-sequence": "it is another chunk of this stream",
    "wrong-previous": "it does not follow the one before it",
    "changed-catalog": "the catalog says something else than the bytes",
    "wrong-edition": "it is of another edition than the packet says",
    "bad-signature": "the device did not sign it",
    "other-key": "it commits to another key than its stream",
    "wrong-commitment": "it was sealed with another key",
    "wrong-tag": "it does not open: it was changed, or sealed with another key",
    gap: "chunks are missing in the chain",
    undecided: "there are two versions of it, and nothing signed says which one counts",
    "no-key-packet": "there is no key packet that can be trusted",
    misplaced: "it is signed for another recording or device",
    "other-policy": "the ledger names another policy for the recording",
    "unknown-bundle": "the signed list of its readers is not here",
    "bad-bundle": "the list of its readers is not signed by compliance",
    "other-readers": "it is sealed to other readers than compliance named",
    "no-ledger": "the ledger does not name this recording",
    missing: "entries of the ledger are missing",
    "wrong-seq": "entries of the ledger are missing",
    "broken-chain": "an entry does not follow the one before it",
    "no-report": "the device signed no report",
    "ledger-cut": "entries that the store had confirmed are gone",
    "wrong-head": "the device signed another chunk for this place",
    "tail-missing": "the stream ends before the device's signed end",
    unsigned: "the end of the recording is not signed: more may have been cut off",
    "beyond-closing": "it comes after the signed end",
    "kept-while-closed": "it was kept at a time that the ledger says was closed",
    "no-stream-keys": "an earlier recorder signed no chunks",
    "not-media": "this browser cannot read its content as picture or sound",
    unreadable: "it cannot be read",
    malformed: "it is not a signed statement",
    "wrong-signer": "another key signed it",
    "bad-field": "it has another form",
    "wrong-type": "it is another kind of statement",
    "wrong-algorithm": "it is signed in another way",
    "unknown-version": "it is of a later version",
    "unknown-critical": "it needs a later version",
    "unknown-suite": "it is sealed in another way",
    "no-recipients": "it has no reader",
    "bad-line": "an entry cannot be read",
    "bad-count": "a batch has other entries than it says",
  },
  failures: {
    "no-ed25519":
      "This browser cannot verify Ed25519 signatures, so nothing here could be trusted and nothing is " +
      "opened. Chromium 137, Firefox 130 and Safari 17 can.",
    "used-up": "This address was used already, or is not complete. It is good for one page: run the command again.",
    "no-secret": "This address is not complete: copy all of it, with what follows the #.",
    failed: "The recording cannot be opened.",
    gone: "The recording is not served any more: run the command again.",
    ended: "The recording is not here any more: it was erased, or you may no longer see it.",
    unreachable: "The console cannot be reached. Load this page again.",
    "signed-out": "Your session at the console has ended. Sign in there, and load this page again.",
    over: "Your right to see this recording has ended.",
  },
  where: {
    packet: "key packet",
    stream: (n) => `stream ${n}`,
    chunk: (n) => `chunk ${n}`,
    entry: (n) => `entry ${n} of the ledger`,
    account: "ledger",
    report: "the device's report",
  },
  keysOf: [
    ["Space, K", "play or pause"],
    ["← →", "5 seconds"],
    ["J L", "10 seconds"],
    [", .", "previous, next picture"],
    ["Home End", "beginning, end"],
    ["0 … 9", "tenths of the recording"],
    ["↑ ↓", "speed"],
    ["P N", "previous, next gap"],
    ["S", "skip what was not kept"],
    ["Q", "skip silence"],
    ["A B C", "loop: start, end, clear (or drag along the times)"],
    ["D", "set a mark, or remove the one here"],
    ["E W", "next, previous mark"],
    ["R", "write a comment"],
    ["M", "mute"],
    ["F", "next screen large, or all"],
    ["G", "full screen"],
    ["V", "what was verified"],
    ["T", "dark or light"],
    ["?", "this list"],
  ],
};

const DE = {
  play: "Abspielen",
  pause: "Anhalten",
  back: "10 Sekunden zurück",
  on: "10 Sekunden vor",
  before: "Voriges Bild",
  after: "Nächstes Bild",
  speed: "Tempo",
  skip: "Lücken überspringen",
  microphone: "Mikrofon",
  farEnd: "Gegenseite",
  screens: "Bildschirme",
  controls: "Wiedergabe",
  timeline: "Zeitleiste",
  proof: "Was geprüft wurde",
  gaps: "Nicht aufgezeichnet",
  keys: "Tastatur",
  close: "Schließen",
  theme: "Dunkel",
  help: "Tastatur",
  language: "English",
  screen: "Bildschirm",
  sound: "Ton",
  screenLane: "Bildschirm",
  audioLane: "Ton",
  loading: "Wird geöffnet und geprüft …",
  at: (time, what) => `${time}: ${what}`,
  of: (one, all) => `${one} von ${all}`,
  checking: (done, all) => `Prüfung läuft: ${done} von ${all}`,
  verified: "In diesem Browser geprüft",
  wrong: (n) => (n === 1 ? "Eine Unstimmigkeit" : `${n} Unstimmigkeiten`),
  skipped: (length, why) => `${length} übersprungen: ${why}`,
  quiet: "Stille überspringen",
  skippedQuiet: (length, all) => `${length} Stille übersprungen, insgesamt ${all}`,
  waveform: (percent) => `Wellenform: ${percent} %`,
  spans: "Wiederholung und Marken",
  spansNote: "Nur auf dieser Seite: Beim Schließen gehen sie verloren.",
  loop: (from, to) => `Wiederholt ${from} – ${to}`,
  loopHalf: (from) => `Ab ${from} …`,
  noLoop: "Es wird nichts wiederholt.",
  loopStart: "Anfang (A)",
  loopEnd: "Ende (B)",
  loopClear: "Aufheben (C)",
  mark: "Marke (D)",
  unmark: (at) => `Marke bei ${at} entfernen`,
  transcript: "Transkript",
  transcriptFind: "Ein Wort finden",
  transcriptHits: (count, at) =>
    !count
      ? "Nicht gefunden."
      : at
        ? `${at} von ${count}`
        : `${count} gefunden. Enter springt zum nächsten, Umschalt+Enter zurück.`,
  transcriptNote: (model) =>
    `Von einer Spracherkennung geschrieben${model ? ` (${model})` : ""}, die Fehler macht: Was gesagt wurde, ist in ` +
    "der Aufnahme. Unsichere Wörter sind gepunktet unterstrichen. Was nicht aufgenommen wurde, fehlt auch hier.",
  unsure: "Die Erkennung war bei diesem Wort unsicher.",
  unheard: "Sprache, in der kein Wort erkannt wurde.",
  hidePersonal: "Personendaten verbergen",
  personalFound: (count) =>
    `Regeln fanden ${count ? `Personendaten an ${count} Stelle${count > 1 ? "n" : ""}` : "keine Personendaten"}. ` +
    "Manches übersehen sie, vor allem Namen.",
  personalUnread: (end, spoke) => `${end}: Die Regeln kennen diese Sprache nicht${spoke ? ` (${spoke})` : ""}.`,
  personalRefused: (why) => `Personendaten sind nicht markiert, weil das Gefundene nicht angezeigt wird: ${why}`,
  personalMissing: {
    none: "Darin wurde noch nicht nach Personendaten gesucht: Nichts ist verborgen.",
    "no-key": "Personendaten sind nicht markiert, weil nicht die ganze Aufnahme geöffnet wurde: Nichts ist verborgen.",
  },
  personalKinds: {
    card: "Kartennummer",
    cvv: "Prüfziffer",
    expiry: "Ablaufdatum",
    iban: "IBAN",
    account: "Kontonummer",
    ssn: "Sozialversicherungsnummer",
    tax_id: "Steuernummer",
    health_insurance: "Krankenversichertennummer",
    birth: "Geburtsdatum",
    phone: "Telefonnummer",
    email: "E-Mail-Adresse",
    spelling: "Buchstabiertes",
    name: "Name",
    address: "Adresse",
    last_four: "letzte Ziffern",
    number: "Nummer",
    repeated: "vom anderen Ende wiederholt",
  },
  noTranscript: (end, why) => `${end}: ${why}.`,
  heard: {
    "no-words": "Sprache, aber kein Wort wurde erkannt",
    "no-speech": "keine Sprache",
    closed: "nach Regeln nicht aufgenommen",
    "too-short": "zu kurz für ein Transkript",
    empty: "kein Ton",
    missing: "kein Ton",
    unusable: "Der Ton lässt sich nicht transkribieren",
  },
  comments: "Kommentare",
  noComments: "Noch keine Kommentare.",
  commentOn: (span) => `Kommentar zu ${span}`,
  commentNoSpan: "Für einen Kommentar Anfang (A) und Ende (B) setzen.",
  commentNote:
    "Mit dem Schlüssel der Aufnahme versiegelt und von Ihnen unterschrieben. Wer die Aufnahme öffnen darf, kann ihn lesen.",
  commentSend: "Unterschreiben und speichern",
  commentSending: "Der Kommentar wird gespeichert …",
  commentKept: "Kommentar gespeichert.",
  commentRefused: (why) => `Kommentar nicht gespeichert: ${why}`,
  commentsFailed: (why) => `Die Kommentare konnten nicht geladen werden: ${why}`,
  commentsRefused: (count, why) =>
    `${count === 1 ? "1 Kommentar hat" : `${count} Kommentare haben`} die Prüfung nicht bestanden und ` +
    `${count === 1 ? "wird" : "werden"} nicht angezeigt: ${why}`,
  full: "Vollbild",
  silent: "Dieser Browser hat keine Tonausgabe: Die Bilder laufen ohne Ton weiter.",
  loads: "Wird geladen …",
  consoleWaits: "Die Konsole antwortet nicht. Es wird erneut versucht.",
  otherName: ({ host, os_user }) => `ihr Schlüsselpaket nennt ${os_user}, ${host} (other-name)`,
  states: { closed: "", "broken-off": "der Rekorder endete, ohne sie zu schließen", open: "ihr Ende ist nicht signiert" },
  one: "Diesen Bildschirm groß zeigen",
  all: "Alle Bildschirme nebeneinander zeigen",
  nothing: "Alles wurde aufgezeichnet.",
  kept: "aufgezeichnet",
  closed: "geschlossen",
  held: "angehalten",
  blind: "blind",
  missing: "fehlt",
  outside: "nicht Teil dieses Falls",
  case: "Fall",
  leftOut: {
    screen: "Die Bilder sind zum Schutz der Rechte anderer weggelassen.",
    audio: "Der Ton ist zum Schutz der Rechte anderer weggelassen.",
  },
  caseHere: "diese Aufnahme",
  onHold: (hold, since, review) => `Unter der Löschsperre ${hold} seit ${since}; zu prüfen bis ${review}.`,
  erasedOf: (id, on) => `Die Aufnahme ${id} wurde am ${on} gelöscht: Der Nachweis liegt im Fall.`,
  erasedUnproven: (id) => `Die Aufnahme ${id} fehlt, und ihr Löschnachweis lässt sich nicht prüfen.`,
  unverified: "nicht geprüft",
  bad: "Prüfung nicht bestanden",
  closedBy: (rules) => `Geschlossen durch Regel ${rules}`,
  closedAlone: "Geschlossen",
  revision: (number) => `Stand ${number} der Richtlinie`,
  heldBy: (holds) => `Angehalten: ${holds}`,
  margin: "Sicherheitsabstand",
  byPerson: "von der Person",
  byPersonWhy: (why) => `von der Person (${why})`,
  refused: (code, why) => `Hier unterbrochen: ${why} (${code})`,
  waits: "Weiter geht es mit dem nächsten Schlüsselbild.",
  notHere: "Von diesem Bildschirm wurde nichts aufgezeichnet.",
  noDecoder: "Dieser Browser kann diesen Bildschirm nicht dekodieren.",
  good: "in Ordnung",
  wrongMark: "falsch",
  notChecked: "nicht geprüft",
  checks: {
    bytes: "jeder Block ist da, mit den Bytes, die empfangen wurden",
    "key-packet": "das Schlüsselpaket stammt vom Gerät, für die Leser, die die Compliance bestimmt hat",
    headers: "jeder Block steht, wo er zu stehen angibt",
    signatures: "jeder Block ist vom Gerät signiert",
    chain: "jeder Block folgt lückenlos auf den vorigen",
    ledger: "das Journal ist vom Gerät signiert und lückenlos",
    heads: "jede Spur reicht so weit, wie das Gerät signiert hat",
    account: "nichts stammt aus einer Zeit, die laut Journal geschlossen war",
    tags:
      "jeder Block von Bild und Ton lässt sich öffnen, unverändert seit der Versiegelung, mit dem " +
      "Schlüssel, auf den sich das Gerät festgelegt hat",
  },
  limits:
    "Geprüft von dieser Seite mit dem Schlüssel des Geräts, wie dieses Archiv ihn aufgenommen hat. Hier " +
    "nicht geprüft: dieser Schlüssel selbst, die Namen der Regeln (ihre Nummern sind signiert), was der " +
    "Katalog über andere Aufnahmen sagt, und die Festlegung im Schlüsselpaket, die der öffnende " +
    "Befehl geprüft hat.",
  limitsReleased:
    "Geprüft von dieser Seite mit dem Schlüssel des PCs, den der Treuhänder in seiner Unterschrift genannt hat. Hier " +
    "nicht geprüft: die Namen der Regeln (ihre Nummern sind signiert), was der Katalog über andere Aufnahmen " +
    "sagt, und die Festlegung im Schlüsselpaket, die der Treuhänder geprüft hat.",
  limitsCase:
    "Geprüft von dieser Seite mit dem Schlüssel des PCs, den das exportierende Archiv in seiner Unterschrift genannt " +
    "hat. Hier nicht geprüft: ob am Rand eines Abschnitts Blöcke weggelassen wurden, die Namen der Regeln (ihre " +
    "Nummern sind signiert), und wessen Schlüssel den Fall signiert hat: der öffnende Befehl zeigt ihn.",
  own: {
    unreadable: "Programm oder Titel eines Fensters war nicht lesbar",
    "web-engine": "ein Fenster zeigt Webseiten, in die keine Browser-Erweiterung hineinsieht",
    "unseen-page": "eine Seite oder ein Teil davon antwortete nicht",
    "remote-display": "ein Fenster zeigt einen anderen Computer",
    overview: "eine Fensterübersicht zeigt andere Fenster",
    unlisted: "keine Regel nennt, was zu sehen war, und die Richtlinie schließt dann",
    "not-allowed": "es war etwas zu sehen, das zu keiner der erlaubten Anwendungen gehört",
    "not-recorded": "es war nichts offen, was die Richtlinie aufzeichnet",
    blind: "es war nichts zu erkennen",
  },
  reasons: {
    blind: "es war nichts zu erkennen",
    unproven: "nicht rechtzeitig nachgewiesen",
    died: "der Rekorder lief nicht",
    lost: "Blöcke kamen nicht an",
    "not-here-yet": "noch unterwegs",
    erased: "es wurde gelöscht",
    "no-ledger": "das Journal sagt dazu nichts",
    silent: "es war nichts zu hören",
    "no-end": "der Rekorder endete ohne Angabe eines Grundes",
    "clock-went-back": "die Uhr des Geräts ging zurück",
    locked: "der Bildschirm war gesperrt",
    "not-in-front": "eine andere Person saß davor",
    "seat-unknown": "wer davor saß, war nicht bekannt",
    "display-off": "der Bildschirm war aus",
    logoff: "die Person war abgemeldet",
    shutdown: "der Computer wurde heruntergefahren",
    suspended: "der Computer schlief",
    "spool-full": "der Computer hatte keinen Platz mehr",
    "no-policy": "es gab keine Richtlinie",
  },
  codes: {
    "no-key": "der Fall hat keinen Schlüssel dafür",
    lost: "der Block ist nicht da",
    damaged: "seine Bytes sind nicht die empfangenen",
    truncated: "er ist abgeschnitten",
    oversized: "er ist zu groß",
    "bad-magic": "das ist kein versiegelter Block",
    "unknown-kind": "sein Kopf ist beschädigt",
    "unknown-flags": "sein Kopf ist beschädigt",
    "bad-stream": "sein Kopf ist beschädigt",
    "bad-span": "er beansprucht mehr Zeit, als es geben kann",
    "wrong-recording": "er gehört zu einer anderen Aufnahme",
    "wrong-stream": "er gehört zu einer anderen Spur",
    "wrong-sequence": "es ist ein anderer Block dieser Spur",
    "wrong-previous": "er folgt nicht auf den vorigen",
    "changed-catalog": "der Katalog sagt anderes als die Bytes",
    "wrong-edition": "er ist von einer anderen Ausgabe, als das Paket angibt",
    "bad-signature": "das Gerät hat ihn nicht signiert",
    "other-key": "er legt sich auf einen anderen Schlüssel fest als seine Spur",
    "wrong-commitment": "er wurde mit einem anderen Schlüssel versiegelt",
    "wrong-tag": "er lässt sich nicht öffnen: verändert oder mit anderem Schlüssel versiegelt",
    gap: "in der Kette fehlen Blöcke",
    undecided: "es gibt zwei Fassungen, und nichts Signiertes sagt, welche gilt",
    "no-key-packet": "es gibt kein vertrauenswürdiges Schlüsselpaket",
    misplaced: "ist für eine andere Aufnahme oder ein anderes Gerät signiert",
    "other-policy": "das Journal nennt für die Aufnahme eine andere Richtlinie",
    "unknown-bundle": "die signierte Liste der Leser ist nicht da",
    "bad-bundle": "die Liste der Leser ist nicht von der Compliance signiert",
    "other-readers": "versiegelt für andere Leser, als die Compliance bestimmt hat",
    "no-ledger": "das Journal nennt diese Aufnahme nicht",
    missing: "Einträge des Journals fehlen",
    "wrong-seq": "Einträge des Journals fehlen",
    "broken-chain": "ein Eintrag folgt nicht auf den vorigen",
    "no-report": "das Gerät hat keinen Bericht signiert",
    "ledger-cut": "bestätigte Einträge sind verschwunden",
    "wrong-head": "das Gerät hat für diese Stelle einen anderen Block signiert",
    "tail-missing": "die Spur endet vor dem signierten Ende",
    unsigned: "das Ende der Aufnahme ist nicht signiert: danach kann etwas abgeschnitten sein",
    "beyond-closing": "kommt nach dem signierten Ende",
    "kept-while-closed": "stammt aus einer Zeit, die laut Journal geschlossen war",
    "no-stream-keys": "ein früherer Rekorder signierte keine Blöcke",
    "not-media": "dieser Browser versteht seinen Inhalt weder als Bild noch als Ton",
    unreadable: "nicht lesbar",
    malformed: "das ist keine signierte Aussage",
    "wrong-signer": "ein anderer Schlüssel hat signiert",
    "bad-field": "hat eine andere Form",
    "wrong-type": "ist eine andere Art von Aussage",
    "wrong-algorithm": "ist auf andere Weise signiert",
    "unknown-version": "stammt aus einer späteren Version",
    "unknown-critical": "braucht eine spätere Version",
    "unknown-suite": "ist auf andere Weise versiegelt",
    "no-recipients": "hat keinen Leser",
    "bad-line": "ein Eintrag ist nicht lesbar",
    "bad-count": "ein Stapel enthält andere Einträge, als er angibt",
  },
  failures: {
    "no-ed25519":
      "Dieser Browser kann keine Ed25519-Signaturen prüfen. Nichts hier wäre vertrauenswürdig, darum wird " +
      "nichts geöffnet. Chromium 137, Firefox 130 und Safari 17 können es.",
    "used-up":
      "Diese Adresse wurde schon benutzt oder ist unvollständig. Sie gilt für eine Seite: den Befehl noch " +
      "einmal ausführen.",
    "no-secret": "Diese Adresse ist unvollständig: ganz kopieren, mit allem nach dem #.",
    failed: "Die Aufnahme lässt sich nicht öffnen.",
    gone: "Die Aufnahme wird nicht mehr bereitgestellt: den Befehl noch einmal ausführen.",
    ended: "Die Aufnahme ist nicht mehr da: Sie wurde gelöscht, oder Sie dürfen sie nicht mehr sehen.",
    unreachable: "Die Konsole ist nicht zu erreichen. Laden Sie diese Seite neu.",
    "signed-out": "Ihre Sitzung an der Konsole ist beendet. Melden Sie sich dort an, und laden Sie diese Seite neu.",
    over: "Ihr Recht, diese Aufnahme zu sehen, ist abgelaufen.",
  },
  where: {
    packet: "Schlüsselpaket",
    stream: (n) => `Spur ${n}`,
    chunk: (n) => `Block ${n}`,
    entry: (n) => `Eintrag ${n} des Journals`,
    account: "Journal",
    report: "Bericht des Geräts",
  },
  keysOf: [
    ["Leertaste, K", "abspielen, anhalten"],
    ["← →", "5 Sekunden"],
    ["J L", "10 Sekunden"],
    [", .", "voriges, nächstes Bild"],
    ["Pos1 Ende", "Anfang, Ende"],
    ["0 … 9", "Zehntel der Aufnahme"],
    ["↑ ↓", "Tempo"],
    ["P N", "vorige, nächste Lücke"],
    ["S", "Lücken überspringen"],
    ["Q", "Stille überspringen"],
    ["A B C", "Wiederholung: Anfang, Ende, aufheben (oder über die Zeiten ziehen)"],
    ["D", "Marke setzen oder die an dieser Stelle entfernen"],
    ["E W", "nächste, vorige Marke"],
    ["R", "Kommentar schreiben"],
    ["M", "stumm"],
    ["F", "nächster Bildschirm groß, oder alle"],
    ["G", "Vollbild"],
    ["V", "was geprüft wurde"],
    ["T", "dunkel oder hell"],
    ["?", "diese Liste"],
  ],
};

export const LANGUAGES = { en: EN, de: DE };

/** 1:02:03, or 2:03.4 where tenths are wanted. */
export function clock(seconds, tenths = false) {
  const all = Math.max(0, Math.floor(seconds * 10 + 1e-6)); // in tenths
  const two = (one) => String(one % 60).padStart(2, "0");
  const whole = Math.floor(all / 10);
  const minutes = Math.floor(whole / 60);
  const front = minutes >= 60 ? `${Math.floor(minutes / 60)}:${two(minutes)}` : String(minutes);
  return `${front}:${two(whole)}${tenths ? `.${all % 10}` : ""}`;
}

/** The other way: of 83.5, 1:23.5 or 1:02:03; null for anything else. */
export function secondsOf(text) {
  if (!/^(\d{1,6}:)?(\d{1,3}:)?\d{1,6}(\.\d{1,9})?$/.test(text ?? "")) return null;
  return text.split(":").reduce((sum, one) => 60 * sum + Number(one), 0);
}

/** 11 s, 0.4 s, 2 min 5 s. */
export function length(seconds, language) {
  if (seconds < 10) return `${seconds.toLocaleString(language, { maximumFractionDigits: 1 })} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
}

/** What an object has of its own by a name that a PC wrote: each object has a `constructor`. */
const own = (of, name) => (Object.hasOwn(of, name) ? of[name] : undefined);

/** {title, why} of a part of the account. `names`: of policies, as papers have them. */
export function describe(part, names, words) {
  const margin = part.margin ? ` · ${words.margin}` : "";
  if (part.what === "kept") return { title: words.kept, why: "" };
  if (part.what === "outside") return { title: words.outside, why: "" };
  if (part.what === "closed") {
    const policy = own(names, part.policy);
    const rules = part.rules.map((rule) => nameOf(rule, policy?.rules ?? [], words));
    const title = rules.length ? words.closedBy(rules.map(([id]) => id).join(", ")) : words.closedAlone;
    return {
      title: title + margin,
      why: [...rules.map(([, why]) => why), Number.isInteger(policy?.revision) && words.revision(policy.revision)]
        .filter(Boolean)
        .join("; "),
    };
  }
  if (part.what === "held") {
    const holds = part.holds.map((hold) => holdOf(hold, part, names, words));
    return { title: words.heldBy(holds.join(", ")) + margin, why: "" };
  }
  return { title: words[part.what], why: (own(words.reasons, part.why) ?? part.why) + margin };
}

/** [id, why] of a rule: by its number in the policy, or by Eyelid's own name. */
export function nameOf(rule, rules, words) {
  if (typeof rule === "string") return [rule, own(words.own, rule) ?? ""];
  return rules[rule]?.[0] ? rules[rule] : [String(rule), ""];
}

function holdOf(hold, { reason, policy }, names, words) {
  if (hold !== "user") return own(words.reasons, hold) ?? hold;
  const why = typeof reason === "number" ? own(names, policy)?.reasons[reason] : reason;
  return why ? words.byPersonWhy(why) : words.byPerson;
}
