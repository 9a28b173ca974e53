//! A wrong answer as its author stores it: which checks catch it, what a learner who writes it was
//! thinking, and how it differs from the solution.
//!
//! ```text
//! Caught by: a_long_path_is_explained
//! Told: A longer path than fits
//! There are 108 bytes, so 108 must fit. One is for the zero at the end.
//! @@ -36 +36 @@ fn take(path: &Path) -> io::Result<(UnixListener, File)>
//! -    …
//! +    …
//! ```
//!
//! If the book shows a wrong answer by anchor, it is stored as a complete program instead,
//! `NAME.rs`, with its header in a doc comment. So is one that has next to nothing in common with
//! the solution.

use course::diff::{self, Misfit};

/// The header of a new mistake, for its author to fill in.
pub const NEW: &str = "Caught by: the_checks_that_fail\nTold: words of the first one's explanation\n\
    Why somebody writes this.\n";

/// The header of a wrong answer, as plain text without comment marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header(pub String);

/// The content of a wrong answer's file: the header, and the diff against the solution.
pub struct Mistake {
    pub header: Header,
    pub diff: String,
}

impl Mistake {
    pub fn read(text: &str) -> Self {
        let start = text.match_indices("@@ ").map(|(at, _)| at);
        let at_line_start = |at: &usize| *at == 0 || text[..*at].ends_with('\n');
        let start = start.into_iter().find(at_line_start).unwrap_or(text.len());
        let (header, diff) = text.split_at(start);
        Self {
            header: Header::new(header),
            diff: diff.to_owned(),
        }
    }

    /// Makes a mistake of an opened program, whose header is in comments. Returns `None` if the
    /// program is the same as the solution.
    pub fn of_program(text: &str, solution: &str) -> Option<Self> {
        let (header, program) = split_program(text);
        let diff = diff::make(solution, program);
        (!diff.is_empty()).then_some(Self { header, diff })
    }

    pub fn text(&self) -> String {
        format!("{}{}", self.header.0, self.diff)
    }

    /// Returns the complete program, without the header.
    pub fn program(&self, solution: &str) -> Result<String, Misfit> {
        diff::apply(solution, &self.diff)
    }

    /// Returns the complete program for its author to change, under its header in comments.
    pub fn opened(&self, solution: &str) -> String {
        let program = diff::apply_what_fits(solution, &self.diff);
        open(&self.header, &program)
    }
}

/// Returns a program under its header, which is written as comments.
pub fn open(header: &Header, program: &str) -> String {
    let comment = |line: &str| format!("// {line}").trim_end().to_owned() + "\n";
    let comments: String = header.0.lines().map(comment).collect();
    format!("{comments}\n{program}")
}

/// Splits the text of an opened program into its header and the program itself.
fn split_program(text: &str) -> (Header, &str) {
    let is_plain = |line: &&str| {
        line.starts_with("//") && !line.starts_with("///") && !line.starts_with("//!")
    };
    let comments: Vec<&str> = text.split_inclusive('\n').take_while(is_plain).collect();
    let length: usize = comments.iter().map(|line| line.len()).sum();
    let lines = comments.iter().map(|line| uncomment(line, "//"));
    let header: Vec<&str> = lines.collect();
    let program = text[length..].trim_start_matches('\n');
    (Header::new(&header.join("\n")), program)
}

fn uncomment<'l>(line: &'l str, mark: &str) -> &'l str {
    let line = line.trim_end();
    let text = line.strip_prefix(mark).unwrap_or(line);
    text.strip_prefix(' ').unwrap_or(text)
}

impl Header {
    /// Makes a header of `text`, without the blank lines before and after the author's explanation,
    /// which separate it from the fields above and the `@@` below.
    pub fn new(text: &str) -> Self {
        let is_field = |line: &str| line.starts_with("Caught by:") || line.starts_with("Told:");
        let lines: Vec<&str> = text.trim().lines().collect();
        let fields = lines.iter().rposition(|line| is_field(line));
        let (fields, thought) = lines.split_at(fields.map_or(0, |last| last + 1));
        let thought = thought.iter().skip_while(|line| line.trim().is_empty());
        let kept: Vec<&str> = fields.iter().chain(thought).copied().collect();
        Self(kept.join("\n") + "\n")
    }

