// Before a picture: a person's key, the purpose, the custodian's answer, approvals. Works on the player's own origin.
// Nothing that the console passes on is trusted: the worker checks what the custodian signed.

import { digest, fromBase64url, hex, parseObject, toBase64url, utf8 } from "./bytes.js";
import { api, button, facts, h, heading, link, place, reasonsOf, relay, render, section, setPlace, show } from "./desk.js";
import { sign, spoken, text, Trouble, trouble, when, words } from "./desk.js";
import { keep, keyOf, keysHere, newKey, ofOtherHouse, readInvitation } from "./person.js";
import { review } from "./review.js";
import { publicKey, verifyJws } from "./statements.js";
import { clock, secondsOf } from "./words.js";

const root = document.documentElement;
const EVERY = 3000; // ms between two looks at what waits, while the page is shown
const RARELY = 60_000; // ms, where no answer comes
const SOUND = 0x8000; // its stream; screens stand below
const HOUR = 3_600_000_000_000; // ns
const TERMS = ["act", "recording", "purpose", "rendition", "session"];
// Signed beside them where spans of it are exported as a case.
const OF_CASE = { case: /^[0-9a-f-]{36}$/, to: /^[\w-]{43}$/, spans: /^\d+-\d+( \d+-\d+)*$/, streams: /^\d+( \d+)*$/ };
const ACTS = ["play", "export", "erase"]; // that a person can be asked to approve, as this page has words for them

// -- a key of one's own ------------------------------------------------------------------------------------------

async function enrol(address) {
  const invited = await readInvitation(address);
  const keys = await keysHere();
  const before = keys.find(({ person }) => person === invited.person);
  const other = ofOtherHouse(invited, keys);
  const make = async (passkey) => {
    show("enrolling", (w) => [heading(w.invited(invited.person)), text(w.making)]);
    try {
      const { own, sent } = await newKey(invited, { passkey });
      await relay("enrol", sent);
      await keep(own);
    } catch (error) {
      trouble(error, "/", choose);
      return;
    }
    show("enrolled", (w) => [
      heading(w.enrolled),
      text(w.enrolledWhy(invited.person)),
      h("p", { className: "acts" }, link("/", w.console)),
    ]);
  };
  const choose = () =>
    show("enrol", (w) => [
      heading(w.invited(invited.person)),
      text(w.inviting(invited.custodian)),
      facts([[w.compliance, invited.compliance]]),
      text(w.compare, "small"),
      before ? text(w.replaces) : "",
      h(
        "div",
        { className: "choices" },
        h("div", {}, button(w.makePasskey, () => make(true)), text(w.makePasskeyWhy, "small")),
        h("div", {}, button(w.makeKey, () => make(false), ""), text(w.makeKeyWhy, "small")),
      ),
      text(w.keepsTill(when(invited.expires)), "small"),
    ]);
  const compared = (w) =>
    facts([
      [w.complianceHere, other.compliance],
      [w.complianceNew, invited.compliance],
      [w.custodianHere, `${other.custodian} · ${other.custodianKey}`],
      [w.custodianNew, `${invited.custodian} · ${invited.custodianKey}`],
    ]);
  const refuse = () => {
    root.dataset.code = "other-house";
    show("refused", (w) => [
      heading(w.otherHouse),
      text(w.codes["other-house"]),
      compared(w),
      h("p", { className: "acts" }, link("/", w.console), button(w.replace, confirm, "")),
    ]);
  };
  const confirm = () =>
    show("replace", (w) => [
      heading(w.replaceTitle),
      text(w.replaceWhy),
      compared(w),
      h("p", { className: "acts" }, button(w.keepMine, refuse), button(w.replaceSure, choose, "")),
    ]);
  if (other) refuse();
  else choose();
}

async function home() {
  const keys = await keysHere();
  show("home", (w) => [
    heading(w.home),
    text(w.homeWhy),
    text(keys.length ? w.homeKeys : w.homeNone),
    h("ul", {}, ...keys.map(({ person, custodian }) => h("li", { textContent: `${person} · ${custodian}` }))),
    h("p", { className: "acts" }, link("/", w.console)),
  ]);
}

// -- opening -----------------------------------------------------------------------------------------------------

const purposeOf = (w, one) => w.purposes[one] ?? one;

