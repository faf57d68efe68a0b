//! The pipeline from a shell.
fn main() {}
