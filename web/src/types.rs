//! TypeScript of the two types that only the binding has.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A job as it is handed out; `bytes` is all that running it needs. */
export interface JobOut {
    id: number;
    stage: Stage;
    arm: string;
    shard: number | null;
    /** Relative cost, for handing out the longest first. */
    weight: number;
    bytes: Uint8Array<ArrayBuffer>;
}

/** What one step of a task did. */
export interface StepOut {
    done: boolean;
    progress: number;
    events: Event[];
}
"#;
