// npm run build: wasm, client, page. Each part is made again only if something it is made of changed.

import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { main, root, run, setUp } from "./setup.mjs";
import { buildSingle } from "./single.mjs";

/** All files below a folder, in a fixed order. */
export function* files(folder) {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) return yield folder;
  for (const name of readdirSync(folder).sort()) {
    if (name !== "node_modules") yield* files(join(folder, name));
  }
}

/** Runs `make` unless `output` was made from these very inputs. */
function unlessFresh(title, output, inputs, make) {
  const hash = createHash("sha256");
  for (const file of inputs.flatMap((input) => [...files(join(root, input))])) {
    hash.update(file).update("\0").update(readFileSync(file));
  }
  const wanted = hash.digest("hex");
  const stamp = join(root, output, ".stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return console.log(`${title}: unchanged`);
  const start = performance.now();
  make();
  writeFileSync(stamp, wanted);
  console.log(`${title}: built in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** Runs a JavaScript tool of node_modules without npx. */
function tool(path, args, cwd = root) {
  run(process.execPath, [join(root, "node_modules", path), ...args], { cwd });
}

/** cargo, wasm-bindgen, wasm-opt: `web/pkg`. */
export function buildWasm() {
  run("cargo", ["run", "--quiet", "--profile", "tool", "-p", "ultrare-build"], { env: { ...process.env, NODE: process.execPath } });
}

/** The npm package: `web/dist`. */
export function buildClient() {
  unlessFresh("client", "web/dist", ["web/ts", "web/pkg", "web/build/single.mjs", "web/tsconfig.json", "package-lock.json"], () => {
    rmSync(join(root, "web/dist"), { recursive: true, force: true });
    tool("typescript/bin/tsc", ["-p", "web/tsconfig.json"]);
    // As it is: it has no dependencies, and whoever never meets a Parquet file never loads it.
    for (const name of ["src", "LICENSE"]) {
      const filter = (file) => !file.endsWith(".d.ts");
      cpSync(join(root, "node_modules/hyparquet", name), join(root, "web/dist/hyparquet", name === "src" ? "" : name), { recursive: true, filter });
    }
    cpSync(join(root, "web/pkg/wasm"), join(root, "web/dist/wasm"), { recursive: true, filter: (file) => !file.endsWith(".stamp") });
    // A package has its terms in its own folder.
    for (const name of ["LICENSE", "LICENSE-MIT", "LICENSE-APACHE"]) cpSync(join(root, name), join(root, "web", name));
    buildSingle(join(root, "web/dist"), (...args) => tool("rolldown/bin/cli.mjs", args));
  });
}

/** The page: `www/dist`. */
export function buildPage() {
  const inputs = ["src", "public", "index.html", "package.json", "vite.config.ts", "svelte.config.js", "tsconfig.json"];
  unlessFresh("page", "www/dist", [...inputs.map((name) => `www/${name}`), "web/build/record.mjs", "web/dist", "crate/docs/fakes.json", "package-lock.json"], () => {
    run(process.execPath, [join(root, "web/build/record.mjs")], { cwd: root });
    tool("vite/bin/vite.js", ["build", "--logLevel", "warn"], join(root, "www"));
    weigh(join(root, "www/dist"));
  });
}

/** Script and styles that the first minute waits for, in bytes as they travel. */
const MOST = 120_000;

/** Prints what the page itself weighs, and fails beyond the budget. What is fetched later is not among it. */
function weigh(dist) {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, name]) => name);
  const weights = named.map((name) => [name, gzipSync(readFileSync(join(dist, name)), { level: 9 }).length]);
  const all = weights.reduce((sum, [, bytes]) => sum + bytes, 0);
  const kilo = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  console.log(`page: ${kilo(all)} of script and styles, gzipped (at most ${kilo(MOST)}): ${weights.map(([name, bytes]) => `${name} ${kilo(bytes)}`).join(", ")}`);
  if (all > MOST) throw new Error(`The page's script and styles weigh ${kilo(all)} gzipped: at most ${kilo(MOST)}. Fetch later what the first minute does not need.`);
}

export function buildAll() {
  setUp();
  buildWasm();
  buildClient();
  if (existsSync(join(root, "www/index.html"))) buildPage();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(buildAll);
