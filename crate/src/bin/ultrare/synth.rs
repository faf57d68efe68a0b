//! `ultrare synth`.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use ultrare::interactions::{Size, SyntheticConfig, synthetic, to_csv};

use crate::args::Synth;

/// Writes a generated file.
pub fn synth(args: &Synth) -> Result<(), String> {
    let base = Size::Small.config(args.seed.into());
    let config = SyntheticConfig { users: args.users, items: args.items, rows: args.rows, ..base };
    let made = synthetic(&config).map_err(|error| error.to_string())?;
    let told = |error: std::io::Error| format!("{} cannot be written: {error}", args.out.display());
    let mut out = BufWriter::new(File::create(&args.out).map_err(told)?);
    let data = &made.interactions;
    to_csv(data, &mut out).and_then(|()| out.flush()).map_err(told)?;
    let (rows, users, items) = (data.rows().len(), data.users().len(), data.items().len());
    say!("{rows} rows of {users} users and {items} items in {}", args.out.display());
    Ok(())
}
