// The accessibility checker, loaded into a page once for all its states.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

/** What the checker finds on the page as it stands, or in the part of a selector: rule, where, and what is wrong. */
export async function checker(page, part = "html") {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(`${AXE}; undefined`);
  return page.evaluate((part) => globalThis.axe.run(document.querySelector(part), { resultTypes: ["violations"], elementRef: false }).then((result) => (
    result.violations.map((found) => [found.id, found.nodes.map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`)])
  )), part);
}
