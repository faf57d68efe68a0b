// npm run bench -- quality: what settings left out cost against a wide search, on twelve generated sets (and a folder of one's own, --data DIR
// with train.csv and test.csv), model by model: NDCG@20 of popularity, of the defaults and of the best that was found, and the loss. For
// wmf the ratio of ensembles of random shards to one model stands beside it.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Missing, root, run } from "../../web/build/setup.mjs";

const MODELS = ["wmf", "bpr", "lightgcn"];

export function quality(models, options) {
  const wrong = models.find((name) => !/^[a-z]+$/.test(name));
  if (wrong) throw new Missing(`${wrong} is no model's name: give some of ${MODELS.join(", ")}, gmf, mf, neumf, dmf, ease, itemknn.`);
  const folder = options.data && resolve(options.data);
  if (folder && !existsSync(join(folder, "train.csv"))) throw new Missing(`${folder} holds no train.csv: give a folder with train.csv and test.csv.`);
  for (const model of models.length ? models : MODELS) {
    const shards = model === "wmf" ? (options.shards ?? "10,40,100") : (options.shards ?? "");
    const args = [`model=${model}`, `shards=${shards}`, `seed=${options.seed}`, ...(folder ? [`data=${folder}`] : [])];
    if (options.json) args.push(`json=${resolve(options.json.replace(/(\.json)?$/, `-${model}.json`))}`);
    run("cargo", ["run", "-q", "--release", "-p", "ultrare", "--example", "quality", "--", ...args], { cwd: root });
  }
}
