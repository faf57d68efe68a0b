// npm start: set up, build what changed, serve.

import { buildAll } from "./build.mjs";
import { servePage } from "./serve.mjs";
import { main } from "./setup.mjs";

await main(async () => {
  buildAll();
  await servePage();
});
