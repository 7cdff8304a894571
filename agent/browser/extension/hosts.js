// The elements that may still be given a shadow root. An event tells only of a root that the page's own function made
// (in_page.js): not of one by another document's function, by another extension's script, or by the parser where
// the element is no longer the last of its page. No script can know which documents reach into this one. So looks ask
// the elements themselves; where they are many, a part of them at each look.
(() => {
  "use strict";

  const AT_ONCE = 2500; // are asked at one look; each costs 2 to 3 thousandths of a millisecond
  const LOOKS = 4; // that it takes at most until all have been asked

  class Hosts {
    // `isHere(element)`: whether it is in a document that is read.
    constructor(isHere) {
      this.isHere = isHere;
      this.all = new Set();
      this.most = AT_ONCE; // until those that have left the page are forgotten
      this.waiting = []; // for their turn
      this.share = AT_ONCE;
    }

    add(element) {
      this.all.add(element);
      if (this.all.size <= this.most) return;
      for (const one of this.all) if (!this.isHere(one)) this.all.delete(one);
      this.most = 2 * this.all.size + AT_ONCE;
    }

    delete(element) {
      this.all.delete(element);
    }

    // Those whose turn it is, or all.
    take(whole) {
      if (whole || this.waiting.length === 0) {
        this.waiting = [...this.all];
        this.share = Math.max(AT_ONCE, Math.ceil(this.all.size / LOOKS));
      }
      const taken = this.waiting.splice(0, whole ? this.waiting.length : this.share);
      return taken.filter((element) => {
        const isHere = this.isHere(element);
        if (!isHere) this.all.delete(element);
        return isHere;
      });
    }
  }

  globalThis.eyelid.Hosts = Hosts;
})();
