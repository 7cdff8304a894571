// Documents inside this one into which the browser has put no script of ours. Every frame begins with an empty one, and
// keeps it where nothing else comes: `javascript:void 0`, an answer without content, a download, a server that does not
// answer. The page may write there whatever it likes. Chromium starts no script in it and leaves the frame out of its
// list, so that nobody would speak for it; Firefox lists it. It has the origin of the page: that page's script reads it.
(() => {
  "use strict";
  const {own} = globalThis.eyelid;
  const nameOf = own(Element.prototype, "localName");
  const documentOf = own(Node.prototype, "ownerDocument");
  const viewOf = own(Document.prototype, "defaultView");
  const addressOf = own(Document.prototype, "URL");
  // Another origin's window refuses by an exception.
  const orNull = (read) => {
    try {
      return read();
    } catch {
      return null;
    }
  };

  const contentOf = {
    iframe: own(HTMLIFrameElement.prototype, "contentDocument"),
    frame: own(HTMLFrameElement.prototype, "contentDocument"),
    object: own(HTMLObjectElement.prototype, "contentDocument"),
    // It does not say what it holds: its window does.
    embed(element) {
      const view = viewOf(documentOf(element));
      for (let place = 0; place < view.length; place += 1) {
        const inner = orNull(() => (view[place].frameElement === element ? view[place].document : null));
        if (inner) return inner;
      }
      return null;
    },
  };

  // In Firefox no script sees another document's. There only the empty document has none, and it goes by this address;
  // some that have one do, too, and are read twice.
  const numberOf = globalThis.browser?.runtime?.getFrameId;
  const isServed = (doc) => {
    if (numberOf) return addressOf(doc) !== "about:blank";
    const serving = orNull(() => viewOf(doc).eyelid?.serving);
    return serving?.doc === doc && serving.lives();
  };

  globalThis.eyelid.frames = {
    HOLDERS: new Set(Object.keys(contentOf)),

    // The document in this element that nobody else speaks for; null: none, or out of reach, and then of another origin.
    unserved(element) {
      const doc = orNull(() => contentOf[nameOf(element)](element));
      return doc && viewOf(doc) && !isServed(doc) ? doc : null;
    },

    // The number by which the browser lists this document's frame; null in Chromium, which tells none.
    number: (doc) => orNull(() => numberOf(viewOf(doc))),
  };
})();