/** What is asked before it is opened; `opened` is called once the keys are in the worker. */
async function play(recording, ask, opened, preset) {
  const again = () => play(recording, ask, opened, preset).catch((error) => trouble(error, `/recordings/${recording}`, again));
  const found = await api(`/v1/recordings/${recording}/opening`);
  if (found.recording !== recording) throw new Trouble("other-request");
  const own = await keyOf(found.me);
  if (!own) throw new Trouble("no-key");
  const session = await ask("session");
  const back = `/recordings/${recording}`;

  async function open(choice, filed) {
    const { purpose, rendition } = choice;
    const terms = { act: "play", recording, purpose, rendition, session };
    const streams = found.streams;
    const request = await sign(own, "eyelid-request", { ...terms, streams, ...(filed && { filed }) });
    let answer;
    try {
      answer = await relay("open", { request: request.token });
    } catch (error) {
      if (!filed && error.filed && error.filed !== request.id) throw new Trouble("other-request");
      throw error;
    }
    const { custodianKey, compliance } = own;
    await ask("release", {
      token: answer.release,
      asked: { request: request.id, recording, streams, custodianKey, compliance },
      place: `${place}/v1/recordings/${recording}/player/`,
    });
    spoken.disconnect();
    section().hidden = true;
    document.getElementById("badge").hidden = false;
    root.dataset.custody = "open";
    const report = (sealed) => relay("watched", { opening: request.id, sealed }, { keepalive: true });
    opened({ comments: commenting(choice), report });
  }

  /** What the page of the recording asks of console and custodian about comments. */
  function commenting({ purpose, comments }) {
    const list = async () => (await api(`/v1/recordings/${recording}/comments`)).comments;
    const send = async (start, end, sealed) => {
      const said = { recording, purpose, start: Math.round(start * 1e9), end: Math.round(end * 1e9), sealed };
      const { token } = await sign(own, "eyelid-comment", said);
      return { comment: token, commented: (await relay("comment", { comment: token })).commented };
    };
    return { list, send: comments ? send : null };
  }

  async function begin(choice) {
    show("opening", (w) => [heading(w.opens), text(w.opening)]);
    try {
      await open(choice, "");
    } catch (error) {
      if (error.filed) wait(choice, error);
      else trouble(error, back, again);
    }
  }

  function wait(choice, { filed, reasons }) {
    const waiting = { approvedBy: [], reasons, unanswered: false };
    const address = `${location.origin}/#approve=${filed}`;
    const draw = (w) => [
      heading(w.waitTitle),
      Object.assign(text(w.approvedBy(waiting.approvedBy), "state"), { role: "status" }),
      waiting.unanswered ? text(w.unanswered) : "",
      ...needed(choice, w),
      text(w.waitWhy),
      h(
        "p",
        { className: "link" },
        h("label", {}, w.link, h("input", { id: "approval", readOnly: true, value: address })),
        button(
          w.copy,
          async (one) => {
            await navigator.clipboard.writeText(address);
            one.textContent = words().copied;
          },
          "",
        ),
      ),
      text(w.waitStay),
      reasonsOf(waiting.reasons),
      h("p", { className: "acts" }, link(back, w.back)),
    ];
    show("waiting", (w) => draw(w).filter(Boolean));
    follow(filed, waiting, () => open(choice, filed)).catch((error) => trouble(error, back, again));
  }

  const drawn = found.choices.filter(({ sample, verdict }) => sample && verdict !== "no");
  await Promise.all(drawn.map((choice) => ofSample(own, recording, choice)));
  choose(found, begin, back, preset);
}

/** Asks how it stands, gently and only while the page is shown, and opens it when that may have changed. */
async function follow(filed, waiting, open) {
  let tried = "";
  let pause = EVERY;
  for (;;) {
    await shown(pause);
    let now;
    try {
      now = await relay("filed", { filed });
    } catch (error) {
      if (!passes(error)) throw error;
      pause = Math.min(2 * pause, RARELY);
      waiting.unanswered = true;
      render();
      continue;
    }
    pause = EVERY;
    if (waiting.unanswered) {
      waiting.unanswered = false;
      render();
    }
    const state = `${now.approved_by.length}`;
    if (state !== `${waiting.approvedBy.length}`) {
      waiting.approvedBy = now.approved_by;
      render();
    }
    if (now.approved_by.length && tried !== state) {
      tried = state;
      try {
        await open();
        return;
      } catch (error) {
        if (!["not-yet", "refused"].includes(error.code) || !error.reasons.length) throw error;
        waiting.reasons = error.reasons;
        render();
      }
    }
  }
}

/** A console or a custodian that starts anew, or has too much to do: the request still waits. */
const passes = ({ code, status }) => code === "unreachable" || status === 429 || status >= 500;

