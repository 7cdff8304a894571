// What a case is: its title and its spans. Those of its other recordings are links, as each has a page of its own.

import { $, about, element, language, player, words } from "./state.js";
import { clock } from "./words.js";

export function showCase() {
  const { case: said, recording } = about;
  $("case").hidden = !said;
  if (!said) return;
  $("case-title").textContent = said.title;
  $("case-left-out").hidden = !about.leftOut.length;
  $("case-left-out").textContent = about.leftOut.map((lane) => words.leftOut[lane]).join(" ");
  const named = Object.entries(said.recordings).map(([id, { address, host, start }]) => {
    const item = element("li");
    const when = new Date(Number(BigInt(start) / 1_000_000n)).toLocaleString(language, {
      dateStyle: "medium",
      timeStyle: "short",
    });
    item.append(element("p", id === recording ? words.caseHere : `${host} · ${when}`, "small"));
    for (const { from, until } of said.spans.filter((one) => one.recording === id)) {
      const text = `${clock(from / 1e9, true)} – ${clock(until / 1e9, true)}`;
      const go = element(id === recording ? "button" : "a", text, "row");
      if (id === recording) go.addEventListener("click", () => player.seek(from / 1e9));
      else go.href = `${address}&t=${from / 1e9}`;
      item.append(go);
    }
    return item;
  });
  $("case-spans").replaceChildren(...named);
}
