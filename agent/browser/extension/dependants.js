// Which controls have their name from which nodes of the page, so that a change is followed by a new judgement of those
// that it concerns and of no others. Collects them while changes are taken; they are judged together afterwards.
(() => {
  "use strict";
  const {nodes, isControl, noteLabel, CONTROLS, HEADING, BESIDE} = globalThis.eyelid;
  const {nameOf, attributeOf, closest, rootOf, parentOf, hostOf, previousOf, nextOf, searchIn, shadow, matches} = nodes;
  const {isElement, isGone, mayHost} = nodes;

  const NAMES_A_GROUP = new Set(["role", "aria-label", "aria-labelledby", "aria-describedby"]);
  const MAKES_A_CONTROL = new Set(["contenteditable", "role"]); // or makes it none
  const NAMES_OTHERS = "label,legend,th,[id],[role=columnheader],[role=rowheader]"; // may name a control far away
  const MANY = 50;

  // Those that have left the page are forgotten whenever there are twice as many as were left the last time.
  class Elements {
    constructor() {
      this.all = new Set();
      this.most = MANY;
    }

    add(element) {
      this.all.add(element);
      if (this.all.size <= this.most) return;
      this.forgetGone();
      this.most = 2 * this.all.size + MANY;
    }

    forgetGone() {
      for (const element of this.all) if (isGone(element)) this.all.delete(element);
    }
  }

  class Dependants {
    constructor() {
      this.due = new Set();
      this.ids = new Map(); // id -> controls that are called or described by the element with it, if there is one
      this.idsMost = MANY;
      this.inside = new WeakMap(); // node -> controls whose name was read from anything in it
      this.attributes = new WeakMap(); // node -> controls whose name was read from its attributes, too
      this.children = new WeakMap(); // node -> controls whose name depends on which children it has
      this.beside = new WeakMap(); // node -> controls whose name depends on what stands beside it
      this.headings = new Map(); // "" -> controls that say so little that any heading may name them
    }

    // `node` may be an id; `how` is the name of one of those.
    note(node, how, control) {
      const known = this[how];
      let controls = known.get(node);
      if (!controls) known.set(node, (controls = new Elements()));
      controls.add(control);
      if (this.ids.size > this.idsMost) this.forgetIds();
    }

    forgetIds() {
      for (const [id, controls] of this.ids) {
        controls.forgetGone();
        if (controls.all.size === 0) this.ids.delete(id);
      }
      this.idsMost = 2 * this.ids.size + MANY;
    }

    // All that are to be judged; from now on none are.
    take() {
      const due = [...this.due].filter((control) => !isGone(control));
      this.due.clear();
      return due;
    }

    add(control) {
      if (control) this.due.add(control);
    }

    addAll(controls) {
      for (const control of controls) this.due.add(control);
    }

    addOf(known, node) {
      const controls = known.get(node);
      if (controls) this.addAll(controls.all);
    }

    // Children of `parent` came, left or changed between two of its nodes. `climbed`: what this was already asked of
    // for the same changes.
    changed(parent, before, after, climbed) {
      if (!parent) return;
      this.addOf(this.children, parent);
      let left = BESIDE;
      for (let one = before; one && left > 0; one = previousOf(one), left -= 1) this.addOf(this.beside, one);
      left = BESIDE;
      for (let one = after; one && left > 0; one = nextOf(one), left -= 1) this.addOf(this.beside, one);
      this.changedIn(parent, climbed);
    }

    changedIn(node, climbed) {
      for (let one = node; one && !climbed.has(one); one = parentOf(one) ?? hostOf(one)) {
        climbed.add(one);
        this.addOf(this.inside, one);
      }
    }

    renamed(element, attribute, climbed) {
      if (nameOf(element) === "label") this.labelled(element, attribute === "for");
      if (isControl(element) || MAKES_A_CONTROL.has(attribute)) this.add(element);
      if (!isControl(element) && NAMES_A_GROUP.has(attribute)) this.addAll(nodes.all(element, CONTROLS));
      if (attribute === "role") this.addOf(this.headings, "");
      if (attribute === "slot") this.addOf(this.children, parentOf(element));
      this.addOf(this.attributes, element);
      this.changedIn(element, climbed);
    }

    // Another element has this id now, or none.
    identified(id) {
      this.addOf(this.ids, id);
    }

    removed(node) {
      for (const element of [node, ...nodes.all(node, NAMES_OTHERS)]) {
        this.addOf(this.inside, element);
        this.identified(attributeOf(element, "id"));
      }
      if (this.headings.size > 0 && (matches(node, HEADING) || nodes.first(node, HEADING))) {
        this.addOf(this.headings, "");
      }
    }

    came(element, name) {
      if (this.ids.size > 0) this.identified(attributeOf(element, "id"));
      if (this.headings.size > 0 && matches(element, HEADING)) this.addOf(this.headings, "");
      if (name === "label") this.labelled(element);
      else if (name === "th") this.headed(element);
    }

    // A label may be that of a custom element, and names the field in there.
    labelled(label, isNew = false) {
      const id = attributeOf(label, "for");
      const root = rootOf(label);
      const control = label.control ?? (id && searchIn(root).byId?.(root, id));
      if (!control) return;
      if (isNew) noteLabel(label, control);
      this.add(control);
      const inner = mayHost(nameOf(control)) && shadow(control);
      if (inner) this.addAll(searchIn(inner).all(inner, CONTROLS));
    }

    // A header cell names what is in its row, and in the first rows what is in its column.
    headed(header) {
      const row = parentOf(header);
      const table = row && isElement(row) && closest(row, "table");
      if (!table) return;
      const isFirst = nodes.first(table, "tr") === row || nameOf(parentOf(row)) === "thead";
      this.addAll(nodes.all(isFirst ? table : row, CONTROLS));
    }
  }

  Object.assign(globalThis.eyelid, {Elements, Dependants});
})();
