// What the pages before a picture share: the console that they ask, how they sign, and how they show things.

import { TEXTS } from "./opening-words.js";
import { signed } from "./person.js";
import { refusal } from "./refusal-words.js";

const root = document.documentElement;
export let place = ""; // the console's origin

export const setPlace = (console_) => (place = console_);

/** What was refused, by whom it was, in its words: `reasons` as the rules have them. */
export class Trouble extends Error {
  constructor(code, { message = "", reasons = [], filed = "" } = {}, status = 0) {
    super(message);
    Object.assign(this, { code, reasons, filed, status });
  }
}

// -- the console -------------------------------------------------------------------------------------------------

/** `more`: of the request, such as {keepalive: true}. */
export async function api(path, body, more = {}) {
  const sent = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(`${place}${path}`, { credentials: "include", redirect: "error", ...sent, ...more });
  } catch {
    throw new Trouble("unreachable");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Trouble(said.error ?? "failed", said, answer.status);
  return said;
}

export const relay = (verb, fields = {}, more = {}) => api("/v1/custodian", { do: verb, ...fields }, more);

/** Signed for the custodian that the person enrolled with, once. */
export async function sign(own, typ, payload) {
  const { nonce, custodian } = await relay("nonce");
  if (custodian !== own.custodian) throw new Trouble("other-custodian");
  return signed(own, typ, { person: own.person, custodian, nonce, ...payload });
}

// -- what is shown -----------------------------------------------------------------------------------------------

let drawn = () => [];
export const spoken = new MutationObserver(() => render()); // in another language
export const section = () => document.getElementById("custody");
export const words = () => TEXTS[root.lang] ?? TEXTS.en;

export function h(name, set = {}, ...children) {
  const { data, ...own } = set;
  const one = Object.assign(document.createElement(name), own);
  Object.assign(one.dataset, data);
  one.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return one;
}

/** `make`: (words) -> nodes, made anew in another language. `state`: for who looks from outside. */
export function show(state, make) {
  drawn = make;
  root.dataset.custody = state;
  render();
  section().querySelector("h2")?.focus();
}

/** The same again, in other words or with more of them; what has the focus keeps it. */
export function render() {
  section().hidden = false;
  document.getElementById("badge").hidden = true;
  const focus = focusKept();
  section().replaceChildren(...drawn(words()));
  focus();
  const title = section().querySelector("h2")?.textContent;
  if (title) document.title = `${title} – Eyelid`;
}

/** Where this is still what is shown: an answer may come late. */
export function renderIf(state) {
  if (root.dataset.custody === state) render();
}

/** The picture's page takes this one's place. */
export function leave() {
  spoken.disconnect();
  section().hidden = true;
  document.getElementById("badge").hidden = false;
  root.dataset.custody = "open";
}

function focusKept() {
  const one = document.activeElement;
  if (!section().contains(one)) return () => {};
  const alike = () => [...section().querySelectorAll(one.id ? `#${one.id}` : one.tagName)];
  const at = alike().indexOf(one);
  return () => alike()[at]?.focus();
}

export const purposeOf = (w, one) => w.purposes[one] ?? one;
export const heading = (text) => h("h2", { tabIndex: -1, textContent: text });
export const text = (said, className = "") => h("p", { textContent: said, className });
export const when = (ms) => new Date(ms).toLocaleString(root.lang, { dateStyle: "full", timeStyle: "short" });
export const link = (path, said) => h("a", { href: `${place}${path}`, textContent: said });

export function button(said, act, className = "main") {
  const one = h("button", { type: "button", textContent: said, className });
  one.addEventListener("click", () => act(one));
  return one;
}

/** The rules speak English, as compliance wrote them. */
export function reasonsOf(reasons) {
  if (!reasons?.length) return null;
  const lines = reasons.map(({ says, where }) =>
    h("li", {}, says, where ? h("span", { className: "small", textContent: ` (${where})` }) : null),
  );
  return h("ul", { className: "reasons", lang: "en" }, ...lines);
}

export const facts = (rows) =>
  h("dl", {}, ...rows.flatMap(([name, value]) => [h("dt", { textContent: name }), h("dd", { textContent: value })]));

/** A refusal in a sentence, with what to do. */
export function trouble(error, path, retry, title = "refusedTitle", back = "back") {
  const code = typeof error.code === "string" ? error.code : "failed"; // an exception of the browser's has a number
  root.dataset.code = code;
  show("refused", (w) => [
    heading(w[title]),
    text(refusal(code, root.lang)),
    reasonsOf(error.reasons),
    h(
      "p",
      { className: "acts" },
      retry ? button(w.again, retry) : null,
      link(path, path === "/" ? w.console : w[back]),
    ),
  ].filter(Boolean));
}
