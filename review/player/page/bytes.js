// Bytes, strict JSON and digests, as docs/envelope.md has them. Integers are BigInt.

const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);
export const hex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
export const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const digest = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
export const sha256 = async (bytes) => hex(await digest(bytes));
export const toBase64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of parts) {
    whole.set(one, at);
    at += one.length;
  }
  return whole;
}

/** What is not as it must be. `code`: as in the store's pages, and it never changes. */
export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export function refuseIf(condition, code) {
  if (condition) throw new Refused(code);
}

/** The code that an attempt is refused with, or null. */
export async function refused(attempt) {
  try {
    await attempt();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

export function fromBase64url(text, code = "malformed") {
  refuseIf(!isText(text) || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1, code);
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const spare = text.length % 4 === 2 ? 15 : text.length % 4 === 3 ? 3 : 0; // one spelling only
  refuseIf(
    spare && "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(text.at(-1)) & spare,
    code,
  );
  return bytes;
}

// -- shapes ------------------------------------------------------------------------------------------------------

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isText = (value) => typeof value === "string";
export const isUint = (value) => typeof value === "bigint" && value >= 0n && value < 2n ** 63n;
export const isDigest = (value) => isText(value) && /^[0-9a-f]{64}$/.test(value);
export const isUuid = (value) => isText(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
export const isStream = (name) => /^(0|[1-9][0-9]{0,4})$/.test(name) && Number(name) < 0xffff;

// -- JSON --------------------------------------------------------------------------------------------------------

/** The value of strict JSON: objects without prototype, integers as BigInt. Throws an Error for all that is refused. */
export function parseJson(bytes, levels = 500) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  let at = 0;
  const fail = () => {
    throw new SyntaxError(`not the JSON that is accepted, at ${at}`);
  };
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found?.[0];
  };
  const skip = () => take(/[ \t\n\r]*/y);
  const next = (wanted) => {
    skip();
    if (text[at] !== wanted) return false;
    at += 1;
    return true;
  };
  const string = () => {
    const literal = take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y) ?? fail();
    const value = JSON.parse(literal);
    return value.isWellFormed() ? value : fail();
  };
  const number = (literal) => {
    if (/[.eE]/.test(literal)) return Number.isFinite(Number(literal)) ? Number(literal) : fail();
    const value = literal.length > 21 ? fail() : BigInt(literal);
    return value >= -(2n ** 63n) && value < 2n ** 64n ? value : fail();
  };
  const value = (depth) => {
    skip();
    if (text[at] === '"') return string();
    if (text[at] === "{" || text[at] === "[")
      return depth < levels ? (text[at] === "{" ? object : array)(depth + 1) : fail();
    const literal = take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null/y) ?? fail();
    return literal === "null" ? null : ({ true: true, false: false }[literal] ?? number(literal));
  };
  const array = (depth) => {
    at += 1;
    const items = [];
    if (next("]")) return items;
    do items.push(value(depth));
    while (next(","));
    return next("]") ? items : fail();
  };
  const object = (depth) => {
    at += 1;
    const members = Object.create(null);
    if (next("}")) return members;
    do {
      skip();
      const name = string();
      if (name in members || !next(":")) fail();
      members[name] = value(depth);
    } while (next(","));
    return next("}") ? members : fail();
  };
  const whole = value(0);
  skip();
  return at === text.length ? whole : fail();
}

export function parseObject(bytes, code, levels) {
  let value;
  try {
    value = parseJson(bytes, levels);
  } catch {
    throw new Refused(code);
  }
  refuseIf(!isObject(value), code);
  return value;
}
