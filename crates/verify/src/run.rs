//! Runs the checks of each exercise against each of its programs, several at once, and hands the
//! exercises over in the order of the course.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use course::Course;
use course::libtest::{self, Check};
use course::process::{self, Attend, Ended};

use crate::answers::Answers;
use crate::compile::Built;
use crate::workspace;

/// What came of an exercise: of its stub, its solution and its wrong answers, in their order.
pub struct Tried {
    pub stub: Try,
    pub solution: Try,
    pub wrong: Vec<Try>,
}

impl Tried {
    /// Of all runs together.
    pub fn time(&self) -> Duration {
        let all = [&self.stub, &self.solution].into_iter().chain(&self.wrong);
        all.map(|tried| tried.time).sum()
    }
}

/// What came of one program.
pub struct Try {
    pub result: Result<Vec<Check>, Unable>,
    pub time: Duration,
    strained: bool,
}

/// Why there is no verdict on a program.
pub enum Unable {
    /// The program doesn't compile.
    NoProgram,
    /// The check doesn't compile or isn't declared.
    NoCheck,
    Stuck(Duration),
    /// The checks ended without a verdict; what they printed.
    Died(String),
}

/// How many runs go on at once, for each core. One takes a thirtieth of a core while it lasts.
const PER_CORE: usize = 3;

/// One run of the checks.
struct Job {
    program: Option<PathBuf>,
    check: Option<PathBuf>,
    /// The solution's package, where Cargo would run the check too.
    folder: PathBuf,
    package: String,
    /// The file whose order the checks are put in.
    check_rs: PathBuf,
    /// Of a wrong answer, the checks that catch it.
    caught_by: Vec<String>,
}

/// Runs everything, and calls `done` for each exercise, in order, as soon as it can be judged.
pub fn each(
    course: &Course,
    answers: &[Answers<'_>],
    built: &Built,
    limit: Duration,
    done: &mut dyn FnMut(&Answers<'_>, &Tried) -> Result<()>,
) -> Result<()> {
    let jobs: Vec<Job> = answers
        .iter()
        .flat_map(|a| programs(course, a, built))
        .collect();
    // Several per core: against a wrong answer, a check mostly waits for what never comes.
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let workers = PER_CORE * cores;
    let queue = Queue {
        jobs: &jobs,
        next: AtomicUsize::new(0),
        again: Mutex::default(),
        crowd_is_gone: Barrier::new(workers),
    };
    let (sender, results) = channel();
    thread::scope(|scope| {
        for worker in 0..workers {
            let (queue, sender, stays) = (&queue, sender.clone(), worker < cores);
            scope.spawn(move || queue.work(limit, stays, &sender));
        }
        drop(sender);
        let mut tries: Vec<Option<Try>> = jobs.iter().map(|_| None).collect();
        let mut first = 0;
        let mut waiting = answers.iter().peekable();
        for (index, tried) in results {
            tries[index] = Some(tried);
            while let Some(answers) = waiting.peek() {
                let end = first + 2 + answers.wrong.len();
                if !tries[first..end].iter().all(Option::is_some) {
                    break;
                }
                let mut of_one = tries[first..end].iter_mut().filter_map(Option::take);
                let mut one = || of_one.next().expect("all of them are there");
                let (stub, solution) = (one(), one());
                let tried = Tried {
                    stub,
                    solution,
                    wrong: of_one.collect(),
                };
                // Nobody reads on after an error: what is left need not run.
                done(answers, &tried).inspect_err(|_| queue.give_up())?;
                (first, _) = (end, waiting.next());
            }
        }
        Ok(())
    })
}

/// The runs of one exercise: the stub, the solution, the wrong answers.
fn programs(course: &Course, answers: &Answers<'_>, built: &Built) -> Vec<Job> {
    let exercise = answers.exercise;
    let (stub, solution) = (exercise.package(), exercise.solution_package());
    let package = workspace::package(answers);
    let wrong = answers.wrong.iter().map(|wrong| {
        let program = built.get(&package, "bin", &wrong.target(exercise));
        (program, wrong.caught_by.clone())
    });
    let programs = [
        (built.get(&stub, "bin", &stub), Vec::new()),
        (built.get(&solution, "bin", &solution), Vec::new()),
    ]
    .into_iter();
    let job = |(program, caught_by): (Option<&std::path::Path>, _)| Job {
        program: program.map(Into::into),
        check: built.get(&solution, "test", "check").map(Into::into),
        folder: exercise.solution_path(&course.root),
        package: solution.clone(),
        check_rs: exercise.check_rs(&course.root),
        caught_by,
    };
    programs.chain(wrong).map(job).collect()
}

/// What scripted-peer says where the machine, not the program, is what failed.
const NO_VERDICT: &str = "This machine could not judge your program.";

/// How often a run is tried whose check says that: a busy machine is no fault of the course.
const TRIES: usize = 3;

fn machine_gave_a_verdict(result: &Result<Vec<Check>, Unable>) -> bool {
    let says_so = |check: &Check| check.output.contains(NO_VERDICT);
    !matches!(result, Ok(checks) if checks.iter().any(says_so))
}

/// Whether a mistake got by, a check that catches it having passed, while the machine was strained. Where
/// every program is slow, one that is too slow, or gives up too soon, may look right. What fails on a right
/// program is never excused so.
fn got_by_under_strain(job: &Job, tried: &Try) -> bool {
    let passed = |name: &String| {
        let checks = tried.result.as_deref().unwrap_or_default();
        checks
            .iter()
            .any(|check| check.name == *name && !check.failed() && !check.skipped())
    };
    tried.strained && job.caught_by.iter().any(passed)
}

/// How long something wanted to run here and got no processor, since the machine started
/// (`/proc/pressure/cpu`, [PSI](https://docs.kernel.org/accounting/psi.html)); zero where nobody counts.
fn pressure() -> Duration {
    let text = std::fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let total = text
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("total="));
    let micros = total.and_then(|total| total.parse().ok());
    Duration::from_micros(micros.unwrap_or_default())
}

/// What is to be run, by several workers.
struct Queue<'j> {
    jobs: &'j [Job],
    next: AtomicUsize,
    /// Runs that the machine gave no verdict on, in so many words or by letting a mistake get by. They are tried again when the crowd is gone, with one
    /// per core: it may have been the other runs that kept them from theirs.
    again: Mutex<Vec<usize>>,
    crowd_is_gone: Barrier,
}

