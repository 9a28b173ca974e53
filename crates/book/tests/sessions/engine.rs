//! Plays a session, step by step, and compares what each step prints.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::compare::Comparer;
use crate::room::Room;
use crate::script::{Action, Script, Step};
use crate::terminal::{ENDED, Terminal};

/// For how long nothing must come until what came is written into the book. No verdict depends on it.
const QUIET: Duration = Duration::from_millis(1500);

/// Plays `script` in a room of its own. A step may take as long as `limit`, and what others print when
/// its command has ended, a quarter of it. The result is the session's text with what was printed if
/// `update` is set, or what went wrong.
pub fn run(script: &Script, root: &Path, limit: Duration, update: bool) -> Result<String, String> {
    let room = Room::new(root, script.package.as_deref());
    let mut play = Play::new(script, &room, root, limit);
    let mut text = String::new();
    for step in &script.steps {
        let done = describe(step);
        play.act(step).map_err(|why| format!("{done}: {why}"))?;
        let printed = play
            .watch(step, update)
            .map_err(|why| format!("after {done}: {why}"))?;
        if let Some(program) = room.not_found() {
            return Err(format!(
                "after {done}: {program} is not installed, or not known to the sessions"
            ));
        }
        text.push_str(&play.write(step, &printed));
    }
    play.leave().map_err(|why| format!("at the end: {why}"))?;
    Ok(text)
}

fn describe(step: &Step) -> String {
    match &step.action {
        Action::Command(command) => format!("`{command}`"),
        _ => format!("`{}`", step.written.join("\n")),
    }
}

struct Play<'a> {
    script: &'a Script,
    room: &'a Room,
    limit: Duration,
    comparer: Comparer,
    terminals: Vec<Terminal>,
    output: Receiver<(usize, Vec<u8>)>,
    /// What was printed at each terminal since the last step.
    pending: Vec<Vec<u8>>,
    /// Where what the last step printed was taken before its newline came.
    mid_line: Vec<bool>,
}

