export { version } from "./wasm.js";
