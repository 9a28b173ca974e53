//! `cargo learn`: shows where you stand in the exercises, and checks the next one.
//!
//! It does what `cargo test -p ex-NN-MM` does, and keeps one text file, `.learn-state`: a learner
//! can do without both. It writes to an exercise only in `reset`, after making a copy. What counts
//! as solved is decided in `scripted-peer` and in the exercise's `tests/check.rs`, never here.
//!
//! For authors of exercises there is `cargo verify`, a separate crate.

mod check;
mod file;
mod hint;
mod progress;
mod reset;
mod solution;
mod stand;
mod verdict;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::progress::Progress;
use course::screen::Screen;
use course::{Course, Exercise};

fn main() -> ExitCode {
    let matches = command().get_matches();
    match dispatch(&matches) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo learn: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let exercise = || Arg::new("exercise").value_name("NN-MM");
    let required = || {
        exercise()
            .required(true)
            .help("The exercise, such as 04-01")
    };
    let time = || {
        Arg::new("time-limit")
            .long("time-limit")
            .value_name("SECONDS")
            .default_value("120")
            .value_parser(value_parser!(u64).range(1..))
            .help("Stop a check, and everything it started, after this long")
    };
    Command::new("learn")
        .bin_name("cargo learn")
        .about("Shows where you stand in the exercises, and checks the next one")
        .after_help("Without cargo learn: `cargo test -p ex-04-01` checks exercise 04-01.")
        .subcommands([
            Command::new("list").about("List every exercise, and mark the solved ones"),
            Command::new("check")
                .about("Check the next exercise, or the one you name")
                .args([
                    exercise().help("The exercise, such as 04-01 [default: the next one]"),
                    time(),
                ]),
            Command::new("watch")
                .about("Check again whenever you save")
                .after_help(
                    "Press Enter to check the next exercise; type q and press Enter (or press \
                     Ctrl-C) to quit.",
                )
                .args([
                    exercise().help("The exercise to begin with [default: the next one]"),
                    time(),
                ]),
            Command::new("hint")
                .about("Show a hint; 1 helps a little, 3 a lot")
                .override_usage("cargo learn hint [NN-MM] [1..3]")
                .arg(
                    Arg::new("what")
                        .num_args(0..=2)
                        .value_name("NN-MM or 1..3")
                        .help("The exercise [default: the next one], and which hint [default: 1]"),
                ),
            Command::new("reset")
                .about(
                    "Reset an exercise to its original state; your version is kept in \
                     .learn-backups",
                )
                .arg(required()),
            Command::new("solution")
                .about("Show how our solution differs from yours")
                .args([
                    required(),
                    flag(
                        "yes",
                        "Don't ask for confirmation when the exercise isn't solved",
                    )
                    .short('y'),
                ]),
        ])
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// Runs the given command, and returns whether everything that it checked is fine.
fn dispatch(matches: &ArgMatches) -> Result<bool> {
    let course = Course::find()?;
    let screen = &mut Screen::stdout();
    let Some((name, args)) = matches.subcommand() else {
        return stand::stand(screen, &course, Duration::from_secs(120));
    };
    match name {
        "list" => stand::list(screen, &course).map(|()| true),
        "check" => check(screen, &course, args),
        "watch" => {
            let first = args.get_one::<String>("exercise");
            let first = first.map(|name| course.named(name)).transpose()?;
            watch::watch(screen, &course, first, time_limit(args)).map(|()| true)
        }
        "hint" => hint(screen, &course, args),
        "reset" => reset::reset(screen, &course, named(&course, args)?).map(|()| true),
        "solution" => {
            solution::solution(screen, &course, named(&course, args)?, args.get_flag("yes"))
        }
        other => unreachable!("clap knows no subcommand {other}"),
    }
}

fn check(screen: &mut Screen, course: &Course, args: &ArgMatches) -> Result<bool> {
    let mut progress = Progress::load(course);
    let exercise = match args.get_one::<String>("exercise") {
        Some(name) => course.named(name)?,
        None => next(course)?,
    };
    stand::check_one(screen, course, &mut progress, exercise, time_limit(args))
}

fn hint(screen: &mut Screen, course: &Course, args: &ArgMatches) -> Result<bool> {
    let (mut exercise, mut number) = (None, 1);
    for what in args.get_many::<String>("what").unwrap_or_default() {
        match what.parse() {
            Ok(wanted) => number = wanted,
            Err(_) => exercise = Some(course.named(what)?),
        }
    }
    let exercise = exercise.map_or_else(|| next(course), Ok)?;
    hint::hint(screen, course, exercise, number).map(|()| true)
}

fn named<'c>(course: &'c Course, args: &ArgMatches) -> Result<&'c Exercise> {
    course.named(
        args.get_one::<String>("exercise")
            .expect("clap requires it"),
    )
}

fn next(course: &Course) -> Result<&Exercise> {
    let next = Progress::load(course).next(course);
    match next {
        Some(next) => Ok(next),
        None if course.chapters.is_empty() => bail!("exercises/ holds no exercise"),
        None => bail!("all exercises are solved; name one: `cargo learn list`"),
    }
}

fn time_limit(args: &ArgMatches) -> Duration {
    Duration::from_secs(*args.get_one("time-limit").expect("clap knows its default"))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
