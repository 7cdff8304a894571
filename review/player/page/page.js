// The page around the player: it has no key, shows what the worker found, and passes on what a person asks for.

import { Player, RATES } from "./player.js";
import { Timeline } from "./timeline.js";
import { clock, describe, LANGUAGES, length } from "./words.js";

const PACKET = 65_535;
const AUDIO = 32_768;
// Checks of each chunk, in their order: after the first that fails no other is made.
const PER_CHUNK = ["bytes", "headers", "signatures", "chain", "tags"];
const ANNOUNCED = 6000; // ms for which the page says what was skipped

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
let words = LANGUAGES.en;
let language = "en";

function element(name, text = "", className = "") {
  const one = document.createElement(name);
  if (text) one.textContent = text;
  if (className) one.className = className;
  return one;
}

// -- the worker --------------------------------------------------------------------------------------------------

const waiting = new Map();
let asked = 0;
// The address of a worker is where a page could be made to run a stranger's script: this one is the only one.
const policy = window.trustedTypes?.createPolicy("eyelid", {
  createScriptURL(address) {
    if (address !== "worker.js") throw new TypeError(address);
    return address;
  },
});
const worker = new Worker(policy ? policy.createScriptURL("worker.js") : "worker.js", { type: "module" });

worker.onmessage = ({ data }) => {
  if (data.tick) player?.tick();
  else if (data.checked) checked(data);
  else {
    const { done, failed } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (data.code === "gone") gone();
    if (data.code) failed?.(Object.assign(new Error(data.why), { code: data.code }));
    else done?.(data.value);
  }
};
worker.onerror = () => fail("failed");

function ask(what, more = {}) {
  return new Promise((done, failed) => {
    waiting.set(++asked, { done, failed });
    worker.postMessage({ id: asked, ask: what, ...more });
  });
}

// -- what is known -----------------------------------------------------------------------------------------------

let about = null;
let player = null;
let timeline = null;
const states = new Map(); // stream -> of each row: 0 not checked, 1 good, 2 bad
let findings = [];
let complete = false;

function checked({ checked: rows, findings: more }) {
  findings.push(...more);
  for (const { stream, row, code } of rows) {
    states.get(stream)[row] = code ? 2 : 1;
    if (code) player?.refuse(stream, row, code);
  }
  soon();
}

/** What proves and is no media: the page says so, too. */
function refused({ detail: { stream, row, code } }) {
  const { sequence } = player.chains.get(stream).rows[row];
  if (code === "not-media") findings.push({ check: "media", code, where: { stream, sequence } });
  showTime();
  soon();
}

let drawing = false;
function soon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    showMarks();
    showProof();
  });
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

// -- the proof ---------------------------------------------------------------------------------------------------

