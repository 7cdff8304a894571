// What a control asks for by what it is called: a card's number, its code, its expiry date, or none of them. Knows texts
// alone, no page; the words are in words.js.
(() => {
  "use strict";
  const {plain} = globalThis.eyelid;
  const {
    PAYING, ANY_CARD, PAYS, isOfPayingCard, CARD, NUMBER, SHORT_NUMBER, OTHER_SHORT, BARE_CARD, PAN, PAN_OF_CARD,
    INDIAN_PAN, BARE, BARE_NUMBER, BARE_TIME, BARE_CODE, THREE_DIGIT_CODE, NAMED_CODE, FOUR_DIGIT_CODE, SAMPLE, CODE,
    NO_OTHER_CODE, ABBREVIATED, THREE, SIXTEEN, DIGITS, BEHIND, FRONT, LONG, A_NUMBER, OTHER_NUMBER, CODE_OR_NOT,
    CHECK, EXPIRY, PERISHABLE, OTHER_CARD_OF_CODE, isOtherCard, DOCUMENT, LIBRARY, SENT, SENT_ATTRIBUTE, SUM,
    ELSEWHERE, OPENS, OF_A_THING, NO_SAMPLE, SEARCH, LAST_FOUR, NOT_HERE, OTHER_FIELD, SIGNING_IN, MONEY,
  } = globalThis.eyelid.words;

  const NOTHING = Object.freeze({sure: "", beside: ""});
  const sure = (name) => ({sure: name, beside: ""});
  const besideCard = (name) => ({sure: "", beside: name});

  const joined = (texts) => texts.filter(Boolean).join(" | ");

  const asksNumber = (text) => {
    const found = NUMBER.exec(text);
    if (found) return !NOT_HERE.test(text.slice(0, found.index));
    return isLongNumber(text) && !OTHER_NUMBER.test(text) && !ELSEWHERE.test(text) && !NOT_HERE.test(text);
  };

  const isSixteen = (text) => SIXTEEN.test(text) && DIGITS.test(text) && !OTHER_NUMBER.test(text);

  const isLongNumber = (text) => {
    const isOnCard = FRONT.test(text) || ANY_CARD.test(text);
    if (SIXTEEN.test(text) && DIGITS.test(text)) return isOnCard || A_NUMBER.test(text) || /\bpan\b/.test(text);
    return isOnCard && LONG.test(text) && A_NUMBER.test(text);
  };

  // Said of few digits, or of a code, that they are on the back of a card.
  const isBehindCard = ({short, attributes, labels, near}, text) =>
    BEHIND.test(text) &&
    ANY_CARD.test(text) &&
    !isOtherCard(text) &&
    (short || [...attributes, ...labels, ...near].some((word) => BARE_CODE.test(word)));

  const isBehind = (text) => THREE.test(text) && DIGITS.test(text) && BEHIND.test(text);

  // Whether it says so little that the heading above it may say what it is of.
  const isBare = (text) => {
    if (text.length > 40 || !BARE.test(text)) return false;
    const said = plain(text);
    return [BARE_NUMBER, BARE_CODE, THREE_DIGIT_CODE, FOUR_DIGIT_CODE].some((pattern) => pattern.test(said));
  };

  // Whether a heading is in truth the label of one field.
  const isOfOneField = (text) => isBare(text) || (EXPIRY.test(plain(text)) && !ANY_CARD.test(plain(text)));

  // What a control asks for by what it is called: its own `attributes`, the `labels` that belong to it, the text `near`
  // it, `hints` that describe it and the `groups` that it is in, all plain; and `raw`, what users see of it as it is;
  // `short` where three or four characters go in; `heading` where the last of the groups is but a heading above it.
  // `sure` closes alone, `beside` only where a card's number or code is asked for as well.
  const judge = (called) => {
    const {labels, near, hints, groups, raw} = called;
    // Django's forms put "id_" before each field's name: no identity card.
    const isTwice = (text) => text.startsWith("id ") && called.attributes.includes(text.slice(3));
    const attributes = called.attributes.filter((text) => !isTwice(text));
    const words = [...attributes, ...labels, ...near];
    const own = joined(words);
    const seen = joined([...labels, ...near]);
    const hint = joined(hints);
    const shown = joined([seen, hint]);
    const group = joined(groups);
    // A form's name in front of a field's says little ("order[number]"): it counts where users are told nothing.
    const said = seen || joined(attributes);
    if (called.search || SEARCH.test(said)) return NOTHING;
    const around = joined([seen, group]);
    const isPayingGroup = PAYING.test(group) || groups.some(isOfPayingCard);
    const isOtherGroup =
      !isPayingGroup && (isOtherCard(group) || (LIBRARY.test(around) && !PAYS.test(around)));
    const isPaying = PAYING.test(own);
    const isPan = raw.some((text) => PAN_OF_CARD.test(text)) && !INDIAN_PAN.test(joined([shown, group]));
    if (isPan) return sure("cc-number");
    const isOtherOwn =
      !isPaying && (isOtherCard(seen) || DOCUMENT.test(seen) || OTHER_CARD_OF_CODE.test(joined(attributes)));
    const isOther = isOtherOwn || (!isPaying && isOtherGroup);
    const ofCard = isPayingGroup || CARD.test(joined([own, group]));

    if (!isOtherOwn && NO_OTHER_CODE.test(own)) return sure("cc-csc");
    if (!isOther) {
      if (CODE.test(own) || isBehind(own) || raw.some((text) => ABBREVIATED.test(text))) return sure("cc-csc");
      if (isBehindCard(called, shown)) return sure("cc-csc");
      const isSent = called.oneTime || SENT.test(shown) || SENT_ATTRIBUTE.test(joined(attributes));
      const opens = OPENS.test(shown) || OF_A_THING.test(shown) || (OPENS.test(group) && !PAYS.test(group));
      const isOfThing = (opens && !ofCard && !CARD.test(hint)) || ELSEWHERE.test(said);
      const isElse = isSent || isOfThing || SIGNING_IN.test(group) || raw.some((text) => SUM.test(text));
      if (CODE_OR_NOT.test(own) && (!isElse || isBehind(hint))) return sure("cc-csc");
      if (CHECK.test(own) && !isElse) return ofCard || CARD.test(hint) ? sure("cc-csc") : besideCard("cc-csc");
    }

    const isField = called.kind !== "textarea" && !OTHER_FIELD.test(said);
    if (!isOther && !LAST_FOUR.test(seen)) {
      if (words.some(asksNumber)) return sure("cc-number");
      if (raw.some((text) => SAMPLE.test(text)) && !NO_SAMPLE.test(seen)) return sure("cc-number");
      if (SHORT_NUMBER.test(own) && !OTHER_SHORT.test(joined([shown, group]))) return sure("cc-number");
      const isIndian = INDIAN_PAN.test(joined([own, hint, group])) || words.some((text) => INDIAN_PAN.test(text));
      if (!isIndian && (raw.some((text) => PAN.test(text)) || attributes.includes("pan"))) return sure("cc-number");
      const isBare = called.kind === "input" && isField && !MONEY.test(own);
      if (isBare && [...attributes, ...labels].some((text) => BARE_CARD.test(text))) return sure("cc-number");
    }
    const isCards = ofCard && !isOther && (isPaying || !PERISHABLE.test(joined([own, group])));
    if (EXPIRY.test(own)) return isCards ? sure("cc-exp") : besideCard("cc-exp");
    if (!isField || isOther) return NOTHING;
    const isSent = called.oneTime || SENT.test(shown) || SENT_ATTRIBUTE.test(joined(attributes));
    return judgeByContext({...called, isSent}, words, hint, group);
  };

  // A field that says little of itself, by what describes it and what it is a part of.
  const judgeByContext = ({labels, near, groups, isSent, heading}, words, hint, group) => {
    const isInGroup = groups.some(isOfPayingCard);
    const threes = words.filter((text) => THREE_DIGIT_CODE.test(text));
    const isThree = threes.some((text) => NAMED_CODE.test(text));
    const isFew = isThree || (!isSent && words.some((text) => FOUR_DIGIT_CODE.test(text)));
    if (isInGroup || [...labels, ...near].some(isOfPayingCard)) {
      const bare = isInGroup ? words : labels; // a table of ways to pay has a row of each, and columns of its own
      if (bare.some((text) => BARE_NUMBER.test(text))) return sure("cc-number");
      if (bare.some((text) => BARE_CODE.test(text)) && !(heading && isSent)) return sure("cc-csc");
      if (isInGroup && words.some(isSixteen)) return sure("cc-number");
      if (isInGroup && (isFew || threes.length > 0)) return sure("cc-csc");
      if (bare.some((text) => BARE_TIME.test(text))) return besideCard("cc-exp");
    }
    if (!isOtherCard(hint)) {
      if (CODE.test(hint) || isBehind(hint)) return sure("cc-csc");
      if (asksNumber(hint) && !LAST_FOUR.test(hint)) return sure("cc-number");
    }
    if (asksNumber(group)) return sure("cc-number");
    if (CODE.test(group)) return sure("cc-csc");
    if (isThree && PAYS.test(group) && !SIGNING_IN.test(group)) return sure("cc-csc");
    if (EXPIRY.test(group)) return CARD.test(group) ? sure("cc-exp") : besideCard("cc-exp");
    return isFew ? besideCard("cc-csc") : NOTHING;
  };

  Object.assign(globalThis.eyelid, {isBare, isOfOneField, judgeWords: judge});
})();