impl<'a> Play<'a> {
    fn new(script: &'a Script, room: &'a Room, root: &Path, limit: Duration) -> Play<'a> {
        let (sender, output) = channel();
        let numbers = 0..script.terminals.len();
        Play {
            script,
            room,
            limit,
            comparer: Comparer::new(root, &room.home(), &room.runtime()),
            terminals: numbers
                .map(|n| Terminal::open(room, n, sender.clone()))
                .collect(),
            output,
            pending: vec![Vec::new(); script.terminals.len()],
            mid_line: vec![false; script.terminals.len()],
        }
    }

    fn act(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Command(command) => {
                self.room.build_programs(command)?;
                self.wait_until(self.limit, |play| !play.terminals[step.terminal].busy)
                    .map_err(|()| "the command before it has not ended")?;
                let terminal = &mut self.terminals[step.terminal];
                if self.script.is_marked() {
                    terminal.start_with_input(self.room, command);
                } else {
                    terminal.start(command);
                }
                Ok(())
            }
            Action::Line(line) => self.terminals[step.terminal].type_line(line),
            Action::EndOfInput => {
                let _ = self.terminals[step.terminal].end_input();
                Ok(())
            }
            Action::Interrupt => self.terminals[step.terminal].interrupt(),
        }
    }

    /// Waits for what the step should print and takes it.
    fn watch(&mut self, step: &Step, update: bool) -> Result<Vec<String>, String> {
        if update {
            self.wait_until_quiet();
            return Ok(self.take());
        }
        let as_printed = |play: &Play<'_>| {
            (0..play.pending.len()).all(|n| play.comparer.same(&expected(step, n), &play.text(n)))
        };
        let ended = |play: &Play<'_>| play.script.is_marked() || !play.terminals[0].busy;
        if self
            .wait_until(self.limit, |play| {
                ended(play) && (as_printed(play) || !play.script.is_marked())
            })
            .is_ok()
            && self.wait_until(self.limit / 4, as_printed).is_ok()
        {
            return Ok(self.take());
        }
        let not_found = self
            .room
            .not_found()
            .map(|program| format!("{program} is not installed\n"));
        let mut why = not_found.unwrap_or_default();
        if !ended(self) {
            why.push_str("the command does not end (a server is started with &)\n");
        }
        for n in 0..self.pending.len() {
            let (book, printed) = (expected(step, n), self.text(n));
            if !self.comparer.same(&book, &printed) {
                why.push_str(&self.comparer.difference(&book, &printed));
            }
        }
        Err(why)
    }

    /// Nothing more may have been printed when all programs are ended.
    fn leave(&mut self) -> Result<(), String> {
        if !self.script.is_marked() {
            return Ok(());
        }
        // Who was typed to may still be about to answer: it ends with its input.
        let typed_to: Vec<usize> = (0..self.terminals.len())
            .filter(|&n| self.terminals[n].end_input())
            .collect();
        let _ = self.wait_until(self.limit / 4, |play| {
            typed_to.iter().all(|&n| !play.terminals[n].busy)
        });
        self.room.end_all();
        for terminal in &mut self.terminals {
            terminal.busy = false;
        }
        while self.receive(Duration::from_secs(1)) {}
        let more = self.take().concat();
        let more = self.comparer.presentable(&more);
        if more.trim().is_empty() {
            Ok(())
        } else {
            Err(format!(
                "more was printed:
{more}"
            ))
        }
    }

    /// The step as the book would print it: as it stands there if that is what was printed.
    fn write(&self, step: &Step, printed: &[String]) -> String {
        let mut lines: Vec<_> = step
            .written
            .iter()
            .map(|line| (step.terminal, line.clone()))
            .collect();
        let same = printed
            .iter()
            .enumerate()
            .all(|(n, text)| self.comparer.same(&expected(step, n), text));
        if same {
            lines.extend(step.output.iter().cloned());
        } else {
            for (n, text) in printed.iter().enumerate() {
                let text = self.comparer.presentable(text);
                lines.extend(
                    text.trim_matches('\n')
                        .lines()
                        .map(|line| (n, line.to_owned())),
                );
            }
        }
        let width = self
            .script
            .terminals
            .iter()
            .map(String::len)
            .max()
            .unwrap_or_default();
        lines
            .iter()
            .map(|(n, line)| match &*self.script.terminals[*n] {
                "" => format!("{line}\n"),
                name => format!("{name:width$}") + format!(" | {line}").trim_end() + "\n",
            })
            .collect()
    }

    fn take(&mut self) -> Vec<String> {
        let texts = (0..self.pending.len()).map(|n| self.text(n)).collect();
        for (pending, mid_line) in self.pending.iter_mut().zip(&mut self.mid_line) {
            *mid_line = pending.last().map_or(*mid_line, |&last| last != b'\n');
            pending.clear();
        }
        texts
    }

    fn text(&self, terminal: usize) -> String {
        String::from_utf8_lossy(&self.pending[terminal]).into_owned()
    }

    fn wait_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&Play<'_>) -> bool,
    ) -> Result<(), ()> {
        let deadline = Instant::now() + limit;
        while !done(self) {
            if !self.receive(deadline.saturating_duration_since(Instant::now())) {
                return if done(self) { Ok(()) } else { Err(()) };
            }
        }
        Ok(())
    }

    fn wait_until_quiet(&mut self) {
        let deadline = Instant::now() + self.limit;
        let one_runs = |play: &Play<'_>| !play.script.is_marked() && play.terminals[0].busy;
        while self.receive(QUIET) || (one_runs(self) && Instant::now() < deadline) {}
    }

    /// Takes what a terminal prints within `limit`; `false` if none does.
    fn receive(&mut self, limit: Duration) -> bool {
        match self.output.recv_timeout(limit) {
            Ok((number, mut printed)) => {
                if printed.contains(&ENDED) {
                    self.terminals[number].busy = false;
                }
                printed.retain(|&byte| byte != ENDED);
                if std::mem::take(&mut self.mid_line[number]) && printed.first() == Some(&b'\n') {
                    printed.remove(0);
                }
                self.pending[number].extend(printed);
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}

fn expected(step: &Step, terminal: usize) -> String {
    let lines = step.output.iter().filter(|(n, _)| *n == terminal);
    lines.map(|(_, line)| format!("{line}\n")).collect()
}
