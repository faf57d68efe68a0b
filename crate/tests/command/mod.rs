//! The command line as tests call it: a folder of their own, a run that has to succeed, one that has to be refused.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder for the files of one test.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Empty, whatever an earlier run left. `name` is the test's own among all that call the command line.
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.0.join(name)).unwrap()).unwrap()
    }
}

pub fn ultrare(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ultrare")).args(args).output().unwrap()
}

/// What it prints.
pub fn succeeds(args: &[&str]) -> String {
    let output = ultrare(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn refuses(args: &[&str], sentence: &str) {
    let output = ultrare(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?} was not refused");
    assert!(said.contains(sentence), "{args:?} was refused with: {said}");
}
