// Serves www/dist on this machine only, with the headers the page is meant to run under.

import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Missing, main, root } from "./setup.mjs";

/**
 * No origin but this one, for anything. `data:` and `blob:` images are what the page draws and exports itself. The page says the
 * same of itself (www/index.html), for hosts that send no headers; `frame-ancestors` counts in a header only.
 */
export const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Only the view that is made for it may stand in somebody else's page: one phase, nothing kept (`?embed=`). */
export const policy = (query) => `${POLICY}; frame-ancestors ${query.has("embed") ? "*" : "'none'"}`;

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".csv": "text/csv; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** What shrinks: everything but pictures. */
const SHRINKS = /^(text|application)\//;
/** Compressed once a version. */
const packed = new Map();

function gzipped(file, { mtimeMs, size }) {
  const known = packed.get(file);
  if (known?.mtimeMs === mtimeMs && known.size === size) return known.bytes;
  const bytes = gzipSync(readFileSync(file));
  packed.set(file, { mtimeMs, size, bytes });
  return bytes;
}

/** Starts a server for `folder`; port 0 takes any free one. Resolves to the server and its address. */
export function serve(folder, port = 0) {
  const server = createServer((request, response) => {
    let query = new URLSearchParams();
    try {
      query = new URL(request.url, "http://localhost").searchParams;
    } catch {
      // Not an address: told below.
    }
    const headers = {
      "Content-Security-Policy": policy(query),
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cache-Control": "no-cache",
    };
    const refuse = (status, text) => {
      response.writeHead(status, { ...headers, "Content-Type": TYPES[".txt"] }).end(`${text}\n`);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, "Only GET and HEAD.");
    let path;
    try {
      path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    } catch {
      return refuse(400, "Not an address.");
    }
    const file = normalize(join(folder, path.endsWith("/") ? `${path}index.html` : path));
    const found = file.startsWith(folder + sep) && !path.includes("\0") ? statSync(file, { throwIfNoEntry: false }) : undefined;
    if (!found?.isFile()) return refuse(404, "Not here.");
    headers["Content-Type"] = TYPES[extname(file)] ?? "application/octet-stream";
    const accepts = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
    const small = accepts && found.size > 1_000 && SHRINKS.test(headers["Content-Type"]) ? gzipped(file, found) : null;
    headers["Content-Length"] = small?.length ?? found.size;
    if (small) Object.assign(headers, { "Content-Encoding": "gzip", Vary: "Accept-Encoding" });
    response.writeHead(200, headers);
    if (request.method === "HEAD") response.end();
    else if (small) response.end(small);
    else createReadStream(file).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve({ server, address: `http://127.0.0.1:${server.address().port}/` }));
  });
}

/** Serves the page at the usual port, or at the next free one. */
export async function servePage() {
  const folder = join(root, "www", "dist");
  if (!statSync(join(folder, "index.html"), { throwIfNoEntry: false })) throw new Missing("There is no page yet: run `npm run build`.");
  const wanted = Number(process.env.PORT ?? 4173);
  for (let port = wanted; port < wanted + 20; port++) {
    try {
      const { address } = await serve(folder, port);
      return console.log(`\nultrare is at ${address}   (Ctrl+C ends it)`);
    } catch (error) {
      if (error.code !== "EADDRINUSE") throw error;
    }
  }
  throw new Missing(`Ports ${wanted} to ${wanted + 19} are all taken: set PORT to a free one.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(servePage);
