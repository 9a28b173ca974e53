//! `cargo book [FOLDER]`: builds the book of the workspace in FOLDER (by default this one), checks
//! it, and prints the file to open. If the book has mistakes, the exit code is 1, and standard
//! error lists one mistake per line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use book::{Book, check};
use clap::{Arg, Command, value_parser};

fn main() -> ExitCode {
    let arguments = command().get_matches();
    let root = arguments.get_one::<PathBuf>("folder").cloned();
    match build_and_check(&root.unwrap_or_else(own_workspace)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo book: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    Command::new("book")
        .bin_name("cargo book")
        .about("Builds the book, checks it, and prints the file to open")
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .value_parser(value_parser!(PathBuf))
                .help("The workspace whose docs/ to build [default: this one]"),
        )
}

/// Returns whether the book has no mistakes.
fn build_and_check(root: &Path) -> Result<bool> {
    let book = Book::build(root)?;
    let problems = check::all(&book)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    println!("{}", book.out.join("index.html").display());
    Ok(problems.is_empty())
}

/// Returns the workspace in which this program was built.
fn own_workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("this crate lies two folders below the root")
        .to_owned()
}