impl Queue<'_> {
    fn work(&self, limit: Duration, stays: bool, results: &Sender<(usize, Try)>) {
        let run = |index: usize, tries| {
            let start = Instant::now();
            let mut tried = attempt_on_this_machine(&self.jobs[index], limit);
            for _ in 1..tries {
                if self.has_a_verdict(index, &tried) {
                    break;
                }
                tried = attempt_on_this_machine(&self.jobs[index], limit);
            }
            tried.time = start.elapsed();
            tried
        };
        // Nobody takes what comes after the end: it need not be sent.
        while let Some(index) = self.take_next() {
            let tried = run(index, 1);
            if self.has_a_verdict(index, &tried) {
                let _ = results.send((index, tried));
            } else {
                self.again().push(index);
            }
        }
        self.crowd_is_gone.wait();
        while stays && let Some(index) = self.take_again() {
            let _ = results.send((index, run(index, TRIES - 1)));
        }
    }

    fn has_a_verdict(&self, index: usize, tried: &Try) -> bool {
        machine_gave_a_verdict(&tried.result) && !got_by_under_strain(&self.jobs[index], tried)
    }

    fn take_next(&self) -> Option<usize> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < self.jobs.len()).then_some(index)
    }

    fn take_again(&self) -> Option<usize> {
        self.again().pop()
    }

    fn again(&self) -> MutexGuard<'_, Vec<usize>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more is run.
    fn give_up(&self) {
        self.next.store(self.jobs.len(), Ordering::Relaxed);
        self.again().clear();
    }
}

/// An attempt, and whether the machine was strained meanwhile: for half of the time somebody waited for a
/// processor.
fn attempt_on_this_machine(job: &Job, limit: Duration) -> Try {
    let (start, before) = (Instant::now(), pressure());
    let result = attempt(job, limit);
    let time = start.elapsed();
    let strained = pressure().saturating_sub(before) > time / 2;
    Try {
        result,
        time,
        strained,
    }
}

fn attempt(job: &Job, limit: Duration) -> Result<Vec<Check>, Unable> {
    let program = job.program.as_ref().ok_or(Unable::NoProgram)?;
    let check = job.check.as_ref().ok_or(Unable::NoCheck)?;
    let mut command = libtest::command(check, &job.folder, &job.package);
    command.env("CHECK_PROGRAM", program);
    let mut attend = Attend {
        pause: &mut process::undisturbed,
        line: &mut |_| (),
    };
    let ran = process::run(&mut command, Some(limit), &mut attend)
        .map_err(|error| Unable::Died(format!("{error:#}")))?;
    match (ran.ended, libtest::read(&ran.stdout, &ran.stderr)) {
        (Ended::Stuck | Ended::Stopped, _) => Err(Unable::Stuck(limit)),
        (Ended::Itself(_), None) => Err(Unable::Died(ran.stdout + &ran.stderr)),
        (Ended::Itself(_), Some(mut checks)) => {
            libtest::sort_as_written(&mut checks, &job.check_rs);
            Ok(checks)
        }
    }
}

#[cfg(test)]
mod tests {
    use course::libtest::Outcome;

    use super::*;

    fn tried(outcome: Outcome, strained: bool) -> Try {
        let check = Check {
            name: "it_is_caught".to_owned(),
            outcome,
            output: String::new(),
        };
        Try {
            result: Ok(vec![check]),
            time: Duration::ZERO,
            strained,
        }
    }

    #[test]
    fn a_mistake_that_gets_by_on_a_strained_machine_is_tried_again() {
        let job = |caught_by: &[&str]| Job {
            program: None,
            check: None,
            folder: PathBuf::new(),
            package: String::new(),
            check_rs: PathBuf::new(),
            caught_by: caught_by.iter().map(ToString::to_string).collect(),
        };
        let (mistake, right) = (job(&["it_is_caught"]), job(&[]));
        assert!(got_by_under_strain(&mistake, &tried(Outcome::Passed, true)));
        assert!(!got_by_under_strain(
            &mistake,
            &tried(Outcome::Passed, false)
        ));
        assert!(!got_by_under_strain(
            &mistake,
            &tried(Outcome::Failed, true)
        ));
        assert!(!got_by_under_strain(&right, &tried(Outcome::Failed, true)));
    }
}
