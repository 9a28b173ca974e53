//! Builds every stub, solution, wrong answer and check, in two calls of Cargo.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::answers::Answers;
use crate::check::{cargo, rustc_only};
use crate::course::Course;
use crate::process::{self, Attend, Ended, Limit};
use crate::screen::Screen;

/// A first build of everything, on a slow machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What Cargo built, and where: by package, kind (`bin`, `example`, `test`) and name.
pub struct Built(HashMap<(String, String, String), PathBuf>);

impl Built {
    pub fn get(&self, package: &str, kind: &str, name: &str) -> Option<&Path> {
        self.0
            .get(&(package.into(), kind.into(), name.into()))
            .map(PathBuf::as_path)
    }
}

/// Builds what the exercises need. What doesn't compile is missing afterwards, its errors shown.
pub fn build(screen: &mut Screen, course: &Course, answers: &[Answers<'_>]) -> Result<Built> {
    let mut stubs = cargo(course);
    stubs.args(["build", "--bins"]);
    let mut rest = cargo(course);
    rest.args(["build", "--bins", "--test", "check"]);
    if answers.iter().any(|answers| !answers.wrong.is_empty()) {
        rest.args(["--examples", "--features", "wrong"]);
    }
    let mut solutions = 0;
    for Answers { exercise, .. } in answers {
        stubs.args(["-p", &exercise.package()]);
        if exercise
            .solution_path(&course.root)
            .join("Cargo.toml")
            .is_file()
        {
            rest.args(["-p", &exercise.solution_package()]);
            solutions += 1;
        }
    }
    let mut built = HashMap::new();
    add(screen, &mut stubs, &mut built)?;
    if solutions > 0 {
        add(screen, &mut rest, &mut built)?;
    }
    Ok(Built(built))
}

fn add(
    screen: &mut Screen,
    command: &mut Command,
    built: &mut HashMap<(String, String, String), PathBuf>,
) -> Result<()> {
    command.args([
        "--keep-going",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let ran = process::run(
        command,
        Limit {
            time: LIMIT,
            from: None,
        },
        &mut Attend {
            pause: &mut process::undisturbed,
            line: &mut |line| {
                // A terminal that is gone is noticed below.
                let _ = screen.transient(line.trim());
            },
        },
    )?;
    screen.clear_transient()?;
    let said = rustc_only(&ran.stderr);
    if !said.is_empty() {
        writeln!(screen, "{said}\n")?;
    }
    let before = built.len();
    built.extend(ran.stdout.lines().filter_map(artifact));
    match ran.ended {
        // Some may not compile, which their exercises are judged for; if all fail, it isn't theirs.
        Ended::Itself(status) if status.success() || built.len() > before => Ok(()),
        Ended::Itself(_) => bail!("Cargo built nothing; what it says is above"),
        Ended::Stuck | Ended::Stopped => bail!("Cargo did not end within {LIMIT:?}"),
    }
}

/// An executable, from one line of Cargo's messages:
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>.
///
/// Four strings are wanted of it, which is no reason for every learner to build a JSON parser.
fn artifact(line: &str) -> Option<((String, String, String), PathBuf)> {
    if !line.starts_with("{\"reason\":\"compiler-artifact\"") {
        return None;
    }
    let (_, target) = line.split_once("\"target\":{")?;
    let executable = string_at(line, "\"executable\":")?;
    // `path+file:///…/01_whole_frames#sol-04-01@0.1.0`
    let package_id = string_at(line, "\"package_id\":")?;
    let (_, package) = package_id.rsplit_once('#')?;
    let package = package.split('@').next().unwrap_or(package);
    let (kind, name) = (
        string_at(target, "\"kind\":[")?,
        string_at(target, "\"name\":")?,
    );
    Some(((package.to_owned(), kind, name), executable.into()))
}

/// The JSON string right after the first `key`; nothing if a `null` stands there. Cargo escapes
/// what it must: quotes, backslashes, and control characters, which no path of ours has.
fn string_at(text: &str, key: &str) -> Option<String> {
    let (_, rest) = text.split_once(key)?;
    let mut letters = rest.strip_prefix('"')?.chars();
    let mut string = String::new();
    loop {
        match letters.next()? {
            '"' => return Some(string),
            '\\' => string.push(letters.next()?),
            letter => string.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_names_its_package_kind_and_file() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///c/01_frames#sol-04-01@0.1.0","target":{"kind":["test"],"name":"check"},"executable":"C:\\t\\check.exe","fresh":true}"#;
        let (key, path) = artifact(line).expect("it is an artifact");
        assert_eq!(key, ("sol-04-01".into(), "test".into(), "check".into()));
        assert_eq!(path, PathBuf::from(r"C:\t\check.exe"));
        assert!(artifact(r#"{"reason":"build-finished","success":true}"#).is_none());
        assert!(
            artifact(&line.replace(r#""C:\\t\\check.exe""#, "null")).is_none(),
            "a library"
        );
    }
}
