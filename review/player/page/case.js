// What a case is: its title and its spans. Those of its other recordings are links, as each has a page of its own.

import { $, about, element, language, player, words } from "./state.js";
import { commentsOf } from "./comments.js";
import { clock } from "./words.js";

const day = (ns) => new Date(Number(BigInt(ns) / 1_000_000n)).toLocaleDateString(language, { dateStyle: "medium" });

export function showCase() {
  const { case: said, recording } = about;
  $("case").hidden = !said;
  if (!said) return;
  $("case-title").textContent = said.title;
  $("case-left-out").hidden = !about.leftOut.length;
  $("case-left-out").textContent = about.leftOut.map((lane) => words.leftOut[lane]).join(" ");
  const named = Object.entries(said.recordings).map(([id, { address, host, start, holds }]) => {
    const item = element("li");
    const when = new Date(Number(BigInt(start) / 1_000_000n)).toLocaleString(language, {
      dateStyle: "medium",
      timeStyle: "short",
    });
    item.append(element("p", id === recording ? words.caseHere : `${host} · ${when}`, "small"));
    for (const { hold, since, review } of holds ?? [])
      item.append(element("p", words.onHold(hold, day(since), review), "small"));
    for (const { from, until } of said.spans.filter((one) => one.recording === id)) {
      const text = `${clock(from / 1e9, true)} – ${clock(until / 1e9, true)}`;
      const go = element(id === recording ? "button" : "a", text, "row");
      if (id === recording) go.addEventListener("click", () => player.seek(from / 1e9));
      else go.href = `${address}&t=${from / 1e9}`;
      item.append(go);
    }
    return item;
  });
  const gone = Object.entries(said.erased ?? {}).map(([id, { at }]) =>
    element("li", at ? words.erasedOf(id, day(at)) : words.erasedUnproven(id), "small"),
  );
  $("case-spans").replaceChildren(...named, ...gone);
}

/** Those that the case has on this recording's spans. */
export function beginCase() {
  const own = about.case?.recordings[about.recording];
  if (own?.comments?.length) commentsOf(own.comments);
}
