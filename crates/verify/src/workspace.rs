//! Creates the workspace in which wrong answers are compiled: `target/verify/`.
//!
//! It has a package for each exercise, with the dependencies and lints of the exercise's solution,
//! and a program for each wrong answer. Versions, profile and `Cargo.lock` are those of the course,
//! and so is the target folder, so that no dependency is built twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use course::{Course, read_text};
use toml::{Table, Value};

use crate::answers::Answers;

#[derive(Default)]
pub struct Workspace {
    pub manifest: PathBuf,
    /// The source files of all wrong answers.
    pub programs: Vec<PathBuf>,
}

/// Returns the folder that Cargo builds in, unless it is configured otherwise.
pub fn target_folder(course: &Course) -> PathBuf {
    let own = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    course.root.join(own)
}

/// Writes the workspace. Files that already have the right content aren't touched, so that they
/// aren't built again.
pub fn make(course: &Course, answers: &[Answers<'_>]) -> Result<Workspace> {
    let folder = target_folder(course).join("verify");
    let mut root = root_manifest(course)?;
    let mut programs = Vec::new();
    let mut members = Vec::new();
    for of_one in answers {
        let solution = of_one.exercise.solution_path(&course.root);
        let made = sources(of_one, &folder.join(of_one.exercise.id()))?;
        if made.is_empty() || !solution.join("Cargo.toml").is_file() {
            continue;
        }
        let manifest = package_manifest(&solution, &package(of_one))?;
        let own = folder.join(of_one.exercise.id()).join("Cargo.toml");
        write(&own, &manifest.to_string())?;
        members.push(Value::from(of_one.exercise.id()));
        programs.extend(made);
    }
    table(&mut root, "workspace").insert("members".into(), Value::Array(members));
    let manifest = folder.join("Cargo.toml");
    write(&manifest, &root.to_string())?;
    let lock = course.root.join("Cargo.lock");
    if lock.exists() {
        write(&folder.join("Cargo.lock"), &read_text(&lock)?)?;
    }
    Ok(Workspace { manifest, programs })
}

/// Returns the name of the package that contains an exercise's wrong answers.
pub fn package(answers: &Answers<'_>) -> String {
    format!("wrong-{}", answers.exercise.id())
}

/// Returns a command that runs rustfmt, as it is configured for the course.
pub fn rustfmt(course: &Course) -> Result<Command> {
    let root = parse(&course.root.join("Cargo.toml"))?;
    let package = root
        .get("workspace")
        .and_then(|workspace| workspace.get("package"));
    let edition = package.and_then(|package| package.get("edition")?.as_str());
    let mut command = Command::new("rustfmt");
    command.args(["--edition", edition.unwrap_or("2024")]);
    let names = [".rustfmt.toml", "rustfmt.toml"];
    if let Some(name) = names.iter().find(|name| course.root.join(name).exists()) {
        command.arg("--config-path").arg(course.root.join(name));
    }
    Ok(command)
}

/// Writes each wrong answer that fits the solution, and removes those that no longer exist.
fn sources(answers: &Answers<'_>, folder: &Path) -> Result<Vec<PathBuf>> {
    let bins = folder.join("src/bin");
    let mut programs = Vec::new();
    for answer in &answers.wrong {
        let Ok(text) = &answer.program else { continue };
        let source = bins.join(answer.target(answers.exercise) + ".rs");
        write(&source, text)?;
        programs.push(source);
    }
    let kept: BTreeSet<&PathBuf> = programs.iter().collect();
    for entry in fs::read_dir(&bins).into_iter().flatten() {
        let path = entry?.path();
        if !kept.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(programs)
}

/// Returns the course's manifest without its members.
fn root_manifest(course: &Course) -> Result<Table> {
    let mut root = parse(&course.root.join("Cargo.toml"))?;
    root.retain(|key, _| key == "workspace" || key == "profile");
    let workspace = table(&mut root, "workspace");
    workspace.retain(|key, _| ["resolver", "package", "dependencies", "lints"].contains(&key));
    if let Some(Value::Table(dependencies)) = workspace.get_mut("dependencies") {
        paths_from(dependencies, &course.root);
    }
    // Half of each program's file would be debug information, mostly the standard library's.
    let dev = table(table(&mut root, "profile"), "dev");
    dev.insert("debug".into(), false.into());
    Ok(root)
}

/// Returns the manifest for a solution's wrong answers, made from the solution's own. Cargo finds
/// the programs by their files.
fn package_manifest(solution: &Path, name: &str) -> Result<Table> {
    let mut manifest = parse(&solution.join("Cargo.toml"))?;
    manifest.retain(|key, _| ["package", "dependencies", "target", "lints"].contains(&key));
    table(&mut manifest, "package").insert("name".into(), name.into());
    if let Some(Value::Table(dependencies)) = manifest.get_mut("dependencies") {
        paths_from(dependencies, solution);
    }
    Ok(manifest)
}

/// Makes paths to dependencies absolute.
fn paths_from(dependencies: &mut Table, folder: &Path) {
    for (_, dependency) in dependencies.iter_mut() {
        if let Some(Value::String(path)) = dependency.get_mut("path") {
            *path = folder.join(&path).to_string_lossy().into_owned();
        }
    }
}

fn table<'t>(of: &'t mut Table, key: &str) -> &'t mut Table {
    let value = of.entry(key).or_insert_with(|| Value::Table(Table::new()));
    value
        .as_table_mut()
        .expect("Cargo has read this manifest, where it is a table")
}

fn parse(manifest: &Path) -> Result<Table> {
    let text = read_text(manifest)?;
    text.parse()
        .with_context(|| format!("cannot read {}", manifest.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(file).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let folder = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
