// The npm package as others get it: packed, and installed into projects of their own.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { root } from "../../web/build/setup.mjs";
import { launch } from "./chromium.mjs";
import { scratch } from "./native.mjs";

const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** Runs a command to its end and gives what it printed; fails with all of it. */
export function run(command, args, cwd, env = {}) {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env }, timeout: 600_000 });
  assert.equal(result.status, 0, `${command} ${args.join(" ")}\n${result.error ?? ""}${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

let packed;
/** The tarball, made once for a file of tests, and what npm says of it. */
export function tarball() {
  if (packed) return packed;
  const folder = scratch();
  const [{ filename, files, size, unpackedSize }] = JSON.parse(run(npm, ["pack", "--json", "--pack-destination", folder], join(root, "web")));
  return (packed = { path: join(folder, filename), files: files.map(({ path }) => path), size, unpackedSize });
}

/** A project with the package installed, and with these files: path to text. */
export function project(files = {}) {
  const folder = scratch();
  write(folder, { "package.json": '{ "name": "consumer", "private": true, "type": "module" }\n', ...files });
  run(npm, ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", tarball().path], folder);
  return folder;
}

export function write(folder, files) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/**
 * A folder whose node_modules hold these packages ("name@version"), installed once and kept; or, where that is not possible here,
 * why. They are no dependencies of the project, because most who build it need none of them.
 */
export function toolbox(name, ...packages) {
  const folder = join(root, "node_modules/.cache/ultrare-consumers", name);
  const stamp = join(folder, "stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === packages.join(" ")) return { folder };
  write(folder, { "package.json": '{ "private": true }\n' });
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", "--foreground-scripts", ...packages];
  const result = spawnSync(npm, args, { cwd: folder, encoding: "utf8", timeout: 300_000 });
  if (result.status !== 0) return { missing: `${packages.join(", ")} could not be installed here: ${(result.stderr || String(result.error)).trim().split("\n")[0]}` };
  writeFileSync(stamp, packages.join(" "));
  return { folder };
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".css": "text/css" };

/** A static server for a folder, with these headers. Resolves to its address and an end. */
export async function host(folder, headers = {}) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname);
    const file = normalize(join(folder, path.endsWith("/") ? `${path}index.html` : path));
    const found = file.startsWith(folder) && statSync(file, { throwIfNoEntry: false })?.isFile();
    response.writeHead(found ? 200 : 404, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", ...headers });
    if (found) createReadStream(file).pipe(response);
    else response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Opens a page, waits until its title says that it is done, and gives the title; fails with what the page said. */
export async function visit(address, { ready = /^(done|failed)/, timeout = 90_000 } = {}) {
  const browser = await launch();
  const said = [];
  try {
    const page = await browser.newPage();
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
    page.on("response", (response) => response.status() >= 400 && said.push(`${response.status()}: ${response.url()}`));
    await page.goto(address);
    await page.waitForFunction((pattern) => new RegExp(pattern).test(document.title), ready.source, { timeout }).catch(() => {});
    return { title: await page.title(), said };
  } finally {
    await browser.close();
  }
}

/** Starts something that serves until it is ended; resolves when it prints what `ready` matches. */
export async function serving(command, args, cwd, ready, env = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (ready.test(output)) resolve();
      });
    }
    child.on("error", reject);
    child.on("exit", () => reject(new Error(`${command} ended\n${output}`)));
  });
  return { output: () => output, close: () => child.kill() };
}

/**
 * The job that every consumer does, as the text of a module: trains the sample, forgets somebody, and gives the digest of what
 * serves. `from` is what it imports, `options` what it opens with.
 */
export const job = (from = "ultrare", options = "{ workers: 2 }") => `
import { open } from ${JSON.stringify(from)};
export async function job() {
  const session = await open(${options});
  await session.loadSample("small", 1);
  await session.configure({ partition: { shards: 4 } });
  await session.build();
  const [user] = await session.select({ how: "random", percent: 1 });
  const { digests } = await session.forget({ users: [user] });
  session.close();
  return digests.ensemble_after;
}
`;

/** A page that does the job and says so in its title. */
export const page = (script = "./app.js") => `<!doctype html><title>wait</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;
export const app = (module = "./job.js") => `
import { job } from ${JSON.stringify(module)};
job().then((digest) => (document.title = "done " + digest), (error) => (document.title = "failed " + error.code + ": " + error.message));
`;