/** After a while, and once somebody can see it. */
const shown = (pause) =>
  new Promise((done) => {
    const look = () => {
      if (document.visibilityState !== "visible") return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    setTimeout(() => {
      document.addEventListener("visibilitychange", look);
      look();
    }, pause);
  });

/** What is left of a purpose's sample, as the custodian signed it for this question: in `choice.left`, or {code}. */
async function ofSample(own, recording, choice) {
  const nonce = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
  const asked = { recording, purpose: choice.purpose, person: own.person, nonce };
  try {
    const { sampled } = await relay("sampled", asked);
    const said = await verifyJws("eyelid-sampled", sampled, await publicKey(own.custodianKey));
    if (Object.keys(asked).some((name) => said[name] !== asked[name])) throw new Trouble("other-request");
    choice.left = said;
  } catch ({ code }) {
    choice.left = { code: code ?? "failed" };
  }
}

function leftOf({ left }, w) {
  if (!left || left.code) return left ? text(w.leftUnknown(left.code), "small") : null;
  const at = new Date(`${left.month}-01T00:00:00Z`);
  const month = at.toLocaleDateString(root.lang, { month: "long", year: "numeric", timeZone: "UTC" });
  if (left.drawn === null) return text(w.notDrawn(month), "small");
  return text(`${w.left(left, month)} ${w.leftSigned}`, "small");
}

const needed = (choice, w) =>
  choice.approvals.map(({ need, by, within }) => text(w.needs(need, by.join(", "), Number(within) / HOUR)));

/** `preset`: the purpose of the page that led here, such as a review's. */
function choose(found, begin, back, preset) {
  const { choices } = found;
  const led = choices.find(({ purpose, verdict }) => purpose === preset && verdict !== "no");
  let chosen = led ?? choices.find(({ verdict }) => verdict === "yes") ?? choices.find(({ verdict }) => verdict !== "no") ?? null;
  if (!chosen) {
    const [{ reasons }] = choices;
    trouble(new Trouble("refused", { reasons }), back);
    return;
  }
  show("purpose", (w) => {
    const radios = choices.map((one, place_) => {
      const input = h("input", {
        type: "radio",
        name: "purpose",
        id: `purpose-${place_}`,
        checked: one === chosen,
        disabled: one.verdict === "no",
        data: { purpose: one.purpose },
      });
      input.addEventListener("change", () => {
        chosen = one;
        render();
        document.getElementById(input.id).focus();
      });
      const label = h("label", { htmlFor: input.id }, `${purposeOf(w, one.purpose)}: ${w.verdicts[one.verdict]}`);
      const more = [
        one.sample ? text(w.sample(one.sample), "small") : null,
        leftOf(one, w),
        ...needed(one, w).map((said) => Object.assign(said, { className: "small" })),
        one.verdict === "yes" || one.verdict === "approvals" ? null : reasonsOf(one.reasons),
      ];
      return h("div", { className: `choice ${one.verdict.replace(" ", "-")}` }, input, h("div", {}, label, ...more));
    });
    const open = button(chosen.verdict === "approvals" ? w.ask : w.open, () => begin(chosen));
    open.id = "open";
    return [
      heading(w.opens),
      facts([
        [w.agent, found.agent],
        [w.computer, found.host],
        [w.began, when(Number(found.start) / 1e6)],
        [w.lasts, clock(Number(found.length) / 1e9)],
        [w.number, found.recording],
        [w.you, found.me],
      ]),
      h("fieldset", {}, h("legend", { textContent: w.purpose }), ...radios),
      text(`${w.rendition[chosen.rendition] ?? w.byRules} ${w.noted}`),
      h("p", { className: "acts" }, open, link(back, w.back)),
    ];
  });
}

// -- approving ---------------------------------------------------------------------------------------------------

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

async function approve(filed) {
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

// -- beginning ---------------------------------------------------------------------------------------------------

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Null where this page is not on an origin of its own; else {comments, report}, once the custodian has released it. */
export async function fromCustody(ask) {
  const asked = /^#(play|enrol|approve|review)=(.*)$/.exec(location.hash);
  if (location.hash && !asked) return null;
  const where = await fetch("console.json").catch(() => null);
  if (!where?.ok) return null;
  setPlace((await where.json()).console);
  spoken.observe(root, { attributeFilter: ["lang"] });
  window.addEventListener("hashchange", () => location.reload());
  document.querySelector("[data-text='limits']").dataset.text = "limitsReleased";
  const [, verb, said] = asked ?? [];
  const [value, ...more] = verb === "play" ? said.split("&") : [said];
  const further = new URLSearchParams(more.join("&"));
  if (verb === "enrol") history.replaceState(null, "", location.pathname); // or it could be read off the screen
  return new Promise((opened) => {
    const begin = {
      enrol: () => enrol(value),
      approve: () => approve(value),
      review: () => review(value),
      play: () => {
        if (!UUID.test(value)) throw new Trouble("no-such-path");
        const at = secondsOf(further.get("t") ?? undefined);
        return play(value, ask, (found) => opened({ ...found, at }), further.get("for"));
      },
    };
    const back = verb === "play" && UUID.test(value) ? `/recordings/${value}` : "/";
    const start = () => (begin[verb] ?? home)().catch((error) => trouble(error, back, start));
    Promise.resolve().then(start).catch((error) => trouble(error, back));
  });
}
