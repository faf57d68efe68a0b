/** What the build puts into the one file: the worker's source, and the module, gzipped, in base64. */
export const WORKER: string;
export const MODULE: string;
