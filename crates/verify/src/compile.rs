//! Builds every stub, solution, wrong answer and check in few calls of Cargo, and checks that the
//! wrong answers are formatted and have no Clippy warnings. Only the verdict needs this style
//! check, so it runs while the checks run, which mostly wait.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use course::Course;
use course::process::{self, Ended};
use course::screen::Screen;
use serde_json::Value;

use crate::answers::Answers;
use crate::workspace::{self, Workspace, target_folder};

/// The time limit for building everything for the first time on a slow machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The programs that Cargo built, and the errors about those that it could not build.
#[derive(Default)]
pub struct Built {
    /// The programs, by package, kind (`bin`, `test`) and name.
    programs: HashMap<(String, String, String), PathBuf>,
    /// rustc's errors, by the package and name of the program that they are about.
    errors: HashMap<(String, String), String>,
    /// The workspace of the wrong answers.
    wrong: Workspace,
}

/// What Clippy and rustfmt reported about the wrong answers.
#[derive(Default)]
pub struct Style {
    warnings: HashMap<String, String>,
    unformatted: HashSet<String>,
}

impl Built {
    pub fn get(&self, package: &str, kind: &str, name: &str) -> Option<&Path> {
        let key = (package.into(), kind.into(), name.into());
        self.programs.get(&key).map(PathBuf::as_path)
    }

    /// Returns why a program could not be built; empty if that is unknown.
    pub fn error(&self, package: &str, name: &str) -> &str {
        let error = self.errors.get(&(package.into(), name.into()));
        error.map_or("", String::as_str)
    }
}

impl Style {
    /// Returns Clippy's warnings about a wrong answer that compiles.
    pub fn warning(&self, target: &str) -> Option<&str> {
        self.warnings.get(target).map(String::as_str)
    }

    pub fn is_formatted(&self, target: &str) -> bool {
        !self.unformatted.contains(target)
    }
}

