// The crate as a registry would show and hold it. Building it from there takes longer: tests/long/crate.test.mjs.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../web/build/setup.mjs";
import { metadata, packedFiles } from "../support/crate.mjs";

const read = (...path) => readFileSync(join(root, ...path), "utf8");

test("the crate holds its sources, its pages and both licences, and nothing of the workshop", () => {
  const files = packedFiles();
  for (const path of ["Cargo.toml", "README.md", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE", "src/lib.rs", "src/bin/ultrare/main.rs", "docs/receipt.md", "docs/receipt.schema.json", "docs/scale.md"]) {
    assert.ok(files.includes(path), `${path} is missing`);
  }
  for (const path of files) {
    assert.match(path, /^(src\/.+\.(rs|d\.ts)|examples\/.+\.rs|docs\/[\w.]+|README\.md|LICENSE(-MIT|-APACHE)?|Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json)$/, path);
  }
  for (const name of ["tests", "benches", "python"]) assert.ok(existsSync(join(root, "crate", name)) && !files.some((path) => path.startsWith(`${name}/`)), name);
});

test("a registry can show what the crate is, where its pages are, and which Rust it needs", () => {
  const about = metadata();
  for (const field of ["description", "license", "readme", "documentation", "rust_version"]) assert.ok(about[field], `${field} is missing`);
  assert.equal(about.license, "MIT OR Apache-2.0");
  // The registry takes at most five of each, and keywords of at most twenty letters.
  assert.ok(about.keywords.length > 0 && about.keywords.length <= 5 && about.keywords.every((word) => /^[a-z][\w-]{0,19}$/.test(word)), `${about.keywords}`);
  assert.ok(about.categories.length > 0 && about.categories.length <= 5);
  assert.ok(about.description.length < 200);
  const docs = about.metadata.docs.rs;
  for (const feature of docs.features) assert.ok(feature in about.features, `docs.rs is to build the feature ${feature}`);
  assert.match(read("crate/README.md"), new RegExp(`Rust ${about.rust_version.replace(/\.0$/, "")} or newer`));
  assert.match(read("README.md"), new RegExp(`\\(${about.rust_version.replace(/\.0$/, "")} or newer`));
});

test("every feature of the crate is told on its two pages", () => {
  const features = Object.keys(metadata().features).filter((name) => name !== "default");
  for (const name of features) {
    assert.match(read("crate/README.md"), new RegExp(`\\| \`${name}\` \\|`), `${name} in crate/README.md`);
    assert.match(read("crate/src/lib.rs"), new RegExp(`//! .*\`${name}\``), `${name} in lib.rs`);
  }
});

test("the three front pages show one and the same Rust, and it is a test of the crate", () => {
  const block = (text) => text.match(/^```rust\n([\s\S]*?)^```$/m)[1];
  const [front, page] = [read("README.md"), read("crate/README.md")].map(block);
  assert.equal(front, page);
  const lib = read("crate/src/lib.rs");
  assert.match(lib, /#\[cfg\(doctest\)\]\n#\[doc = include_str!\("\.\.\/README\.md"\)\]/);
  const body = front.split("\n").filter((line) => /^ {4}let|recommender|receipt\./.test(line)).map((line) => line.trim());
  for (const line of body.filter((line) => !line.startsWith("println"))) assert.ok(lib.includes(line), line);
});

test("each package has the same terms in its own folder", () => {
  for (const name of ["LICENSE", "LICENSE-MIT", "LICENSE-APACHE"]) {
    for (const folder of ["crate", "crate/python"]) assert.equal(read(folder, name), read(name));
  }
  const links = [...read("crate/README.md").matchAll(/\]\(([\w/.]+)\)/g)].map(([, path]) => path);
  assert.ok(links.length >= 3);
  for (const path of links) assert.ok(packedFiles().includes(path), `the page names ${path}`);
  assert.ok(readdirSync(join(root, "crate/docs")).every((name) => packedFiles().includes(`docs/${name}`)));
});
