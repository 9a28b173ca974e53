//! Waiting for complete lines that a program prints.

use crate::process::Channel;
use crate::running::Running;
use crate::verdict::Verdict;

impl Running {
    /// Waits for a complete line on the program's standard error that contains `part`, and returns
    /// the first such line.
    pub fn log_line(&self, part: &str) -> Verdict<String> {
        let line = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let whole = text.rsplit_once('\n')?.0;
            whole
                .lines()
                .find(|line| line.contains(part))
                .map(ToOwned::to_owned)
        };
        self.says(Channel::Err, &format!("a line with {part:?}"), line)
    }
}
