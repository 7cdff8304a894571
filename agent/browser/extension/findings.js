// What of the policy's fields and selectors is present in this document, kept current by its changes: no whole-page
// search when the agent looks. Goes into open and closed shadow roots, however they came, and into the documents of
// frames that no other script answers for (frames.js).
(() => {
  "use strict";
  const {own, orNull, nodes, frames, namesOf, isControl, rememberPassword, newPass, readSelectors, NAMED_BY} = globalThis.eyelid;
  const {Dependants, Elements, Hosts, Lingering} = globalThis.eyelid;
  const {nameOf, attributeOf, matches, lastIn, rootOf, parentOf, ownerOf, documentOf, searchIn, shadow} = nodes;
  const {isElement, isConnected, isDocument, isDead, isGone, mayHost, readiness, visibility} = nodes;

  const CONTROL = new Set(["input", "select", "textarea"]);
  const EDITABLE = "[contenteditable],[role~=textbox i]";
  const CARD = new Set(["cc-number", "cc-csc"]);
  const NAMING = new Set(NAMED_BY);
  const HIDING = new Set(["class", "hidden", "style"]); // by which a page takes a part of it out of view
  const NOTHING = Object.freeze(new Set());
  const NO_FITS = Object.freeze(new Map());
  const IDLE_SHARE = 20; // between two unasked searches: this many times what one costs
  const AGAIN_AFTER = 1000; // ms until what could not be searched is tried once more

  // What tells that a document's words were translated where they stand: it has got another language (Firefox; pages
  // that translate themselves), Chrome's class on its element, or Edge's attribute on what Edge has translated.
  const rootElementOf = own(Document.prototype, "documentElement");
  const languages = new WeakMap(); // document -> the language in which it came
  const isTranslated = (doc) => {
    const element = rootElementOf(doc);
    if (element === null) return false;
    if (languages.get(doc) !== attributeOf(element, "lang")) return true;
    return searchIn(doc).first(doc, "html.translated-ltr,html.translated-rtl,[_msttexthash]") !== null;
  };

  // Which registry may define it: a scoped one where the browser knows them and tells, else its document's.
  const scopeOf = "customElementRegistry" in Element.prototype ? own(Element.prototype, "customElementRegistry") : null;
  const registryOf = (element) => orNull(() => scopeOf(element)) ?? ownerOf(element);

  class Findings {
    // `changed(came, left)` hears of names (`cc-number`) and places of selectors (numbers) as they come and go;
    // `emptied()` when the page has begun anew by document.open(), which takes all listeners away.
    constructor(doc, changed, emptied) {
      this.doc = doc;
      this.changed = changed;
      this.emptied = emptied;
      this.failedAt = null; // when something went wrong: what is known since may be too little
      this.hash = "";
      this.texts = []; // the policy's selectors
      this.wanted = null; // names, or null while there is no policy: then all
      this.selectors = readSelectors([]);
      this.controls = new Map(); // control -> its names
      this.called = new Map(); // control -> all that it was ever called, and whether it still is
      this.roots = new Map([[doc, NO_FITS]]); // document or shadow root -> place of a selector -> elements that it fits
      this.frames = new Map(); // element that holds a document -> that document if it is read from here, or null
      this.unsearched = new Set(); // roots that changed since they were searched for selectors
      this.dependants = new Dependants(); // which controls to judge when something else changes
      this.present = NOTHING; // names of fields that are in the document
      this.fields = NOTHING; // and of those that may still be seen
      this.css = NOTHING;
      this.undefined = new Map(); // registry -> name -> custom elements that are nothing yet
      this.open = []; // elements that the parser has not closed: a declarative root may still be attached to them
      this.hosts = new Hosts((element) => !isGone(element) && this.reads(ownerOf(element)));
      this.wasLoading = true;
      this.wasShown = false;
      this.address = location.href;
      this.lingering = new Lingering(doc, () => this.there);
      this.searchedAt = 0;
      this.searchCost = 0;
      this.searchDue = 0;
      this.observer = new MutationObserver((records) => this.take(records, false));
      this.attached = (event) => this.visitAlone(event.target);
      this.attachEvent = null;
    }

    start() {
      this.observe(this.doc);
      this.doc.addEventListener("readystatechange", this);
      this.attempt(() => {
        this.enter(this.doc, new Set());
        this.settle(true);
      });
    }

    stop() {
      this.observer.disconnect();
      this.lingering.clear();
      clearTimeout(this.searchDue);
      this.doc.removeEventListener("readystatechange", this);
      for (const root of this.roots.keys()) {
        if (!isDead(root)) root.removeEventListener(this.attachEvent, this.attached, true);
      }
    }

    handleEvent() {
      this.refresh();
    }

    // The name under which the page's world tells of a root attached late.
    listenFor(name) {
      this.attachEvent = name;
      for (const root of this.roots.keys()) root.addEventListener(name, this.attached, true);
    }

    // To be called when everything is current: what happened until now is not looked at again.
    setPolicy({hash, fields, css}) {
      this.wanted = new Set(fields);
      this.selectors = readSelectors(css);
      this.texts = css;
      this.observer.disconnect();
      this.present = this.fields = NOTHING; // nothing has left, it is only called otherwise now
      this.css = NOTHING;
      for (const root of this.roots.keys()) this.roots.set(root, NO_FITS);
      this.attempt(() => this.searchAnew());
      this.hash = hash; // only now: an answer under this hash must have been searched for with it
    }

    searchAnew() {
      this.failedAt = null;
      this.controls.clear();
      const seen = new Set();
      this.checkFrames(seen);
      for (const root of [...this.roots.keys()].filter((one) => !isGone(one))) {
        this.observe(root);
        this.enter(root, seen);
      }
      this.settle(true);
    }

    // Brings everything up to this instant. Cheap when nothing happened.
    refresh() {
      if (this.failedAt === null) this.take(this.observer.takeRecords(), true);
      else if (performance.now() - this.failedAt > AGAIN_AFTER) this.attempt(() => this.searchAnew());
    }

    // What goes wrong must not pass for "nothing is there": from then on this document is unread.
    attempt(work) {
      try {
        work();
      } catch {
        this.failedAt = performance.now();
      }
    }

    observe(root) {
      const {attributes} = this.selectors;
      const filter = attributes && {attributeFilter: [...new Set([...NAMED_BY, ...HIDING, ...attributes])]};
      const all = {subtree: true, childList: true, characterData: true, attributes: true, attributeOldValue: true};
      this.observer.observe(root, {...all, ...filter});
      if (this.attachEvent) root.addEventListener(this.attachEvent, this.attached, true);
    }

    take(records, asked) {
      this.attempt(() => {
        this.noteAddress();
        const seen = new Set();
        const climbed = new Set();
        const moved = asked && this.checkFrames(seen);
        for (const record of records) if (!isDead(record.target)) this.takeOne(record, seen, climbed);
        if (this.open.length > 0 || readiness(this.doc) === "loading") this.checkOpen(seen);
        if (asked) this.checkRoots(seen);
        if (asked) this.checkUndefined(seen);
        this.settle(asked, records.length > 0 || moved);
      });
    }

    noteAddress() {
      if (location.href === this.address) return;
      this.lingering.add("address", this.address);
      this.address = location.href;
      this.lingering.found(this.address);
    }

    takeOne(record, seen, climbed) {
      const {type, target, addedNodes, removedNodes, attributeName, oldValue} = record;
      const {dependants} = this;
      if (type === "attributes") {
        if (attributeName === "id") for (const id of [oldValue, attributeOf(target, "id")]) dependants.identified(id);
        if (NAMING.has(attributeName)) dependants.renamed(target, attributeName, climbed);
        if (HIDING.has(attributeName)) {
          this.lingering.changed(target, []);
          if (this.selectors.attributes?.includes(attributeName) === false) return;
        }
      } else {
        if (isDocument(target) && this.roots.has(target)) this.takeEmptied(target);
        for (const node of addedNodes) {
          if (isElement(node) && isConnected(node)) this.visit(node, seen);
        }
        const gone = [...removedNodes].filter(isElement);
        for (const node of gone) dependants.removed(node);
        if (gone.length > 0) this.lingering.changed(target, gone);
        if (type === "childList") dependants.changed(target, record.previousSibling, record.nextSibling, climbed);
        else dependants.changed(parentOf(target), target, target, climbed);
      }
      if (this.selectors.known.length > 0) this.unsearched.add(rootOf(target));
    }

    // document.open() takes all listeners away.
    takeEmptied(doc) {
      this.observe(doc);
      if (doc !== this.doc) return;
      doc.addEventListener("readystatechange", this);
      this.emptied();
    }

    visit(element, seen) {
      if (seen.has(element)) return;
      this.visitOne(element, seen);
      this.visitAll(nodes.all(element, "*"), nodes.all(element, EDITABLE), seen);
      if (matches(element, EDITABLE)) this.dependants.add(element);
    }

    visitAll(elements, editable, seen) {
      for (const element of elements) this.visitOne(element, seen);
      this.dependants.addAll(editable);
    }

    visitOne(element, seen) {
      seen.add(element);
      const name = nameOf(element);
      this.dependants.came(element, name);
      if (name === "html" && !languages.has(ownerOf(element))) languages.set(ownerOf(element), attributeOf(element, "lang"));
      if (CONTROL.has(name)) this.dependants.add(element);
      else if (frames.HOLDERS.has(name)) this.visitFrame(element, seen);
      else if (mayHost(name)) {
        this.hosts.add(element);
        this.visitHost(element, seen);
      }
    }

    visitHost(element, seen) {
      if (nameOf(element).includes("-")) this.visitCustom(element);
      const root = shadow(element);
      if (root && !seen.has(root)) this.enter(root, seen);
    }

    visitCustom(element) {
      if (isControl(element)) this.dependants.add(element);
      if (matches(element, ":defined")) return;
      const name = nameOf(element);
      const registry = registryOf(element);
      if (!this.undefined.has(registry)) this.undefined.set(registry, new Map());
      const names = this.undefined.get(registry);
      if (!names.has(name)) names.set(name, new Elements());
      names.get(name).add(element);
    }

    // An element may become a field when its name is defined, and no observer hears of that. All in the page that have
    // the name become it together, so one of each name is asked.
    checkUndefined(seen) {
      for (const [registry, names] of this.undefined) {
        for (const [name, elements] of names) {
          for (const element of elements.all) {
            if (!isGone(element) && registryOf(element) === registry && !matches(element, ":defined")) break;
            elements.all.delete(element);
            if (!isGone(element)) this.visitHost(element, seen);
          }
          if (elements.all.size === 0) names.delete(name);
        }
        if (names.size === 0) this.undefined.delete(registry);
      }
    }

    visitFrame(element, seen) {
      const doc = frames.unserved(element);
      this.frames.set(element, doc);
      if (doc && !seen.has(doc)) this.enter(doc, seen);
    }

    // Documents come into frames and leave them without a sign here. Returns whether any did.
    checkFrames(seen) {
      const came = [];
      let moved = false;
      for (const [element, doc] of this.frames) {
        if (isGone(element) || !this.reads(ownerOf(element))) {
          this.frames.delete(element);
          moved ||= doc !== null;
        } else if (frames.unserved(element) !== doc) {
          this.frames.set(element, null);
          came.push(element);
        }
      }
      if (!moved && came.length === 0) return false;
      this.forgetGone(); // first: nothing may be asked of what a document left behind
      for (const element of came) this.visitFrame(element, seen);
      return true;
    }

    reads(doc) {
      return doc === this.doc || [...this.frames.values()].includes(doc);
    }

    // The documents and shadow roots that are read from here.
    get there() {
      return [...this.roots.keys()].filter((root) => !isGone(root));
    }

    // Whether the selector fits anywhere in them.
    has(selector) {
      return this.there.some((root) => searchIn(root).first(root, selector) !== null);
    }

    // Whether something may be here that was not found. The frames of a web archive are in no list and out of reach.
    get unread() {
      return this.failedAt !== null || [...this.frames.keys()].some(frames.isOfArchive);
    }

    get census() {
      return frames.census(this.doc, this.frames);
    }

    // The numbers of the frames that are read from here, as far as the browser tells them.
    get frameNumbers() {
      return [...this.frames.values()].map((doc) => doc && frames.number(doc)).filter((number) => number !== null);
    }

    // Finds what was given a root without an event (hosts.js). The elements of a page that is out of view are asked
    // when it comes into view: then all at once, as when it has loaded.
    checkRoots(seen) {
      const isLoading = readiness(this.doc) === "loading";
      const isShown = visibility(this.doc) === "visible";
      const whole = (this.wasLoading && !isLoading) || (isShown && !this.wasShown);
      this.wasLoading = isLoading;
      this.wasShown = isShown;
      if (!whole && !isLoading && !isShown) return;
      for (const element of this.hosts.take(whole)) this.visitLate(element, seen);
    }

    visitLate(element, seen) {
      const root = shadow(element);
      if (!root) return;
      if (!this.roots.has(root)) this.enter(root, seen);
      this.hosts.delete(element); // it keeps this one for good
    }

    visitAlone(element) {
      if (!(element instanceof Element) || !isConnected(element)) return;
      this.attempt(() => {
        this.visitHost(element, new Set());
        this.settle(false, true);
      });
    }

    enter(root, seen) {
      seen.add(root);
      if (!this.roots.has(root)) {
        this.roots.set(root, NO_FITS);
        this.observe(root);
      }
      this.unsearched.add(root);
      const {all} = searchIn(root);
      this.visitAll(all(root, "*"), all(root, EDITABLE), seen);
    }

    // After the last change and all at once: what controls have in common is read once.
    judgeDue() {
      const due = new Set(this.dependants.take());
      // A text field may have been there before the password field that is called as it is.
      if ([...due].filter(rememberPassword).length > 0) {
        for (const root of this.there) for (const control of searchIn(root).all(root, "input,textarea")) due.add(control);
      }
      const pass = newPass((node, how, control) => this.dependants.note(node, how, control));
      for (const control of due) this.judge(control, pass);
    }

    judge(control, pass) {
      const names = isControl(control) && nameOf(control) !== "form" ? namesOf(control, pass) : null;
      this.noteCalled(control, names?.sure ?? []);
      const counts = (name) => this.wanted === null || this.wanted.has(name) || CARD.has(name);
      if (names && (names.sure.some(counts) || names.beside.some(counts))) {
        this.controls.set(control, names);
        return;
      }
      const before = this.controls.get(control)?.sure ?? [];
      this.controls.delete(control);
      if (!isGone(control)) for (const name of before) this.lingering.add("control", name, control);
    }

    noteCalled(control, names) {
      const all = new Set([...(this.called.get(control)?.all ?? []), ...names]);
      if (all.size > 0) this.called.set(control, {all, hasLost: all.size > names.length});
    }

    // A parser attaches a declarative root to an element that is in the page already, and no observer hears of it.
    checkOpen(seen) {
      for (const element of this.open) if (!seen.has(element)) this.visitOne(element, seen);
      this.open = [];
      if (readiness(this.doc) === "loading") this.followOpen(this.doc);
    }

    followOpen(parent) {
      for (let element = parent.lastElementChild; element; element = lastIn(element)) {
        if (!mayHost(nameOf(element))) continue;
        this.open.push(element);
        const root = shadow(element);
        if (root) this.followOpen(root);
      }
    }

    // Tells what came and what left. A search for selectors that no look waits for keeps to its share of the time.
    settle(asked, happened = true) {
      this.judgeDue();
      if (happened) this.forgetGone();
      if (this.selectors.volatile && asked) for (const root of this.roots.keys()) this.unsearched.add(root);
      if (this.unsearched.size > 0) this.search(asked);
      this.compare(asked);
    }

    forgetGone() {
      const documents = new Set([this.doc, ...this.frames.values()]);
      for (const known of [this.controls, this.called]) {
        for (const control of known.keys()) {
          if (isGone(control) || !documents.has(ownerOf(control))) known.delete(control);
        }
      }
      for (const root of this.roots.keys()) {
        if (isGone(root) || !documents.has(documentOf(root))) this.roots.delete(root);
      }
    }

    search(asked) {
      const begun = performance.now();
      const rest = this.searchedAt + this.searchCost * IDLE_SHARE - begun;
      if (!asked && rest > 0) {
        this.searchDue ||= setTimeout(() => this.searchLate(), rest);
        return;
      }
      const {known, all} = this.selectors;
      for (const root of this.unsearched) {
        if (!this.roots.has(root)) continue;
        const search = searchIn(root);
        const fits = new Map();
        for (const {place, text} of known.length > 0 && search.first(root, all) ? known : []) {
          const found = Array.from(search.all(root, text));
          if (found.length > 0) fits.set(place, found);
          for (const element of found) this.lingering.found(text, element);
        }
        this.followLeft(this.roots.get(root));
        this.roots.set(root, fits);
      }
      this.unsearched.clear();
      this.searchedAt = performance.now();
      this.searchCost = this.searchedAt - begun;
    }

    // What a selector no longer fits may still be seen.
    followLeft(fitted) {
      for (const [place, elements] of fitted) {
        const text = this.texts[place];
        for (const element of elements) {
          if (!isGone(element) && !matches(element, text)) this.lingering.add("selector", text, element);
        }
      }
    }

    searchLate() {
      this.searchDue = 0;
      this.refresh();
    }

    // The names that controls had before their words were translated into a language in which they are not known: a
    // control keeps them while it is in the page. A translated page may go on to insert forms in its own language.
    *translated() {
      const documents = new Map();
      for (const [control, {all, hasLost}] of this.called) {
        if (!hasLost || isGone(control)) continue;
        const doc = ownerOf(control);
        if (!documents.has(doc)) documents.set(doc, isTranslated(doc));
        if (documents.get(doc)) yield* all;
      }
    }

    compare(asked) {
      const fields = new Set(this.translated());
      let beside = false;
      for (const {sure} of this.controls.values()) for (const name of sure) fields.add(name);
      for (const name of CARD) beside ||= fields.has(name);
      if (beside) for (const names of this.controls.values()) for (const name of names.beside) fields.add(name);
      if (this.wanted) for (const name of fields) if (!this.wanted.has(name)) fields.delete(name);
      for (const name of this.present) if (!fields.has(name)) this.lingering.add("field", name);
      for (const name of fields) this.lingering.found(name);
      this.present = new Set(fields);
      this.lingering.refresh(asked);
      for (const name of this.lingering.of("field")) fields.add(name);
      for (const name of this.lingering.of("control")) if (this.wanted?.has(name) ?? true) fields.add(name);
      const css = new Set();
      for (const fits of this.roots.values()) for (const place of fits.keys()) css.add(place);
      for (const text of [...this.lingering.of("selector"), ...this.lingering.of("sign")]) {
        if (this.texts.includes(text)) css.add(this.texts.indexOf(text));
      }

      const before = [...this.fields, ...this.css];
      const after = [...fields, ...css];
      const came = after.filter((one) => !this.fields.has(one) && !this.css.has(one));
      const left = before.filter((one) => !fields.has(one) && !css.has(one));
      this.fields = fields;
      this.css = css;
      if (came.length > 0 || left.length > 0) this.changed(came, left);
    }
  }

  globalThis.eyelid.Findings = Findings;
})();
