/**
 * Who stands behind a receipt: Ed25519 (RFC 8032) by the platform's own cryptography, with the keys and the line of the command line
 * (`ultrare keys`, `--sign`, `--signed-by`). Keys are 64 hexadecimal digits; they are held nowhere here.
 */
import { UltrareError } from "./errors.js";

/** A pair of keys: the secret one signs and is kept, the public one is handed out. */
export interface SigningKeys { secret: string; public: string }

/** What a receipt's signature is worth. */
export interface SignatureFound {
  /** `right`: the key named in the receipt signed exactly this. */
  state: "none" | "right" | "wrong";
  /** The public key that is named in it. */
  by: string | null;
}

const ALGORITHM = "Ed25519";
/** What stands before the 32 secret bytes in PKCS #8 (RFC 8410). */
const WRAPPING = "302e020100300506032b657004220420";
const UNABLE = new UltrareError({ code: "sign.unable", message: "This browser cannot sign or check signatures: it has no Ed25519, or the page is not served safely (https). Use `ultrare keys`, `--sign` and `--signed-by` on a command line." });

const hex = (bytes: ArrayBuffer | Uint8Array): string => Array.from(new Uint8Array(bytes as ArrayBuffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

function key(text: unknown, what: string): string {
  const digits = typeof text === "string" ? text.trim().toLowerCase() : "";
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  // A secret is not repeated in a refusal.
  throw new UltrareError({ code: "sign.key", message: `${what} is 64 hexadecimal digits (0-9, a-f), as it was made here or by \`ultrare keys\`.` });
}

/** Runs what needs Ed25519; where the platform has none, says so. */
async function able<T>(run: (subtle: SubtleCrypto) => Promise<T>): Promise<T> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) throw UNABLE;
  try {
    return await run(subtle);
  } catch (thrown) {
    if ((thrown as Error | null)?.name === "NotSupportedError") throw UNABLE;
    throw thrown;
  }
}

const secretKey = (subtle: SubtleCrypto, secret: string): Promise<CryptoKey> =>
  subtle.importKey("pkcs8", unhex(WRAPPING + secret), ALGORITHM, true, ["sign"]);

/** Can keys be made, receipts signed and signatures checked here? */
export async function canSign(): Promise<boolean> {
  try {
    await able((subtle) => secretKey(subtle, "01".repeat(32)));
    return true;
  } catch {
    return false;
  }
}

/** A new pair, from true randomness. */
export const makeKeys = (): Promise<SigningKeys> => keysOf(hex(globalThis.crypto.getRandomValues(new Uint8Array(32))));

/** The pair of a secret key. */
export async function keysOf(secret: string): Promise<SigningKeys> {
  const digits = key(secret, "A secret key");
  const { x } = await able(async (subtle) => subtle.exportKey("jwk", await secretKey(subtle, digits)));
  const raw = atob(x!.replaceAll("-", "+").replaceAll("_", "/"));
  return { secret: digits, public: hex(Uint8Array.from(raw, (letter) => letter.charCodeAt(0))) };
}

/** A receipt's digest and signature. Whether the digest is that of its content, `readReceipt` says. */
function parts(receipt: string): { digest: string; signature: { key: string; signature: string } | null } {
  const read = (): { digest?: unknown; signature?: { key: string; signature: string } | null } | null => {
    try { return JSON.parse(receipt); } catch { return null; }
  };
  const { digest, signature = null } = read() ?? {};
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) throw new UltrareError({ code: "sign.receipt", message: "This is no receipt: it has no digest that could be signed." });
  return { digest, signature };
}

const line = (digest: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`ultrare receipt 2 ${digest}\n`);

/** The receipt with a signature over its digest. Nothing else of it changes, not a space; a signature that was there is replaced. */
export async function signReceipt(receipt: string, secret: string): Promise<string> {
  const { digest } = parts(receipt);
  const pair = await keysOf(secret);
  const signature = hex(await able(async (subtle) => subtle.sign(ALGORITHM, await secretKey(subtle, pair.secret), line(digest))));
  // The last member of the outermost level: figures stay written as they are.
  const at = receipt.lastIndexOf('"digest":');
  const rest = receipt.slice(at).replace(/"signature":\s*(null|\{[^{}]*\})/, () => `"signature": ${JSON.stringify({ key: pair.public, signature })}`);
  return receipt.slice(0, at) + rest;
}

/** Is a receipt signed, by whom, and is that signature right? Compare `by` with a key that you know from elsewhere: anybody can sign. */
export async function checkSignature(receipt: string): Promise<SignatureFound> {
  const { digest, signature } = parts(receipt);
  if (!signature) return { state: "none", by: null };
  const by = signature.key;
  if (!/^[0-9a-f]{64}$/.test(String(by)) || !/^[0-9a-f]{128}$/.test(String(signature.signature))) return { state: "wrong", by: String(by) };
  const right = await able(async (subtle) => {
    const found = await subtle.importKey("raw", unhex(by), ALGORITHM, false, ["verify"]);
    return subtle.verify(ALGORITHM, found, unhex(signature.signature), line(digest));
  });
  return { state: right ? "right" : "wrong", by };
}

/** A public key as people paste it. */
export const publicKey = (text: string): string => key(text, "A public key");
