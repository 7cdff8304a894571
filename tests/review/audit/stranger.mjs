// A second verifier of the audit log, written from docs/audit-log.md alone: it shares nothing with the first.
//   node stranger.mjs KEY FOLDER...      prints, for each folder, a line: "sound" or what is wrong
import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const sha = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const leaf = (entry) => sha(Buffer.from([0]), entry);
const node = (left, right) => sha(Buffer.from([1]), left, right);
const fail = (why) => { throw new Error(why); };
const base64 = (text) => {
  const raw = Buffer.from(text, "base64");
  return raw.toString("base64") === text ? raw : fail("base64 in another spelling");
};
const numbered = (n) => {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, "0").match(/.../g);
  return [...digits.slice(0, -1).map((three) => "x" + three), digits.at(-1)].join("/");
};
const YEAR = 365 * 86400000;

function parseKey(vkey) {
  const [name, id, ...rest] = vkey.split("+");
  const material = base64(rest.join("+"));
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), material.subarray(1)]);
  return { name, id, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

// RFC 6962 section 2.1, by its definition; `memo` keeps complete subtrees.
function mth(leaves, start, end, memo) {
  if (start === end) return sha();
  if (end - start === 1) return leaves[start];
  const label = `${start}-${end}`;
  if (memo.has(label)) return memo.get(label);
  let k = 1;
  while (k * 2 < end - start) k *= 2;
  const hash = node(mth(leaves, start, start + k, memo), mth(leaves, start + k, end, memo));
  if (2 * k === end - start) memo.set(label, hash);
  return hash;
}

function checkpoint(content, log, alone) {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
  const middle = text.lastIndexOf("\n\n");
  if (middle < 1 || !text.endsWith("\n") || /[\x00-\x09\x0b-\x1f]/.test(text)) fail("no note");
  const body = text.slice(0, middle + 1);
  const lines = text.slice(middle + 2, -1).split("\n").map((line) => /^— (\S+) (\S+)$/u.exec(line) ?? fail("no signature"));
  if (alone && lines.length !== 1) fail("more than one signature");
  const own = lines.map(([, name, raw]) => [name, base64(raw)])
    .filter(([name, raw]) => name === log.name && raw.subarray(0, 4).toString("hex") === log.id);
  if (!own.length || !own.every(([, raw]) => verify(null, Buffer.from(body), log.key, raw.subarray(4)))) fail("not signed");
  const [origin, size, root, ...more] = body.slice(0, -1).split("\n");
  if (origin !== log.name || more.length || !/^(0|[1-9]\d*)$/.test(size)) fail("no checkpoint of this log");
  return { size: Number(size), root: base64(root) };
}

function check(folder, log) {
  const read = (name) => readFileSync(join(folder, name));
  const noted = ["checkpoint", ...(existsSync(join(folder, "cosigned")) ? ["cosigned"] : [])];
  const points = noted.map((name) => checkpoint(read(name), log));
  const leaves = [], entries = [], besides = [], memo = new Map();
  for (let block = 0; existsSync(join(folder, "journal", numbered(block))); block++) {
    const data = read(`journal/${numbered(block)}`);
    const last = !existsSync(join(folder, "journal", numbered(block + 1)));
    let at = 0, acknowledged = leaves.length, ended = 0;
    while (at + 5 <= data.length) {
      const kind = data.toString("latin1", at, at + 1), length = data.readUInt32BE(at + 1), start = at + 5;
      if (start + length > data.length || !"EC".includes(kind)) break;
      const content = data.subarray(start, start + length);
      if (kind === "E") {
        const size = length < 2 ? fail("no entry") : content.readUInt16BE(0);
        if (2 + size > length) break;
        entries.push(content.subarray(2, 2 + size));
        besides.push(content.subarray(2 + size));
        leaves.push(leaf(entries.at(-1)));
      } else {
        const point = checkpoint(content, log, true);
        if (point.size !== leaves.length || !point.root.equals(mth(leaves, 0, leaves.length, memo))) fail("not its tree");
        [acknowledged, ended] = [leaves.length, start + length];
      }
      at = start + length;
    }
    if (ended < data.length && (!last || acknowledged === 256 * (block + 1))) fail("no record");
    for (const list of [leaves, entries, besides]) list.length = acknowledged;
    if (leaves.length > 256 * (block + 1) || (!last && leaves.length < 256 * (block + 1))) fail("a block that is not full");
  }
  const all = (where) => readdirSync(where).flatMap((name) =>
    statSync(join(where, name)).isDirectory() ? all(join(where, name)) : [name]);
  if (all(join(folder, "journal")).length !== Math.ceil(leaves.length / 256)) {
    // A last file without an acknowledged entry is what a killed writer leaves.
    if (all(join(folder, "journal")).length !== Math.ceil(leaves.length / 256) + 1) fail("a block is missing");
  }
  for (const point of points) {
    if (point.size > leaves.length) fail("cut");
    if (!point.root.equals(mth(leaves, 0, point.size, memo))) fail("forked");
  }
  const shreds = [], gone = [];
  let before = 0;
  entries.forEach((entry, index) => {
    const time = Number(entry.readBigUInt64BE(1)), beside = besides[index];
    let said = {};
    if (entry[0] === 2) said = JSON.parse(entry.subarray(9).toString());
    else if (entry[0] !== 1 || entry.length !== 73) fail(`entry ${index}`);
    if (time < before && said.kind !== "clock") fail(`the clock before entry ${index}`);
    before = time;
    for (const [first, end] of said.ranges ?? []) shreds.push({ first, end, index, time });
    const whole = entry[0] === 2 ? !beside.length : sha(beside).equals(entry.subarray(41));
    if (!whole) gone.push({ index, time });
  });
  for (const { index, time } of gone) {
    const said = shreds.filter((one) => one.first <= index && index < one.end && index < one.index);
    if (!said.length || Math.min(...said.map((one) => one.time)) - time < YEAR) fail(`what lies beside entry ${index}`);
  }
  for (let level = 0, span = 1; Math.floor(points[0].size / span); level++, span *= 256) {
    const count = Math.floor(points[0].size / span);
    for (let n = 0; n * 256 < count; n++) {
      const width = Math.min(256, count - n * 256), name = numbered(n) + (width < 256 ? `.p/${width}` : "");
      const row = Array.from({ length: width }, (_, i) => mth(leaves, (n * 256 + i) * span, (n * 256 + i + 1) * span, memo));
      if (!read(`tile/${level}/${name}`).equals(Buffer.concat(row))) fail(`tile/${level}/${name}`);
      if (level) continue;
      const bundle = entries.slice(n * 256, n * 256 + width).flatMap((entry) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(entry.length);
        return [length, entry];
      });
      if (!read(`tile/entries/${name}`).equals(Buffer.concat(bundle))) fail(`tile/entries/${name}`);
    }
  }
  return "sound";
}

const [vkey, ...folders] = process.argv.slice(2);
for (const folder of folders) {
  try { console.log(check(folder, parseKey(vkey))); } catch (error) { console.log(`wrong: ${error.message.split("\n")[0]}`); }
}
