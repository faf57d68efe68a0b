//! The library's hot code as cases that are timed: `npm run bench -- kernels [NAME...]` runs every case natively and in
//! V8, in turns, and prints the ratio; `cargo bench -p ultrare-kernels` times the same cases with criterion.
//!
//! To add a row, add a [`Case`] to the list of a module here (or a module to [`cases`]):
//!
//! ```text
//! Case::new("wmf sweep 943x1349 f32", || {
//!     let mut trainer = ...;                  // everything up to here is not timed, and made anew for every run
//!     Box::new(move || {
//!         let report = trainer.step();        // one run
//!         Outcome { checksum: hash_f32(&weights), quality: report.loss, units: report.updates as f64 }
//!     })
//! })
//! .native(0.020)                              // its budgets, if it has any: CPU seconds natively, and in wasm
//! .wasm(0.026),
//! ```
//!
//! The checksum must be equal on both sides or the benchmark fails, so hash everything that was computed. `units` are
//! what the column "per s" counts: updates, rows, scores. What is dear to prepare and only read belongs into a `LazyLock`.

mod combine;
mod models;
mod ranking;
mod rows;
mod transport;

use std::cell::RefCell;

pub use rows::give;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// A hash of everything that was computed.
    pub checksum: u64,
    /// How good it is: a cost, a loss, a metric; NaN where there is no such thing.
    pub quality: f64,
    /// How much was done, in the case's own units.
    pub units: f64,
}

/// One run, ready to be timed.
pub type Run = Box<dyn FnOnce() -> Outcome>;

/// Something that is timed.
pub struct Case {
    /// Its name: the method, the size, K or factors.
    pub name: &'static str,
    /// The CPU seconds it may take natively.
    pub native: Option<f64>,
    /// The CPU seconds it may take in wasm.
    pub wasm: Option<f64>,
    prepare: Box<dyn Fn() -> Run>,
}

impl Case {
    /// A case without budgets.
    pub fn new(name: &'static str, prepare: impl Fn() -> Run + 'static) -> Self {
        Case { name, native: None, wasm: None, prepare: Box::new(prepare) }
    }

    /// With a budget for the native run.
    pub fn native(self, seconds: f64) -> Self {
        Case { native: Some(seconds), ..self }
    }

    /// With a budget for the run in wasm.
    pub fn wasm(self, seconds: f64) -> Self {
        Case { wasm: Some(seconds), ..self }
    }

    /// Makes a run; not timed.
    pub fn prepare(&self) -> Run {
        (self.prepare)()
    }
}

/// All cases, in the order of the table.
pub fn cases() -> Vec<Case> {
    [transport::cases(), ranking::cases(), models::cases(), combine::cases()].into_iter().flatten().collect()
}

/// FNV-1a over 64-bit words: enough to see that two results differ.
pub fn hash(words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}

/// The bits of floats.
pub fn hash_f32(values: &[f32]) -> u64 {
    hash(values.iter().map(|value| u64::from(value.to_bits())))
}

thread_local! {
    static READY: RefCell<Option<Run>> = const { RefCell::new(None) };
    static DONE: RefCell<Outcome> = const { RefCell::new(Outcome { checksum: 0, quality: 0.0, units: 0.0 }) };
}

thread_local! {
    static TEXTS: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Makes room for the text of the file to train on (0) or to measure on (1), and says where it begins.
#[unsafe(no_mangle)]
pub extern "C" fn room(file: usize, bytes: usize) -> *mut u8 {
    TEXTS.with_borrow_mut(|texts| {
        let text = &mut texts[file.min(1)];
        *text = vec![0; bytes];
        text.as_mut_ptr()
    })
}

/// Trains on those texts from now on; 1 if they can be read.
#[unsafe(no_mangle)]
pub extern "C" fn given() -> usize {
    TEXTS.with_borrow(|[train, test]| usize::from(give(train, test)))
}

// What the module exports: numbers only, so that no glue is needed. Names and budgets are told by the native program.

/// Prepares a case; returns how many there are.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(case: usize) -> usize {
    let cases = cases();
    READY.set(cases.get(case).map(Case::prepare));
    cases.len()
}

/// Runs what was prepared, once; this is what is timed. Returns the checksum, 0 if nothing was prepared.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> u64 {
    let Some(run) = READY.take() else { return 0 };
    let outcome = run();
    DONE.set(outcome);
    outcome.checksum
}

/// The quality of the last run.
#[unsafe(no_mangle)]
pub extern "C" fn quality() -> f64 {
    DONE.with_borrow(|done| done.quality)
}

/// The units of the last run.
#[unsafe(no_mangle)]
pub extern "C" fn units() -> f64 {
    DONE.with_borrow(|done| done.units)
}
