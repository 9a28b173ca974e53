//! `cargo verify`: proves what the exercises promise. It is for the authors of exercises.
//!
//! Learners don't need it: `cargo learn` shares only the code that reads the course (the crate
//! `course`). The module [`mod@prove`] says what is proven, [`mistake`] how a wrong answer is
//! stored, and [`author`] how it is changed.
//!
//! `.github/CONTRIBUTING.md` explains step by step how to add an exercise.

mod answers;
mod author;
mod compile;
mod judge;
mod mistake;
mod prove;
mod quoted;
mod run;
mod testers;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use course::screen::Screen;
use course::{Course, Exercise};

fn main() -> ExitCode {
    let matches = command().get_matches();
    match dispatch(&matches) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo verify: {error:#}");
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
    let name = || Arg::new("name").value_name("NAME");
    Command::new("verify")
        .bin_name("cargo verify")
        .about("Proves that stubs fail, solutions pass and wrong answers are caught")
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(true)
        .args([
            exercise().help("The exercise, such as 04-01 [default: all]"),
            Arg::new("may-skip")
                .long("may-skip")
                .value_name("CHECK")
                .action(ArgAction::Append)
                .help("With CI=true, a check that may be skipped here; repeatable"),
            Arg::new("time-limit")
                .long("time-limit")
                .value_name("SECONDS")
                .default_value("120")
                .value_parser(value_parser!(u64).range(1..))
                .help(
                    "Stop the checks of one program, and everything they started, after this \
                       long",
                ),
        ])
        .subcommands([
            Command::new("open")
                .about("Write a wrong answer out as a complete program, to edit it")
                .args([
                    required(),
                    name()
                        .required(true)
                        .help("Its file name; a new one begins as a copy of the solution"),
                ]),
            Command::new("save")
                .about("Save a program that was opened as a mistake again")
                .args([
                    required(),
                    name().help(
                        "Its file name, or `stub` for the exercise's src/main.rs [default: every \
                         mistake that still fits, in its current form]",
                    ),
                ]),
        ])
}

/// Runs the given command, and returns whether everything that it checked is fine.
fn dispatch(matches: &ArgMatches) -> Result<bool> {
    let course = Course::find()?;
    let screen = &mut Screen::stdout();
    let named = |args: &ArgMatches| exercise(&course, args).cloned();
    let name = |args: &ArgMatches| args.get_one::<String>("name").cloned();
    match matches.subcommand() {
        Some(("open", args)) => {
            let name = name(args).expect("clap requires it");
            author::open(screen, &course, &named(args)?, &name).map(|()| true)
        }
        Some(("save", args)) => match name(args) {
            Some(name) => author::save(screen, &course, &named(args)?, &name).map(|()| true),
            None => author::save_all(screen, &course, &named(args)?),
        },
        _ => prove(screen, &course, matches),
    }
}

fn prove(screen: &mut Screen, course: &Course, args: &ArgMatches) -> Result<bool> {
    let only = args.contains_id("exercise").then(|| exercise(course, args));
    let may_skip = args.get_many::<String>("may-skip").unwrap_or_default();
    let seconds = args.get_one("time-limit").expect("clap knows its default");
    let rules = judge::Rules {
        time: Duration::from_secs(*seconds),
        strict: std::env::var_os("CI").is_some_and(|value| value == "true"),
        may_skip: may_skip.cloned().collect(),
    };
    prove::prove(screen, course, only.transpose()?, &rules)
}

fn exercise<'c>(course: &'c Course, args: &ArgMatches) -> Result<&'c Exercise> {
    let name = args.get_one::<String>("exercise");
    course.named(name.expect("it is required, or looked for first"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
