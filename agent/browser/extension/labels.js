// What a control is called, as a person sees it: the texts of its labels, of what it says it is labelled and described
// by, of its group, its row and column, and of what stands beside it. Reads a bounded part of each, and never what is
// in a control. Says on which nodes the name depends, so that a change of them is followed (dependants.js).
(() => {
  "use strict";
  const {nodes, orNull, isOfOneField} = globalThis.eyelid;
  const {nameOf, attributeOf, closest, matches, rootOf, parentOf, hostOf, firstOf, nextOf, previousOf, dataOf} = nodes;
  const {isElement, isText, mayHost, shadow, searchIn, countIn, labelsOf} = nodes;

  const LONGEST = 300; // characters of each text, after white space is collapsed
  const RAW = 8000; // characters of each text node, before
  const NODES = 200; // of each text
  const NEAR = 80; // characters: what stands beside a control and is longer is a label and help, or no label
  const FLOATING = 40; // characters of a label that comes after what its control is wrapped in
  const SIBLINGS = 4; // with text that are looked at beside a control
  const LEVELS = 3; // of elements around a control that have no other
  const DEPTH = 10; // of them in which a label is looked for
  const BOXES = 20; // in which one number is typed, part by part
  const FEW = 6; // elements beside it, more than which are more than its label
  const CELLS = 60; // of each row
  const LABELS = 4; // of a control
  const IDS = 8; // by which a control is labelled or described
  const HEIGHT = 500; // ancestors in which a group or a cell is looked for: each is asked once in a pass
  const GROUPS = 2;
  const HEAD_ROWS = 3;

  const CONTROLS = "input,select,textarea,[contenteditable],[role~=textbox i]";
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
    "address article aside blockquote dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header li nav ol p pre ul".split(" "),
  );
  // Beside these a label of what is in them is not looked for.
  const CLOSED = new Set("body form fieldset section main table tbody tr td th ul ol label dialog".split(" "));

  const SAYING = /[\p{L}\p{N}#№]/u; // a star or a colon alone is no label
  const FLOATS = new Set(["span", "div"]);
  const HELP = "small,[class*=help],[class*=hint]";

  const SILENT = Object.freeze({texts: [], isLabel: false});

  const collapse = (text) => text.replace(/\s+/g, " ").trim();

  // The text below `node` in the order in which it is seen. Where an element begins or ends a word does, too; a reader
  // who sees one word in two elements (an access key, a hyphenation) is served by the same text without the gaps.
  const textOf = (node, heard) => {
    const out = {apart: "", close: "", left: NODES};
    readInto(node, out, heard);
    const apart = collapse(out.apart).slice(0, LONGEST);
    if (NODES - out.left <= 2) return [apart]; // one text alone
    const close = collapse(out.close).slice(0, LONGEST);
    return close === apart ? [apart] : [apart, close];
  };

  const readInto = (node, out, heard) => {
    if (out.left <= 0 || out.apart.length > 2 * LONGEST) return;
    out.left -= 1;
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
    readChildren(node, name, out, heard);
    out.apart += " ";
  };

  const isEditable = (element) => (attributeOf(element, "contenteditable") ?? "false") !== "false";

  // As they are drawn: of a host those of its root, of a slot what was put there.
  const readChildren = (element, name, out, heard) => {
    const given = name === "slot" ? slotted(element, heard) : [];
    for (const child of given) readInto(child, out, heard);
    if (given.length > 0) return;
    const parent = (mayHost(name) && shadow(element)) || element;
    for (let child = firstOf(parent); child; child = nextOf(child)) readInto(child, out, heard);
  };

  const slotted = (slot, heard) => {
    const given = orNull(() => nodes.assigned(slot, {flatten: true})) ?? [];
    for (const node of given) if (isElement(node)) heard(node, "inside");
    const host = hostOf(rootOf(slot));
    if (host) heard(host, "children");
    return given;
  };

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
    if (!texts.some((text) => text.apart)) return [];
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

  const NO_CONTEXT = Object.freeze({cell: null, groups: [], heard: []});

  // The cell and the groups around what is in `node`, read once in each pass.
  const contextOf = (node, pass, height = 0) => {
    if (!node || height > HEIGHT) return NO_CONTEXT;
    let context = pass.contexts.get(node);
    if (context) return context;
    context = contextOf(parentOf(node) ?? hostOf(node), pass, height + 1);
    if (isElement(node)) {
      if (matches(node, CELL)) context = {...context, cell: node};
      if (matches(node, GROUP)) context = grouped(node, context);
    }
    pass.contexts.set(node, context);
    return context;
  };

  const grouped = (group, {cell, groups, heard}) => {
    const own = [];
    const texts = groupTexts(group, (node, how) => own.push([node, how]));
    return {cell, groups: texts.length > 0 ? [texts, ...groups].slice(0, GROUPS) : groups, heard: [...own, ...heard]};
  };

  const groupTexts = (group, heard) => {
    heard(group, "attributes");
    const texts = [attributeOf(group, "aria-label") ?? ""];
    texts.push(...byIds(group, "aria-labelledby", nodes.labelledBy, heard));
    texts.push(...byIds(group, "aria-describedby", nodes.describedBy, heard));
    if (nameOf(group) === "fieldset") {
      heard(group, "children");
      const legend = orNull(() => nodes.first(group, ":scope > legend"));
      if (legend) {
        heard(legend, "inside");
        texts.push(...textOf(legend, heard));
      }
    }
    return texts.filter(Boolean);
  };

  // A custom element around this control and no other.
  const customAround = (control, heard) => {
    let element = parentOf(control);
    for (let level = 0; level < LEVELS && element && isElement(element); level += 1, element = parentOf(element)) {
      if (!nameOf(element).includes("-")) continue;
      heard(element, "attributes");
      return nodes.all(element, CONTROLS).length === 1 ? element : null;
    }
    return null;
  };

  const cellTexts = (cell, pass, heard) => {
    const texts = byIds(cell, "headers", null, heard);
    const row = parentOf(cell);
    if (!row || !isElement(row) || !matches(row, ROW)) return texts;
    heard(row, "children");
    const cells = cellsOf(row, pass);
    const place = cells.findIndex((one) => one.cell === cell);
    const before = cells.slice(0, Math.max(place, 0)).findLast(({isHeader, isField}) => isHeader || !isField);
    const named = before ? [before.cell] : [];
    const table = place < 0 ? null : closest(row, TABLE);
    const isNamed = before && cellText(before.cell, pass).some((text) => /\p{L}/u.test(text));
    if (table) named.push(...headersAt(table, cells[place].from, pass, heard));
    if (table) named.push(...plainHeadersAt(table, row, cells[place], isNamed, pass, heard));
    for (const one of new Set(named)) {
      heard(one, "inside");
      texts.push(...cellText(one, pass));
    }
    return texts;
  };

  const cellText = (cell, pass) => {
    if (!pass.cells.has(cell)) pass.cells.set(cell, shortTextOf(cell, () => {}));
    return pass.cells.get(cell);
  };

  // The cells of a row, each with its columns.
  const cellsOf = (row, pass) => {
    let cells = pass.rows.get(row);
    if (cells) return cells;
    cells = [];
    let from = 0;
    for (let cell = firstOf(row); cell && cells.length < CELLS; cell = nextOf(cell)) {
      if (!isElement(cell)) continue;
      const to = from + (Number(attributeOf(cell, "colspan")) || 1);
      const isHeader = matches(cell, HEADER);
      cells.push({cell, from, to, isHeader, isField: !isHeader && nodes.first(cell, CONTROLS) !== null});
      from = to;
    }
    pass.rows.set(row, cells);
    return cells;
  };

  // The header cells above a column: of the first row, or of all that are in the table's head.
  const headersAt = (table, column, pass, heard) => {
    heard(table, "children");
    if (!pass.tables.has(table)) pass.tables.set(table, headerRows(table));
    const headers = [];
    for (const row of pass.tables.get(table)) {
      heard(row, "children");
      const isHead = nameOf(parentOf(row)) === "thead";
      if (isHead) heard(parentOf(row), "children");
      const found = cellsOf(row, pass).find(({from, to}) => from <= column && column < to);
      if (found && (isHead || found.isHeader)) headers.push(found.cell);
    }
    return headers;
  };

  // Cells that head a column and say so by their place alone: in the row above, or in the first of several columns.
  const plainHeadersAt = (table, row, {from: column, to: end}, isNamed, pass, heard) => {
    const rows = [];
    if (!isNamed) {
      heard(row, "beside");
      let above = previousOf(row);
      while (above && !isElement(above)) above = previousOf(above);
      if (above && matches(above, ROW)) rows.push(above);
    }
    const first = pass.tables.get(table)[0];
    if (first && first !== row && cellsOf(first, pass).length >= (isNamed ? 3 : 2)) rows.push(first);
    const headers = [];
    for (const one of rows) {
      const cells = cellsOf(one, pass);
      const fields = cells.filter(({isField}) => isField).length;
      if (fields > (cells.length > 3 ? 1 : 0)) continue; // in a wide one it may choose all rows
      const found = cells.find(({from, to}) => from <= column && end <= to);
      if (found && !found.isHeader && !found.isField) headers.push(found.cell);
    }
    return headers;
  };

  const headerRows = (table) => {
    const first = nodes.first(table, ROW);
    const section = first && parentOf(first);
    if (!first || nameOf(section) !== "thead") return first ? [first] : [];
    const rows = [];
    for (let one = first; one && rows.length < HEAD_ROWS; one = nextOf(one)) if (isElement(one)) rows.push(one);
    return rows;
  };

  // -- what stands beside it -----------------------------------------------------------------------------------------

  // {texts, isLabel}; a label that the page ties to no field is still one to a person who reads it.
  const beside = (control, pass, heard) => {
    const isBox = isPart(control);
    const mayHelp = isForOneLine(control) && !saysWords(control); // above a message are those before it
    let node = control;
    for (let level = 0; level < DEPTH; level += 1) {
      const parent = parentOf(node);
      if (!parent) return SILENT;
      const inRow = isBox && isRowOfBoxes(parent, pass);
      heard(node, "beside");
      const said = before(node, inRow, mayHelp, heard) ?? after(node, level > 0 ? control : null, heard);
      if (said) return said;
      if (!isElement(parent) || CLOSED.has(nameOf(parent))) return SILENT;
      if (!inRow && (countIn(parent) > FEW || nodes.all(parent, CONTROLS).length > 1)) return SILENT;
      node = parent;
    }
    return SILENT;
  };

  const isForOneLine = (control) => nameOf(control) === "input" || nameOf(control) === "select";
  const saysWords = (control) => /[a-wyzà-ɏ]{3}/i.test(attributeOf(control, "placeholder") ?? "");

  // An input for a part of a number, as its attributes say, or that says nothing at all.
  const isPart = (control) => {
    if (nameOf(control) !== "input") return false;
    if (isShort(control)) return true;
    const isSilent = ["aria-label", "title"].every((name) => !attributeOf(control, name));
    return isSilent && /^([\dx*#_•·-]{1,6})?$/i.test(attributeOf(control, "placeholder") ?? "");
  };

  const isShort = (input) =>
    ["maxlength", "size"].some((name) => /^[1-7]$/.test(attributeOf(input, name) ?? "")) ||
    /^\^?(\\d|\[0-9\])(\{[1-7]\}|\+?$)/.test(attributeOf(input, "pattern") ?? "");

  // Three boxes and more, and nothing else that is typed into: they are one field to a person, and have one label.
  const isRowOfBoxes = (parent, pass) => {
    if (!pass.boxes.has(parent)) pass.boxes.set(parent, isElement(parent) && holdsBoxes(parent));
    return pass.boxes.get(parent);
  };

  const holdsBoxes = (parent) => {
    if (countIn(parent) > 3 * BOXES) return false;
    const [first, ...others] = nodes.all(parent, CONTROLS);
    if (others.length < 2 || others.length >= BOXES) return false;
    return isPart(first) && others.every((control) => isPart(control) && !SAYING.test(labelText(control)));
  };

  const labelText = (control) =>
    allLabels(control).map((label) => textOf(label, () => {})[0]).join(" ").replace(/digits?|\d/gi, "");

  const isField = (element, name) =>
    FIELDS.has(name) || matches(element, CONTROLS) || nodes.first(element, CONTROLS) !== null;

  // The label at the beginning of `node`, where help follows it.
  const shortTextOf = (node, heard) => {
    const texts = textOf(node, heard);
    if (texts.every((text) => text.length <= NEAR)) return texts;
    return texts[0].length < LONGEST ? [leadOf(node)].filter(Boolean) : []; // not of a whole page
  };

  const leadOf = (node) => {
    if (isText(node)) return firstOfProse(collapse(dataOf(node).slice(0, RAW)));
    for (let child = firstOf(node), left = NODES; child && left > 0; child = nextOf(child), left -= 1) {
      if (isElement(child) && UNREAD.has(nameOf(child))) continue;
      const [text] = isText(child) || isElement(child) ? textOf(child, () => {}) : [""];
      if (SAYING.test(text)) return text.length <= NEAR ? text : leadOf(child);
    }
    return "";
  };

  // Of one text: a few words and then a sign that more about them follows. Any other prose has no label in it.
  const firstOfProse = (text) => {
    if (text.length <= NEAR) return text;
    const lead = /^([^.:;(–—!?]{2,60}?)\s*([.:;(–—!?])/.exec(text);
    if (!lead) return "";
    return lead[2] === ":" || lead[2] === "(" || lead[1].split(" ").length <= 4 ? lead[1] : "";
  };

  // Back to the last field or line; null where nothing is said. One line of help may stand between.
  const before = (node, inRow, mayHelp, heard) => {
    let pieces = [];
    let isLabel = false;
    let help = null;
    // Whether what was read so far is help, and the label still to come.
    const isHelp = () => {
      if (!mayHelp || help !== null || isLabel) return false;
      const isLong = pieces.map(({text}) => text).join(" ").length > NEAR;
      if (!isLong && !pieces.every((piece) => isElement(piece.node) && matches(piece.node, HELP))) return false;
      help = leadOfPieces(pieces);
      pieces = [];
      return true;
    };
    const most = inRow ? 3 * BOXES : 2 * SIBLINGS;
    let one = previousOf(node);
    for (let seen = 0; one && seen < most; one = previousOf(one), seen += 1) {
      if (isElement(one)) {
        const name = nameOf(one);
        const isOfRow = inRow && pieces.length === 0 && (name !== "label" || (one.control && isPart(one.control)));
        if (isField(one, name) && isOfRow) continue;
        if (isField(one, name) || (name === "label" && one.control && !isOfRow)) break;
        if (name === "hr" || (name === "br" && pieces.length > 0 && !isHelp())) break;
        if (UNREAD.has(name)) continue;
        const isBlock = BLOCK.has(name);
        if (isBlock && pieces.length > 0 && !isHelp()) break;
        heard(one, "inside");
        const [text] = textOf(one, heard);
        if (SAYING.test(text)) pieces.push({text, node: one});
        isLabel ||= name === "label";
        if (isBlock && pieces.length > 0 && !isHelp()) break;
      } else if (isText(one)) {
        const text = collapse(dataOf(one).slice(0, RAW));
        if (SAYING.test(text)) pieces.push({text, node: one});
      }
      if (pieces.length >= SIBLINGS) break;
    }
    const text = pieces.map((piece) => piece.text).reverse().join(" ");
    if (text === "" && help === null) return null;
    if (text !== "" && text.length <= (isLabel ? LONGEST : NEAR)) {
      const label = isLabel || !mayHelp ? [] : strayBefore(one, heard);
      return {texts: [text, ...label, help].filter(Boolean), isLabel: isLabel || label.length > 0};
    }
    const lead = help ?? (mayHelp ? leadOfPieces(pieces) : "");
    return lead ? {texts: [lead], isLabel} : SILENT;
  };

  // A label that the page ties to nothing, before the line at which reading ended: that line is help.
  const strayBefore = (line, heard) => {
    let one = line && previousOf(line);
    while (one && !isElement(one)) one = previousOf(one);
    if (!one || nameOf(one) !== "label" || one.control || isField(line, "")) return [];
    heard(one, "inside");
    return shortTextOf(one, heard);
  };

  // The first of them is the label if there is room for it.
  const leadOfPieces = (pieces) => {
    const {text, node} = pieces.at(-1);
    if (text.length <= NEAR) return text;
    return text.length < LONGEST ? leadOf(node) : "";
  };

  // A label that floats over its field comes after it, in an element, and no other field follows.
  const after = (node, wrapped, heard) => {
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
    const name = nameOf(label);
    const isLabel = name === "label";
    if (wrapped && !isLabel && (!FLOATS.has(name) || saysWords(wrapped))) return null; // it may be said of anything
    heard(label, "inside");
    const texts = isLabel ? shortTextOf(label, heard) : textOf(label, heard).filter((text) => text.length <= NEAR);
    if (wrapped && texts.some((text) => text.length > FLOATING)) return null;
    return {texts, isLabel};
  };

  // -- the heading above it ------------------------------------------------------------------------------------------

  const HEADING = "h1,h2,h3,h4,h5,h6,[role=heading],caption,summary,legend,th[colspan],td[colspan]";
  const FOLLOWING = 4; // Node.DOCUMENT_POSITION_FOLLOWING
  const HEADS = 30; // headings and groups that are looked at, the nearest first
  const WITHIN = 4; // elements around a heading
  const ASIDE = new Set("nav aside footer".split(" "));

  // The text of the nearest heading before a control, unless a group of its own is nearer; "" where there is none.
  const headingOf = (control, pass) => {
    pass.heard("", "headings", control);
    let node = control;
    for (let level = 0; level < LEVELS && node; level += 1) {
      const text = headingIn(rootOf(node), node, pass, (one, how) => pass.heard(one, how, control));
      if (text !== null) return text;
      node = hostOf(rootOf(node));
    }
    return "";
  };

  // "" where a group is nearer, null where there is neither.
  const headingIn = (root, node, pass, heard) => {
    if (!pass.headings.has(root)) pass.headings.set(root, searchIn(root).all(root, `${HEADING},${GROUP}`));
    const all = pass.headings.get(root);
    let from = 0;
    for (let to = all.length; from < to; ) {
      const middle = (from + to) >> 1;
      if (nodes.compare(all[middle], node) & FOLLOWING) from = middle + 1;
      else to = middle;
    }
    for (let left = HEADS; from > 0 && left > 0; left -= 1) {
      const one = all[(from -= 1)];
      if (!matches(one, HEADING)) {
        if (nodes.contains(one, node) && groupTexts(one, () => {}).length > 0) return "";
      } else if (isAbove(one, node)) {
        if (nameOf(one) === "legend") return "";
        heard(one, "inside");
        const [text] = textOf(one, heard);
        if (SAYING.test(text) && text.length <= NEAR && !isOfOneField(text)) return text;
      }
    }
    return null;
  };

  // Whether what it heads has the control in it: not where it heads other fields.
  const isAbove = (heading, node) => {
    let one = parentOf(heading);
    for (let level = 0; level < WITHIN && one; level += 1, one = parentOf(one)) {
      if (nodes.contains(one, node)) return true;
      if (isElement(one) && (ASIDE.has(nameOf(one)) || nodes.first(one, CONTROLS))) return false;
    }
    return false;
  };

  // -- all of it -----------------------------------------------------------------------------------------------------

  const newPass = (heard) => ({
    heard,
    ...{contexts: new Map(), cells: new Map(), rows: new Map(), tables: new Map()},
    ...{headings: new Map(), boxes: new Map()},
  });

  // Texts that belong to the control, that stand near it, that describe it, and that name what it is in; and elements
  // around it that a person sees as the same field.
  const read = (control, pass) => {
    const heard = (node, how) => pass.heard(node, how, control);
    const labels = joinTexts(allLabels(control), heard, control);
    labels.push(...byIds(control, "aria-labelledby", nodes.labelledBy, heard));
    const hints = byIds(control, "aria-describedby", nodes.describedBy, heard);
    hints.push(attributeOf(control, "aria-description") ?? "");
    const around = [customAround(control, heard), hostAround(control, heard)].filter(Boolean);
    for (const element of around) {
      if (labels.length === 0) labels.push(...joinTexts(labelsFor(element), heard, control));
      labels.push(...byIds(element, "aria-labelledby", nodes.labelledBy, heard));
    }
    const near = [];
    const {cell, groups, heard: nodesOfGroups} = contextOf(parentOf(control), pass);
    for (const [node, how] of nodesOfGroups) heard(node, how);
    if (cell) near.push(...cellTexts(cell, pass, heard));
    const isNamed = labels.length > 0 || attributeOf(control, "aria-label") !== null;
    if (!isNamed || isInRow(control, pass)) {
      const {texts, isLabel} = beside(control, pass, heard);
      (isLabel ? labels : near).push(...texts);
    }
    return {labels, near, hints: hints.filter(Boolean), groups: groups.flat(), around};
  };

  // A box may be named by its place in the row alone.
  const isInRow = (control, pass) => {
    if (nameOf(control) !== "input" || !isShort(control)) return false;
    let parent = parentOf(control);
    for (let level = 0; level < 2 && parent && isElement(parent); level += 1, parent = parentOf(parent)) {
      if (isRowOfBoxes(parent, pass)) return true;
    }
    return false;
  };

  // The host of the root in which this is the only control.
  const hostAround = (control, heard) => {
    const root = rootOf(control);
    const host = hostOf(root);
    if (!host) return null;
    heard(host, "attributes");
    return searchIn(root).all(root, CONTROLS).length === 1 ? host : null;
  };

  Object.assign(globalThis.eyelid, {
    ...{CONTROLS, HEADING, BESIDE: 2 * SIBLINGS},
    ...{readLabels: read, headingOf, noteLabel, newPass},
  });
})();
