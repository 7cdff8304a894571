// Which autofill name a form control goes by: from its `autocomplete`, its type, and, where a page says neither, from
// what the control is called. Never reads what is in it.
(() => {
  "use strict";
  const {textOf} = globalThis.eyelid.nodes;

  // What an `autocomplete` may hold beside the name (HTML, "autofill detail tokens").
  const BESIDE = new Set(["on", "off", "shipping", "billing", "home", "work", "mobile", "fax", "pager", "webauthn"]);
  const UNSEEN = new Set("hidden button submit reset image file checkbox radio range color".split(" "));
  const CALLED_BY = ["name", "id", "placeholder", "aria-label", "title", "data-testid", "data-field"];
  const LONGEST = 120; // characters of each name or label

  const NUMBER = new RegExp(
    [
      String.raw`\b(credit|debit|bank|payment|cc) ?card( ?(number|no|nr|num))?\b`,
      String.raw`\bcard ?(number|no|nr|num|pan)\b`,
      String.raw`\bcc ?(number|num|no|nr)\b|\bccn\b|\bpan\b|\bprimary account number\b`,
      String.raw`\b(kredit|bank)?karten? ?(nummer|nr|no)\b`,
      String.raw`\b(numero|num|no|n) (de )?(la |sa |ma |votre |su |tu )?(carte|tarjeta|cb)\b`,
      String.raw`\bnumero(carte|tarjeta)\b`,
      String.raw`\b(carte (bancaire|de credit|bleue)|tarjeta de (credito|debito))\b`,
    ].join("|"),
  );
  const CODE = new RegExp(
    [
      String.raw`\b(cvv|cvc|cvn|csc) ?2?\b|\b(card|cc) ?(cvv|cvc|cvn|csc|code|cid)\b`,
      String.raw`\b(security|card) ?(code|value)\b|\bcard ?(security|verification|validation)\b`,
      String.raw`\b(karten ?)?(pruf ?(nummer|ziffern?|code)|pruefnummer|sicherheits ?code)\b|\bkartenpruefnummer\b`,
      String.raw`\bcryptogramme\b|\bcode (de )?securite\b|\bcodigo (de )?seguridad\b`,
    ].join("|"),
  );
  const EXPIRY = new RegExp(
    [
      String.raw`\bexp(iry|iration|ires|ir)?\b|\b(cc|card) ?exp|\bvalid (thru|through|until|to)\b`,
      String.raw`\bmm ?(yy|jj|aa)(yy|jj|aa)?\b`,
      String.raw`\bgultig bis\b|\bgueltig bis\b|\b(ablauf|verfalls?) ?datum\b`,
      String.raw`\bexpire( fin)?\b|\bdate (d )?expiration\b|\bcaducidad\b|\bvencimiento\b|\bexpiracion\b`,
    ].join("|"),
  );
  const CARD = /\b(cc|card|karte|karten|kreditkarten?|carte|tarjeta)\b|\bcard(exp|number)/;

  // "cardNumber", "card_number" and "Numéro de carte" are the same words to the patterns.
  const plain = (text) =>
    text
      .slice(0, LONGEST)
      .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
      .normalize("NFD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/ß/g, "ss")
      .replace(/[^A-Za-z0-9]+/g, " ")
      .toLowerCase();

  const labelsOf = (control) => {
    const texts = [];
    for (const label of control.labels ?? []) texts.push(textOf(label));
    for (const id of (control.getAttribute("aria-labelledby") ?? "").split(/\s+/)) {
      const element = id && control.getRootNode().getElementById?.(id);
      if (element) texts.push(textOf(element));
    }
    return texts;
  };

  const called = (control) => {
    const texts = CALLED_BY.map((attribute) => control.getAttribute(attribute) ?? "");
    return [...texts, ...labelsOf(control)].map(plain).join(" | ");
  };

  const NONE = Object.freeze([]);
  const revealable = new WeakSet(); // once a password field: "show password" makes it a text field that shows it

  // Names of a control: `sure` ones, and `beside`, which count only where a card's number or code is asked for too.
  const namesOf = (control) => {
    const type = control.localName === "input" ? (control.getAttribute("type") ?? "text").toLowerCase().trim() : "text";
    if (UNSEEN.has(type)) return {sure: NONE, beside: NONE};
    if (type === "password") revealable.add(control);
    const tokens = (control.getAttribute("autocomplete") ?? "").toLowerCase().split(/\s+/);
    const sure = tokens.filter((token) => token && !BESIDE.has(token) && !token.startsWith("section-"));
    const beside = [];
    const words = called(control);
    if (CODE.test(words)) sure.push("cc-csc");
    else if (NUMBER.test(words)) sure.push("cc-number");
    else if (EXPIRY.test(words)) (CARD.test(words) ? sure : beside).push("cc-exp");
    if (revealable.has(control) && !sure.some((name) => name.endsWith("-password") || name === "cc-csc")) {
      sure.push("current-password");
    }
    return {sure, beside};
  };

  Object.assign(globalThis.eyelid, {
    namesOf,
    CONTROLS: "input,select,textarea,[contenteditable],[role=textbox]",
    NAMED_BY: ["autocomplete", "type", "contenteditable", "role", "aria-labelledby", "for", ...CALLED_BY],
  });
})();
