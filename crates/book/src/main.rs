//! Builds the book.

use anyhow::Result;
use mdbook_driver::MDBook;

fn main() -> Result<()> {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    MDBook::load(&docs)?.build()?;
    println!("{}", docs.join("book/index.html").display());
    Ok(())
}
