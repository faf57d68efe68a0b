//! The native side of `npm run bench -- kernels`: prints the cases, then for every number it reads prepares and runs that
//! case and prints its CPU seconds and its outcome. One line per answer, fields separated by tabs.
#![allow(clippy::print_stdout)] // talking over its standard streams is what this program is for

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let cases = ultrare_kernels::cases();
    let budget = |seconds: Option<f64>| seconds.map_or_else(String::new, |seconds| seconds.to_string());
    for case in &cases {
        println!("{}\t{}\t{}", case.name, budget(case.native), budget(case.wasm));
    }
    println!();
    for line in io::stdin().lock().lines() {
        let Some(case) = line?.trim().parse().ok().and_then(|index: usize| cases.get(index)) else { break };
        let run = case.prepare();
        let start = cpu_time::ThreadTime::now();
        let outcome = run();
        let seconds = start.elapsed().as_secs_f64();
        println!("{seconds}\t{:016x}\t{}\t{}", outcome.checksum, outcome.quality, outcome.units);
        io::stdout().flush()?;
    }
    Ok(())
}
