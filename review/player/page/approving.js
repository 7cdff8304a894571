// One person approves or denies what another asked for. What is shown is what that person signed, not what the
// console says of it.

import { digest, fromBase64url, hex, parseObject, utf8 } from "./bytes.js";
import { button, facts, h, heading, link, purposeOf, relay, show, sign, text, Trouble, trouble, when } from "./desk.js";
import { keysHere } from "./person.js";
import { clock } from "./words.js";

const SOUND = 0x8000; // its stream; screens stand below
const TERMS = ["act", "recording", "purpose", "rendition", "session"];
// Signed beside them where spans of it are exported as a case.
const OF_CASE = { case: /^[0-9a-f-]{36}$/, to: /^[\w-]{43}$/, spans: /^\d+-\d+( \d+-\d+)*$/, streams: /^\d+( \d+)*$/ };
const ACTS = ["play", "export", "erase"]; // that a person can be asked to approve, as this page has words for them

/** What was signed under this id, whatever the console says: {person, act, ...}. */
async function requestOf(filed, token) {
  const text_ = token.slice(0, token.lastIndexOf("."));
  if (hex(await digest(utf8(text_))) !== filed) throw new Trouble("other-request");
  return parseObject(fromBase64url(text_.split(".")[1]), "malformed");
}

/** What of it would be exported, and for whom. */
function caseOf({ case: id, to, spans, streams }, w) {
  const times = spans.split(" ").map((span) => span.split("-").map((at) => clock(Number(at) / 1e9, true)).join(" – "));
  const name = (stream) => (stream < SOUND ? `${w.screen} ${stream + 1}` : stream === SOUND ? w.sound : `${stream}`);
  const named = streams.split(" ").map((stream) => name(Number(stream)));
  return [
    [w.shows, times.join(", ")],
    [w.streams, named.join(", ")],
    [w.caseIs, id],
    [w.sealedTo, to],
  ];
}

export async function approve(filed) {
  const again = () => approve(filed).catch((error) => trouble(error, "/", again));
  const found = await relay("filed", { filed });
  const said = await requestOf(filed, found.request);
  if (!ACTS.includes(said.act)) throw new Trouble("unknown-act");
  const more = said.case === undefined ? [] : Object.entries(OF_CASE);
  if (!more.every(([name, shape]) => shape.test(said[name]))) throw new Trouble("unknown-act");
  const keys = await keysHere();
  if (!keys.length) throw new Trouble("no-key");
  let own = keys[0];
  const terms = Object.fromEntries([...TERMS, ...more.map(([name]) => name)].map((name) => [name, said[name]]));

  async function answer(verdict) {
    try {
      const { token } = await sign(own, "eyelid-approval", { ...terms, filed, verdict });
      await relay("approve", { approval: token });
    } catch (error) {
      trouble(error, "/", again);
      return;
    }
    show(verdict, (w) => [
      heading(verdict === "approve" ? w.approved : w.denied),
      text(w.verdictWhy),
      h("p", { className: "acts" }, link("/", w.console)),
    ]);
  }

  show("approve", (w) => {
    const whose = h("select", { id: "whose" }, ...keys.map(({ person }) => h("option", { textContent: person })));
    whose.selectedIndex = keys.indexOf(own);
    whose.addEventListener("change", () => (own = keys[whose.selectedIndex]));
    const act = [w.act, w.acts[said.act]];
    if (said.act === "erase") return [heading(w.approveTitle), facts([act]), text(w.erasure)];
    return [
      heading(w.approveTitle),
      text(w.asks(said.person)),
      facts([
        act,
        [w.purposeIs, purposeOf(w, said.purpose)],
        ...(more.length ? caseOf(said, w) : [[w.shows, w.asksFor[said.rendition] ?? said.rendition]]),
        [w.number, said.recording],
        [w.asked, when(found.asked / 1e6)],
      ]),
      text(w.approveBound, "small"),
      text(w.approvedBy(found.approved_by)),
      keys.length > 1 ? h("p", {}, h("label", {}, w.whose, " ", whose)) : "",
      h(
        "p",
        { className: "acts" },
        button(w.approve, () => answer("approve")),
        button(w.deny, () => answer("deny"), ""),
        link(`/recordings/${said.recording}`, w.see),
      ),
    ];
  });
}
