//! The native side of `npm run bench -- kernels`: prints the cases, then for every number it reads prepares and runs that
//! case and prints its CPU seconds and its outcome. One line per answer, fields separated by tabs. Two arguments, if there are any,
//! are the files that models train on and are measured on.
#![allow(clippy::print_stdout)] // talking over its standard streams is what this program is for

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if let [train, test] = files.as_slice()
        && !ultrare_kernels::give(&std::fs::read(train)?, &std::fs::read(test)?)
    {
        return Err(io::Error::other(format!("{train} or {test} is no file of interactions")));
    }
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
