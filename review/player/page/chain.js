// The chunks of one stream as a player needs them: which may be played, and which shows a moment. Times are seconds.

const KEY_FRAME = 1;
const AFTER_GAP = 2;

export class Chain {
  /** `rows`: {sequence, start, end, kind, flags} in order, ns. */
  constructor(stream, rows) {
    this.stream = stream;
    this.rows = rows.map((one) => ({ ...one, start: one.start / 1e9, end: one.end / 1e9 }));
    this.header = this.rows.findIndex(({ kind }) => kind === 0);
    this.bad = new Map(); // row -> code
    this.judge();
  }

  /** Says that a chunk must not be played; whether that is news. */
  refuse(row, code) {
    if (this.bad.has(row)) return false;
    this.bad.set(row, code);
    this.judge();
    return true;
  }

  /** After a hole in the chain nothing plays up to the next key frame: a decoder would paint garbage. */
  judge() {
    const headed = this.header >= 0 && !this.bad.has(this.header);
    let [expected, broken] = [0, false];
    this.plays = this.rows.map(({ sequence, flags, kind }, row) => {
      broken = (broken || sequence !== expected) && !(flags & KEY_FRAME);
      expected = sequence + 1;
      if (this.bad.has(row) || !headed) broken = true;
      return kind === 1 && !broken;
    });
    this.spans = [];
    for (const [row, { start, end, flags }] of this.rows.entries()) {
      if (!this.plays[row]) continue;
      const last = this.spans.at(-1);
      if (!last || flags & AFTER_GAP || start > last.end || !this.plays[row - 1]) this.spans.push({ start, end, row });
      else last.end = Math.max(last.end, end);
    }
  }

  /** The row that was kept at this moment, -1 for none. */
  at(t) {
    const row = this.from(t);
    return row < this.rows.length && this.rows[row].kind === 1 && this.rows[row].start <= t ? row : -1;
  }

  /** The first row that ends after it. */
  from(t) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].end <= t) low = middle + 1;
      else high = middle;
    }
    while (low < this.rows.length && this.rows[low].kind !== 1) low++;
    return low;
  }

  /** The row with the key frame that a row which plays needs. */
  key(row) {
    while (row > 0 && !(this.rows[row].flags & KEY_FRAME) && this.plays[row - 1]) row--;
    return row;
  }

  /** Whether the pictures before it end with it. */
  endsRun(row) {
    const next = this.rows[row + 1];
    const follows = next?.sequence === this.rows[row].sequence + 1;
    return !follows || !this.plays[row + 1] || (next.flags & AFTER_GAP) !== 0;
  }

  span(t) {
    return this.spans.find(({ start, end }) => t >= start && t < end) ?? null;
  }

  after(t) {
    return this.spans.find(({ start }) => start > t) ?? null;
  }
}
