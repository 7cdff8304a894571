// What was said, beside the screens: read, searched, and a way to its moments. The worker opens it; what was not
// recorded in between, the verified account says.

import { wholeGaps } from "./gaps.js";
import { refusal } from "./refusal-words.js";
import { $, about, element, language, player, setItems, words } from "./state.js";
import { clock, describe } from "./words.js";

const AGAIN = 30_000; // ms, while it waits to be transcribed
let sealedFile = null; // how the console is asked for it
let opens = null; // what the worker is asked
let spoken = null; // {turns, channels, personal}, as the worker opened it
let code = ""; // why there is none
let hits = []; // words that were sought, in order: their elements, a list for each
let hit = -1;
let turns = []; // {start, end, item}

/** `from`: how it is asked for; null where no key of it was released. */
export async function beginTranscript(from, asking) {
  if (!from) return;
  [sealedFile, opens] = [from, asking];
  $("transcript").hidden = false;
  $("transcript-sought").addEventListener("input", find);
  $("transcript-sought").addEventListener("keydown", (event) => {
    if (event.key === "Enter") toHit(event.shiftKey ? -1 : 1);
  });
  $("hides-personal").addEventListener("change", showTranscript);
  player.addEventListener("time", follow);
  await load();
}

async function load() {
  try {
    spoken = await opens("transcript", await sealedFile());
    code = "";
  } catch (error) {
    code = typeof error.code === "string" ? error.code : "failed";
    if (code === "transcript-waits" && !player.stopped) setTimeout(load, AGAIN);
  }
  showTranscript();
  $("transcript").dataset.state = code || "shown"; // for tests
}

export function showTranscript() {
  if (!sealedFile) return;
  $("transcript-state").textContent = code ? refusal(code, language, "transcript") : stateOf();
  $("transcript-find").hidden = !spoken?.turns.some((turn) => turn.words);
  $("transcript-note").hidden = !spoken;
  showPersonal();
  if (!spoken) return;
  const models = [...new Set(spoken.channels.map(({ model }) => model).filter(Boolean))];
  $("transcript-note").textContent = words.transcriptNote(models.join(", "));
  const gaps = "audio" in about.lanes ? wholeGaps("audio") : [];
  const rows = [...spoken.turns.map(turnRow), ...gaps.map(gapRow)].sort((one, other) => one.start - other.start);
  turns = rows.filter(({ said }) => said);
  setItems($("turns"), rows.map(({ item }) => item));
  $("turns").hidden = !rows.length;
  find();
  follow();
}

/** Of the ends that have no words, why. */
function stateOf() {
  const without = spoken?.channels.filter(({ state }) => state !== "transcribed") ?? [];
  return without.map(({ channel, state }) => words.noTranscript(end(channel), words.heard[state] ?? state)).join(" ");
}

const end = (channel) => ({ agent: words.microphone, customer: words.farEnd })[channel] ?? channel;

function row(start, title, className = "row") {
  const [item, go, head] = [element("li"), element("button", "", className), element("span", "", "head")];
  go.type = "button";
  go.addEventListener("click", () => player.seek(start));
  head.append(element("span", clock(start, true), "at"), element("span", title, "what"));
  go.append(head);
  item.append(go);
  return { start, item };
}

function turnRow({ channel, start, end: until, words: heard }) {
  const made = row(start, end(channel));
  const said = element("p", heard ? "" : words.unheard, heard ? "" : "small");
  if (heard) {
    said.lang = spoken.channels.find((one) => one.channel === channel).language ?? "";
    said.dir = "auto";
  }
  const hides = $("hides-personal").checked;
  let last = null; // what the words before this one are replaced by
  for (const one of heard ?? []) {
    const kinds = personalKinds(channel, one);
    if (hides && kinds && last?.kinds === kinds) continue;
    last = hides && kinds ? { kinds } : null;
    const word = last ? element("span", `[${kinds}]`, "personal") : wordOf(one, kinds);
    word.addEventListener("click", () => player.seek(one.start));
    said.append(word, " ");
  }
  made.item.append(said);
  return { ...made, end: until, said };
}

