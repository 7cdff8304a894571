// What may be asked of nodes, as the browser has it. A form gives its controls out under their names before its own
// properties, and a document its forms, images and frames: one called "localName" or "defaultView" would stand in the
// way. Runs first, so it carries `serving` over from an earlier run of these scripts.
(() => {
  "use strict";

  // `own(prototype, name)(node, ...given)` is `node[name]`, or `node[name](...given)` where that is a function.
  const own = (prototype, name) => {
    const {get, value} = Object.getOwnPropertyDescriptor(prototype, name);
    return (node, ...given) => Reflect.apply(get ?? value, node, given);
  };

  // For what a browser refuses by an exception: another origin's window, or a node that is no longer there.
  const orNull = (read) => {
    try {
      return read();
    } catch {
      return null;
    }
  };

  const kindOf = own(Node.prototype, "nodeType");
  const ownerOf = own(Node.prototype, "ownerDocument");
  const isConnected = own(Node.prototype, "isConnected");
  const isDocument = (node) => kindOf(node) === Node.DOCUMENT_NODE;

  // Firefox takes a document that has left its frame away from scripts of other documents: nothing of it can be asked.
  const isDead = (node) => orNull(() => kindOf(node)) === null;

  const searchOf = ({prototype}) => ({
    all: own(prototype, "querySelectorAll"),
    first: own(prototype, "querySelector"),
    ...("getElementById" in prototype && {byId: own(prototype, "getElementById")}),
  });
  const ofDocuments = searchOf(Document);
  const ofFragments = searchOf(DocumentFragment);
  const ofElements = searchOf(Element);

  // The elements that may have a shadow root (DOM, "valid shadow host name"), beside custom elements.
  const HOSTS = new Set(
    "article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span".split(" "),
  );

  const dom = globalThis.chrome?.dom;
  const shadowOf = dom?.openOrClosedShadowRoot
    ? (element) => dom.openOrClosedShadowRoot(element)
    : (element) => element.openOrClosedShadowRoot;

  const ours = new WeakSet(); // shadow roots that mark.js has put into the page

  // A page's script may name elements that have no id; browsers from 2025 on give them out.
  const reflection = (name) => (name in Element.prototype ? own(Element.prototype, name) : null);

  const nameOf = own(Element.prototype, "localName");
  const inputTypeOf = own(HTMLInputElement.prototype, "type");
  const hostOf = own(ShadowRoot.prototype, "host");
  const isShadow = (node) => kindOf(node) === Node.DOCUMENT_FRAGMENT_NODE && orNull(() => hostOf(node)) !== null;
  const labels = {
    input: own(HTMLInputElement.prototype, "labels"),
    select: own(HTMLSelectElement.prototype, "labels"),
    textarea: own(HTMLTextAreaElement.prototype, "labels"),
  };

  const nodes = {
    nameOf,
    attributeOf: own(Element.prototype, "getAttribute"),
    // As the browser understood the attribute, whose letters and spaces it reads by rules of its own. Only HTML's input
    // has one: others of that name are of no type.
    typeOf: (element) => orNull(() => inputTypeOf(element)) ?? "text",
    attributesOf: own(Element.prototype, "getAttributeNames"),
    matches: own(Element.prototype, "matches"),
    closest: own(Element.prototype, "closest"),
    contains: own(Node.prototype, "contains"),
    lastIn: own(Element.prototype, "lastElementChild"),
    countIn: own(Element.prototype, "childElementCount"),
    parentOf: own(Node.prototype, "parentNode"),
    firstOf: own(Node.prototype, "firstChild"),
    nextOf: own(Node.prototype, "nextSibling"),
    previousOf: own(Node.prototype, "previousSibling"),
    dataOf: own(Node.prototype, "nodeValue"),
    compare: own(Node.prototype, "compareDocumentPosition"),
    rootOf: own(Node.prototype, "getRootNode"),
    assigned: own(HTMLSlotElement.prototype, "assignedNodes"),
    labelledBy: reflection("ariaLabelledByElements"),
    describedBy: reflection("ariaDescribedByElements"),
    // Of an element that has labels; any other refuses to be asked.
    labelsOf: (element) => labels[nameOf(element)]?.(element),
    isShadow,
    hostOf: (node) => (isShadow(node) ? hostOf(node) : null),
    viewOf: own(Document.prototype, "defaultView"),
    readiness: own(Document.prototype, "readyState"),
    visibility: own(Document.prototype, "visibilityState"),
    isElement: (node) => kindOf(node) === Node.ELEMENT_NODE,
    isText: (node) => kindOf(node) === Node.TEXT_NODE,
    ownerOf,
    isConnected,
    isDocument,
    documentOf: (node) => (isDocument(node) ? node : ownerOf(node)),
    isDead,
    isGone: (node) => isDead(node) || !isConnected(node),

    // `all(element, selectors)` and `first(element, selectors)`, and the same in a document or a shadow root.
    ...ofElements,
    searchIn: (root) => (isDocument(root) ? ofDocuments : ofFragments),

    mayHost: (name) => HOSTS.has(name) || name.includes("-"),

    // Open or closed; null where there is none, or ours. An SVG element with a hyphen in its name refuses to be asked.
    shadow(element) {
      const root = orNull(() => shadowOf(element));
      return root && !ours.has(root) ? root : null;
    },
    ours,
  };

  globalThis.eyelid = {serving: orNull(() => globalThis.eyelid?.serving), own, orNull, nodes};
})();
