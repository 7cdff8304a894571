// What a control is called, as a person sees it: the texts of its labels, of what it says it is labelled and described
// by, of its group, its row and column, and of what stands beside it. Reads a bounded part of each, and never what is in
// a control. Says of which nodes the name depends, so that a change of them can be noticed (findings.js).
(() => {
  "use strict";
  const {nodes, orNull} = globalThis.eyelid;
  const {nameOf, attributeOf, closest, matches, rootOf, parentOf, hostOf, firstOf, nextOf, previousOf, dataOf} = nodes;
  const {isElement, isText, mayHost, shadow, searchIn, countIn, labelsOf} = nodes;

  const LONGEST = 300; // characters of each text, after white space is collapsed
  const RAW = 8000; // characters of each text node, before
  const NODES = 200; // of each text
  const NEAR = 80; // characters: what stands beside a control and is longer is no label
  const SIBLINGS = 4; // with text that are looked at beside a control
  const LEVELS = 3; // of elements around a control that have no other
  const FEW = 6; // elements beside it, more than which are more than its label
  const CELLS = 60; // of each row
  const LABELS = 4; // of a control
  const IDS = 8; // by which a control is labelled or described
  const HEIGHT = 30; // ancestors in which a group or a cell is looked for
  const GROUPS = 2;

  const CONTROLS = "input,select,textarea,[contenteditable],[role=textbox]";
  const UNREAD = new Set(
    "input select textarea button datalist option script style template noscript iframe object".split(" "),
  );
  const FIELDS = new Set(["input", "select", "textarea", "button"]);
  const GROUP = "fieldset,[role=group],[role=radiogroup],[role=form],[role=region],[role=dialog],form,section,dialog";
  const CELL = "td,th,[role=cell],[role=gridcell]";
  const ROW = "tr,[role=row]";
  const TABLE = "table,[role=table],[role=grid],[role=treegrid]";
  const HEADER = "th,[role=columnheader],[role=rowheader]";
  const BLOCK = new Set(
    "address article aside blockquote dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li nav ol p pre ul".split(" "),
  );
  // Beside these a label of what is in them is not looked for.
  const CLOSED = new Set("body form fieldset section main table tbody tr td th ul ol label dialog".split(" "));

  const SILENT = Object.freeze({texts: [], isLabel: false});

  const collapse = (text) => text.replace(/\s+/g, " ").trim();

  // The text below `node` in the order in which it is seen. Where an element begins or ends a word does, too; a reader
  // who sees one word in two elements (an access key, a hyphenation) is served by the same text without the gaps.
  const textOf = (node, heard) => {
    const out = {apart: "", close: "", left: NODES};
    readInto(node, out, heard);
    const apart = collapse(out.apart).slice(0, LONGEST);
    const close = collapse(out.close).slice(0, LONGEST);
    return close.replaceAll(" ", "") === apart.replaceAll(" ", "") && close !== apart ? [apart, close] : [apart];
  };

  const readInto = (node, out, heard) => {
    if (out.left-- <= 0 || out.apart.length > 2 * LONGEST) return;
    if (isText(node)) {
      const text = dataOf(node).slice(0, RAW).replace(/\s+/g, " ");
      out.apart += text;
      out.close += text;
      return;
    }
    if (!isElement(node)) return;
    const name = nameOf(node);
    if (UNREAD.has(name) || isEditable(node)) return;
    out.apart += " ";
    if (name === "br") out.close += " ";
    if (name === "img") out.apart += attributeOf(node, "alt") ?? "";
    for (const child of childrenOf(node, name, heard)) readInto(child, out, heard);
    out.apart += " ";
  };

  const isEditable = (element) => (attributeOf(element, "contenteditable") ?? "false") !== "false";

  // As they are drawn: of a host those of its root, of a slot what was put there.
  const childrenOf = (element, name, heard) => {
    if (name === "slot") {
      const given = orNull(() => nodes.assigned(element, {flatten: true})) ?? [];
      for (const node of given) {
        heard(isElement(node) ? node : parentOf(node), "inside");
        if (parentOf(node)) heard(parentOf(node), "children");
      }
      const host = hostOf(rootOf(element));
      if (host) heard(host, "children");
      if (given.length > 0) return given;
    }
    return eachChild((mayHost(name) && shadow(element)) || element);
  };

  function* eachChild(parent) {
    for (let child = firstOf(parent); child; child = nextOf(child)) yield child;
  }

  const byIds = (control, attribute, reflected, heard) => {
    const ids = attributeOf(control, attribute);
    if (ids === null) return [];
    const root = rootOf(control);
    const elements = [];
    for (const id of ids.split(/\s+/).filter(Boolean).slice(0, IDS)) {
      heard(id, "ids");
      const element = searchIn(root).byId?.(root, id);
      if (element) elements.push(element);
    }
    if (elements.length === 0) elements.push(...(orNull(() => reflected?.(control)) ?? []));
    return joinTexts(elements, heard, control);
  };

  // Several labels of one control are one text, in their order.
  const joinTexts = (elements, heard, control) => {
    const texts = [];
    for (const element of elements) {
      if (element === control) continue;
      heard(element, "inside");
      const [apart, close = apart] = textOf(element, heard);
      const said = attributeOf(element, "aria-label") ?? "";
      texts.push({apart: said && !apart.includes(said) ? `${apart} ${said}` : apart, close});
    }
    if (texts.length === 0) return [];
    const apart = texts.map((text) => text.apart).join(" ");
    const close = texts.map((text) => text.close).join(" ");
    return apart === close ? [apart] : [apart, close];
  };

  // The labels of an element that the browser gives none: an editable one, a custom element around a field.
  const labelsFor = (element) => {
    const labels = [];
    const around = closest(element, "label");
    if (around) labels.push(around);
    const id = attributeOf(element, "id");
    if (id) labels.push(...searchIn(rootOf(element)).all(rootOf(element), `label[for="${CSS.escape(id)}"]`));
    return labels.slice(0, LABELS);
  };

  // Firefox (153) keeps to the list of labels that it once gave out when the `for` of one changes.
  const labelled = new WeakMap(); // control -> labels that were seen to be its

  const noteLabel = (label, control) => {
    if (!labelled.has(control)) labelled.set(control, new Set());
    labelled.get(control).add(label);
  };

  const allLabels = (control) => {
    const given = orNull(() => labelsOf(control));
    if (!given) return labelsFor(control);
    const labels = new Set([...given, ...(labelled.get(control) ?? [])]);
    return [...labels].filter((label) => label.control === control).slice(0, LABELS);
  };

  // -- groups, rows and columns --------------------------------------------------------------------------------------

  // What all children of `parent` have in common, read once in each pass.
  const contextOf = (parent, pass) => {
    const known = pass.contexts.get(parent);
    if (known) return known;
    const context = {groups: [], cell: null, custom: null, heard: []};
    const heard = (node, how) => context.heard.push([node, how]);
    let height = 0;
    for (let element = parent; element && height < HEIGHT; element = parentOf(element) ?? hostOf(element)) {
      if (!isElement(element)) continue;
      height += 1;
      if (!context.cell && matches(element, CELL)) context.cell = element;
      if (!context.custom && height <= 3 && nameOf(element).includes("-")) context.custom = element;
      if (context.groups.length < GROUPS && matches(element, GROUP)) context.groups.push(...groupTexts(element, heard));
    }
    pass.contexts.set(parent, context);
    return context;
  };

  const groupTexts = (group, heard) => {
    heard(group, "children");
    const texts = [attributeOf(group, "aria-label") ?? "", ...byIds(group, "aria-labelledby", null, heard)];
    texts.push(...byIds(group, "aria-describedby", null, heard));
    if (nameOf(group) === "fieldset") {
      let seen = 0;
      for (const child of eachChild(group)) {
        if (!isElement(child)) continue;
        if (nameOf(child) === "legend") {
          heard(child, "inside");
          texts.push(...textOf(child, heard));
        }
        if (++seen > SIBLINGS) break;
      }
    }
    return texts.filter(Boolean);
  };

  const cellTexts = (cell, pass, heard) => {
    const row = parentOf(cell);
    if (!row || !isElement(row) || !matches(row, ROW)) return [];
    heard(row, "children");
    const texts = byIds(cell, "headers", null, heard);
    let column = 0;
    let before = null;
    let seen = 0;
    for (const one of eachChild(row)) {
      if (one === cell || ++seen > CELLS) break;
      if (!isElement(one)) continue;
      column += Number(attributeOf(one, "colspan")) || 1;
      if (matches(one, HEADER) || nodes.first(one, CONTROLS) === null) before = one;
    }
    if (before) texts.push(...cellText(before, pass, heard));
    const table = closest(row, TABLE);
    if (table) for (const header of headersAt(table, column, pass, heard)) if (header !== before) texts.push(...cellText(header, pass, heard));
    return texts;
  };

  const cellText = (cell, pass, heard) => {
    heard(cell, "inside");
    if (!pass.cells.has(cell)) pass.cells.set(cell, textOf(cell, heard).filter((text) => text.length <= NEAR));
    return pass.cells.get(cell);
  };

  // The header cells above a column: of the first row, or of all that are in the table's head.
  const headersAt = (table, column, pass, heard) => {
    heard(table, "children");
    if (!pass.tables.has(table)) pass.tables.set(table, headerRows(table));
    const headers = [];
    for (const row of pass.tables.get(table)) {
      heard(row, "children");
      if (nameOf(parentOf(row)) === "thead") heard(parentOf(row), "children");
      let at = 0;
      let seen = 0;
      for (const one of eachChild(row)) {
        if (++seen > CELLS) break;
        if (!isElement(one)) continue;
        const span = Number(attributeOf(one, "colspan")) || 1;
        if (at <= column && column < at + span && (matches(one, HEADER) || nameOf(parentOf(row)) === "thead")) headers.push(one);
        at += span;
      }
    }
    return headers;
  };

  const headerRows = (table) => {
    const first = nodes.first(table, ROW);
    const section = first && parentOf(first);
    if (!first || nameOf(section) !== "thead") return first ? [first] : [];
    return [...eachChild(section)].filter(isElement).slice(0, 3);
  };

  // -- what stands beside it -----------------------------------------------------------------------------------------

  // {texts, isLabel}; a label that the page ties to no field is one for whoever reads it.
  const beside = (control, heard) => {
    let node = control;
    for (let level = 0; level < LEVELS; level += 1) {
      const parent = parentOf(node);
      if (!parent) return SILENT;
      heard(parent, "children");
      const said = before(node, heard) ?? (level === 0 ? after(node, heard) : null);
      if (said) return said;
      const isClosed = !isElement(parent) || CLOSED.has(nameOf(parent)) || countIn(parent) > FEW;
      if (isClosed || nodes.all(parent, CONTROLS).length > 1) return SILENT;
      node = parent;
    }
    return SILENT;
  };

  const isField = (element, name) =>
    FIELDS.has(name) || matches(element, CONTROLS) || nodes.first(element, CONTROLS) !== null;

  // Back to the last field or line; null where nothing is said.
  const before = (node, heard) => {
    const pieces = [];
    let isLabel = false;
    let seen = 0;
    for (let one = previousOf(node); one && seen < 2 * SIBLINGS; one = previousOf(one), seen += 1) {
      if (isElement(one)) {
        const name = nameOf(one);
        if (isField(one, name) || (name === "label" && one.control)) break;
        if (name === "hr" || (name === "br" && pieces.length > 0)) break;
        if (UNREAD.has(name)) continue;
        const isBlock = BLOCK.has(name);
        if (isBlock && pieces.length > 0) break;
        heard(one, "inside");
        const [text] = textOf(one, heard);
        if (text) pieces.push(text);
        isLabel ||= name === "label";
        if (isBlock && text) break;
      } else if (isText(one)) {
        const text = collapse(dataOf(one).slice(0, RAW));
        if (text) pieces.push(text);
      }
      if (pieces.length >= SIBLINGS) break;
    }
    const text = pieces.reverse().join(" ");
    if (text === "") return null;
    return text.length <= NEAR ? {texts: [text], isLabel} : SILENT;
  };

  // A label that floats over its field comes after it, in an element, and no other field follows.
  const after = (node, heard) => {
    let seen = 0;
    let label = null;
    for (let one = nextOf(node); one && seen < SIBLINGS * 2; one = nextOf(one), seen += 1) {
      if (!isElement(one)) continue;
      const name = nameOf(one);
      if (isField(one, name)) return null;
      if (UNREAD.has(name) || (name === "label" && one.control)) continue;
      label ??= textOf(one, () => {})[0] === "" ? null : one;
    }
    if (!label) return null;
    heard(label, "inside");
    return {texts: textOf(label, heard).filter((text) => text.length <= NEAR), isLabel: nameOf(label) === "label"};
  };

  // -- all of it -----------------------------------------------------------------------------------------------------

  const newPass = (heard) => ({heard, contexts: new Map(), cells: new Map(), tables: new Map()});

  // Texts that belong to the control, that stand near it, that describe it, and that name what it is in.
  const read = (control, pass) => {
    const heard = (node, how) => pass.heard(node, how, control);
    const parent = parentOf(control) ?? hostOf(rootOf(control));
    const labels = joinTexts(allLabels(control), heard, control);
    labels.push(...byIds(control, "aria-labelledby", nodes.labelledBy, heard));
    const hints = [attributeOf(control, "aria-description") ?? "", ...byIds(control, "aria-describedby", nodes.describedBy, heard)];
    const near = [];
    const around = [];
    const host = hostOf(rootOf(control));
    if (host) {
      heard(host, "children");
      const alone = nodes.all(host, CONTROLS).length === 0 && searchIn(rootOf(control)).all(rootOf(control), CONTROLS).length === 1;
      if (alone) {
        around.push(host);
        labels.push(...joinTexts(labelsFor(host), heard, control));
        labels.push(...byIds(host, "aria-labelledby", nodes.labelledBy, heard));
      }
    }
    const groups = [];
    if (parent) {
      const context = contextOf(parent, pass);
      for (const [node, how] of context.heard) heard(node, how);
      groups.push(...context.groups);
      if (context.cell) near.push(...cellTexts(context.cell, pass, heard));
      if (context.custom && context.custom !== host) {
        heard(context.custom, "children");
        if (nodes.all(context.custom, CONTROLS).length === 1) around.push(context.custom);
      }
    }
    if (labels.every((text) => text === "") && !attributeOf(control, "aria-label")) {
      const {texts, isLabel} = beside(control, heard);
      (isLabel ? labels : near).push(...texts);
    }
    return {labels, near, hints, groups, around};
  };

  Object.assign(globalThis.eyelid, {CONTROLS, readLabels: read, noteLabel, newPass});
})();
