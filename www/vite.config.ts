import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { printed } from "./src/lessons/print.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The lessons on paper, from the very text that the page plays, and the picture that a first visit begins with. */
function beside(): Plugin {
  return {
    name: "beside",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "lessons.html", source: printed() });
      // The first visit's picture, recorded by web/build/record.mjs.
      const picture = here(".recorded/first.bin");
      if (existsSync(picture)) this.emitFile({ type: "asset", fileName: "first.bin", source: readFileSync(picture) });
    },
  };
}

/** `sw.js` with the list of everything the page is made of, so that it works with the network off after one visit. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    // Behind what drops the chunks that held nothing but styles.
    enforce: "post",
    apply: "build",
    generateBundle(_, bundle) {
      const files = [...Object.keys(bundle), ...readdirSync(here("public"))].filter((name) => !name.endsWith(".map") && name !== "index.html").sort();
      const parts = Object.values(bundle).map((part) => (part.type === "chunk" ? part.code : part.source));
      const version = createHash("sha256");
      for (const part of parts) version.update(part);
      const source = readFileSync(here("src/sw.js"), "utf8")
        .replace('"VERSION"', JSON.stringify(version.digest("hex").slice(0, 16)))
        .replace("[/* FILES */]", JSON.stringify(["./", ...files.map((name) => `./${name}`)]));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}

/** While developing, vite puts styles into the page itself, which the page's policy forbids. */
function developing(): Plugin {
  return {
    name: "developing",
    apply: "serve",
    transformIndexHtml: (html) => html.replace(/<meta\s+http-equiv="Content-Security-Policy"[^>]*>/, ""),
  };
}

// Relative addresses, so that the built page works from any folder of any static host.
export default defineConfig({
  base: "./",
  plugins: [svelte(), beside(), serviceWorker(), developing()],
  worker: { format: "es" },
  build: { target: "es2022", outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
