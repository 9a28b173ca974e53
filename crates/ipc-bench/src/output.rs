//! Output of the program, which its reader may stop reading at any time.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Prints a message on standard error, and ignores any failure to write it.
pub fn tell(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "ipc-bench: {}", text.as_ref());
}

/// Writes to standard output. It is not an error if the reader has closed the pipe, as `| head`
/// does; a full device is one.
pub fn print(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    print_to(io::stdout().lock(), write)
}

fn print_to(
    inner: impl Write,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut out = Output {
        inner,
        failed: None,
    };
    let written = write(&mut out).and_then(|()| Ok(out.flush()?));
    match out.failed {
        Some(ErrorKind::BrokenPipe) => Ok(()),
        Some(_) => written.context("cannot write to standard output"),
        None => written,
    }
}

/// A writer that remembers its own failure. A socket's failure may look the same, and must be told
/// apart from it.
struct Output<W> {
    inner: W,
    failed: Option<ErrorKind>,
}

impl<W: Write> Output<W> {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != ErrorKind::Interrupted
        {
            self.failed = Some(error.kind());
        }
        result
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.note(flushed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_others_are() {
        let line = |out: &mut dyn Write| Ok(writeln!(out, "a line")?);
        print_to(Vec::new(), line).unwrap();
        print_to(Fails(ErrorKind::BrokenPipe), line).unwrap();
        let full = print_to(Fails(ErrorKind::StorageFull), line).unwrap_err();
        assert_eq!(full.to_string(), "cannot write to standard output");
    }

    #[test]
    fn a_socket_that_broke_is_no_closed_pipe() {
        let broken = |_: &mut dyn Write| Err(io::Error::from(ErrorKind::BrokenPipe).into());
        assert!(print_to(Vec::new(), broken).is_err());
    }
}
