//! Runs the solution of 17-01, which tests servers of frames, against chapter 4's solutions and
//! wrong answers. It must call each solution good and each wrong answer bad.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use course::process::{self, Attend, Ended};
use course::{Course, Exercise};

use crate::answers::{self, Answers};
use crate::compile::Built;
use crate::judge::Fault;
use crate::{run, workspace};

const TESTER: &str = "17-01";

/// The exercises whose answers are servers, with the largest frame of each. Each server serves one
/// client after another.
const SERVERS: [(&str, &str); 2] = [("04-01", "4294967295"), ("04-02", "65536")];

/// Wrong answers whose mistake no client can observe, so the tester must call them good.
const UNSEEN: [(&str, &str, &str); 6] = [
    ("04-01", "a_length_alone_is_polite", PRINTS),
    ("04-01", "every_end_is_an_error", PRINTS),
    ("04-01", "half_a_length_is_polite", PRINTS),
    ("04-02", "allocates_the_declared_length", COSTS),
    ("04-02", "half_a_length_is_polite", PRINTS),
    ("04-02", "keeps_every_frame", COSTS),
];
const PRINTS: &str = "what it prints is not visible on the wire";
const COSTS: &str = "how much memory it uses is not visible on the wire";

/// The deadline that the tester is given for each of its steps, in milliseconds: for a server that it
/// must call good, and for one that it must call bad.
const NEVER: &str = "60000";
const SOON: &str = "3000";
/// The time limit for one judgment.
const LIMIT: Duration = Duration::from_secs(90);

/// A server of chapter 4, and what the tester must say about it.
struct Server<'b> {
    name: String,
    program: Option<&'b Path>,
    limit: &'static str,
    is_good: bool,
    /// Why the tester must call it good although it is a wrong answer.
    unseen: &'static str,
}

/// Returns the exercises whose answers are needed as servers but are not being verified themselves.
/// Empty unless the tester is being verified.
pub fn further<'c>(course: &'c Course, looked_at: &[&'c Exercise]) -> Result<Vec<Answers<'c>>> {
    if looked_at.iter().all(|exercise| exercise.id() != TESTER) {
        return Ok(Vec::new());
    }
    let is_server = |id: &str| SERVERS.iter().any(|(server, _)| *server == id);
    let wanted = |e: &&Exercise| is_server(&e.id()) && !looked_at.contains(e);
    let further = course.exercises().filter(wanted);
    further
        .map(|exercise| answers::of(course, exercise))
        .collect()
}

/// Lets the tester judge every server. Returns how many servers there are, and each wrong judgment;
/// `None` if the tester is not being verified.
pub fn prove(answers: &[Answers<'_>], built: &Built) -> Option<(usize, Vec<Fault>)> {
    let tester = answers.iter().find(|of| of.exercise.id() == TESTER)?;
    let package = tester.exercise.solution_package();
    let tester = built.get(&package, "bin", &package)?;
    let servers: Vec<Server<'_>> = answers.iter().flat_map(|of| servers(of, built)).collect();
    let mut faults = stale(&servers);
    let found = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..run::at_once() {
            scope.spawn(|| {
                while let Some(server) = servers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fault = server.judged_by(tester);
                    found.lock().expect("no thread panics here").extend(fault);
                }
            });
        }
    });
    faults.extend(found.into_inner().expect("no thread panicked"));
    faults.sort_by(|a, b| a.what.cmp(&b.what));
    Some((servers.len(), faults))
}