/// Builds what the exercises need. Programs that don't compile are missing from the result.
pub fn build(screen: &mut Screen, course: &Course, answers: &[Answers<'_>]) -> Result<Built> {
    let mut stubs = cargo(course, "build");
    stubs.arg("--bins");
    let mut solutions = cargo(course, "build");
    solutions.args(["--bins", "--test", "check"]);
    let mut any = false;
    for Answers { exercise, .. } in answers {
        stubs.args(["-p", &exercise.package()]);
        if exercise
            .solution_path(&course.root)
            .join("Cargo.toml")
            .is_file()
        {
            solutions.args(["-p", &exercise.solution_package()]);
            any = true;
        }
    }
    let mut built = Built::default();
    build_with(screen, &mut stubs, &mut built)?;
    if any {
        build_with(screen, &mut solutions, &mut built)?;
    }
    built.wrong = workspace::make(course, answers)?;
    if !built.wrong.programs.is_empty() {
        let mut wrong = in_workspace(course, "build", &built.wrong);
        build_with(screen, &mut wrong, &mut built)?;
    }
    Ok(built)
}

/// Checks the style of the wrong answers that were built. Shows nothing on the screen.
pub fn style(course: &Course, built: &Built) -> Result<Style> {
    let mut style = Style::default();
    if !built.wrong.programs.is_empty() {
        lint(
            &mut in_workspace(course, "clippy", &built.wrong),
            &mut style,
        )?;
        look_at_format(course, built, &mut style)?;
    }
    Ok(style)
}

fn cargo(course: &Course, what: &str) -> Command {
    let mut command = course::cargo::cargo(course);
    command.args([what, "--keep-going", "--message-format", "json"]);
    command
}

fn in_workspace(course: &Course, what: &str, workspace: &Workspace) -> Command {
    let mut command = cargo(course, what);
    command
        .args(["--workspace", "--bins", "--manifest-path"])
        .arg(&workspace.manifest);
    command.arg("--target-dir").arg(target_folder(course));
    command
}

fn build_with(screen: &mut Screen, command: &mut Command, built: &mut Built) -> Result<()> {
    let (messages, said, success) = messages(screen, command)?;
    let before = built.programs.len();
    for message in &messages {
        match text(message, &["reason"]) {
            "compiler-artifact" => built.programs.extend(artifact(message)),
            "compiler-message" if text(message, &["message", "level"]) == "error" => {
                let error = built.errors.entry(about(message)).or_default();
                error.push_str(text(message, &["message", "rendered"]));
            }
            _ => {}
        }
    }
    // Some may not compile, which counts against their exercises; if all fail, the cause is
    // elsewhere.
    if !success && built.programs.len() == before {
        for error in built.errors.values() {
            writeln!(screen, "{error}")?;
        }
        bail!("Cargo built nothing:\n{said}");
    }
    Ok(())
}

/// Runs Clippy and keeps every warning, each of which would be an error elsewhere (`-D warnings`).
fn lint(command: &mut Command, style: &mut Style) -> Result<()> {
    let (messages, said, success) = messages(&mut Screen::hidden(), command)?;
    let is_error = |message: &Value| text(message, &["message", "level"]) == "error";
    // A program that doesn't compile is already a fault; nothing else stops Clippy.
    if !success && !messages.iter().any(is_error) {
        bail!("Clippy did not run:\n{said}");
    }
    for message in &messages {
        if text(message, &["reason"]) == "compiler-message" {
            let warning = style.warnings.entry(about(message).1).or_default();
            warning.push_str(text(message, &["message", "rendered"]));
        }
    }
    Ok(())
}

fn look_at_format(course: &Course, built: &Built, style: &mut Style) -> Result<()> {
    let mut rustfmt = workspace::rustfmt(course)?;
    rustfmt.args(["--check", "-l"]).args(&built.wrong.programs);
    let output = rustfmt.output().context("cannot run rustfmt")?;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    // A file that it cannot read doesn't compile either, and is already a fault.
    if !output.status.success() && listed.is_empty() && built.errors.is_empty() {
        bail!("rustfmt did not run:\n{said}");
    }
    let stems = listed
        .lines()
        .filter_map(|file| Path::new(file.trim()).file_stem());
    style.unformatted = stems
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect();
    Ok(())
}

/// Returns Cargo's messages, the rest of its output, and whether it succeeded:
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>.
fn messages(screen: &mut Screen, command: &mut Command) -> Result<(Vec<Value>, String, bool)> {
    let (what, limit) = ("the exercises", Some(LIMIT));
    let ran = course::cargo::build(screen, what, command, limit, &mut process::undisturbed)?;
    let messages = ran
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    match ran.ended {
        Ended::Itself(status) => Ok((messages.collect(), ran.stderr, status.success())),
        Ended::Stuck | Ended::Stopped => bail!("Cargo did not end within {LIMIT:?}"),
    }
}

/// Returns the executable that a message announces: its package, kind, name and file.
fn artifact(message: &Value) -> Option<((String, String, String), PathBuf)> {
    let executable = message.get("executable")?.as_str()?;
    let (package, name) = about(message);
    let kind = message["target"]["kind"].get(0)?.as_str()?.to_owned();
    Some(((package, kind, name), executable.into()))
}

/// Returns the package and the target that a message is about.
fn about(message: &Value) -> (String, String) {
    // `path+file:///…/01_whole_frames#sol-04-01@0.1.0`, or without a name if it is the folder's.
    let id = text(message, &["package_id"]);
    let (source, name) = id.rsplit_once('#').unwrap_or((id, ""));
    let package = match name.split_once('@') {
        Some((package, _)) => package,
        None => source.rsplit('/').next().unwrap_or(source),
    };
    (
        package.to_owned(),
        text(message, &["target", "name"]).to_owned(),
    )
}

fn text<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    found.and_then(Value::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_names_its_package_kind_and_file() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///c/01_frames#sol-04-01@0.1.0","target":{"kind":["test"],"name":"check"},"executable":"C:\\t\\check.exe","fresh":true}"#;
        let (key, path) = artifact(&serde_json::from_str(line).unwrap()).expect("an artifact");
        assert_eq!(key, ("sol-04-01".into(), "test".into(), "check".into()));
        assert_eq!(path, PathBuf::from(r"C:\t\check.exe"));
        let library = line.replace(r#""C:\\t\\check.exe""#, "null");
        assert!(artifact(&serde_json::from_str(&library).unwrap()).is_none());
        let short = line.replace("01_frames#sol-04-01@0.1.0", "sol-04-01#0.1.0");
        let (key, _) = artifact(&serde_json::from_str(&short).unwrap()).expect("an artifact");
        assert_eq!(key.0, "sol-04-01");
    }
}
