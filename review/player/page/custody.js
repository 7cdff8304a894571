// What an address of the player's own origin asks for: each order has a page, which is loaded when it is asked for.

import { setPlace, spoken, Trouble, trouble } from "./desk.js";
import { secondsOf } from "./words.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Null where this page is not on an origin of its own; else {comments, report}, once the custodian has released it. */
export async function fromCustody(ask) {
  const asked = /^#(play|enrol|approve|review)=(.*)$/.exec(location.hash);
  if (location.hash && !asked) return null;
  const where = await fetch("console.json").catch(() => null);
  if (!where?.ok) return null;
  setPlace((await where.json()).console);
  spoken.observe(document.documentElement, { attributeFilter: ["lang"] });
  window.addEventListener("hashchange", () => location.reload());
  document.querySelector("[data-text='limits']").dataset.text = "limitsReleased";
  const [, verb, said] = asked ?? [];
  const [value, ...more] = verb === "play" ? said.split("&") : [said];
  const further = new URLSearchParams(more.join("&"));
  if (verb === "enrol") history.replaceState(null, "", location.pathname); // or it could be read off the screen
  return new Promise((opened) => {
    const begin = {
      enrol: async () => (await import("./enrolling.js")).enrol(value),
      approve: async () => (await import("./approving.js")).approve(value),
      review: async () => (await import("./review.js")).review(value),
      play: async () => {
        if (!UUID.test(value)) throw new Trouble("no-such-path");
        const at = secondsOf(further.get("t") ?? undefined);
        const { play } = await import("./opening.js");
        return play(value, ask, (found) => opened({ ...found, at }), further.get("for"));
      },
      home: async () => (await import("./enrolling.js")).home(),
    };
    const back = verb === "play" && UUID.test(value) ? `/recordings/${value}` : "/";
    const start = () => begin[verb ?? "home"]().catch((error) => trouble(error, back, start));
    start();
  });
}
