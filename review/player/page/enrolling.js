// A person's key is made by compliance's invitation and enrolled with the custodian; the page without an order lists
// the keys that are here.

import { button, facts, h, heading, link, relay, show, text, trouble, when } from "./desk.js";
import { keep, keysHere, newKey, ofOtherHouse, readInvitation } from "./person.js";
import { refusal } from "./refusal-words.js";

export async function enrol(address) {
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
    document.documentElement.dataset.code = "other-house";
    show("refused", (w) => [
      heading(w.otherHouse),
      text(refusal("other-house", document.documentElement.lang)),
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

export async function home() {
  const keys = await keysHere();
  show("home", (w) => [
    heading(w.home),
    text(w.homeWhy),
    text(keys.length ? w.homeKeys : w.homeNone),
    h("ul", {}, ...keys.map(({ person, custodian }) => h("li", { textContent: `${person} · ${custodian}` }))),
    h("p", { className: "acts" }, link("/", w.console)),
  ]);
}
