//! A workspace of two or more tiny exercises in a folder of its own, laid out as this one is.
//!
//! Each exercise's program should say `hello`, once. Its check runs the program and compares; a
//! failure is told as a story that ends with a chapter's section. `cargo verify` is tried in the same
//! workspaces (`crates/verify/tests/`).
#![allow(dead_code, reason = "each of the two programs needs a part of it")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use course::diff;
use tempfile::TempDir;

pub const STUB: &str = "fn main() {\n    todo!(\"say hello\");\n}\n";
pub const SOLVED: &str = "fn main() {\n    println!(\"hello\");\n}\n";
const SILENT: &str = "Caught by: says_hello, is_brief\nTold: Say hello\n";
const CHATTY: &str = "Caught by: is_brief\nTold: Say hello, once.\n";
const README: &str = "# Hello\n\nSay it. Checks: `says_hello`, `is_brief`.\n\n## Hints\n\n\
    ### Hint 1\n\nA program says something with a macro.\n\n\
    ### Hint 2\n\nIt is `println!`.\n\n### Hint 3\n\nIts argument is in quotes.\n";

/// The checks that every exercise here has; libtest would run `is_brief` first.
const CHECK: &str = r#"
use std::process::Command;

fn said() -> (String, String) {
    let own = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));
    let program = std::env::var("CHECK_PROGRAM").unwrap_or_else(|_| own.into());
    let output = Command::new(program).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn judge(holds: bool, said: &(String, String)) {
    if !holds {
        eprintln!("   0.1 ms  peer <- {:?}\n          expected   \"hello\\n\"", said.0);
        eprintln!("   program: {}", said.1.trim());
        eprintln!(" Say hello, once.\n Chapter 1: docs/src/01-first-words.md, \"Hello\"");
        std::panic::resume_unwind(Box::new(()));
    }
}

#[test]
fn says_hello() {
    let said = said();
    judge(said.0.contains("hello"), &said);
}

#[test]
fn is_brief() {
    let said = said();
    judge(said.0.lines().count() == 1, &said);
}
"#;

pub struct Scratch {
    /// Kept until the end.
    _folder: TempDir,
    root: PathBuf,
}

impl Scratch {
    /// A workspace with two exercises in two chapters.
    pub fn new() -> Self {
        Self::empty().with_two()
    }

    /// The same in a folder of this name.
    pub fn within(name: &str) -> Self {
        Self::empty_within(name).with_two()
    }

    fn with_two(self) -> Self {
        self.exercise("01_first_words/01_hello");
        self.exercise("02_more_words/01_again");
        self
    }

    pub fn empty() -> Self {
        Self::empty_within("course")
    }

    fn empty_within(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path().join(name);
        let scratch = Self {
            _folder: folder,
            root,
        };
        scratch.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"exercises/*/*\", \"solutions/*/*\"]\n\n\
             [profile.dev]\ndebug = false\nincremental = false\n",
        );
        scratch.write("docs/src/01-first-words.md", "# What is a word?\n");
        scratch
    }

    /// Adds `NN_chapter/MM_name`, an exercise that lacks nothing.
    pub fn exercise(&self, folder: &str) {
        let id = format!(
            "{}-{}",
            &folder[..2],
            &folder.split('/').next_back().expect("it has")[..2]
        );
        let package = |kind: &str| {
            format!(
                "[package]\nname = \"{kind}-{id}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n"
            )
        };
        let (own, solution) = (format!("exercises/{folder}"), format!("solutions/{folder}"));
        let bin = format!("[[bin]]\nname = \"ex-{id}\"\npath = \"src/main.rs\"\ntest = false\n");
        self.write(&format!("{own}/Cargo.toml"), &(package("ex") + &bin));
        self.write(&format!("{own}/README.md"), README);
        self.write(&format!("{own}/src/main.rs"), STUB);
        self.write(&format!("{own}/tests/check.rs"), CHECK);
        let manifest = package("sol")
            + "[[test]]\nname = \"check\"\npath = \"../../../"
            + &own
            + "/tests/check.rs\"\n";
        self.write(&format!("{solution}/Cargo.toml"), &manifest);
        self.write(&format!("{solution}/src/main.rs"), SOLVED);
        self.write(&format!("{solution}/stub.diff"), &diff::make(SOLVED, STUB));
        self.wrong(folder, "silent", SILENT, "fn main() {}\n");
        self.wrong(
            folder,
            "chatty",
            CHATTY,
            &SOLVED.replace("hello", "hello\\nhello"),
        );
    }

    /// Adds a wrong answer to an exercise, or replaces one: its header, and its program.
    pub fn wrong(&self, folder: &str, stem: &str, header: &str, program: &str) {
        let solution = self.read(&format!("solutions/{folder}/src/main.rs"));
        let text = format!("{header}{}", diff::make(&solution, program));
        self.write(&format!("solutions/{folder}/wrong/{stem}.diff"), &text);
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().expect("it is below the folder")).expect("a folder");
        fs::write(file, text).expect("a file can be written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::create_dir_all(self.file(to).parent().expect("it is below the folder")).expect(to);
        fs::rename(self.file(from), self.file(to)).expect(from);
    }

    /// Writes the exercise as a learner would who knows.
    pub fn solve(&self, folder: &str) {
        self.write(&format!("exercises/{folder}/src/main.rs"), SOLVED);
    }

    /// `cargo learn ARGS…` or `cargo verify ARGS…` in the workspace, as `cargo run` would start it.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(crate::PROGRAM);
        command.args(args).current_dir(self.path());
        for name in [
            "CI",
            "NO_COLOR",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET_DIR",
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
        ] {
            command.env_remove(name);
        }
        command.env("CARGO_NET_OFFLINE", "true");
        command
    }

    pub fn learn(&self, args: &[&str]) -> Said {
        Said::of(&mut self.command(args), "")
    }

    /// The same where everything is meant to run.
    pub fn run_in_ci(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).env("CI", "true"), "")
    }

    /// `cargo verify ARGS…`.
    pub fn run(&self, args: &[&str]) -> Said {
        self.learn(args)
    }

    /// The same, with an answer to what it asks.
    pub fn learn_answering(&self, args: &[&str], answer: &str) -> Said {
        Said::of(&mut self.command(args), answer)
    }
}

/// What a command said, and how it ended.
pub struct Said {
    pub text: String,
    pub success: bool,
}

impl Said {
    pub fn of(command: &mut Command, input: &str) -> Self {
        let pipes = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        // One that doesn't ask may have ended before it is answered.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        Self {
            text,
            success: status.success(),
        }
    }

    #[track_caller]
    pub fn says(&self, expected: &str) -> &Self {
        assert!(
            self.text.contains(expected),
            "expected {expected:?} in:\n{}",
            self.text
        );
        self
    }

    #[track_caller]
    pub fn never_says(&self, unwanted: &str) -> &Self {
        assert!(
            !self.text.contains(unwanted),
            "did not expect {unwanted:?} in:\n{}",
            self.text
        );
        self
    }

    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert!(self.success, "expected success:\n{}", self.text);
        self
    }

    #[track_caller]
    pub fn fails(&self) -> &Self {
        assert!(!self.success, "expected failure:\n{}", self.text);
        self
    }
}
