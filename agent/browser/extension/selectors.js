// The policy's CSS selectors as one browser reads them: which it refuses, what in a page each can depend on.
(() => {
  "use strict";

  // These depend on the tree alone, and a changed tree is noticed. Others (:checked) may change without a trace.
  const OF_THE_TREE = new Set(
    ("not is where has matches root empty first-child last-child only-child nth-child nth-last-child first-of-type " +
      "last-of-type only-of-type nth-of-type nth-last-of-type scope any-link link").split(" "),
  );

  const VEILED = /\\|\/\*/; // an escape or a comment, within which a name may be written in other ways

  const isValid = (text) => {
    try {
      document.createDocumentFragment().querySelector(text);
      return true;
    } catch {
      return false;
    }
  };

  // A browser closes at the end of a text what is still open there: a string, a comment, an escape, a bracket. Joined
  // with others such a text would swallow the next one. One more bracket is a mistake where nothing is open.
  const isClosed = (text) => isValid(`${text},*`) && ![")", "]", "}"].some((bracket) => isValid(text + bracket));

  const read = (texts) => {
    const known = [];
    const refused = [];
    texts.forEach((text, place) => {
      if (isValid(text) && isClosed(text)) known.push({place, text});
      else refused.push(place);
    });
    const all = known.map(({text}) => text).join(",");
    const states = [...all.matchAll(/:([a-z-]+)/gi)].map(([, name]) => name.toLowerCase());
    return {
      known,
      refused,
      all,
      volatile: VEILED.test(all) || states.some((name) => !OF_THE_TREE.has(name)),
      attributes: attributesOf(all),
    };
  };

  // Names of all attributes that the selectors may look at, or null if that cannot be told.
  const attributesOf = (all) => {
    if (VEILED.test(all) || /\||:(?!not|is|where|has|root|empty|first-|last-|only-|nth-)/i.test(all)) return null;
    const names = [...all.matchAll(/\[\s*([^\s~^$*=\]]+)/g)].flatMap(([, name]) => [name, name.toLowerCase()]);
    if (all.includes(".")) names.push("class");
    if (all.includes("#")) names.push("id");
    return names;
  };

  // Firefox's background has this file alone.
  globalThis.eyelid ??= {};
  globalThis.eyelid.readSelectors = read;
})();
