// The page where things are missing: opened as a file, from a host without headers, with workers that die without a word.

import assert from "node:assert/strict";
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { POLICY, serve } from "../../web/build/serve.mjs";
import { root } from "../../web/build/setup.mjs";
import { launch } from "../support/chromium.mjs";

const DIST = join(root, "www/dist");
const LONG = { timeout: 90_000 };
let browser, page;
const id = (name) => page.locator(`[data-testid="${name}"]`);
const trained = () => page.waitForFunction(
  () => document.querySelector('[data-testid="phase-train"]')?.dataset.state === "done" && !document.querySelector('[data-testid="cancel"]'), null, LONG,
);

before(async () => (browser = await launch()));
after(() => browser.close());

test("opened as a file the page says in words what to do", async () => {
  page = await browser.newPage();
  await page.goto(pathToFileURL(join(DIST, "index.html")).href);
  const words = page.locator(".unopened");
  await words.waitFor({ state: "visible", timeout: 10_000 });
  assert.match(await words.innerText(), /through a web server, for example with npm start/);
  await page.close();
});

test("the policy stands in the page before any script, and holds where the host sends no header", { timeout: 120_000 }, async (t) => {
  const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
  // A static host as there are many: no header but the type, and an unknown type for wasm.
  const host = createServer((request, response) => {
    const path = join(DIST, request.url === "/" ? "index.html" : new URL(request.url, "http://x").pathname);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream" });
    createReadStream(path).pipe(response);
  });
  t.after(() => host.closeAllConnections());
  t.after(() => host.close());
  await new Promise((ready) => host.listen(0, "127.0.0.1", ready));
  page = await browser.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  await page.goto(`http://127.0.0.1:${host.address().port}/`);
  await id("speed").fill("4");
  await trained();
  assert.deepEqual(said, []);
  const stands = await page.evaluate(() => {
    const meta = document.querySelector('meta[http-equiv="Content-Security-Policy"]');
    const first = document.querySelector("script, link");
    return { policy: meta.content, before: !!(meta.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING) };
  });
  assert.deepEqual(stands, { policy: POLICY, before: true });
  const tried = await page.evaluate(async () => {
    const refused = (work) => Promise.resolve().then(work).then(() => "done", () => "refused");
    const image = () => new Promise((resolve, reject) => Object.assign(new Image(), { onload: resolve, onerror: reject, src: "https://example.com/x.png" }));
    const script = document.body.appendChild(document.createElement("script"));
    script.textContent = "globalThis.inline = 1";
    return [await refused(() => fetch("https://example.com/", { method: "POST", body: "x" })), await refused(image), await refused(() => new Function("return 1")()), globalThis.inline ?? "refused"];
  });
  assert.deepEqual(tried, ["refused", "refused", "refused", "refused"]);
  await page.close();
});

test("a worker that ends without a word is replaced and its job runs again; a session that does comes back as it was kept", { timeout: 120_000 }, async (t) => {
  const { server, address } = await serve(DIST);
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const context = await browser.newContext({ reducedMotion: "reduce" });
  page = await context.newPage();
  const ended = (name) => page.workers().find((worker) => worker.url().includes(name)).evaluate(() => self.close());
  await page.goto(address);
  await id("speed").fill("4");
  await trained();
  await id("kept").filter({ hasText: "is kept in this browser" }).waitFor(LONG);
  const digests = await page.locator(".digest").allTextContents();
  const before = page.workers().length;

  await id("speed").fill("1");
  await id("reset").click();
  await page.waitForFunction(() => /Training/.test(document.querySelector('[data-testid="progress"]').textContent), null, LONG);
  await ended("task.worker");
  await id("notice").filter({ hasText: "A worker stopped and was replaced; its job runs again." }).waitFor();
  await id("speed").fill("4");
  await trained();
  assert.deepEqual(await page.locator(".digest").allTextContents(), digests);
  assert.equal(page.workers().length, before);
  await page.waitForTimeout(1500);
  await id("kept").filter({ hasText: "is kept in this browser" }).waitFor(LONG);

  await ended("session.worker");
  await id("notice").filter({ hasText: "was started again, with the run that was kept last" }).waitFor(LONG);
  assert.deepEqual(await page.locator(".digest").allTextContents(), digests);
  assert.equal(page.workers().length, before);

  // In the middle of a run: the run is told of it, and what was kept is back.
  await id("notice").getByLabel("Dismiss").click();
  await id("speed").fill("1");
  await id("reset").click();
  await page.waitForFunction(() => /Training/.test(document.querySelector('[data-testid="progress"]').textContent), null, LONG);
  await ended("session.worker");
  await id("notice").filter({ hasText: "was started again, with the run that was kept last" }).waitFor(LONG);
  assert.deepEqual(await page.locator(".digest").allTextContents(), digests);
  await id("speed").fill("4");
  await id("reset").click();
  await id("cancel").waitFor();
  await trained();
  assert.deepEqual(await page.locator(".digest").allTextContents(), digests);
  await context.close();
});
