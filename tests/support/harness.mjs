// The client in a real browser, without the page: what npm users load, served under the page's own policy.

import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../web/build/serve.mjs";
import { root } from "../../web/build/setup.mjs";
import { launch } from "./chromium.mjs";
import { scratch } from "./native.mjs";

/** Opens a browser on an empty page beside the client. `said` collects console messages, errors and foreign requests. */
export async function harness() {
  const folder = scratch();
  cpSync(join(root, "web/dist"), folder, { recursive: true });
  cpSync(join(root, "tests/support/pipeline.mjs"), join(folder, "pipeline.js"));
  writeFileSync(join(folder, "index.html"), '<!doctype html><title>client</title><link rel="icon" href="data:,"><input type="file" multiple>');
  const { server, address } = await serve(folder);
  const browser = await launch();
  const page = await browser.newPage();
  const said = watch(page, address);
  await page.goto(address);
  const close = async () => {
    await browser.close();
    server.close();
  };
  return { page, said, close };
}

/** Everything a page must not do: talk to the console, throw, or ask another origin for anything. */
export function watch(page, address) {
  const said = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (request.method() !== "GET") said.push(`${request.method()}: ${url}`);
    if (!url.startsWith(address) && !/^(data|blob):/.test(url)) said.push(`request: ${url}`);
  });
  // What was still on its way when the page left is cut off by the browser: nobody waits for it, and nothing is wrong.
  page.on("requestfailed", (request) => request.failure().errorText === "net::ERR_ABORTED" || said.push(`failed: ${request.url()}`));
  page.on("response", (response) => response.status() >= 400 && said.push(`${response.status()}: ${response.url()}`));
  return said;
}
