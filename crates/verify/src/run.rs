//! Runs the checks of each exercise against each of its programs, several at the same time. The
//! results are delivered exercise by exercise, in the order of the course.

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

use crate::answers::{Answers, Wrong};
use crate::compile::Built;
use crate::workspace;

/// The results of an exercise: for its stub, its solution and its wrong answers, in that order.
pub struct Tried {
    pub stub: Try,
    pub solution: Try,
    pub wrong: Vec<Try>,
}

impl Tried {
    /// Returns how long all its runs took together.
    pub fn time(&self) -> Duration {
        let all = [&self.stub, &self.solution].into_iter().chain(&self.wrong);
        all.map(|tried| tried.time).sum()
    }
}

/// The result of running the checks against one program.
pub struct Try {
    pub result: Result<Vec<Check>, Unable>,
    pub time: Duration,
    /// If the program was run again, why its first run proved nothing.
    pub again: Option<&'static str>,
    strained: bool,
}

/// Why there is no verdict on a program.
pub enum Unable {
    /// The program doesn't compile.
    NoProgram,
    /// The check doesn't compile or isn't declared.
    NoCheck,
    Stuck(Duration),
    /// The test process ended without a verdict. The text is what it printed.
    Died(String),
}

/// How many runs are active at the same time for each core. One run uses about an eighth of a core.
const PER_CORE: usize = 4;

/// Exercises whose check starts so many programs that one run uses the whole machine. Only one such
/// run is active at a time.
const CROWDS: [&str; 1] = ["17-01"];

/// One run of the checks.
struct Job<'j> {
    program: Option<PathBuf>,
    check: Option<PathBuf>,
    /// The folder of the solution's package, in which Cargo would run the check, too.
    folder: PathBuf,
    package: String,
    /// The file that defines the order of the checks.
    check_rs: PathBuf,
    /// The wrong answer, if the program is one.
    wrong: Option<&'j Wrong>,
    is_crowd: bool,
}

/// Tells whether a wrong answer failed exactly the checks that its header names.
pub type AsExpected<'f> = &'f (dyn Fn(&Wrong, &Try) -> bool + Sync);

/// Runs everything. Calls `done` for each exercise, in order, as soon as it can be judged.
pub fn each(
    course: &Course,
    answers: &[Answers<'_>],
    built: &Built,
    (limit, as_expected): (Duration, AsExpected<'_>),
    done: &mut dyn FnMut(&Answers<'_>, &Tried) -> Result<()>,
) -> Result<()> {
    let jobs: Vec<Job<'_>> = answers
        .iter()
        .flat_map(|a| programs(course, a, built))
        .collect();
    // Several per core: against a wrong answer, a check mostly waits for something that never
    // happens.
    let workers = at_once();
    let queue = Queue {
        jobs: &jobs,
        as_expected,
        crowds: Line::of(&jobs, |job| job.is_crowd),
        others: Line::of(&jobs, |job| !job.is_crowd),
        again: Mutex::default(),
        crowd_is_gone: Barrier::new(workers),
    };
    let (sender, results) = channel();
    thread::scope(|scope| {
        for worker in 0..workers {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || queue.work(limit, (worker == 0, worker < cores()), &sender));
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
                // After an error no one reads further results: the rest need not run.
                done(answers, &tried).inspect_err(|_| queue.give_up())?;
                (first, _) = (end, waiting.next());
            }
        }
        Ok(())
    })
}

fn cores() -> usize {
    thread::available_parallelism().map_or(2, usize::from)
}

/// How many runs are active at the same time.
pub fn at_once() -> usize {
    PER_CORE * cores()
}

/// Runs one program of an exercise once more, by its number in the order of [`Tried`].
pub fn again(
    course: &Course,
    answers: &Answers<'_>,
    built: &Built,
    number: usize,
    limit: Duration,
) -> Try {
    attempt_on_this_machine(&programs(course, answers, built)[number], limit)
}

/// Returns the runs of one exercise: of the stub, the solution and the wrong answers.
fn programs<'j>(course: &Course, answers: &'j Answers<'_>, built: &Built) -> Vec<Job<'j>> {
    let exercise = answers.exercise;
    let (stub, solution) = (exercise.package(), exercise.solution_package());
    let package = workspace::package(answers);
    let wrong = answers.wrong.iter().map(|wrong| {
        let program = built.get(&package, "bin", &wrong.target(exercise));
        (program, Some(wrong))
    });
    let programs = [
        (built.get(&stub, "bin", &stub), None),
        (built.get(&solution, "bin", &solution), None),
    ]
    .into_iter();
    let job = |(program, wrong): (Option<&std::path::Path>, _)| Job {
        program: program.map(Into::into),
        check: built.get(&solution, "test", "check").map(Into::into),
        folder: exercise.solution_path(&course.root),
        package: solution.clone(),
        check_rs: exercise.check_rs(&course.root),
        wrong,
        is_crowd: CROWDS.contains(&exercise.id().as_str()),
    };
    programs.chain(wrong).map(job).collect()
}

/// How a report of scripted-peer begins if the machine has failed and not the program.
const NO_VERDICT: &str = "This machine could not judge your program.";

/// How many times to try a run that gives no verdict, because the machine is busy.
const TRIES: usize = 3;

fn machine_gave_a_verdict(result: &Result<Vec<Check>, Unable>) -> bool {
    let says_so = |check: &Check| check.output.contains(NO_VERDICT);
    !matches!(result, Ok(checks) if checks.iter().any(says_so))
}

/// Returns how long some task on this machine has been ready to run but got no CPU, since the
/// machine was started (`/proc/pressure/cpu`, [PSI](https://docs.kernel.org/accounting/psi.html)).
/// Returns `None` if the system doesn't count that.
fn pressure() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/pressure/cpu").ok()?;
    let total = text
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("total="))?;
    Some(Duration::from_micros(total.parse().ok()?))
}

