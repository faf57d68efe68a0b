//! Sizes of what a visitor downloads, and the budget.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

use crate::Result;

/// What module and glue together are meant to weigh, gzipped.
const GOAL: usize = 250_000;
/// What they may weigh until the goal is reached: about what they do, so that they do not grow unseen. Receipts are read and
/// checked in the module since it weighs more than 750 kB: JSON in, and every setting in it.
/// Groups, rivals, decomposition and sweep took it past 860; every layout, archive and encoding of files past 920, changes that
/// add rows, keyed stages and receipts of version 2 past 1000; members, vectors and answers for visitors past 1040; names, reasons
/// and work past 1060.
const BUDGET: usize = 1_140_000;

/// Prints raw, gzip and brotli sizes; fails above the budget.
pub fn check(pkg: &Path, name: &str) -> Result<()> {
    let mut total = 0;
    for file in [format!("{name}_bg.wasm"), format!("{name}.js")] {
        let bytes = fs::read(pkg.join(&file))?;
        let gzip = gzip(&bytes)?;
        total += gzip;
        let [raw, zipped, small] = [bytes.len(), gzip, brotli(&bytes)?].map(|bytes| bytes as f64 / 1e3);
        println!("{file}: {raw:.1} kB, gzip {zipped:.1} kB, brotli {small:.1} kB");
    }
    let (total_kb, budget_kb) = (total as f64 / 1e3, BUDGET as f64 / 1e3);
    if total > BUDGET {
        return Err(format!("{total_kb:.1} kB gzipped is over the budget of {budget_kb:.0} kB").into());
    }
    println!("wasm: {total_kb:.1} of {budget_kb:.0} kB gzipped (goal: {:.0} kB)", GOAL as f64 / 1e3);
    Ok(())
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let mut out = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 9, 22);
    encoder.write_all(bytes)?;
    drop(encoder);
    Ok(out.len())
}
