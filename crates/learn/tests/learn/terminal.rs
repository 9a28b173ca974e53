//! On a terminal: what is written over fits into its width, and the verdict is the same.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::scratch::Scratch;
use crate::settings::verdict;

/// Runs a command on a terminal of so many columns; what it wrote there.
fn on_terminal(mut command: Command, columns: u16) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("it is ours");
    unlockpt(&terminal).expect("it is ours");
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).expect("a terminal has a size");
    let name = ptsname(&terminal, Vec::new()).expect("it has a name");
    let name = name.into_string().expect("its name is ASCII");
    let open = || OpenOptions::new().read(true).write(true).open(&name);
    let end = || Stdio::from(open().expect("its other end opens"));
    command.stdin(end()).stdout(end()).stderr(end());
    let mut child = command.spawn().expect("it starts");
    drop(command);
    let reader = thread::spawn(move || {
        let (mut text, mut bytes) = (Vec::new(), [0; 4096]);
        let mut terminal = File::from(terminal);
        // Linux ends a terminal that nobody has open any more with an error, EIO.
        while let Ok(count) = terminal.read(&mut bytes)
            && count > 0
        {
            text.extend_from_slice(&bytes[..count]);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    child.wait().expect("it ends");
    reader.join().expect("reading does not panic")
}

/// The columns that each line which is written over takes.
fn widths(text: &str) -> Vec<usize> {
    let over: Vec<&str> = text.split("\r\x1b[K").collect();
    let shown = &over[1..over.len() - 1];
    let plain = |line: &&str| line.replace("\x1b[2m", "").replace("\x1b[0m", "");
    shown
        .iter()
        .map(|line| plain(line).chars().count())
        .collect()
}

#[test]
fn every_width_and_kind_of_terminal_shows_the_same_verdict() {
    let scratch = Scratch::within("a folder with a name that is wider than some terminals");
    scratch.solve("01_first_words/01_hello");
    for (columns, term, no_color) in [
        (200, "xterm-256color", ""),
        (40, "xterm", ""),
        (12, "screen", ""),
        (1, "xterm", ""),
        (0, "xterm", ""),
        (80, "xterm", "1"),
        (80, "dumb", ""),
        (80, "", ""),
    ] {
        for (exercise, expected) in [
            (
                "01-01",
                vec!["✓ says_hello", "✓ is_brief", "01-01 hello is solved."],
            ),
            (
                "02-01",
                vec![
                    "✗ says_hello",
                    "✗ is_brief",
                    "not yet implemented: say hello",
                ],
            ),
        ] {
            let mut command = scratch.command(&["check", exercise]);
            command.env("TERM", term).env("NO_COLOR", no_color);
            let text = on_terminal(command, columns);
            let name = format!("{columns} columns, TERM={term}, NO_COLOR={no_color}, {exercise}");
            assert_eq!(verdict(&text), expected, "{name}: {text:?}");
            let colored = text.contains("\x1b[32m") || text.contains("\x1b[31m");
            assert_eq!(
                colored,
                no_color.is_empty() && term != "dumb",
                "{name}: {text:?}"
            );
            if term == "dumb" {
                assert!(!text.contains('\x1b'), "{name}: {text:?}");
            } else {
                let room = if columns == 0 {
                    80
                } else {
                    usize::from(columns)
                };
                let widths = widths(&text);
                assert!(
                    !widths.is_empty(),
                    "{name}: nothing says what is waited for"
                );
                assert!(
                    widths.iter().all(|width| *width < room.max(1)),
                    "{name}: {widths:?}"
                );
            }
            println!("{name:<72} the same");
        }
    }
}
