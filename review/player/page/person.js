// A person's own key, in this origin's storage of this browser: made, enrolled, and what it signs (docs/custodian.md).

import { digest, fromBase64url, hex, isText, isUint, joined, Refused, refuseIf, toBase64url, utf8 } from "./bytes.js";
import { verifyCarried } from "./statements.js";

const DATABASE = "eyelid-person";
const KEYS = "keys";
const ED25519 = -8; // COSE
const P256 = -7;
// PKCS #8 of an Ed25519 key (RFC 8410), before its 32 bytes.
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

// -- what is kept ------------------------------------------------------------------------------------------------

function store(mode, act) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(KEYS);
    opening.onerror = () => failed(new Refused("no-storage"));
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(KEYS, mode);
      const asked = act(transaction.objectStore(KEYS));
      transaction.oncomplete = () => {
        database.close();
        done(asked.result);
      };
      transaction.onerror = transaction.onabort = () => failed(new Refused("no-storage"));
    };
  });
}

/** {person, id, algorithm, key or credential, custodian, custodianKey, compliance}, or undefined. */
export const keyOf = (person) => store("readonly", (keys) => keys.get(person));
export const keysHere = () => store("readonly", (keys) => keys.getAll());

/** A key kept here, of any person, for which another compliance key or custodian vouches than in this invitation. */
export const ofOtherHouse = (invited, keys) =>
  keys.find((one) => one.compliance !== invited.compliance || one.custodianKey !== invited.custodianKey);

// -- signing -----------------------------------------------------------------------------------------------------

const written = (value) => toBase64url(utf8(JSON.stringify(value)));

/** {token, id}: `id` is the SHA-256 of what was signed, in hex. */
export async function signed(own, typ, payload) {
  const text = `${written({ alg: own.algorithm, typ, kid: own.id })}.${written({ v: 1, ...payload })}`;
  const hash = await digest(utf8(text));
  const third =
    own.algorithm === "webauthn"
      ? await asserted(own.credential, hash)
      : toBase64url(new Uint8Array(await crypto.subtle.sign("Ed25519", own.key, utf8(text))));
  return { token: `${text}.${third}`, id: hex(hash) };
}

/** What a passkey signs, once its device has asked the person. */
async function asserted(credential, challenge) {
  const allowCredentials = [{ type: "public-key", id: credential }];
  const made = await navigator.credentials
    .get({ publicKey: { challenge, allowCredentials, userVerification: "required" } })
    .catch(() => {
      throw new Refused("no-passkey");
    });
  const parts = ["authenticatorData", "clientDataJSON", "signature"];
  return written(Object.fromEntries(parts.map((one) => [one, toBase64url(new Uint8Array(made.response[one]))])));
}

// -- enrolling ---------------------------------------------------------------------------------------------------

/** What an invitation says, which compliance signed: {text, secret, person, custodian, custodianKey, compliance}. */
export async function readInvitation(address) {
  const at = address.lastIndexOf(".");
  const [text, secret] = [address.slice(0, at), address.slice(at + 1)];
  const { said, signer } = await verifyCarried("eyelid-invitation", text);
  refuseIf(![said.person, said.custodian, said.custodian_key, said.once].every(isText), "bad-field");
  refuseIf(!isUint(said.expires) || fromBase64url(said.custodian_key).length !== 32, "bad-field");
  refuseIf(fromBase64url(secret).length !== 32, "wrong-secret");
  return {
    text,
    secret,
    person: said.person,
    custodian: said.custodian,
    custodianKey: said.custodian_key,
    compliance: signer,
    expires: Number(said.expires / 1_000_000n),
  };
}

/** A new key for who is invited, and what the custodian is sent to enrol it: {own, sent}. It is not kept yet. */
export async function newKey(invited, { passkey }) {
  const own = passkey ? await newPasskey(invited.person) : await newOwn();
  const { spki, ...kept } = own;
  kept.id = toBase64url(await digest(spki));
  const invitation = hex(await digest(utf8(invited.text)));
  const { token } = await signed(kept, "eyelid-person-key", { invitation, key: toBase64url(spki) });
  const once = await crypto.subtle.importKey(
    "pkcs8",
    joined(PKCS8, fromBase64url(invited.secret)),
    "Ed25519",
    false,
    ["sign"],
  );
  const proof = toBase64url(new Uint8Array(await crypto.subtle.sign("Ed25519", once, utf8(token))));
  const { person, custodian, custodianKey, compliance } = invited;
  return {
    own: { ...kept, person, custodian, custodianKey, compliance },
    sent: { invitation: invited.text, key: token, proof },
  };
}

export async function keep(own) {
  await store("readwrite", (keys) => keys.put(own, own.person));
  // Firefox asks the person, who may take their time. Where it is not granted, a full disk may cost them the key.
  navigator.storage?.persist?.();
}

async function newOwn() {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  return { algorithm: "Ed25519", key: pair.privateKey, spki };
}

async function newPasskey(person) {
  const made = await navigator.credentials
    .create({
      publicKey: {
        challenge: crypto.getRandomValues(new Uint8Array(32)), // what counts is the assertion that follows
        rp: { name: "Eyelid" },
        user: { id: crypto.getRandomValues(new Uint8Array(16)), name: person, displayName: person },
        pubKeyCredParams: [ED25519, P256].map((alg) => ({ type: "public-key", alg })),
        authenticatorSelection: { userVerification: "required" },
      },
    })
    .catch(() => {
      throw new Refused("no-passkey");
    });
  const spki = made.response.getPublicKey();
  if (!spki) throw new Refused("no-passkey");
  return { algorithm: "webauthn", credential: made.rawId, spki: new Uint8Array(spki) };
}
