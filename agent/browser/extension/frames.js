// Documents inside this one into which the browser has put no script of ours. Every frame begins with an empty one, and
// keeps it where nothing else comes: `javascript:void 0`, an answer without content, a download, a server that does not
// answer. The page may write there whatever it likes. Chromium starts no script in it and leaves the frame out of its
// list, so that no script would answer for it; Firefox lists it. It has the origin of the page: that page's script reads it.
(() => {
  "use strict";
  const {own, orNull, nodes} = globalThis.eyelid;
  const {nameOf, attributeOf, ownerOf, viewOf} = nodes;
  const addressOf = own(Document.prototype, "URL");
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
