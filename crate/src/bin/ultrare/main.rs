//! The pipeline from a shell: the only place of the crate that prints, has threads and looks at a clock.
#![allow(clippy::disallowed_types)]

#[macro_use]
mod out;

mod args;
mod drive;
mod figures;
mod forget;
mod input;
mod job;
mod keys;
mod lists;
#[cfg(feature = "parquet")]
mod parquet;
mod reading;
mod recommend;
mod run;
mod show;
mod sweep;
mod synth;
mod tune;
mod unlearn;
mod verify;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    if cli.quiet || cli.command.speaks_for_itself() {
        out::quiet();
    }
    let done = match cli.command {
        args::Command::Run(args) => run::run(&args),
        args::Command::Unlearn(args) => unlearn::unlearn(&args),
        args::Command::Verify(args) => match verify::verify(&args) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(message) => Err(message),
        },
        args::Command::Sweep(args) => sweep::sweep(&args),
        args::Command::Tune(args) => tune::tune(&args),
        args::Command::Keys(args) => keys::keys(&args),
        args::Command::Synth(args) => synth::synth(&args),
        args::Command::Recommend(args) => recommend::recommend(&args),
        args::Command::Job(args) => job::job(&args),
        args::Command::Completions(args) => {
            let mut command = args::Cli::command();
            clap_complete::generate(args.shell, &mut command, "ultrare", &mut std::io::stdout());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain!("ultrare: {message}");
            ExitCode::from(2)
        }
    }
}
