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
const PER_CORE: usize = 4;

/// One run of the checks.
struct Job {
    program: Option<PathBuf>,
    check: Option<PathBuf>,
    /// The solution's package, where Cargo would run the check too.
    folder: PathBuf,
    package: String,
    /// The file whose order the checks are put in.
    check_rs: PathBuf,
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
    let wrong = answers.wrong.iter().map(|wrong| wrong.target(exercise));
    let package = workspace::package(answers);
    let wrong = wrong.map(|target| built.get(&package, "bin", &target));
    let programs = [
        built.get(&stub, "bin", &stub),
        built.get(&solution, "bin", &solution),
    ]
    .into_iter();
    let job = |program: Option<&std::path::Path>| Job {
        program: program.map(Into::into),
        check: built.get(&solution, "test", "check").map(Into::into),
        folder: exercise.solution_path(&course.root),
        package: solution.clone(),
        check_rs: exercise.check_rs(&course.root),
    };
    programs.chain(wrong).map(job).collect()
}

/// What scripted-peer says where the machine, not the program, is what failed.
const NO_VERDICT: &str = "This machine gave no verdict on your program.";

/// How often a run is tried whose check says that: a busy machine is no fault of the course.
const TRIES: usize = 3;

fn machine_gave_a_verdict(result: &Result<Vec<Check>, Unable>) -> bool {
    let says_so = |check: &Check| check.output.contains(NO_VERDICT);
    !matches!(result, Ok(checks) if checks.iter().any(says_so))
}

/// What is to be run, by several workers.
struct Queue<'j> {
    jobs: &'j [Job],
    next: AtomicUsize,
    /// Runs that the machine gave no verdict on. They are tried again when the crowd is gone, with one
    /// per core: it may have been the other runs that kept them from theirs.
    again: Mutex<Vec<usize>>,
    crowd_is_gone: Barrier,
}

impl Queue<'_> {
    fn work(&self, limit: Duration, stays: bool, results: &Sender<(usize, Try)>) {
        let run = |index: usize, tries| {
            let start = Instant::now();
            let mut result = attempt(&self.jobs[index], limit);
            for _ in 1..tries {
                if machine_gave_a_verdict(&result) {
                    break;
                }
                result = attempt(&self.jobs[index], limit);
            }
            let time = start.elapsed();
            Try { result, time }
        };
        // Nobody takes what comes after the end: it need not be sent.
        while let Some(index) = self.take_next() {
            let tried = run(index, 1);
            if machine_gave_a_verdict(&tried.result) {
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
