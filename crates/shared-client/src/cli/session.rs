//! Without a command: sends each line of standard input with Say, and prints its reply.

use super::{LARGEST_INPUT, Transport, ask, close, explain, output, tell};
use crate::Client;
use anyhow::Context;
use shared_proto::tutorial::Request;
use std::io::{self, BufRead, IsTerminal, Read};

/// Whether every line got the right answer; `false` has already been reported.
pub(super) fn run<T: Transport>(
    transport: &T,
    mut client: Client<T::Stream>,
) -> anyhow::Result<bool> {
    let mut input = Lines::new();
    let mut well = true;
    while let Some(line) = input.next()? {
        if line.eq_ignore_ascii_case(b"close") {
            close(transport, client)?;
            return Ok(well);
        }
        well &= match std::str::from_utf8(line) {
            Ok(text) => ask(transport, &mut client, Request::Say(text))?,
            Err(error) => {
                tell::<T>(&format!(
                    "NotText: line {} is not UTF-8 from byte {} on, and was not sent to {}; \
                     send text in UTF-8, or other bytes with echo -",
                    input.number,
                    error.valid_up_to(),
                    transport.address()
                ));
                false
            }
        };
    }
    let finished = client.finish();
    finished.map_err(|error| explain::failed_call(transport, error.failure()))?;
    Ok(well)
}

/// The lines of standard input, each without its `\n` or `\r\n`; with a prompt if both standard
/// input and output are a terminal.
struct Lines {
    prompting: bool,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    fn new() -> Self {
        Lines {
            prompting: io::stdin().is_terminal() && io::stdout().is_terminal(),
            line: Vec::new(),
            number: 0,
        }
    }

    fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        if self.prompting {
            output::write(b"> ")?;
        }
        self.line.clear();
        self.number += 1;
        let came = io::stdin()
            .lock()
            .take(LARGEST_INPUT + 1)
            .read_until(b'\n', &mut self.line)
            .context("cannot read standard input")?;
        anyhow::ensure!(
            came as u64 <= LARGEST_INPUT,
            "TooLarge: line {} has more than {LARGEST_INPUT} bytes; send less",
            self.number
        );
        if came == 0 {
            if self.prompting {
                output::write(b"\n")?;
            }
            return Ok(None);
        }
        let line = self
            .line
            .strip_suffix(b"\n")
            .map_or(&self.line[..], |line| {
                line.strip_suffix(b"\r").unwrap_or(line)
            });
        Ok(Some(line))
    }
}
