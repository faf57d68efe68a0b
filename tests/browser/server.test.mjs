// The server behind `npm start`: headers, types, and nothing outside its folder.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { POLICY, policy, serve } from "../../web/build/serve.mjs";
import { scratch } from "../support/native.mjs";

/** Long enough to be worth packing. */
const LONG = "let a = 1;\n".repeat(500);
let server;
let address;

before(async () => {
  const folder = join(scratch(), "dist");
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "index.html"), "<p>page");
  writeFileSync(join(folder, "assets/module.wasm"), "wasm");
  writeFileSync(join(folder, "assets/a.js"), "1");
  writeFileSync(join(folder, "assets/long.js"), LONG);
  writeFileSync(join(folder, "..", "secret.txt"), "secret");
  ({ server, address } = await serve(folder));
});
after(() => server.close());

/** The path as it is: `fetch` would tidy it. */
function get(path, method = "GET") {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address);
    request({ hostname, port, path, method }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk)).on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    }).on("error", reject).end();
  });
}

test("it listens on this machine only", () => assert.equal(server.address().address, "127.0.0.1"));

test("every answer carries the policy, a refusal too", async () => {
  for (const path of ["/", "/assets/a.js", "/missing"]) {
    const { headers } = await get(path);
    assert.equal(headers["content-security-policy"], `${POLICY}; frame-ancestors 'none'`);
    assert.equal(headers["x-content-type-options"], "nosniff");
  }
});

test("the policy names no origin but this one", () => {
  for (const rule of ["default-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'"]) assert.ok(POLICY.includes(rule));
  assert.equal(policy(new URLSearchParams("embed=forget")), `${POLICY}; frame-ancestors *`, "only the view for other pages may stand in one");
  assert.doesNotMatch(POLICY, /https?:|\*|'unsafe-inline'|'unsafe-eval'/);
});

test("files have their types", async () => {
  assert.match((await get("/")).headers["content-type"], /^text\/html/);
  assert.match((await get("/assets/a.js")).headers["content-type"], /^text\/javascript/);
  assert.equal((await get("/assets/module.wasm?v=1")).headers["content-type"], "application/wasm");
});

test("nothing outside the folder is served", async () => {
  for (const path of ["/../secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%00", "/%"]) {
    const { status, body } = await get(path);
    assert.ok(status === 404 || status === 400, `${path}: ${status}`);
    assert.doesNotMatch(body, /^secret/);
  }
});

test("only reading is possible", async () => {
  assert.equal((await get("/", "POST")).status, 405);
  const head = await get("/", "HEAD");
  assert.deepEqual([head.status, head.body], [200, ""]);
});

test("what is large and text comes compressed to whoever takes it, whole", async () => {
  const page = await new Promise((resolve, reject) => {
    request(`${address}assets/long.js`, { headers: { "Accept-Encoding": "gzip" } }, (response) => {
      const parts = [];
      response.on("data", (chunk) => parts.push(chunk)).on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts) }));
    }).on("error", reject).end();
  });
  assert.equal(page.headers["content-encoding"], "gzip");
  assert.equal(Number(page.headers["content-length"]), page.body.length);
  assert.equal(gunzipSync(page.body).toString(), LONG);
  const plain = await get("/assets/long.js");
  assert.deepEqual([plain.headers["content-encoding"], plain.body], [undefined, LONG]);
});