function showProof() {
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
  $("findings").replaceChildren(
    ...findings.map((one) => {
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

function streamName(stream) {
  if (stream >= AUDIO) return stream === AUDIO ? words.sound : words.where.stream(stream);
  const monitor = about.monitors.find((one) => one.stream === stream);
  const several = player && player.screens.length > 1;
  return monitor?.name ? `${words.screen} ${monitor.name}` : several ? `${words.screen} ${stream + 1}` : words.screen;
}

function timeOf({ stream, sequence }) {
  const chain = player?.chains.get(stream);
  return chain?.rows.find((one) => one.sequence >= sequence && one.kind === 1)?.start ?? null;
}

// -- the account -------------------------------------------------------------------------------------------------

const gapsOf = (lane) => about.lanes[lane].filter(({ what }) => what !== "kept");
const partAt = (lane, t) =>
  about.lanes[lane]?.find(({ from, to }) => t * 1e9 >= from && t * 1e9 < to) ?? about.lanes[lane]?.at(-1);

/** Margins belong to the state that they were given up for: one line for what a person takes for one gap. */
function wholeGaps(lane) {
  const whole = [];
  const key = ({ from, to, margin, ...cause }) => JSON.stringify(cause);
  for (const part of gapsOf(lane)) {
    const last = whole.at(-1);
    if (last && last.to === part.from && key(last.cause) === key(part)) last.to = part.to;
    else whole.push({ from: part.from, to: part.to, cause: { ...part, margin: null } });
  }
  return whole;
}

function showGaps() {
  const lanes = Object.keys(about.lanes);
  const items = lanes
    .flatMap((lane) => wholeGaps(lane).map((gap) => ({ lane, ...gap })))
    .sort((one, other) => one.from - other.from)
    .map(({ lane, from, to, cause }) => {
      const { title, why } = describe(cause, about.names, words);
      const button = element("button", "", `row ${cause.what}`);
      const head = element("span", "", "head");
      head.append(
        element("span", clock(from / 1e9, true), "at"),
        element("span", length((to - from) / 1e9, language), "long"),
      );
      button.append(head, element("span", title, "what"));
      if (why) button.append(element("span", why, "why"));
      if (lanes.length > 1) head.append(element("span", words[`${lane}Lane`], "lane"));
      button.addEventListener("click", () => player.seek(Math.max(0, from / 1e9 - 2)));
      const item = element("li");
      item.append(button);
      return item;
    });
  $("gaps").replaceChildren(...items);
  $("labels").replaceChildren(...lanes.map((lane) => element("span", words[`${lane}Lane`])));
  const sums = new Map();
  for (const { from, to, what } of about.lanes.screen) sums.set(what, (sums.get(what) ?? 0) + to - from);
  $("sums").textContent = items.length ? "" : words.nothing;
  $("legend").replaceChildren(
    ...["kept", "closed", "held", "blind", "missing", "unverified", "bad"].map((what) => {
      const item = element("li", "", what);
      const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      rect.setAttribute("width", "100%");
      rect.setAttribute("height", "100%");
      rect.setAttribute("class", `part ${what}`);
      if (!["kept", "blind"].includes(what)) rect.setAttribute("fill", `url(#p-${what})`);
      swatch.append(rect);
      item.append(
        swatch,
        element("span", sums.has(what) ? `${words[what]} ${length(sums.get(what) / 1e9, language)}` : words[what]),
      );
      return item;
    }),
  );
}

// -- screens -----------------------------------------------------------------------------------------------------

const figures = new Map(); // stream -> {figure, canvas, slate, button}

function canvasOf(stream) {
  const [figure, frame, canvas, slate, button] = ["figure", "div", "canvas", "div", "button"].map((one) =>
    element(one),
  );
  const monitor = about.monitors.find((one) => one.stream === stream);
  canvas.width = monitor?.width || 640;
  canvas.height = monitor?.height || 360;
  canvas.dataset.stream = String(stream);
  figure.style.flexGrow = String(canvas.width / canvas.height);
  frame.className = "frame";
  slate.className = "slate";
  slate.hidden = true;
  button.type = "button";
  button.className = "enlarge";
  button.append(canvas);
  button.addEventListener("click", () => enlarge($("stage").dataset.alone === String(stream) ? null : stream));
  frame.append(button, slate); // beside the button, so that it is read as text and not as its name
  figure.append(frame, element("figcaption"));
  $("stage").append(figure);
  figures.set(stream, { figure, canvas, slate, button });
  return canvas;
}

function enlarge(stream) {
  if (stream === null) delete $("stage").dataset.alone;
  else $("stage").dataset.alone = String(stream);
  for (const [own, { figure, button }] of figures) {
    figure.hidden = stream !== null && own !== stream;
    button.setAttribute("aria-label", `${streamName(own)}: ${stream === null ? words.one : words.all}`);
  }
}

function enlargeNext() {
  const order = [...figures.keys(), null];
  const now = $("stage").dataset.alone;
  enlarge(order[(order.indexOf(now === undefined ? null : Number(now)) + 1) % order.length]);
}

/** What stands in place of a picture, or null: [title, why, kind]. */
function slateOf(screen, t) {
  const { chain, failed } = screen;
  if (failed) return [words.noDecoder, "", "bad"];
  const row = chain.at(t);
  if (row >= 0 && chain.plays[row]) return null;
  if (row >= 0) {
    let culprit = row;
    while (culprit >= 0 && !chain.bad.has(culprit) && !chain.plays[culprit - 1]) culprit--;
    const code = chain.bad.get(culprit) ?? chain.bad.get(chain.header) ?? "gap";
    return [words.refused(code, words.codes[code] ?? code), culprit === row ? "" : words.waits, "bad"];
  }
  const part = partAt("screen", t);
  if (!part || part.what === "kept") return [words.notHere, "", "blind"];
  const { title, why } = describe(part, about.names, words);
  return [title, why, part.what];
}

// -- time --------------------------------------------------------------------------------------------------------

function showTime() {
  const t = player.time;
  const text = `${clock(t, true)} / ${clock(player.length)}`;
  if ($("clock").value !== text) $("clock").value = text;
  $("playhead").style.left = `${(t / player.length) * 100}%`;
  const line = $("timeline");
  const told = Math.floor(t * 10);
  if (line.dataset.now !== String(told)) {
    line.dataset.now = String(told);
    line.setAttribute("aria-valuenow", t.toFixed(1));
    line.setAttribute("aria-valuetext", words.at(clock(t, true), textAt(t)));
  }
  for (const screen of player.screens) {
    const { slate, canvas } = figures.get(screen.chain.stream);
    const said = slateOf(screen, t);
    slate.hidden = !said;
    canvas.classList.toggle("waits", !screen.ready); // what it shows is of another moment
    canvas.classList.toggle("covered", Boolean(said));
    if (!said || slate.dataset.said === said.join("\n")) continue;
    slate.dataset.said = said.join("\n");
    slate.className = `slate ${said[2]}`;
    slate.replaceChildren(element("strong", said[0]), ...(said[1] ? [element("span", said[1])] : []));
  }
}

function textAt(t) {
  return Object.keys(about.lanes)
    .map((lane) => {
      const part = partAt(lane, t);
      return part ? `${words[`${lane}Lane`]}: ${describe(part, about.names, words).title}` : "";
    })
    .join("; ");
}

let announcing = 0;
function say(text) {
  $("now").textContent = text;
  clearTimeout(announcing);
  announcing = setTimeout(() => ($("now").textContent = ""), ANNOUNCED);
}

function skipped({ detail: { from, to } }) {
  const causes = about.lanes.screen.filter((one) => one.to > from * 1e9 && one.from < to * 1e9 && one.what !== "kept");
  const why = [...new Set(causes.map((one) => describe({ ...one, margin: null }, about.names, words).title))];
  say(words.skipped(length(to - from, language), why.join(", ") || words.missing));
}

// -- what a person asks for --------------------------------------------------------------------------------------

const toggle = () => (player.playing ? player.pause() : player.play());
const by = (seconds) => player.seek(player.time + seconds);

function rate(step) {
  const at = RATES.indexOf(player.rate) + step;
  if (RATES[at]) player.setRate(RATES[at]);
}

function gap(direction) {
  const all = Object.keys(about.lanes).flatMap((lane) =>
    wholeGaps(lane).map(({ from }) => Math.max(0, from / 1e9 - 2)),
  );
  const sorted = [...new Set(all)].sort((one, other) => one - other);
  const t = player.time;
  const to = direction > 0 ? sorted.find((one) => one > t + 0.1) : sorted.findLast((one) => one < t - 0.5);
  if (to !== undefined) player.seek(to);
}

let muted = null;
function mute() {
  const sliders = [$("volume-0"), $("volume-1")];
  const before = sliders.map(({ value }) => value);
  for (const [channel, slider] of sliders.entries()) {
    slider.value = muted ? muted[channel] : 0;
    player.sound?.setVolume(channel, slider.value / 100);
  }
  muted = muted ? null : before;
}

function proof(open = $("proof").hidden) {
  $("proof").hidden = !open;
  $("badge").setAttribute("aria-expanded", String(open));
  if (open) $("proof").focus();
}

function theme(dark) {
  root.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}

const KEYS = {
  " ": toggle,
  k: toggle,
  j: () => by(-10),
  l: () => by(10),
  ArrowLeft: () => by(-5),
  ArrowRight: () => by(5),
  ",": () => player.step(-1),
  ".": () => player.step(1),
  Home: () => player.seek(0),
  End: () => player.seek(player.length),
  ArrowUp: () => rate(1),
  ArrowDown: () => rate(-1),
  n: () => gap(1),
  p: () => gap(-1),
  m: mute,
  f: enlargeNext,
  s: () => $("skip").click(),
  v: () => proof(),
  t: () => theme(root.dataset.theme !== "dark"),
  "?": () => $("keys").showModal(),
};

function pressed(event) {
  if (!player || event.ctrlKey || event.altKey || event.metaKey || $("keys").open) return;
  const { key, target } = event;
  const own = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (own && (key.startsWith("Arrow") || key === " " || key === "Home" || key === "End")) return; // what it does itself
  if (key === " " && target instanceof HTMLButtonElement) return;
  const act = /^[0-9]$/.test(key)
    ? () => player.seek((player.length * Number(key)) / 10)
    : (KEYS[key] ?? KEYS[key.toLowerCase()]);
  if (!act) return;
  event.preventDefault();
  act();
}

function pointed() {
  const line = $("timeline");
  const at = (event) => {
    const { left, width } = $("lanes").getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * player.length;
  };
  line.addEventListener("pointerdown", (event) => {
    line.setPointerCapture(event.pointerId);
    player.seek(at(event));
  });
  line.addEventListener("pointermove", (event) => {
    const t = at(event);
    if (event.buttons & 1) player.seek(t);
    const hover = $("hover");
    hover.hidden = false;
    hover.style.left = `${(t / player.length) * 100}%`;
    hover.classList.toggle("left", t > player.length * 0.6);
    hover.replaceChildren(
      element("strong", clock(t, true)),
      ...Object.keys(about.lanes).map((lane) => {
        const { title, why } = describe(partAt(lane, t), about.names, words);
        return element("span", `${words[`${lane}Lane`]}: ${title}${why ? ` – ${why}` : ""}`);
      }),
    );
  });
  line.addEventListener("pointerleave", () => ($("hover").hidden = true));
}

// -- texts -------------------------------------------------------------------------------------------------------

function speak(chosen) {
  language = chosen;
  words = LANGUAGES[chosen];
  root.lang = chosen;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = words[one.dataset.text];
  for (const one of document.querySelectorAll("[data-label]")) {
    one.setAttribute("aria-label", words[one.dataset.label]);
    if (one.tagName === "BUTTON") one.title = words[one.dataset.label];
  }
  $("language").textContent = words.language;
  $("keys-list").replaceChildren(...words.keysOf.flatMap(([key, does]) => [element("dt", key), element("dd", does)]));
  if (!about) {
    $("badge-text").textContent = root.dataset.state === "failed" ? "" : words.loading;
    return;
  }
  const when = new Date(about.start).toLocaleString(chosen, { dateStyle: "full", timeStyle: "short" });
  $("title").textContent = `${about.device.os_user ? `${about.device.os_user} · ` : ""}${about.device.host}`;
  const facts = [when, clock(about.length / 1e9), words.states[about.state], about.other && words.otherName(about.other)];
  $("subtitle").textContent = facts.filter(Boolean).join(" · ");
  document.title = `${about.device.host} – Eyelid`;
  showGaps();
  showProof();
  showPlaying();
  enlarge($("stage").dataset.alone === undefined ? null : Number($("stage").dataset.alone));
  for (const [stream, { figure, slate }] of figures) {
    figure.querySelector("figcaption").textContent = streamName(stream);
    delete slate.dataset.said;
  }
  $("rate").replaceChildren(
    ...RATES.map((one) => {
      const option = element("option", `${one.toLocaleString(chosen)}×`);
      option.value = String(one);
      return option;
    }),
  );
  $("rate").value = String(player.rate);
  delete $("timeline").dataset.now;
  showTime();
}

function showPlaying() {
  const label = player.playing ? words.pause : words.play;
  $("play").setAttribute("aria-label", label);
  $("play").title = label;
  $("play-mark").setAttribute("d", player.playing ? "M7 5h3.500v14H7zM13.500 5H17v14h-3.500z" : "M8 5v14l11-7z");
  $("rate").value = String(player.rate);
}

function fail(code) {
  root.dataset.state = "failed";
  root.dataset.code = code;
  $("failure").hidden = false;
  $("failure").textContent = words.failures[code] ?? `${words.failures.failed} (${words.codes[code] ?? code})`;
  $("badge").hidden = true;
}

/** Its source has ended: what is loaded stays, and nothing more comes. */
function gone() {
  player?.stop();
  fail("gone");
}

// -- beginning ---------------------------------------------------------------------------------------------------

function listen() {
  const clicks = {
    play: toggle,
    back: () => by(-10),
    on: () => by(10),
    before: () => player.step(-1),
    after: () => player.step(1),
    badge: () => proof(),
    help: () => $("keys").showModal(),
    theme: () => theme(root.dataset.theme !== "dark"),
  };
  for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
  $("rate").addEventListener("change", () => player.setRate(Number($("rate").value)));
  $("skip").addEventListener("change", () => (player.skips = $("skip").checked));
  for (const channel of [0, 1])
    $(`volume-${channel}`).addEventListener("input", ({ target }) =>
      player.sound?.setVolume(channel, target.value / 100),
    );
  document.addEventListener("keydown", pressed);
  pointed();
}

async function begin() {
  theme(window.matchMedia("(prefers-color-scheme: dark)").matches);
  speak(navigator.language.startsWith("de") ? "de" : "en");
  $("language").addEventListener("click", () => speak(language === "de" ? "en" : "de"));
  const secret = location.hash.slice(1);
  if (!secret) {
    fail("used-up");
    return;
  }
  history.replaceState(null, "", location.pathname); // or it could be read off the screen
  try {
    about = await ask("open", { secret });
    findings = about.findings;
    for (const [stream, count] of about.counts) states.set(stream, new Array(count).fill(0));
    player = new Player(about, ask, canvasOf);
    window.eyelid = { player, about }; // for tests; no key is here
    timeline = new Timeline($("lanes"), about.lanes, player.length);
    $("timeline").setAttribute("aria-valuemax", player.length.toFixed(1));
    $("main").hidden = false;
    for (const event of ["time", "drawn"]) player.addEventListener(event, showTime);
    player.addEventListener("refused", refused);
    player.addEventListener("changed", showPlaying);
    player.addEventListener("skipped", skipped);
    player.addEventListener("silent", () => say(words.silent));
    await player.begin();
    $("volumes").hidden = !player.sound;
    listen();
    speak(language);
    player.run();
    root.dataset.state = "ready";
    await ask("check");
    complete = true;
    showMarks();
    showProof();
    root.dataset.state = "checked";
  } catch (error) {
    fail(error.code ?? "failed");
    throw error;
  }
}

begin();
