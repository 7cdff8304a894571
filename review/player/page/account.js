// What became of every nanosecond of a recording, by docs/store-format.md. Pure; times are BigInt, ns.

import { isObject, isStream, isText, isUint } from "./bytes.js";

export const AUDIO = 32_768;
export const SCENES = 32_769;
const FOREVER = 2n ** 70n;
const MAX_TEXT = 200;
const MOST_HOLDS = 32; // at once
export const LATER = 51n; // entries after the run that are looked at

export const laneOf = (stream) => (stream < AUDIO ? "screen" : stream === SCENES ? null : "audio");
export const most = (values, least = 0n) => values.reduce((one, other) => (other > one ? other : one), least);
const print = (value) => JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${one}n` : one));
const same = (one, other) => print(one) === print(other);

// -- the entries of a recording ----------------------------------------------------------------------------------

/** {run, first, later}: lines in order, as `readLines` reads them; `first`: number of the recording's opening, or null.
 * `lines`: those that the device signed. */
export function runOf(lines, recording) {
  const found = (kind, from, own) =>
    lines.find((one) => one.entry?.kind === kind && one.seq >= from && (!own || one.entry.recording === recording));
  const first = found("recording-open", 0n, true)?.seq ?? null;
  if (first === null) return { run: [], first, later: [], following: null };
  const start = lines.findLast((one) => one.entry?.kind === "start" && one.seq <= first)?.seq ?? 0n;
  const ends = [found("start", first + 1n), found("blind-since", first + 1n)].flatMap((one) => one?.seq ?? []);
  const following = ends.length ? ends.reduce((one, other) => (one < other ? one : other)) : null;
  const closing = found("recording-closed", first + 1n, true)?.seq ?? FOREVER;
  const last = following !== null && following - 1n < closing ? following - 1n : closing;
  return {
    run: lines.filter((one) => one.seq >= start && one.seq <= last),
    start,
    first,
    later: following === null ? [] : lines.filter((one) => one.seq >= following && one.seq < following + LATER),
    following,
  };
}

const entriesOf = (read) => read.flatMap(({ entry, seq }) => (entry ? [{ ...entry, seq }] : []));

export function factsOf({ run, first, later: after, following }, recording) {
  const [all, later] = [entriesOf(run), entriesOf(after)];
  const [before, own] = [all.filter(({ seq }) => seq < first), all.filter(({ seq }) => seq >= first)];
  const ofKind = (kind) => own.find((one) => one.kind === kind && one.recording === recording) ?? null;
  const [opening, closing] = [ofKind("recording-open"), ofKind("recording-closed")];
  const zero = isUint(opening?.zero) && opening.zero <= opening.at ? opening.zero : (opening?.at ?? 0n);
  const naming = [...own, ...later].filter(
    (one) => ["heads", "recording-closed"].includes(one.kind) && one.recording === recording,
  );
  const ended = closing !== null || following !== null;
  const died = later.find(({ seq }) => seq === following) ?? null; // the first alone is about this run's end
  const named = naming.map(({ heads }) => headsOf(heads));
  return { before, own, later, died, opening, closing, zero, ended, named };
}

/** [[stream, next, hash]]; members of another shape count as not told. */
export function headsOf(heads) {
  const fits = ([stream, head]) =>
    isStream(stream) && Array.isArray(head) && head.length === 2 && isUint(head[0]) && head[0] > 0n && isText(head[1]);
  return isObject(heads)
    ? Object.entries(heads)
        .filter(fits)
        .map(([stream, [next, hash]]) => [Number(stream), next, hash])
    : [];
}

/** Stream -> sequence of the last chunk that an entry names. */
export function lastSigned(named) {
  const last = new Map();
  for (const [stream, next] of named.flat()) last.set(stream, most([next - 1n], last.get(stream) ?? -1n));
  return last;
}

/** Where its closing says that it ends. */
export function endingOf({ closing, zero }) {
  const { at, until } = closing;
  return (isUint(until) && until >= zero && until <= at ? until : at) - zero;
}

/** `chunks`: {stream, start, end}. */
export function lengthOf(facts, chunks) {
  const { own, opening, closing, zero } = facts;
  const last = most(chunks.filter(({ stream }) => stream !== SCENES).map((one) => one.end));
  if (opening === null) return last;
  return most([closing ? endingOf(facts) : most(own.map((one) => one.at)) - zero], last);
}

export function lanesOf({ before, own }, streams) {
  const told = [...before.filter(({ kind }) => ["lane-closed", "lane-open"].includes(kind)), ...own];
  const heard = told.some((one) => one.lane === "audio") || streams.some((one) => laneOf(one) === "audio");
  return heard ? ["screen", "audio"] : ["screen"];
}

// -- states ------------------------------------------------------------------------------------------------------

/** The states of a lane from the entries of its run: [{from, to, cause}], in their order of precedence. */
export function statesOf(lane, { before, own, died, zero }) {
  const slept = [];
  const states = [];
  const blind = [];
  const holds = new Map();
  let closing = null;
  let current = null;
  const span = (entry) => ["from", "to"].map((name) => (isUint(entry[name]) ? entry[name] : entry.at) - zero);
  for (const entry of [...before, ...own]) {
    const hold = textOf(entry, "hold", "unnamed");
    if (entry.kind === "hold" && (holds.has(hold) || holds.size < MOST_HOLDS)) holds.set(hold, entry);
    else if (entry.kind === "release") holds.delete(hold);
    else if (entry.kind === "lane-closed" && entry.lane === lane) closing = entry;
    else if (entry.kind === "lane-open" && entry.lane === lane) closing = null;
    else if (entry.kind === "slept") {
      const [from, to] = span(entry);
      slept.push({ from, to, cause: { what: "held", holds: ["suspended"] } });
    } else if (entry.kind === "blind-since") {
      const [from, to] = span(entry);
      blind.push({ from, to, cause: { what: "blind", why: textOf(entry, "why", "blind") } });
    }
    const cause = causeOf(holds, closing);
    if (same(cause, current?.cause ?? null)) continue;
    if (current) current.to = entry.at - zero;
    current = cause && { from: entry.at - zero, to: FOREVER, cause };
    if (current) states.push(current);
  }
  if (died?.kind === "blind-since")
    blind.push({ from: span(died)[0], to: FOREVER, cause: { what: "blind", why: textOf(died, "why", "blind") } });
  return [...slept, ...states, ...blind].filter(({ from, to }) => from < to);
}

const textOf = (entry, name, otherwise) =>
  isText(entry[name]) && [...entry[name]].length <= MAX_TEXT ? entry[name] : otherwise;
const policyOf = (entry) => (/^[ -~]{0,64}$/.test(textOf(entry, "policy", "")) ? textOf(entry, "policy", "") : "");

function causeOf(holds, closing) {
  const names = [...holds.keys()].filter((name) => name !== "blind");
  if (names.length > 0) return { what: "held", holds: names, ...(holds.has("user") && reasonOf(holds.get("user"))) };
  const rules = (Array.isArray(closing?.rules) ? closing.rules : []).filter(
    (one) => typeof one === "bigint" || (isText(one) && [...one].length <= MAX_TEXT),
  );
  const blind = rules.length === 1 && rules[0] === "blind";
  if (closing !== null && !blind) return { what: "closed", rules, policy: policyOf(closing) };
  return blind || holds.has("blind") ? { what: "blind", why: "blind" } : null;
}

/** Of the hold of the person in front: a number has its meaning in a policy, a text is Eyelid's own. */
function reasonOf(hold) {
  if (typeof hold.reason === "bigint") return { reason: hold.reason, policy: policyOf(hold) };
  return { reason: textOf(hold, "reason", "") || null };
}

/** How far a state without an end counts against chunks: where more can be told, up to the last entry that is here. */
export function lastsTo({ before, own, zero, ended }, { from, to }) {
  if (to !== FOREVER || ended) return to;
  const last = most([...before, ...own].map(({ at }) => at)) - zero;
  return last > from ? last : from + 1n;
}

// -- parts -------------------------------------------------------------------------------------------------------

/** Whether two chunks that do not follow one another are of one span of a case: then what lay between them was, too. */
export const ofOneSpan = (spans, one, after) =>
  spans.some(({ from, until }) => one.end > from && one.start < until && after.start < until);

/** `streams`: Map of stream -> chunks {sequence, kind, start, end}, in order. `signed`: as `lastSigned`. `spans`: of a
 * case, [{from, until}] in order; null where it is a whole recording. */
export function partsOf(lane, length, facts, streams, signed, spans = null) {
  const kept = [];
  const missing = [];
  for (const [stream, chunks] of streams) {
    if (laneOf(stream) !== lane) continue;
    let end = 0n;
    let sequence = 0n;
    for (const [at, chunk] of chunks.entries()) {
      if (chunk.sequence !== sequence && (!spans || (at > 0 && ofOneSpan(spans, chunks[at - 1], chunk))))
        missing.push({ from: end, to: chunk.start, cause: { what: "missing", why: "lost" } });
      if (chunk.kind === 1) kept.push({ from: chunk.start, to: chunk.end });
      sequence = chunk.sequence + 1n;
      end = most([chunk.end], end);
    }
  }
  for (const [stream, last] of spans ? [] : signed) {
    const here = streams.get(stream)?.at(-1);
    if (laneOf(stream) !== lane || last <= (here?.sequence ?? -1n)) continue;
    const why = facts.ended ? "lost" : "not-here-yet";
    missing.push({ from: here?.end ?? 0n, to: length, cause: { what: "missing", why } });
  }
  if (!facts.ended) {
    const from = most(kept.map((one) => one.to));
    missing.push({ from, to: length, cause: { what: "missing", why: "not-here-yet" } });
  }
  const states = facts.opening ? statesOf(lane, facts) : [];
  const parts = accounted(length, union(kept), missing, states, facts.opening !== null);
  return spans ? within(spans, parts, length) : parts;
}

/** Of a case: what is told outside of its spans is not part of it. */
function within(spans, parts, length) {
  const whole = [];
  const outside = (from, to) => from < to && whole.push({ from, to, what: "outside", margin: null });
  let at = 0n;
  for (const { from, until } of spans) {
    outside(at, from);
    for (const part of parts)
      if (part.from < until && from < part.to)
        whole.push({ ...part, from: most([from], part.from), to: part.to < until ? part.to : until });
    at = until;
  }
  outside(at, length);
  return whole;
}

/** The same time without overlaps or seams, in order. */
function union(spans) {
  const whole = [];
  for (const { from, to } of spans.sort((one, other) => (one.from < other.from ? -1 : 1))) {
    const last = whole.at(-1);
    if (last && from <= last.to) last.to = most([to], last.to);
    else if (from < to) whole.push({ from, to, cause: { what: "kept" } });
  }
  return whole;
}

function accounted(length, kept, missing, states, opened) {
  const cuts = [...kept, ...missing, ...states].flatMap(({ from, to }) => [from, to]);
  const edges = [...new Set([0n, ...cuts.filter((one) => one > 0n && one < length), length])].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const parts = [];
  for (const [at, from] of edges.slice(0, -1).entries()) {
    const covers = (one) => one.from <= from && from < one.to;
    const lost = missing.find(covers);
    const cause = (!lost && kept.find(covers)?.cause) || (states.find(covers) ?? lost)?.cause || null;
    append(parts, { from, to: edges[at + 1], cause, margin: null });
  }
  const whole = [];
  for (const [at, part] of parts.entries()) append(whole, filled(part, parts[at - 1], parts[at + 1], opened));
  return whole.map(({ from, to, cause, margin }) => ({ from, to, ...cause, margin }));
}

function append(parts, part) {
  const last = parts.at(-1);
  if (last && last.margin === part.margin && same(last.cause, part.cause)) last.to = part.to;
  else parts.push({ ...part });
}

const isState = (part) => part && part.cause !== null && !["kept", "missing"].includes(part.cause.what);

function filled(part, before, after, opened) {
  if (part.cause !== null) return part;
  if (!opened) return { ...part, cause: { what: "missing", why: "no-ledger" } };
  if (isState(before)) return { ...part, cause: before.cause, margin: "after" };
  if (isState(after)) return { ...part, cause: after.cause, margin: "before" };
  return { ...part, cause: { what: "blind", why: "unproven" } };
}
