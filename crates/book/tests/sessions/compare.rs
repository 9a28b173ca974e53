//! What was printed against what the book prints. Values that the machine chooses are compared by
//! kind; `[..]` and a line `...` stand for anything.

use std::path::Path;

use regex::Regex;
use snapbox::Data;
use snapbox::filter::NormalizeToExpected;
use snapbox::report::{Palette, write_diff};

/// Compares texts of one session.
pub struct Comparer {
    kinds: Vec<(Regex, &'static str)>,
    places: Vec<(String, &'static str)>,
    jobs: Regex,
}

impl Comparer {
    /// For a session in the folder `home` of the workspace `root`, with its sockets in `runtime`.
    pub fn new(root: &Path, home: &Path, runtime: &Path) -> Comparer {
        let kind = |pattern, name| (Regex::new(pattern).unwrap(), name);
        Comparer {
            kinds: vec![
                // A port that the kernel chose: ip(7), ip_local_port_range.
                kind(
                    r"(127\.0\.0\.1|::1\]?|localhost)(:|', )(3[3-9]\d{3}|32[89]\d{2}|327[789]\d|3276[89]|[45]\d{4}|60\d{3})\b",
                    "$1$2[PORT]",
                ),
                kind(r"\b(pid|uid|gid|ino|fd)([=: ]\s*)\d+", "$1$2[N]"),
                kind(r"\[\d+\]", "[N]"),
                kind(r"\b\d+\.\d+( ?)(ns|µs|us|ms|s)\b", "[TIME]$1$2"),
                kind(r"\b(uptime\D*)\d+", "$1[N]"),
                kind(r"\b[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d(:\d\d)?\b", "[DATE]"),
                // Of a limit on open files, what the program's other descriptors leave (chapter 18).
                kind(r"\b(max-clients is) \d+", "$1 [N]"),
                kind(r"/run/user/\d+", "/run/user/[N]"),
                kind(r"[ \t]+", " "),
                kind(r"(?m) $", ""),
                // Process, user, descriptor and device in a line of `lsof`.
                kind(
                    r"(?m)^(\S+) +\d+ \S+ +\d+u +(IPv[46]|unix) +\w+ ",
                    "$1 [PID] [USER] [FD]u $2 [DEVICE] ",
                ),
                // What clients saw while their server was killed (chapter 16).
                kind(
                    r"(?m)^(the server binds) +\d+ +[1-9]\d* +\d+$",
                    "$1 [ANSWERED] [REFUSED] [CUT OFF]",
                ),
                kind(
                    r"(?m)^(a keeper listens) +\d+ +0 +\d+$",
                    "$1 [ANSWERED] [NOBODY] [CUT OFF]",
                ),
                // The inode of a socket, which `ss` shows where TCP has a port.
                kind(r"(\.sock|\*|@\S+) \d{2,}\b", "$1 [N]"),
            ],
            jobs: Regex::new(r"(?m)^\[\d+\][+-]? +(Done|Exit|Interrupt|Killed|Terminated).*\n")
                .unwrap(),
            places: vec![
                (runtime.to_string_lossy().into_owned(), "/run/user/1000"),
                (home.to_string_lossy().into_owned(), "/tmp/session"),
                (
                    root.to_string_lossy().into_owned(),
                    "/home/you/pocket-sockets",
                ),
            ],
        }
    }

    /// `printed` with the places of this run as the book names them, and without what a shell says of
    /// its jobs.
    pub fn presentable(&self, printed: &str) -> String {
        let printed = self.jobs.replace_all(printed, "").into_owned();
        self.places
            .iter()
            .fold(printed, |text, (place, name)| text.replace(place, name))
    }

    /// Whether `printed` is what the book prints.
    pub fn same(&self, book: &str, printed: &str) -> bool {
        let (book, printed) = (self.by_kind(book), self.by_kind(&self.presentable(printed)));
        let expected = Data::text(&book);
        let actual = Data::text(printed);
        NormalizeToExpected::new()
            .redact()
            .normalize(actual, &expected)
            .to_string()
            == book
    }

    /// The difference, for a person.
    pub fn difference(&self, book: &str, printed: &str) -> String {
        let mut text = String::new();
        let (book, printed) = (Data::text(book), Data::text(self.presentable(printed)));
        let names: [&dyn std::fmt::Display; 2] = [&"in the book", &"printed"];
        write_diff(
            &mut text,
            &book,
            &printed,
            Some(names[0]),
            Some(names[1]),
            Palette::plain(),
        )
        .unwrap();
        text
    }

    fn by_kind(&self, text: &str) -> String {
        let text = text.trim_matches('\n').trim_end().to_owned();
        self.kinds.iter().fold(text, |text, (kind, name)| {
            kind.replace_all(&text, *name).into_owned()
        })
    }
}