function wordOf({ text, unsure }, kinds) {
  const word = element("span", text, `word${unsure ? " unsure" : ""}${kinds ? " personal" : ""}`);
  const title = [kinds, unsure && words.unsure].filter(Boolean).join("; ");
  if (title) word.title = title;
  return word;
}

function gapRow({ from, cause }) {
  return row(Math.max(0, from / 1e9), describe(cause, about.names, words).title, `row ${cause.what}`);
}

// -- personal data -----------------------------------------------------------------------------------------------

/** Which kinds of it a word is, in words; "" if none. */
function personalKinds(channel, { start, end: until }) {
  const here = (spoken.personal.spans ?? []).filter(
    (one) => one.channel === channel && one.start < until && one.end > start,
  );
  const kinds = [...new Set(here.map(({ kind }) => kind))].sort();
  const telling = kinds.filter((kind) => kind !== "number" && kind !== "repeated");
  return (telling.length ? telling : kinds).map((kind) => words.personalKinds[kind] ?? kind).join(", ");
}

function showPersonal() {
  $("transcript-hide").hidden = !spoken?.personal.spans?.length;
  $("transcript-personal").textContent = spoken?.turns.some((turn) => turn.words) ? personalState() : "";
}

function personalState() {
  const { code: missing, spans, languages } = spoken.personal;
  if (missing) return words.personalMissing[missing] ?? words.personalRefused(refusal(missing, language, "transcript"));
  const unknown = spoken.channels.filter(
    (one) => one.state === "transcribed" && !languages.includes(one.language ?? ""),
  );
  const unread = unknown.map(({ channel, language: spoke }) => words.personalUnread(end(channel), spoke));
  return [words.personalFound(spans.length), ...unread].join(" ");
}

// -- the moment that is played -----------------------------------------------------------------------------------

function follow() {
  const now = turns.findLast(({ start, end: until }) => player.time >= start && player.time < until);
  const before = $("turns").querySelector("[aria-current]");
  if (now?.item === before) return;
  before?.removeAttribute("aria-current");
  now?.item.setAttribute("aria-current", "true");
  const list = $("turns");
  if (!now || !player.playing || list.matches(":hover, :focus-within")) return; // who reads there is not taken away
  show(now.item);
}

/** In the list alone: the page stays where it is. */
function show(item) {
  const list = $("turns");
  list.scrollTop = item.offsetTop - (list.clientHeight - item.offsetHeight) / 2;
}

// -- search ------------------------------------------------------------------------------------------------------

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss");

/** Marks all words in which what is sought lies, also across several; accents and case do not count. */
function find() {
  for (const mark of $("turns").querySelectorAll("mark")) mark.replaceWith(mark.textContent);
  const sought = folded($("transcript-sought").value).trim().replace(/\s+/g, " ");
  hits = sought ? turns.flatMap(({ said }) => hitsIn([...said.querySelectorAll(".word")], sought)) : [];
  for (const one of new Set(hits.flat())) {
    const mark = element("mark", one.textContent);
    one.replaceChildren(mark);
  }
  hit = -1;
  sayHits();
}

function hitsIn(all, sought) {
  const [parts, starts] = [all.map((one) => folded(one.textContent)), []];
  let length = 0;
  for (const part of parts) {
    starts.push(length);
    length += part.length + 1;
  }
  const text = parts.join(" ");
  const within = [];
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length))
    within.push(all.filter((_, place) => starts[place] < at + sought.length && starts[place] + parts[place].length > at));
  return within;
}

function toHit(step) {
  if (!hits.length) return;
  for (const one of hits[hit] ?? []) one.classList.remove("here");
  hit = hit < 0 && step < 0 ? hits.length - 1 : (hit + step + hits.length) % hits.length;
  for (const one of hits[hit]) one.classList.add("here");
  hits[hit][0].click();
  show(hits[hit][0].closest("li"));
  sayHits();
}

function sayHits() {
  const sought = $("transcript-sought").value.trim();
  $("transcript-hits").textContent = sought ? words.transcriptHits(hits.length, hit + 1) : "";
}
