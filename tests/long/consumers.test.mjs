// The packed package under the tools of others. Each is installed when it is first needed; what cannot be installed says so.

import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { app, host, job, page, project, run, serving, toolbox, visit, write } from "../support/consumer.mjs";

const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:";
const LONG = { timeout: 900_000 };
let digest;

/** Installs, or skips the test and says why. */
function need(t, name, ...packages) {
  const { folder, missing } = toolbox(name, ...packages);
  if (missing) {
    console.log(`NOT TRIED: ${missing}`);
    t.skip(missing);
  }
  return folder;
}

const bin = (folder, name) => join(folder, "node_modules/.bin", name);
const same = ({ title, said }) => {
  assert.deepEqual(said, []);
  assert.equal(title, `done ${digest}`);
};

async function shows(folder, policy = STRICT) {
  const site = await host(folder, { "Content-Security-Policy": policy });
  try {
    same(await visit(site.address));
  } finally {
    site.close();
  }
}

before(() => {
  const folder = project({ "job.mjs": job(), "use.mjs": 'import { job } from "./job.mjs"; console.log(await job());' });
  digest = run(process.execPath, ["use.mjs"], folder).trim();
  assert.match(digest, /^[0-9a-f]{64}$/);
});

test("esbuild: the parts as entry points of their own", LONG, async (t) => {
  const tools = need(t, "esbuild", "esbuild@0.28.2");
  if (!tools) return;
  const options = '{ workers: 2, wasm: "./module.wasm", sessionWorker: "./session.worker.js", taskWorker: "./task.worker.js" }';
  const folder = project({ "app.js": app(), "job.js": job("ultrare", options), "out/index.html": page() });
  const dist = "node_modules/ultrare/dist";
  run(bin(tools, "esbuild"), ["app.js", `${dist}/session.worker.js`, `${dist}/task.worker.js`, "--bundle", "--format=esm", "--minify", "--splitting", "--entry-names=[name]", "--outdir=out", "--log-level=warning"], folder);
  cpSync(join(folder, dist, "wasm/ultrare_web_bg.wasm"), join(folder, "out/module.wasm"));
  await shows(join(folder, "out"));
});

test("esbuild: the one file, in one bundle", LONG, async (t) => {
  const tools = need(t, "esbuild", "esbuild@0.28.2");
  if (!tools) return;
  const folder = project({ "app.js": app(), "job.js": job("ultrare/single"), "out/index.html": page() });
  run(bin(tools, "esbuild"), ["app.js", "--bundle", "--format=esm", "--outdir=out", "--log-level=warning"], folder);
  assert.deepEqual(readdirSync(join(folder, "out")).sort(), ["app.js", "index.html"]);
  await shows(join(folder, "out"), `${STRICT}; worker-src blob:`);
});

test("webpack: nothing to configure", LONG, async (t) => {
  const tools = need(t, "webpack", "webpack@5", "webpack-cli@7");
  if (!tools) return;
  const folder = project({
    "app.js": app(), "job.js": job(), "out/index.html": page("./main.js"),
    "webpack.config.mjs": 'import { join } from "node:path"; export default { mode: "production", entry: "./app.js", output: { path: join(import.meta.dirname, "out") }, performance: false };',
  });
  symlinkSync(join(tools, "node_modules/webpack"), join(folder, "node_modules/webpack"));
  run(process.execPath, [join(tools, "node_modules/webpack-cli/bin/cli.js"), "--config", "webpack.config.mjs"], folder);
  await shows(join(folder, "out"));
});

test("Next: in a component of the client, and in a route of the server", LONG, async (t) => {
  const tools = need(t, "next", "next@16.4.6", "react@19", "react-dom@19");
  if (!tools) return;
  const folder = project({
    "next.config.mjs": 'export default { serverExternalPackages: ["ultrare"], turbopack: { root: import.meta.dirname } };',
    "app/layout.jsx": "export default function Layout({ children }) { return <html><head><link rel=\"icon\" href=\"data:,\" /></head><body>{children}</body></html>; }",
    "app/page.jsx": `"use client";
      import { useEffect } from "react";
      export default function Page() {
        useEffect(() => { import("../app.js"); }, []);
        return <p>here</p>;
      }`,
    "app/run/route.js": 'import { job } from "../../job.js"; export const dynamic = "force-dynamic"; export async function GET() { return new Response(await job()); }',
    "app.js": app(), "job.js": job(),
  });
  // Its packages have to lie inside the project: it follows no links out of it.
  cpSync(join(tools, "node_modules"), join(folder, "node_modules"), { recursive: true });
  const env = { NEXT_TELEMETRY_DISABLED: "1" };
  run(process.execPath, ["node_modules/next/dist/bin/next", "build"], folder, env);
  const port = 20_000 + (process.pid % 20_000);
  const server = await serving(process.execPath, ["node_modules/next/dist/bin/next", "start", "-p", String(port)], folder, /Ready/, env);
  try {
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/run`)).text(), digest);
    same(await visit(`http://127.0.0.1:${port}/`));
  } finally {
    server.close();
  }
});

for (const [name, version, args] of [["deno", "deno@2.9.6", ["run", "-A"]], ["bun", "bun@1.4.5", []]]) {
  test(`${name}: threads, its own thread, and the one file`, LONG, (t) => {
    const tools = need(t, name, version);
    if (!tools) return;
    const folder = project();
    assert.ok(existsSync(bin(tools, name)));
    for (const [way, text] of Object.entries({ threads: job(), inline: job("ultrare", "{ workers: 0 }"), single: job("ultrare/single") })) {
      write(folder, { "job.mjs": text, "use.mjs": 'import { job } from "./job.mjs"; console.log(await job());' });
      assert.equal(run(bin(tools, name), [...args, "use.mjs"], folder, { NO_COLOR: "1" }).trim(), digest, way);
    }
  });
}