/// A queue of runs, in their order.
struct Line {
    jobs: Vec<usize>,
    next: AtomicUsize,
}

impl Line {
    fn of(jobs: &[Job<'_>], stands_here: impl Fn(&Job<'_>) -> bool) -> Self {
        let indexes = jobs.iter().enumerate();
        let jobs = indexes.filter_map(|(index, job)| stands_here(job).then_some(index));
        Self {
            jobs: jobs.collect(),
            next: AtomicUsize::new(0),
        }
    }

    fn take(&self) -> Option<usize> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.jobs.get(next).copied()
    }

    fn give_up(&self) {
        self.next.store(self.jobs.len(), Ordering::Relaxed);
    }
}

/// All runs, shared by several workers.
struct Queue<'j> {
    jobs: &'j [Job<'j>],
    as_expected: AsExpected<'j>,
    crowds: Line,
    others: Line,
    /// The runs that gave no verdict, and why. They are tried again after all others, one per core,
    /// because the other runs may have disturbed them.
    again: Mutex<Vec<(usize, &'static str)>>,
    crowd_is_gone: Barrier,
}

impl Queue<'_> {
    /// The work of one thread. One of the threads also does the runs of [`CROWDS`], and some remain
    /// to try runs again.
    fn work(
        &self,
        limit: Duration,
        (takes_crowds, stays): (bool, bool),
        results: &Sender<(usize, Try)>,
    ) {
        let next = || {
            let crowd = if takes_crowds {
                self.crowds.take()
            } else {
                None
            };
            crowd.or_else(|| self.others.take())
        };
        // After the end there is no receiver: nothing more need be sent.
        while let Some(index) = next() {
            let tried = attempt_on_this_machine(&self.jobs[index], limit);
            match self.proves_nothing(index, &tried, true) {
                None => drop(results.send((index, tried))),
                Some(why) => self.again().push((index, why)),
            }
        }
        self.crowd_is_gone.wait();
        while stays && let Some((index, why)) = self.take_again() {
            let start = Instant::now();
            let mut tried = attempt_on_this_machine(&self.jobs[index], limit);
            for _ in 2..TRIES {
                if self.proves_nothing(index, &tried, false).is_none() {
                    break;
                }
                tried = attempt_on_this_machine(&self.jobs[index], limit);
            }
            (tried.time, tried.again) = (start.elapsed(), Some(why));
            let _ = results.send((index, tried));
        }
    }

    /// Returns why a run proves nothing, if it doesn't: its check says that the machine gave no
    /// verdict; or a wrong answer's outcome differs from its header, and the run was one of many or
    /// the machine was strained by other programs. If every program is slow, a wrong answer that is
    /// too slow, or gives up too soon, may look right, and others may be caught by further checks.
    /// A failure of a correct program is never excused this way.
    fn proves_nothing(&self, index: usize, tried: &Try, crowded: bool) -> Option<&'static str> {
        if !machine_gave_a_verdict(&tried.result) {
            return Some("the machine gave no verdict");
        }
        let wrong = self.jobs[index].wrong?;
        if tried.result.is_err() || (self.as_expected)(wrong, tried) {
            return None;
        }
        (crowded || tried.strained).then_some("its verdict was different while others ran")
    }

    fn take_again(&self) -> Option<(usize, &'static str)> {
        self.again().pop()
    }

    fn again(&self) -> MutexGuard<'_, Vec<(usize, &'static str)>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops starting further runs.
    fn give_up(&self) {
        self.crowds.give_up();
        self.others.give_up();
        self.again().clear();
    }
}

