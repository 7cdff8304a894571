// A month of a review is signed: its outcomes are shown, what has none is named, and the person's key signs the list.
// The custodian compares it with what it drew (docs/reviews.md).

import { digest, hex, utf8 } from "./bytes.js";
import { api, button, facts, h, heading, link, relay, show, sign, text, Trouble, trouble, when, words } from "./desk.js";
import { keyOf } from "./person.js";
import { publicKey, verifyJws } from "./statements.js";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const OUTCOMES = ["fine", "finding", "escalated", "missing"];

/** {list, sums}: as it is hashed, and how many of each. Throws Trouble for what is no list of outcomes. */
function read(rows) {
  const named = rows.map(({ recording }) => recording);
  const known = rows.every(({ recording, outcome }) => ID.test(recording) && OUTCOMES.includes(outcome));
  if (!known || new Set(named).size !== named.length) throw new Trouble("other-request");
  const lines = rows.map(({ recording, outcome }) => `${recording} ${outcome}\n`).sort();
  const sums = { drawn: rows.length };
  for (const one of OUTCOMES) sums[one] = rows.filter(({ outcome }) => outcome === one).length;
  return { list: lines.join(""), sums };
}

/** `value`: the review's name and the month. */
export async function review(value) {
  if (!/^[a-z0-9-]{1,64}\/[0-9]{4}-[0-9]{2}$/.test(value)) throw new Trouble("no-such-path");
  const [name, month] = value.split("/");
  const path = `/reviews/${value}`;
  const again = () => review(value).catch(fail);
  const fail = (error) => trouble(error, path, again, "reviewRefused", "reviewBack");
  let found;
  try {
    found = await api(`/v1/reviews/${value}/list`);
    const own = await keyOf(found.me);
    if (!own) throw new Trouble("no-key");
    offer(own, read(found.outcomes));
  } catch (error) {
    fail(error);
  }

  function offer(own, { list, sums }) {
    const state = sums.missing ? "unfinished" : "done";
    show("review", (w) =>
      [
        heading(w.reviewTitle),
        facts([
          [w.review, name],
          [w.month, month],
          [w.demandedBy, found.why],
          [w.inTimeUntil, dayOf(found.due)],
          ...["drawn", ...OUTCOMES].map((one) => [w.outcomes[one], String(sums[one])]),
          [w.you, found.me],
        ]),
        sums.missing ? text(w.reviewMissing) : "",
        sums.missing ? rowsOf(w, found.outcomes.filter(({ outcome }) => outcome === "missing")) : "",
        h("details", {}, h("summary", { textContent: w.reviewList }), rowsOf(w, found.outcomes)),
        text(w.reviewBound, "small"),
        h(
          "p",
          { className: "acts" },
          button(w.reviewSign[state], () => answer(own, list, sums, state)),
          link(path, w.reviewBack),
        ),
      ].filter(Boolean),
    );
  }

  async function answer(own, list, sums, state) {
    try {
      const outcomes = hex(await digest(utf8(list)));
      const { token, id } = await sign(own, "eyelid-review", { review: name, month, state, ...sums, outcomes });
      const { reviewed } = await relay("review", { review: token });
      const said = await verifyJws("eyelid-reviewed", reviewed, await publicKey(own.custodianKey));
      if (said.signed !== id || said.person !== own.person) throw new Trouble("other-request");
    } catch (error) {
      fail(error);
      return;
    }
    show("reviewed", (w) => [
      heading(w.reviewSigned[state]),
      text(w.verdictWhy),
      h("p", { className: "acts" }, link(path, w.reviewBack)),
    ]);
  }
}

const dayOf = (day) =>
  new Date(day).toLocaleDateString(document.documentElement.lang, { dateStyle: "full", timeZone: "UTC" });

const rowsOf = (w, rows) =>
  h(
    "ul",
    { className: "reasons" },
    ...rows.map(({ recording, outcome, agent, start }) => {
      const which = start ? `${when(Number(start) / 1e6)} · ${agent || words().unknownAgent}` : recording;
      return h("li", {}, link(`/recordings/${recording}`, which), `: ${w.outcomes[outcome]}`);
    }),
  );
