//! The generated TypeScript, put in order.

use std::fs;
use std::path::Path;

use crate::Result;

/// What the generator makes of the notice that holds an event, and what is written.
const UNTAGGED: (&str, &str) = (r#"({ kind: "work" } & Event)"#, "Event");

/// The types are generated from Rust types that do not know how the binding writes them:
///
/// - `None` is written as `null`, as JSON does, so that a snapshot is the same object in the page and in the command line's
///   file; the generator assumes `undefined`;
/// - every field is written, also one that may be left out when it is read; the generator makes it optional for both. What may
///   be left out is said where the client takes it.
///
/// An untagged variant is the type that it holds; the generator gives it a tag that is not written.
///
/// `Symbol.dispose` goes, because a project that uses the package would need the newest library types for it.
pub fn tidy(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?.replace(" | undefined", " | null").replace(UNTAGGED.0, UNTAGGED.1);
    let lines =
        text.lines().filter(|line| !line.contains("[Symbol.dispose]")).map(|line| match line.split_once("?: ") {
            Some((name, rest)) if is_field(name) => format!("{name}: {rest}\n"),
            _ => format!("{line}\n"),
        });
    fs::write(file, lines.collect::<String>())?;
    Ok(())
}

/// Is it an indented name and nothing else? Then the line is a field, and not the parameters of a function.
fn is_field(text: &str) -> bool {
    let name = text.trim_start();
    text.starts_with("    ") && !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}