    /// Reads the header of a complete program from the program's doc comment.
    pub fn of_docs(program: &str) -> Self {
        let docs = program.lines().take_while(|line| line.starts_with("//!"));
        let lines: Vec<&str> = docs.map(|line| uncomment(line, "//!")).collect();
        Self(lines.join("\n") + "\n")
    }

    /// Returns the names after `Caught by:`. A line that ends with a comma continues on the next
    /// line.
    pub fn caught_by(&self) -> Vec<String> {
        let mut lines = self.0.lines();
        let first = lines.find_map(|line| line.strip_prefix("Caught by:"));
        let mut named = first.unwrap_or("").to_owned();
        while named.ends_with(',')
            && let Some(more) = lines.next()
        {
            named.push_str(more);
        }
        let names = named
            .split(',')
            .map(|name| name.trim_matches([' ', '`', '.']).to_owned());
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Returns the rest of the line after `Told:`.
    pub fn told(&self) -> String {
        let told = self.0.lines().find_map(|line| line.strip_prefix("Told:"));
        told.unwrap_or("").trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLUTION: &str = "//! Says hello.\n\nfn main() {\n    println!(\"hello\");\n}\n";

    #[test]
    fn a_wrong_answer_names_the_checks_that_catch_it() {
        let header = |text: &str| Header(text.to_owned());
        let several = header("Caught by: `a`, b,\ntcp::c.\n\nOne read, one message.\n");
        assert_eq!(several.caught_by(), ["a", "b", "tcp::c"]);
        assert_eq!(
            Header::of_docs("//! One read.\n//! Caught by: a\n").caught_by(),
            ["a"]
        );
        assert!(header("").caught_by().is_empty());
    }

    #[test]
    fn and_the_words_by_which_the_first_explains_it() {
        let text = "//! Caught by: a, b\n//! Told: Keep reading until\n//!\n//! One read.\n\nfn x";
        let header = Header::of_docs(text);
        assert_eq!(header.told(), "Keep reading until");
        assert_eq!(
            header.0,
            "Caught by: a, b\nTold: Keep reading until\n\nOne read.\n"
        );
        assert_eq!(Header::of_docs("//! Caught by: a\n").told(), "");
    }

    #[test]
    fn what_is_opened_and_closed_again_is_the_same() {
        let text = format!(
            "{NEW}{}",
            diff::make(SOLUTION, &SOLUTION.replace("hello\"", "hi\""))
        );
        let mistake = Mistake::read(&text);
        assert_eq!(mistake.header.0, NEW);
        let opened = mistake.opened(SOLUTION);
        assert!(
            opened.starts_with("// Caught by: the_checks_that_fail\n// Told"),
            "{opened}"
        );
        assert!(opened.contains("\n// Why somebody writes this.\n\n//! Says hello.\n"));
        let closed = Mistake::of_program(&opened, SOLUTION).expect("it differs");
        assert_eq!(closed.text(), text);
    }

    #[test]
    fn a_header_has_no_blank_lines_around_the_thought() {
        let text = "Caught by: a,\nb\nTold: Keep\n\nOne read.\n\nReally.\n\n";
        let expected = "Caught by: a,\nb\nTold: Keep\nOne read.\n\nReally.\n";
        assert_eq!(Header::new(text).0, expected);
        assert_eq!(Header::new(expected).0, expected);
        assert_eq!(Header::new("Caught by: a\n\n").0, "Caught by: a\n");
    }

    #[test]
    fn the_solution_itself_is_no_mistake() {
        assert!(Mistake::of_program(&open(&Header(NEW.into()), SOLUTION), SOLUTION).is_none());
        assert!(Mistake::of_program(SOLUTION, SOLUTION).is_none());
    }
}
