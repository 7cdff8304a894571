// An element that a page animates away stays in the picture until the animation ends, although no selector and no
// address says so any more. A script cannot know which animation that is, so all count that had begun and end soon.
(() => {
  "use strict";
  const {nodes, own} = globalThis.eyelid;
  const ofDocuments = own(Document.prototype, "getAnimations");
  const ofShadows = own(ShadowRoot.prototype, "getAnimations");

  const BEGINS_WITHIN = 300; // ms; frameworks begin the animation some frames after the change
  const ENDS_WITHIN = 10000; // ms; what takes longer is no exit, and a page may show it all day

  class Exits {
    // `roots()`: the documents and shadow roots that are read from here.
    constructor(roots) {
      this.roots = roots;
      this.lookUntil = 0;
      this.running = new Set();
    }

    // Something may be leaving from now on. What is found later than `BEGINS_WITHIN` does not count: a page that begins
    // one animation after the other would never be clean.
    begin() {
      this.lookUntil = performance.now() + BEGINS_WITHIN;
    }

    get any() {
      if (performance.now() < this.lookUntil) {
        for (const root of this.roots()) {
          const all = nodes.isDocument(root) ? ofDocuments(root) : ofShadows(root);
          for (const one of all) if (this.isExit(one)) this.running.add(one);
        }
      }
      for (const one of this.running) if (!this.isExit(one)) this.running.delete(one);
      return this.running.size > 0;
    }

    // A scroll-driven animation has no end in time: its `endTime` is not a number.
    isExit({playState, effect}) {
      return playState === "running" && effect?.getComputedTiming().endTime <= ENDS_WITHIN;
    }
  }

  globalThis.eyelid.Exits = Exits;
})();
