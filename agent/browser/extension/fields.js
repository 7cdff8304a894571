// Which autofill name a form control has: from its `autocomplete`, its type, and, where a page says neither, from
// what the control is called (labels.js, names.js). Never reads what is in it.
(() => {
  "use strict";
  const {nodes, CONTROLS, plain, speaksOfCards, isBare, judgeWords, readLabels, headingOf, newPass} = globalThis.eyelid;
  const {nameOf, typeOf, attributeOf, attributesOf, matches} = nodes;

  // What an `autocomplete` may hold beside the name (HTML, "autofill detail tokens").
  const BESIDE = new Set(["on", "off", "shipping", "billing", "home", "work", "mobile", "fax", "pager", "webauthn"]);
  const UNSEEN = new Set("hidden button submit reset image file checkbox radio range color".split(" "));
  // Attributes that the page's authors read, and those that its users do.
  const OF_CODE = new Set([
    "name", "id", "autocomplete", "data-testid", "data-field", "data-name", "data-stripe", "data-checkout",
    "data-encrypted-name", "data-braintree-name", "data-recurly", "data-omise", "formcontrolname", "ng-model",
  ]);
  const OF_USERS = new Set(["placeholder", "aria-label", "aria-placeholder", "title", "label"]);
  const LENGTHS = ["maxlength", "size"];
  const LONGEST = 120; // characters of each attribute

  const NONE = Object.freeze([]);
  const revealable = new WeakSet(); // once a password field: "show password" makes it a text field that shows it

  // What this document's password fields were called: "show password" may put another element in the place of one.
  const CALLS = ["name", "id"];
  const MOST_CALLED = 500;
  const called = new Set();
  const callsOf = (control) => CALLS.map((attribute) => [attribute, attributeOf(control, attribute)])
    .filter(([, value]) => value)
    .map((call) => call.join(" "));

  // Returns whether the control is a password field that is called otherwise than those before it.
  const rememberPassword = (control) => {
    if (nameOf(control) !== "input" || typeOf(control) !== "password") return false;
    revealable.add(control);
    const calls = callsOf(control);
    const isNew = !calls.every((call) => called.has(call));
    for (const call of calls) {
      called.delete(call); // the latest stay
      called.add(call);
    }
    for (const call of called) if (called.size > MOST_CALLED) called.delete(call);
    return isNew;
  };

  const showsPassword = (control) => {
    if (revealable.has(control)) return true;
    const name = nameOf(control);
    return (name === "input" || name === "textarea") && callsOf(control).some((call) => called.has(call));
  };

  const asked = (control, type, tokens, pass) => {
    const {labels, near, hints, groups, around} = readLabels(control, pass);
    const ofCode = [];
    const ofUsers = [];
    for (const element of [control, ...around]) {
      for (const attribute of attributesOf(element)) {
        const list = OF_USERS.has(attribute) ? ofUsers : OF_CODE.has(attribute) ? ofCode : null;
        if (list) list.push(attributeOf(element, attribute).slice(0, LONGEST));
      }
    }
    const shown = [...ofUsers, ...labels, ...near];
    const inWords = () => ({
      attributes: ofCode.map(plain),
      labels: [...ofUsers, ...labels].map(plain),
      near: near.map(plain),
      hints: hints.map(plain),
      groups: groups.map(plain),
      raw: shown,
      search: type === "search" || attributeOf(control, "role") === "searchbox",
      oneTime: tokens.includes("one-time-code"),
      kind: nameOf(control),
      short: LENGTHS.some((attribute) => /^[34]$/.test(attributeOf(control, attribute) ?? "")),
    });
    const known = [...ofCode, ...shown, ...hints, ...groups].some(speaksOfCards) ? judgeWords(inWords()) : {};
    if (known.sure || !shown.some(isBare)) return known;
    // A heading may be of something else: it adds to what is known, and takes nothing away.
    const heading = headingOf(control, pass);
    if (!speaksOfCards(heading)) return known;
    const own = inWords();
    const below = judgeWords({...own, groups: [...own.groups, plain(heading)], heading: true});
    return below.sure ? below : known;
  };

  // Names of a control: `sure` ones, and `beside`, which count only where a card's number or code is asked for too.
  const namesOf = (control, pass = newPass(() => {})) => {
    const type = typeOf(control);
    if (UNSEEN.has(type)) return {sure: NONE, beside: NONE};
    rememberPassword(control);
    const tokens = (attributeOf(control, "autocomplete") ?? "").toLowerCase().split(/\s+/);
    const sure = new Set(tokens.filter((token) => token && !BESIDE.has(token) && !token.startsWith("section-")));
    const {sure: known, beside} = asked(control, type, tokens, pass);
    if (known) sure.add(known);
    if (showsPassword(control) && ![...sure].some((name) => name.endsWith("-password") || name === "cc-csc")) {
      sure.add("current-password");
    }
    return {sure: [...sure], beside: beside ? [beside] : NONE};
  };

  // A custom element that takes part in a form is a field, whatever it is made of. Only those can be enabled.
  const isControl = (element) =>
    nameOf(element).includes("-") ? matches(element, `${CONTROLS},:enabled,:disabled`) : matches(element, CONTROLS);

  Object.assign(globalThis.eyelid, {
    namesOf,
    isControl,
    rememberPassword,
    NAMED_BY: [
      "type", "contenteditable", "role", "for", "slot", "alt", "colspan", "headers",
      "aria-labelledby", "aria-describedby", "aria-description", ...LENGTHS, ...OF_CODE, ...OF_USERS,
    ],
  });
})();
