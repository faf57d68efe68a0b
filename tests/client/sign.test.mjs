// Signatures of receipts: the platform's Ed25519 gives what the command line gives, and refusals say which it is.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { UltrareError, canSign, checkSignature, keysOf, makeKeys, publicKey, signReceipt } from "../../web/dist/node.js";

/** The example of docs/receipt.md, which the crate's tests make anew and sign with the secret key of 32 times 01. */
const page = readFileSync(new URL("../../crate/docs/receipt.md", import.meta.url), "utf8");
const signed = page.match(/\n(\{\n {2}"format": "ultrare receipt"[^]*?\n\})\n```/)[1];
const secret = "01".repeat(32);
const unsigned = signed.replace(/"signature": \{[^}]*\}/, '"signature": null');
const refused = (code) => (error) => error instanceof UltrareError && error.code === code && error.message.length > 30;

test("a receipt is signed here as it is on the command line", async () => {
  assert.ok(await canSign());
  assert.notEqual(unsigned, signed);
  const again = await signReceipt(unsigned, ` ${secret.toUpperCase()}\n`);
  assert.deepEqual(JSON.parse(again), JSON.parse(signed));
  assert.equal(again.replace(/"signature": \{[^}]*\}/, ""), unsigned.replace('"signature": null', ""), "nothing else is written anew");
  const { key } = JSON.parse(signed).signature;
  assert.deepEqual(await checkSignature(signed), { state: "right", by: key });
  assert.deepEqual(await checkSignature(unsigned), { state: "none", by: null });
  assert.deepEqual(await keysOf(secret), { secret, public: key });
  // RFC 8032, section 7.1, test 1.
  assert.equal((await keysOf("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")).public, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
});

test("somebody else's signature, a moved one and a changed one are told apart", async () => {
  const other = await makeKeys();
  assert.notEqual(other.secret, (await makeKeys()).secret);
  const resigned = await signReceipt(signed, other.secret);
  assert.deepEqual(await checkSignature(resigned), { state: "right", by: other.public });
  const document = JSON.parse(signed);
  const change = (signature) => JSON.stringify({ ...document, signature: { ...document.signature, ...signature } });
  const state = async (text) => (await checkSignature(text)).state;
  assert.equal(await state(change({ key: other.public })), "wrong", "under a name that is not the signer's");
  assert.equal(await state(JSON.stringify({ ...document, digest: "0".repeat(64) })), "wrong", "on another receipt");
  for (const signature of ["", "ab", "g".repeat(128), document.signature.signature.replace(/^./, (c) => (c === "0" ? "1" : "0"))]) assert.equal(await state(change({ signature })), "wrong", signature);
});

test("what is no key and no receipt is refused, and a secret is not repeated", async () => {
  await assert.rejects(keysOf("my secret"), (error) => refused("sign.key")(error) && !error.message.includes("my secret"));
  await assert.rejects(signReceipt(unsigned, "01"), refused("sign.key"));
  await assert.rejects(signReceipt("{}", secret), refused("sign.receipt"));
  await assert.rejects(checkSignature("no json"), refused("sign.receipt"));
  assert.throws(() => publicKey("xyz"), refused("sign.key"));
});
