// Documents inside this one into which the browser has put no script of ours. Every frame begins with an empty one, and
// keeps it where nothing else comes: `javascript:void 0`, an answer without content, a download, a server that does not
// answer. The page may write there whatever it likes. Chromium starts no script in it and leaves the frame out of its
// list, so that no script would answer for it; Firefox lists it. It has the origin of the page: that page's script reads it.
(() => {
  "use strict";
  const {own, orNull, nodes} = globalThis.eyelid;
  const {nameOf, attributeOf, ownerOf, rootOf, viewOf} = nodes;
  const addressOf = own(Document.prototype, "URL");
  const typeOf = own(Document.prototype, "contentType");
  const isRendered = own(Element.prototype, "checkVisibility");
  const placeOf = own(Element.prototype, "getBoundingClientRect");
  const contentOf = {
    iframe: own(HTMLIFrameElement.prototype, "contentDocument"),
    frame: own(HTMLFrameElement.prototype, "contentDocument"),
    object: own(HTMLObjectElement.prototype, "contentDocument"),
    // It does not say what it holds: its window does.
    embed(element) {
      const view = viewOf(ownerOf(element));
      for (let place = 0; place < view.length; place += 1) {
        const inner = orNull(() => (view[place].frameElement === element ? view[place].document : null));
        if (inner) return inner;
      }
      return null;
    },
  };

  const windowOf = {
    iframe: own(HTMLIFrameElement.prototype, "contentWindow"),
    frame: own(HTMLFrameElement.prototype, "contentWindow"),
    object: own(HTMLObjectElement.prototype, "contentWindow"),
  };

  // The address of another extension's page that this element names, and the extension's id.
  const EXTENSION = /^\s*chrome-extension:\/\/([a-p]{32})(?:\/|$)/i;
  const extensionIn = (element) => {
    const address = attributeOf(element, nameOf(element) === "object" ? "data" : "src") ?? "";
    return EXTENSION.exec(address)?.[1].toLowerCase() ?? null;
  };

  const isLazy = (element) => attributeOf(element, "loading")?.toLowerCase() === "lazy";
  // Whether the empty document that a frame begins with is out of reach of the page's script.
  const startsOpaque = (element) => {
    const sandbox = attributeOf(element, "sandbox");
    return window.origin === "null" || (sandbox !== null && !/(^|\s)allow-same-origin(\s|$)/i.test(sandbox));
  };

  // In Firefox a script cannot see whether another document has ours. Only the empty document lacks it, and its address
  // is this one; a served document at about:blank is therefore told twice.
  const numberOf = globalThis.browser?.runtime?.getFrameId;
  const isServed = (doc) => {
    if (numberOf) return addressOf(doc) !== "about:blank";
    const serving = orNull(() => viewOf(doc).eyelid?.serving);
    return serving?.doc === doc && serving.lives();
  };

  globalThis.eyelid.frames = {
    HOLDERS: new Set(Object.keys(contentOf)),

    // The document in this element; null: none, or of another origin.
    content: (element) => orNull(() => contentOf[nameOf(element)](element)),

    // The same if no other script answers for it, else null.
    unserved(element) {
      const doc = this.content(element);
      return doc && viewOf(doc) && !isServed(doc) ? doc : null;
    },

    // How many documents the browser must know inside these, for the background to compare with those that it lists:
    // Chromium lists no page of an extension. `held`: element -> the document in it that is read from here, or null.
    // `inside`: all but those read from here and those whose element names an extension (`extensions`: which).
    // `empty`: as many of them may still be what a frame begins with, and `lazy` of these until they are scrolled to.
    census(doc, held) {
      const counted = {inside: 0, empty: 0, lazy: 0, extensions: []};
      // Firefox lists them all. In a PDF there is Chromium's own viewer.
      if (numberOf || typeOf(doc) === "application/pdf") return counted;
      for (const one of new Set([doc, ...held.values()])) counted.inside += (one && viewOf(one)?.length) ?? 0;
      for (const [element, read] of held) {
        if (nodes.isGone(element)) continue;
        const isServedHere = this.content(element) && !read;
        const extension = isServedHere ? null : extensionIn(element);
        if (extension) counted.extensions.push(extension);
        // A window's `length` leaves out what is in shadow roots. An <embed> does not say whether it holds a window.
        const isWithin = nodes.isShadow(rootOf(element));
        const name = nameOf(element);
        const hasWindow = name === "embed" ? !isWithin : orNull(() => windowOf[name](element)) !== null;
        if (hasWindow && isWithin) counted.inside += 1;
        if (hasWindow && (read || extension)) counted.inside -= 1;
        if (read || extension || isServedHere || !startsOpaque(element)) continue;
        counted.empty += 1;
        counted.lazy += isLazy(element) ? 1 : 0;
      }
      return counted;
    },

    isOfArchive: (element) => orNull(() => attributeOf(element, "src").startsWith("cid:")) === true,

    // The number by which the browser lists this document's frame; Chromium has no such call.
    number: (doc) => orNull(() => numberOf(viewOf(doc))),
    numberIn: (element) => orNull(() => numberOf(element)),

    // Why nothing of what this element holds is in view, in the words of mark.js; null where it may be. Firefox does not
    // draw a frame of another site that is out of view, and so its own script is asked nothing.
    unseen(element) {
      if (nodes.isGone(element) || !isRendered(element)) return "empty";
      const {left, top, right, bottom} = placeOf(element);
      const view = viewOf(ownerOf(element));
      const isOutside = right <= 0 || bottom <= 0 || left >= view.innerWidth || top >= view.innerHeight;
      return isOutside ? "outside" : null;
    },
  };
})();
