//! Where a learner or an author may work: no verdict depends on it.

use std::process::Command;

/// Settings of Cargo, as `NAME=VALUE`, several after a `;`. The first are none.
pub const CARGO: &[&str] = &[
    "",
    "CARGO_TERM_QUIET=true",
    "CARGO_TERM_VERBOSE=true",
    "CARGO_TERM_COLOR=always",
    "CARGO_TERM_PROGRESS_WHEN=always; CARGO_TERM_PROGRESS_WIDTH=40",
    "CARGO_TERM_HYPERLINKS=true; CARGO_TERM_UNICODE=true",
    "CARGO_LOG=debug",
    "CARGO_BUILD_JOBS=1; CARGO_INCREMENTAL=1",
    "CARGO_TARGET_DIR=elsewhere",
    "CARGO_BUILD_BUILD_DIR=intermediate",
    "CARGO_BUILD_WARNINGS=deny",
    "CARGO_PROFILE_DEV_PANIC=abort",
];

/// Settings of rustc, of libtest and of the checks.
pub const RUST: &[&str] = &[
    "RUST_TEST_NOCAPTURE=1",
    "RUST_TEST_THREADS=1",
    "RUST_TEST_THREADS=0",
    "RUST_TEST_SHUFFLE=1; RUST_TEST_SHUFFLE_SEED=7",
    "RUST_TEST_TIME_UNIT=1,2",
    "RUST_BACKTRACE=full; RUST_LIB_BACKTRACE=1",
    "RUST_LOG=trace; RUSTC_LOG=error",
    "CHECK_PROGRAM=/bin/false",
    "CLICOLOR_FORCE=1; FORCE_COLOR=1",
    "RUSTFLAGS=-D warnings",
    "CARGO_ENCODED_RUSTFLAGS=-Dunused\x1f--cfg=mine",
    #[cfg(unix)]
    "RUSTC_WRAPPER=/usr/bin/env",
];

/// Languages, and terminals by name.
pub const LANGUAGES: &[&str] = &[
    "LC_ALL=C; LANG=C",
    "LC_ALL=de_DE.UTF-8; LANG=de_DE.UTF-8",
    "LC_ALL=ja_JP.SJIS; LANGUAGE=ja",
    "LC_ALL=tr_TR.ISO-8859-9",
    "TERM=dumb",
    "TERM=; COLUMNS=10",
    "NO_COLOR=1",
    "TZ=Pacific/Apia",
];

/// The configuration of Cargo at home.
pub const HOMES: &[&str] = &[
    "[term]\nquiet = true",
    "[term]\nverbose = true\ncolor = \"always\"",
    "[term]\nprogress.when = \"always\"\nprogress.width = 30",
    "[term]\nhyperlinks = true",
    "[build]\nrustflags = [\"-D\", \"warnings\"]",
    "[target.'cfg(all())']\nrustflags = [\"-Dunused_variables\"]",
    "[target.'cfg(all())']\nrunner = \"false\"",
    "[build]\ntarget-dir = \"elsewhere\"",
    "[alias]\ntest = \"version\"\nlearn = \"version\"\nbuild = [\"check\", \"-q\"]",
    "[env]\nRUST_TEST_THREADS = { value = \"0\", force = true }\nRUST_TEST_NOCAPTURE = \"1\"",
    "[profile.dev]\npanic = \"abort\"\nstrip = true",
];

/// Names of the course's folder. None has `[`, `*` or `?`, where Cargo finds no member, nor `%`, where
/// LLD cannot write.
pub const FOLDERS: &[&str] = &[
    "with blanks in it",
    "Übungen – 練習 🦀",
    "-p it's \"so\" & $HOME",
];

/// Sets what one row of these says.
#[track_caller]
pub fn set(command: &mut Command, settings: &str) {
    for setting in settings.split("; ").filter(|setting| !setting.is_empty()) {
        let (name, value) = setting.split_once('=').expect("a setting has a value");
        command.env(name, value);
    }
}

/// Prints a row for each environment with how often it differs, and fails if one does.
#[track_caller]
pub fn all_the_same(rows: impl Iterator<Item = (String, Vec<String>)>) {
    let mut differing = Vec::new();
    for (name, differences) in rows {
        let word = if differences.is_empty() {
            "the same"
        } else {
            "DIFFERS"
        };
        println!("{name:<84} {word}");
        let named = differences
            .into_iter()
            .map(|text| format!("{name}: {text}"));
        differing.extend(named);
    }
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}
