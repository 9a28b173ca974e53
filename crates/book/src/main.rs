//! `cargo book [FOLDER]`: builds the book of the workspace in FOLDER (this one), checks it, and
//! prints the file to open. Exit code 1 says that the book has mistakes, listed one a line on
//! standard error.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use book::{Book, check};

fn main() -> Result<ExitCode> {
    let root = std::env::args_os()
        .nth(1)
        .map_or_else(own_workspace, PathBuf::from);
    let book = Book::build(&root)?;
    let problems = check::all(&book)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    println!("{}", book.out.join("index.html").display());
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The workspace that this program was built in.
fn own_workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("this crate lies two folders below the root")
        .to_owned()
}
