// What was checked, what is wrong, and what is still to be checked: the badge, its list, the marks on the timeline.

import { showTime } from "./moment.js";
import { streamName } from "./stage.js";
import { $, about, AUDIO, element, player, setItems, timeline, words } from "./state.js";

const PACKET = 65_535;
const EVERY = 200; // ms from one drawing to the next, or drawing would take the time of checking
// Checks of each chunk, in their order: after the first that fails no other is made.
const PER_CHUNK = ["bytes", "headers", "signatures", "chain", "tags"];

const states = new Map(); // stream -> of each row: 0 not checked, 1 good, 2 bad
let findings = null; // null before the page knows what there is to check
const early = []; // what the worker had checked before
let complete = false;

/** Begins with what the worker found at opening. */
export function beginProof() {
  findings = about.findings;
  for (const [stream, count] of about.counts) states.set(stream, new Array(count).fill(0));
  for (const message of early.splice(0)) note(message);
}

export function completeProof() {
  complete = true;
  showMarks();
  showProof();
}

/** Of the worker, which opens the first chunks while the page makes itself ready: it may be early. */
export function checked(message) {
  if (!findings) {
    early.push(message);
    return;
  }
  if (note(message)) soon();
}

/** Whether it says anything new: what is played was checked before, and drawing the same again is for nothing. */
function note({ checked: rows, findings: more }) {
  findings.push(...more);
  let news = more.length > 0;
  for (const { stream, row, code } of rows) {
    const [of, now] = [states.get(stream), code ? 2 : 1];
    news ||= of[row] !== now;
    of[row] = now;
    if (code) player?.refuse(stream, row, code);
  }
  return news;
}

/** What proves and is no media: the page says so, too. */
export function refused({ detail: { stream, row, code } }) {
  const { sequence } = player.chains.get(stream).rows[row];
  if (code === "not-media") findings.push({ check: "media", code, where: { stream, sequence } });
  showTime();
  soon();
}

let drawing = false;
function soon() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    showMarks();
    showProof();
  }, EVERY);
}

const counted = (state) => [...states.values()].reduce((sum, of) => sum + of.filter((one) => state(one)).length, 0);

/** Kept time whose chunk is not checked, or failed: the account says kept, and the page has not seen it prove. */
function showMarks() {
  if (!timeline) return;
  for (const lane of Object.keys(about.lanes)) {
    const marks = [];
    for (const { stream, rows } of player.chains.values()) {
      if ((stream < AUDIO ? "screen" : "audio") !== lane) continue;
      const { plays } = player.chains.get(stream);
      for (const [row, { start, end, kind }] of rows.entries()) {
        const state = states.get(stream)[row];
        const what = state === 2 || (state === 1 && !plays[row]) ? "bad" : state === 0 ? "unverified" : null;
        if (!what || kind !== 1) continue;
        const last = marks.at(-1);
        if (last?.what === what && Math.abs(last.end - start) < 0.05) last.end = end;
        else marks.push({ start, end, what });
      }
    }
    timeline.mark(
      lane,
      marks.sort((one, other) => (one.what === "bad") - (other.what === "bad")),
    );
  }
}

export function showProof() {
  const all = counted(() => true);
  const done = counted((one) => one > 0);
  const problems = findings.length;
  const state = problems ? "wrong" : complete ? "good" : "busy";
  $("badge").disabled = false;
  $("badge").dataset.state = state;
  $("badge-mark").setAttribute(
    "d",
    { good: "M3 8.5 6.5 12 13 4.500", wrong: "M8 2v7.500M8 12.200v1.300", busy: "M8 2a6 6 0 1 0 6 6" }[state],
  );
  const text = problems ? words.wrong(problems) : complete ? words.verified : words.checking(done, all);
  if ($("badge-text").textContent !== text) $("badge-text").textContent = text; // said anew only where it is
  $("checks").replaceChildren(
    ...about.checks.map((check) => {
      const bad = findings.some((one) => one.check === check);
      const earlier = PER_CHUNK.slice(0, Math.max(0, PER_CHUNK.indexOf(check)));
      const looked = done - findings.filter((one) => earlier.includes(one.check) && one.code !== "gap").length;
      const never = check === "tags" && !about.keys;
      const open = PER_CHUNK.includes(check) && looked < all;
      const item = element("li", "", bad ? "wrong" : never || open ? "open" : "good");
      item.dataset.check = check;
      const mark = bad
        ? words.wrongMark
        : never
          ? words.notChecked
          : open
            ? words.of(Math.max(0, looked), all)
            : words.good;
      item.append(element("span", mark, "mark"), element("span", words.checks[check]));
      return item;
    }),
  );
  setItems(
    $("findings"),
    findings.map((one) => {
      const item = element("li");
      item.dataset.code = one.code;
      item.dataset.check = one.check;
      const text = `${placeOf(one.where)}: ${words.codes[one.code] ?? one.code} `;
      const at = timeOf(one.where);
      const line = at === null ? element("p", text) : element("button", text, "row");
      line.append(element("code", one.code));
      if (at !== null) line.addEventListener("click", () => player.seek(at));
      item.append(line);
      return item;
    }),
  );
}

function placeOf({ stream, sequence, entry, report }) {
  if (stream === PACKET) return words.where.packet;
  if (stream !== undefined) return `${streamName(stream)}, ${words.where.chunk(sequence)}`;
  if (report !== undefined) return words.where.report;
  return entry === null || entry === undefined ? words.where.account : words.where.entry(entry);
}

function timeOf({ stream, sequence }) {
  const chain = player?.chains.get(stream);
  return chain?.rows.find((one) => one.sequence >= sequence && one.kind === 1)?.start ?? null;
}
