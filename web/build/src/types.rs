//! The generated TypeScript, put in order.

use std::fs;
use std::path::Path;

/// What a project without a browser's types does not know: it stays with the functions.
const FOREIGN: [&str; 3] = ["InitInput", "InitOutput", "SyncInitInput"];

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
    let (values, types) = parted(&lines.collect::<String>());
    let names: Vec<&str> = types.iter().map(|item| name(item).unwrap_or_default()).collect();
    let from = file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_suffix(".d"));
    let beside = format!("{}_types", from.ok_or("the file of the types has another name than expected")?);
    let import = format!("import type {{ {} }} from \"./{beside}.js\";\n\n", names.join(", "));
    fs::write(file, format!("{import}{}", values.concat()))?;
    fs::write(file.with_file_name(format!("{beside}.d.ts")), types.concat())?;
    Ok(())
}

/// The file's items: functions, classes and what belongs to them; and the types of plain values, which need no browser's types.
fn parted(text: &str) -> (Vec<String>, Vec<String>) {
    let mut items = vec![String::new()];
    let mut begins = true;
    for line in text.lines() {
        // An item begins with its comment, if it has one, and ends before the next.
        let top = line.starts_with("export ") || line.starts_with("/**") || line.starts_with("/*");
        if top && begins {
            items.push(String::new());
        }
        begins = !(line.starts_with("/**") || line.starts_with(" *"));
        let item = items.last_mut().expect("there is at least one");
        item.push_str(line);
        item.push('\n');
    }
    items.into_iter().partition(|item| name(item).is_none_or(|name| FOREIGN.contains(&name)))
}

/// The name of a type of plain values; none for anything else.
fn name(item: &str) -> Option<&str> {
    let of = |line: &'_ str| -> Option<usize> {
        ["export interface ", "export type "].iter().find(|start| line.starts_with(**start)).map(|start| start.len())
    };
    let line = item.lines().find(|line| of(line).is_some())?;
    line[of(line)?..].split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// Is it an indented name and nothing else? Then the line is a field, and not the parameters of a function.
fn is_field(text: &str) -> bool {
    let name = text.trim_start();
    text.starts_with("    ") && !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}
