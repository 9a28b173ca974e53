//! Messages about what is being waited for, so that nobody waits without knowing why.

use std::time::{Duration, Instant};

/// How long a wait may last before a message says what is being waited for, if no status line shows
/// it.
const LONG: Duration = Duration::from_secs(2);

/// Messages about what Cargo is waiting for. Each is shown only once.
pub struct Waits<'w> {
    what: &'w str,
    text: String,
    since: Instant,
    said: Vec<String>,
}

impl<'w> Waits<'w> {
    pub fn new(what: &'w str, since: Instant) -> Self {
        Self {
            what,
            text: format!("building {what}"),
            since,
            said: Vec::new(),
        }
    }

    /// Notes one of Cargo's status lines, and returns what to show for it.
    pub fn goes_on(&mut self, line: &str, now: Instant) -> String {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let own = rest.starts_with("ex-") || rest.starts_with("sol-");
        match word {
            "Blocking" => {
                let held = rest
                    .strip_prefix("waiting for file lock on ")
                    .unwrap_or(rest);
                let text = format!(
                    "waiting for another Cargo process, which holds the lock on the {held}"
                );
                (self.text, self.since) = (text, now);
                return self.text.clone();
            }
            "Updating" | "Downloading" | "Compiling" if !own => {
                let what = self.what;
                self.text =
                    format!("building {what} and its dependencies; the first time takes minutes");
            }
            _ if self.text.starts_with("waiting") => {
                (self.text, self.since) = (format!("building {}", self.what), now);
            }
            _ => {}
        }
        line.to_owned()
    }

    /// Returns the message to show if the current wait has become long.
    pub fn due(&mut self, now: Instant) -> Option<String> {
        let long = now.duration_since(self.since) >= LONG && !self.said.contains(&self.text);
        long.then(|| {
            self.said.push(self.text.clone());
            self.text.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_told_once_and_a_short_one_is_not() {
        let start = Instant::now();
        let at = |tenths: u64| start + Duration::from_millis(100 * tenths);
        let mut waits = Waits::new("ex-01-01", start);
        let blocking = "Blocking waiting for file lock on build directory";
        let lock = "waiting for another Cargo process, which holds the lock on the build directory";
        assert_eq!(waits.goes_on(blocking, at(10)), lock);
        assert_eq!(waits.due(at(25)), None);
        assert_eq!(waits.due(at(31)).as_deref(), Some(lock));
        assert_eq!(waits.due(at(99)), None);
        waits.goes_on("Compiling ex-01-01 v0.1.0 (/x)", at(100));
        assert_eq!(waits.due(at(119)), None);
        assert_eq!(waits.due(at(121)).as_deref(), Some("building ex-01-01"));
        waits.goes_on("Compiling libc v0.2.1", at(130));
        waits.goes_on("Compiling mio v1.0.0", at(131));
        assert!(
            waits
                .due(at(132))
                .is_some_and(|text| text.contains("its dependencies"))
        );
        assert_eq!(waits.due(at(200)), None);
    }
}
