//! TypeScript of the two types that only the binding has.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A job as it is handed out: `body`, and the large inputs that it names by their digests, are all that running it needs. */
export interface JobOut {
    id: number;
    /** Names its outcome: equal keys, equal bytes. */
    key: string;
    stage: Stage;
    pipeline: string;
    shard: number | null;
    /** Relative cost, for handing out the longest first. */
    weight: number;
    body: Uint8Array<ArrayBuffer>;
    inputs: string[];
}

/** What one step of a task did. */
export interface StepOut {
    done: boolean;
    progress: number;
    events: Event[];
}
"#;