/// Returns the solution and the wrong answers of an exercise, if its answers are servers.
fn servers<'b>(of: &Answers<'_>, built: &'b Built) -> Vec<Server<'b>> {
    let id = of.exercise.id();
    let Some((_, limit)) = SERVERS.iter().find(|(server, _)| *server == id) else {
        return Vec::new();
    };
    let solution = of.exercise.solution_package();
    let package = workspace::package(of);
    let good = Server {
        name: format!("{id} solution"),
        program: built.get(&solution, "bin", &solution),
        limit,
        is_good: true,
        unseen: "",
    };
    let wrong = of.wrong.iter().map(|wrong| {
        let unseen = UNSEEN
            .iter()
            .find(|(of, stem, _)| *of == id && *stem == wrong.stem);
        Server {
            name: format!("{id} {}", wrong.stem),
            program: built.get(&package, "bin", &wrong.target(of.exercise)),
            limit,
            is_good: unseen.is_some(),
            unseen: unseen.map_or("", |(_, _, why)| why),
        }
    });
    [good].into_iter().chain(wrong).collect()
}

/// Returns a fault for each entry of [`UNSEEN`] that is no longer a wrong answer.
fn stale(servers: &[Server<'_>]) -> Vec<Fault> {
    let is_there = |name: &str| servers.iter().any(|server| server.name == name);
    let names = UNSEEN.iter().map(|(id, stem, _)| format!("{id} {stem}"));
    let gone = names.filter(|name| !is_there(name));
    gone.map(|name| {
        fault(
            &name,
            "a wrong answer, as testers.rs says",
            "there is no wrong answer with that name",
        )
    })
    .collect()
}

fn fault(what: &str, expected: &str, happened: &str) -> Fault {
    Fault {
        what: what.to_owned(),
        expected: expected.to_owned(),
        happened: happened.to_owned(),
        story: String::new(),
    }
}

impl Server<'_> {
    fn judged_by(&self, tester: &Path) -> Option<Fault> {
        // A server that doesn't compile counts against its own exercise.
        let program = self.program?;
        let word = if self.is_good { "good" } else { "bad: " };
        let expected = match self.unseen {
            "" => format!("`{word}`, from 17-01's solution"),
            why => format!("`{word}`, from 17-01's solution: {why}"),
        };
        match self.judgment(program, tester) {
            Ok(said) if said.starts_with(word) => None,
            Ok(said) => Some(fault(
                &self.name,
                &expected,
                &format!("`{}`", said.trim_end()),
            )),
            Err(error) => Some(fault(&self.name, &expected, &format!("{error:#}"))),
        }
    }

    fn judgment(&self, program: &Path, tester: &Path) -> Result<String> {
        let running = Running::start(program)?;
        let deadline = if self.is_good { NEVER } else { SOON };
        let mut command = Command::new(tester);
        command.args([running.address.as_str(), self.limit, "one", deadline]);
        let mut attend = Attend {
            pause: &mut process::undisturbed,
            line: &mut |_| (),
        };
        let ran = process::run(&mut command, Some(LIMIT), &mut attend)?;
        let Ended::Itself(status) = ran.ended else {
            return Ok(format!("no verdict after {LIMIT:?}"));
        };
        let code = i32::from(ran.stdout != "good\n");
        ensure!(
            status.code() == Some(code),
            "{:?}, and {status}",
            ran.stdout
        );
        Ok(ran.stdout)
    }
}

/// A running server. Dropping this ends it.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("127.0.0.1:0").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn();
        let child = child.with_context(|| format!("cannot run {}", program.display()))?;
        let address = String::new();
        let mut running = Self { child, address };
        let mut line = String::new();
        let stdout = running.child.stdout.take().context("its output is piped")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on ");
        address
            .context("it does not listen")?
            .clone_into(&mut running.address);
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended, which is one of the mistakes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_that_is_listed_as_unseen_and_is_gone_is_named() {
        let server = |(id, stem, unseen): &(&str, &str, &'static str)| Server {
            name: format!("{id} {stem}"),
            program: None,
            limit: "",
            is_good: true,
            unseen,
        };
        let mut servers: Vec<Server<'_>> = UNSEEN.iter().map(server).collect();
        assert!(stale(&servers).is_empty());
        let gone = servers.pop().expect("some are listed");
        let named: Vec<String> = stale(&servers)
            .into_iter()
            .map(|fault| fault.what)
            .collect();
        assert_eq!(named, [gone.name]);
    }
}
