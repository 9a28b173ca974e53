//! Whole lines of what a program prints.

use crate::process::Channel;
use crate::running::Running;
use crate::verdict::Verdict;

impl Running {
    /// A complete line that contains `part` appears on its standard error: the first such line.
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
