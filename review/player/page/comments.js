// Comments on spans: listed, marked on the timeline, and written. The worker seals and opens them.

import { refusal } from "./refusal-words.js";
import { $, element, language, player, refocus, setItems, words } from "./state.js";
import { clock } from "./words.js";

let source = null; // {list, send}: of the console; `send` null where the rules let this person write none
let worker = null;
let found = []; // as the worker opened them, in the order of their spans
let unopened = []; // codes of what it did not open
let state = null; // (words) -> what became of the last try
let sending = false;

/** `from`: how comments are asked for and sent; null where there is no console. */
export async function beginComments(from, asking) {
  if (!from) return;
  [source, worker] = [from, asking];
  $("comments").hidden = false;
  $("comment-form").hidden = !source.send;
  $("comment-form").addEventListener("submit", (event) => {
    event.preventDefault();
    write();
  });
  try {
    await take(await source.list());
    state = (w) => (found.length || unopened.length ? "" : w.noComments);
  } catch (error) {
    state = (w) => w.commentsFailed(sentence(error));
  }
  showComments();
  $("comments").dataset.state = "listed"; // for tests
}

/** Of a case: its exporter opened them. */
export function commentsOf(all) {
  source = { send: null };
  found = all.map((one) => ({ ...one, start: one.start / 1e9, end: one.end / 1e9, at: one.at / 1e6 }));
  $("comments").hidden = false;
  $("comment-form").hidden = true;
  showComments();
}

async function take(all) {
  const opened = await worker("comments", { all });
  const known = new Map(found.map((one) => [one.id, one])); // one that is given twice is one
  for (const one of opened) if (!one.code) known.set(one.id, one);
  found = [...known.values()].sort((one, other) => one.start - other.start || one.at - other.at);
  unopened.push(...opened.flatMap(({ code }) => code ?? []));
}

async function write() {
  const { loop } = player;
  const text = $("comment-text").value;
  if (!loop || !text.trim() || sending) return;
  sending = true;
  state = (w) => w.commentSending;
  showComments();
  try {
    const before = unopened.length;
    await take([await source.send(loop.start, loop.end, await worker("seal", { text }))]);
    if (unopened.length > before) throw Object.assign(new Error(), { code: unopened.pop() });
    $("comment-text").value = "";
    state = (w) => w.commentKept;
  } catch (error) {
    const reasons = error.reasons?.map(({ says }) => ` (${says})`).join("") ?? "";
    state = (w) => w.commentRefused(sentence(error) + reasons);
  }
  sending = false;
  showComments();
}

const reasonsOf = (codes) => [...new Set(codes)].map((code) => sentence({ code })).join(" ");

/** Why a comment was refused, in the language that is chosen now. */
const sentence = ({ code }) => refusal(typeof code === "string" ? code : "failed", language, "comments");

const span = (from, to) => `${clock(from, true)} – ${clock(to, true)}`;

/** What span a comment would be on: the loop. */
export function showCommentSpan() {
  const { loop } = player;
  $("comment-span").textContent = loop ? words.commentOn(span(loop.start, loop.end)) : words.commentNoSpan;
  const had = document.activeElement === $("comment-send");
  $("comment-send").disabled = !loop;
  if (had) refocus($("comment-text"));
}

export function showComments() {
  if (!source) return;
  showCommentSpan();
  $("comments-state").textContent = state?.(words) ?? "";
  $("comments-refused").hidden = !unopened.length;
  $("comments-refused").textContent = words.commentsRefused(unopened.length, reasonsOf(unopened));
  setItems(
    $("comments-list"),
    found.map(({ person, at, start, end, text }) => {
      const [item, go, what] = [element("li"), element("button", span(start, end), "row"), element("p", text, "text")];
      const when = new Date(at).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
      what.dir = "auto";
      go.type = "button";
      go.addEventListener("click", () => player.seek(start));
      item.append(go, element("p", `${person} · ${when}`, "small"), what);
      return item;
    }),
  );
  const share = (t) => `${(Math.min(t, player.length) / player.length) * 100}%`;
  $("bars").replaceChildren(
    ...found.map(({ start, end }) => {
      const bar = element("div", "", "bar");
      bar.style.left = share(start);
      bar.style.width = share(Math.min(end, player.length) - start);
      return bar;
    }),
  );
}

/** To where one writes. */
export function toComment() {
  if (source?.send) $("comment-text").focus();
}
