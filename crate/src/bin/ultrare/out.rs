//! What is said on the terminal: nothing that a file brought along may steer it, and whoever stops reading ends it quietly.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Is only what was asked for said?
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on nothing is said but errors, and what was asked for on the standard output.
pub fn quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// As shells report a program that a closed pipe ended: 128 and SIGPIPE's number.
const CLOSED_PIPE: i32 = 141;

/// `println!` for this program.
macro_rules! say {
    () => { $crate::out::put("\n") };
    ($($parts:tt)*) => { $crate::out::put(&(format!($($parts)*) + "\n")) };
}

/// `print!` for this program.
macro_rules! begin {
    ($($parts:tt)*) => { $crate::out::put(&format!($($parts)*)) };
}

/// `eprintln!` for this program.
macro_rules! complain {
    ($($parts:tt)*) => { $crate::out::complain(&format!($($parts)*)) };
}

/// To the standard output; a text's own line ends stand.
pub fn put(text: &str) {
    if is_quiet() {
        return;
    }
    written(io::stdout().lock().write_all(safe(text, true).as_bytes()));
}

/// `-` is the standard output.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Refuses a path that nothing can be written to: to be asked before any work.
pub fn check(paths: &[Option<&Path>]) -> Result<(), String> {
    for path in paths.iter().flatten().filter(|path| !is_stdout(path)) {
        let there = path.exists();
        let refused = |error: io::Error| format!("{} cannot be written: {error}", path.display());
        OpenOptions::new().append(true).create(true).open(path).map_err(refused)?;
        if !there {
            std::fs::remove_file(path).map_err(refused)?;
        }
    }
    Ok(())
}

/// A result, to a file or to the standard output.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if is_stdout(path) {
        written(io::stdout().lock().write_all(bytes));
        return Ok(());
    }
    std::fs::write(path, bytes).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// A result as JSON.
pub fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    write(path, (text + "\n").as_bytes())
}

/// To the standard error, as one line.
pub fn complain(text: &str) {
    let mut line = safe(text, false).into_owned();
    line.push('\n');
    written(io::stderr().lock().write_all(line.as_bytes()));
}

/// Words that may come from a file, as one line.
pub fn line(text: &str) -> Cow<'_, str> {
    safe(text, false)
}

/// Control characters as they are written in Rust and JSON; those too that turn the direction of what follows.
fn safe(text: &str, line_ends: bool) -> Cow<'_, str> {
    let harmful = |c: char| (c.is_control() && !(line_ends && c == '\n')) || turns(c);
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if harmful(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Nobody reads any more: what is left to say is of no use, and neither is a complaint. Other failures to write are the same
/// to a program that has nowhere else to say so.
fn written(result: io::Result<()>) {
    if let Err(error) = result {
        std::process::exit(if error.kind() == ErrorKind::BrokenPipe { CLOSED_PIPE } else { 2 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_comes_through() {
        assert_eq!(safe("plain, é, 漢 and \n a line", true), "plain, é, 漢 and \n a line");
        assert_eq!(line("a\nb\r\t\u{1b}[31m\u{7}\u{9b}c\u{7f}"), "a\\nb\\r\\t\\u{1b}[31m\\u{7}\\u{9b}c\\u{7f}");
        assert_eq!(line("user\u{202e}cod.exe"), "user\\u{202e}cod.exe");
        for c in (0..0x11_0000).filter_map(char::from_u32) {
            let shown = safe(&c.to_string(), false).into_owned();
            assert!(shown.chars().all(|c| !c.is_control()), "{c:?}");
        }
    }
}
