//! Reads what Cargo and rustc print: machine-readable messages on standard output, and text for
//! people on standard error.

use std::path::PathBuf;

/// An executable that Cargo built.
#[derive(Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The package's name, such as `ex-04-01`.
    pub package: String,
    /// The kind of target: `bin`, `example` or `test`.
    pub kind: String,
    /// The target's name: `check` for `tests/check.rs`.
    pub name: String,
    /// Whether it was built to run its tests.
    pub test: bool,
    /// The path of the executable.
    pub executable: PathBuf,
}

/// Returns the executable that one line of Cargo's messages announces:
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>.
///
/// Only four strings are needed, which doesn't justify making every learner build a JSON parser.
pub fn artifact(line: &str) -> Option<Artifact> {
    if !line.starts_with("{\"reason\":\"compiler-artifact\"") {
        return None;
    }
    let (_, target) = line.split_once("\"target\":{")?;
    let (_, profile) = line.split_once("\"profile\":{").unwrap_or_default();
    let (profile, _) = profile.split_once('}').unwrap_or_default();
    // `path+file:///…/01_whole_frames#sol-04-01@0.1.0`
    let package_id = string_at(line, "\"package_id\":")?;
    let (_, package) = package_id.rsplit_once('#')?;
    Some(Artifact {
        package: package.split('@').next().unwrap_or(package).to_owned(),
        kind: string_at(target, "\"kind\":[")?,
        name: string_at(target, "\"name\":")?,
        test: profile.contains("\"test\":true"),
        executable: string_at(line, "\"executable\":")?.into(),
    })
}

/// Returns the JSON string that follows the first `key`, or `None` if the value is `null`. Only the
/// escapes that Cargo uses are handled: quotes, backslashes, and control characters, which no path
/// of ours contains.
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

/// Whether rustc found an error in a Rust file below `folder` (which ends with `/`). A missing
/// linker, a full disk or a failed download are also reported as errors, but without a position in
/// such a file.
pub fn is_compile_error(stderr: &str, folder: &str) -> bool {
    let mut in_error = false;
    for line in stderr.lines().map(plain) {
        if line.starts_with("error") {
            in_error = true;
        } else if line.starts_with("warning") {
            in_error = false;
        } else if let Some(place) = line.trim_start().strip_prefix("--> ")
            && in_error
            && place.contains(".rs:")
            && place.replace('\\', "/").contains(folder)
        {
            return true;
        }
    }
    false
}

/// Returns standard error without Cargo's messages about its own progress.
pub fn rustc_only(text: &str) -> String {
    let kept = text.lines().filter(|line| !is_status(plain(line).trim()));
    kept.collect::<Vec<_>>()
        .join("\n")
        .trim_matches('\n')
        .to_owned()
}

/// The words with which Cargo's status lines begin.
const STATUS: [&str; 14] = [
    "Adding",
    "Blocking",
    "Building",
    "Checking",
    "Compiling",
    "Doc-tests",
    "Downloaded",
    "Downloading",
    "Executable",
    "Finished",
    "Fresh",
    "Locking",
    "Running",
    "Updating",
];

/// Whether this line, without colors, is one of Cargo's status lines.
pub fn is_status(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|word| STATUS.contains(&word)) && words.next().is_some()
}

/// Returns a line without its escape sequences for colors (`ESC [ … m`).
pub fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\x1b[1m\x1b[92m   Compiling\x1b[0m ex-01-01 v0.1.0 (/x)
warning: unused variable: `Running`
 --> exercises/01_a/01_b/src/main.rs:3:9
    Finished `test` profile in 0.3s
  Executable tests/check.rs (target/debug/deps/check-1)
";

    #[test]
    fn what_rustc_says_is_kept_and_what_cargo_does_is_not() {
        assert_eq!(
            rustc_only(SAID),
            "warning: unused variable: `Running`\n --> exercises/01_a/01_b/src/main.rs:3:9"
        );
    }

    #[test]
    fn only_an_error_with_a_place_in_the_exercise_is_a_mistake_of_its_code() {
        let folder = "exercises/01_a/01_b/";
        assert!(!is_compile_error(SAID, folder), "a warning");
        let error = "\x1b[1m\x1b[91merror[E0425]\x1b[0m: cannot find value `x`\n \
                     \x1b[1m\x1b[94m--> \x1b[0mexercises\\01_a\\01_b\\src\\main.rs:1:1\n";
        assert!(is_compile_error(error, folder));
        assert!(!is_compile_error(error, "exercises/02_b/01_c/"));
        let linker = format!("error: linker `cc` not found\n  |\n  = note: os error 2\n\n{SAID}");
        assert!(!is_compile_error(&linker, folder));
        let manifest = "error: unclosed table\n  --> exercises/01_a/01_b/Cargo.toml:11:14\n";
        assert!(!is_compile_error(manifest, folder));
        assert!(!is_compile_error(
            "error: could not compile `ex-01-01` (bin)\n",
            folder
        ));
    }

    #[test]
    fn an_artifact_names_its_package_kind_and_file() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///c/01_frames#sol-04-01@0.1.0","target":{"kind":["test"],"name":"check"},"profile":{"opt_level":"0","test":true},"executable":"C:\\t\\check.exe","fresh":true}"#;
        let artifact_of = artifact(line).expect("it is an artifact");
        let expected = Artifact {
            package: "sol-04-01".into(),
            kind: "test".into(),
            name: "check".into(),
            test: true,
            executable: r"C:\t\check.exe".into(),
        };
        assert_eq!(artifact_of, expected);
        assert!(artifact(r#"{"reason":"build-finished","success":true}"#).is_none());
        let library = line.replace(r#""C:\\t\\check.exe""#, "null");
        assert!(artifact(&library).is_none());
    }
}