/// Runs a job, and returns whether the machine was strained meanwhile: during half the time or
/// more, some task was waiting for a CPU. If the system doesn't count that, assumes that it was.
fn attempt_on_this_machine(job: &Job<'_>, limit: Duration) -> Try {
    let (start, before) = (Instant::now(), pressure());
    let result = attempt(job, limit);
    let time = start.elapsed();
    let waited = pressure().zip(before);
    let strained = waited.is_none_or(|(now, before)| now.saturating_sub(before) > time / 2);
    Try {
        result,
        time,
        again: None,
        strained,
    }
}

fn attempt(job: &Job<'_>, limit: Duration) -> Result<Vec<Check>, Unable> {
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

    fn tried(output: &str, strained: bool) -> Try {
        let check = Check {
            name: "it_is_caught".to_owned(),
            outcome: Outcome::Failed,
            output: output.to_owned(),
        };
        Try {
            result: Ok(vec![check]),
            time: Duration::ZERO,
            again: None,
            strained,
        }
    }

    #[test]
    fn what_is_strange_of_a_wrong_answer_in_the_crowd_is_tried_again() {
        let wrong = Wrong {
            stem: String::new(),
            file: String::new(),
            caught_by: Vec::new(),
            told: String::new(),
            program: Ok(String::new()),
            moved: false,
        };
        let job = |wrong| Job {
            program: None,
            check: None,
            folder: PathBuf::new(),
            package: String::new(),
            check_rs: PathBuf::new(),
            wrong,
            is_crowd: false,
        };
        let nothing = |expected: bool, wrong, crowded, tried: &Try| {
            let jobs = [job(wrong)];
            let queue = Queue {
                jobs: &jobs,
                as_expected: &|_, _| expected,
                crowds: Line::of(&jobs, |job| job.is_crowd),
                others: Line::of(&jobs, |job| !job.is_crowd),
                again: Mutex::default(),
                crowd_is_gone: Barrier::new(1),
            };
            queue.proves_nothing(0, tried, crowded).is_some()
        };
        let (mistake, alone, crowd) = (Some(&wrong), false, true);
        assert!(nothing(false, mistake, alone, &tried("", true)));
        assert!(nothing(false, mistake, crowd, &tried("", false)));
        assert!(!nothing(true, mistake, crowd, &tried("", true)));
        assert!(!nothing(false, mistake, alone, &tried("", false)));
        // A correct program has no such excuse; a failure of the machine excuses any program.
        assert!(!nothing(false, None, crowd, &tried("", true)));
        assert!(nothing(true, mistake, alone, &tried(NO_VERDICT, false)));
        assert!(nothing(true, None, alone, &tried(NO_VERDICT, false)));
    }
}
