//! Opens a stored mistake as a complete program, and saves it as a mistake again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use course::screen::Screen;
use course::{Course, Exercise, diff, read_text};

use crate::answers::{self, Wrong, folder};
use crate::mistake::{self, Header, Mistake};
use crate::workspace::{rustfmt, target_folder};

/// The name that stands for the stub where a mistake's name is expected.
const STUB: &str = "stub";

/// `cargo verify open NN-MM NAME`: writes the complete program, and prints its path.
pub fn open(screen: &mut Screen, course: &Course, exercise: &Exercise, name: &str) -> Result<()> {
    check_name(name)?;
    ensure!(
        name != STUB,
        "the stub is already open as {}",
        exercise.file()
    );
    let folder = folder(course, exercise);
    let whole = folder.join(format!("{name}.rs"));
    ensure!(
        !whole.exists(),
        "it is a complete program, for the book: change {}",
        whole.display()
    );
    let program = opened(course, exercise, name);
    if program.exists() {
        bail!(
            "{} is open already: save it, or delete it",
            program.display()
        );
    }
    let solution = answers::solution(course, exercise)?;
    let kept = folder.join(format!("{name}.diff"));
    let text = if kept.exists() {
        Mistake::read(&read_text(&kept)?).opened(&solution)
    } else {
        mistake::open(&Header(mistake::NEW.to_owned()), &solution)
    };
    write(&program, &text)?;
    writeln!(
        screen,
        "{}",
        screen.paint.name(&program.display().to_string())
    )?;
    if diff::is_marked(&text) {
        writeln!(
            screen,
            "Parts of it no longer fit the solution: look for `<<<<<<<`."
        )?;
    }
    let save = format!("cargo verify save {} {name}", exercise.id());
    writeln!(screen, "Change it, then: {}", screen.paint.name(&save))?;
    Ok(())
}

/// `cargo verify save NN-MM NAME`: formats the program that `open` wrote, stores it as a mistake,
/// and deletes it.
pub fn save(screen: &mut Screen, course: &Course, exercise: &Exercise, name: &str) -> Result<()> {
    check_name(name)?;
    if name == STUB {
        return save_stub(screen, course, exercise);
    }
    let program = opened(course, exercise, name);
    ensure!(
        program.exists(),
        "{} is not there: cargo verify open {} {name}",
        program.display(),
        exercise.id()
    );
    if diff::is_marked(&read_text(&program)?) {
        bail!(
            "{} still has parts between `<<<<<<<` and `>>>>>>>`",
            program.display()
        );
    }
    format(course, &program)?;
    let solution = answers::solution(course, exercise)?;
    let mistake = Mistake::of_program(&read_text(&program)?, &solution)
        .with_context(|| format!("nothing to save: {} is the solution", program.display()))?;
    let kept = folder(course, exercise).join(format!("{name}.diff"));
    write(&kept, &mistake.text())?;
    fs::remove_file(&program).with_context(|| format!("cannot remove {}", program.display()))?;
    wrote(screen, course, &kept)
}

/// Stores the author's `src/main.rs` as the stub, if it still contains a `todo!`.
fn save_stub(screen: &mut Screen, course: &Course, exercise: &Exercise) -> Result<()> {
    let stub = read_text(&exercise.main_rs(&course.root))?;
    let file = exercise.file();
    ensure!(
        stub.contains("todo!("),
        "{file} is not a stub: it contains no todo!"
    );
    let kept = exercise.stub_diff(&course.root);
    write(
        &kept,
        &diff::make(&answers::solution(course, exercise)?, &stub),
    )?;
    wrote(screen, course, &kept)
}

/// `cargo verify save NN-MM`: formats and saves again every mistake that still fits the solution,
/// and lists those that don't.
pub fn save_all(screen: &mut Screen, course: &Course, exercise: &Exercise) -> Result<bool> {
    let solution = answers::solution(course, exercise)?;
    let answers = answers::of(course, exercise)?;
    let is_diff = |answer: &&Wrong| answer.file.ends_with(".diff");
    let mut all = true;
    for answer in answers.wrong.iter().filter(is_diff) {
        let kept = exercise.solution_path(&course.root).join(&answer.file);
        let Ok(program) = &answer.program else {
            let open = format!("cargo verify open {} {}", exercise.id(), answer.stem);
            writeln!(screen, "{} no longer fits: {open}", answer.file)?;
            all = false;
            continue;
        };
        let before = read_text(&kept)?;
        let header = Mistake::read(&before).header;
        let scratch =
            target_folder(course).join(format!("mistakes/formatted-{}.rs", std::process::id()));
        write(&scratch, program)?;
        format(course, &scratch)?;
        let diff = diff::make(&solution, &read_text(&scratch)?);
        let text = Mistake { header, diff }.text();
        if text != before {
            write(&kept, &text)?;
            wrote(screen, course, &kept)?;
        }
    }
    // The lines that the stub was a diff against may have moved too; only its author can say what
    // it should be.
    if let Ok(stub) = exercise.stub(&course.root) {
        let kept = exercise.stub_diff(&course.root);
        let text = diff::make(&solution, &stub);
        if read_text(&kept)? != text {
            write(&kept, &text)?;
            wrote(screen, course, &kept)?;
        }
    }
    Ok(all)
}

fn opened(course: &Course, exercise: &Exercise, name: &str) -> PathBuf {
    target_folder(course)
        .join("mistakes")
        .join(exercise.id())
        .join(format!("{name}.rs"))
}

/// Tests that a mistake's name can be used for a file and a program.
fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let good = !name.is_empty() && name.chars().all(fits);
    ensure!(
        good,
        "a mistake's name has only lowercase letters, digits and `_`, not {name:?}"
    );
    Ok(())
}

fn format(course: &Course, program: &Path) -> Result<()> {
    let mut rustfmt = rustfmt(course)?;
    let output = rustfmt
        .arg(program)
        .output()
        .context("cannot run rustfmt")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "rustfmt cannot read {}:\n{said}",
        program.display()
    );
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn wrote(screen: &mut Screen, course: &Course, file: &Path) -> Result<()> {
    let name = file
        .strip_prefix(&course.root)
        .unwrap_or(file)
        .display()
        .to_string();
    writeln!(screen, "wrote {}", screen.paint.name(&name))?;
    Ok(())
}
