//! A session as steps: what is done at which terminal, and what is seen after it.
//!
//! With one terminal, `$ ` starts a command, `> ` goes on with it, all else is output. With more, each
//! line begins with the terminal's name and a bar: `server | $ cargo run -p tcp-server`.

/// A session, taken apart.
pub struct Script {
    /// Whose folder it is in, where cargo needs no `-p`: `PACKAGE`, or `PACKAGE/EXAMPLE` for an
    /// earlier step of the same program.
    pub package: Option<String>,
    /// The terminals' names, in order of appearance; one that is empty if there is only one.
    pub terminals: Vec<String>,
    pub steps: Vec<Step>,
}

pub struct Step {
    /// At which terminal, by its place in [`Script::terminals`].
    pub terminal: usize,
    pub action: Action,
    /// The action as it is written, line by line, without the terminal's name.
    pub written: Vec<String>,
    /// What is seen before the next step: terminals and lines.
    pub output: Vec<(usize, String)>,
}

pub enum Action {
    /// `$ …`: a command for the shell.
    Command(String),
    /// `< …`: a line typed into the program that runs.
    Line(String),
    /// `^D`: the end of what is typed.
    EndOfInput,
    /// `^C`: SIGINT to the program that runs.
    Interrupt,
}

impl Script {
    /// Takes `text` apart, or says why it is no session.
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script {
            package: None,
            terminals: Vec::new(),
            steps: Vec::new(),
        };
        let many = text
            .lines()
            .next()
            .is_some_and(|line| marked(line).is_some());
        for line in text.lines() {
            let (name, line) = match marked(line) {
                Some(parts) if many => parts,
                None if many => {
                    return Err(format!("“{line}” does not say which terminal it is from"));
                }
                _ => ("", line),
            };
            let terminal = script.terminal(name);
            script.line(terminal, line, many)?;
        }
        if script.steps.is_empty() {
            Err("no command".to_owned())
        } else {
            Ok(script)
        }
    }

    /// Whether each line says which terminal it is from.
    pub fn is_marked(&self) -> bool {
        self.terminals != [""]
    }

    fn terminal(&mut self, name: &str) -> usize {
        self.terminals
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| {
                self.terminals.push(name.to_owned());
                self.terminals.len() - 1
            })
    }

    fn line(&mut self, terminal: usize, line: &str, many: bool) -> Result<(), String> {
        if let (
            Some(more),
            Some(Step {
                action: Action::Command(command),
                written,
                output,
                ..
            }),
        ) = (line.strip_prefix("> "), self.steps.last_mut())
            && output.is_empty()
            && command.ends_with('\\')
        {
            command.push('\n');
            command.push_str(more);
            written.push(line.to_owned());
            return Ok(());
        }
        let action = if let Some(command) = line.strip_prefix("$ ") {
            Action::Command(command.to_owned())
        } else if let (Some(typed), true) = (line.strip_prefix("< "), many) {
            Action::Line(typed.to_owned())
        } else if many && line == "^D" {
            Action::EndOfInput
        } else if many && line == "^C" {
            Action::Interrupt
        } else {
            let last = self
                .steps
                .last_mut()
                .ok_or("there is output before the first command")?;
            last.output.push((terminal, line.to_owned()));
            return Ok(());
        };
        self.steps.push(Step {
            terminal,
            action,
            written: vec![line.to_owned()],
            output: Vec::new(),
        });
        Ok(())
    }
}

/// Splits `server | $ true` at its bar.
fn marked(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once('|')?;
    let name = name.trim_end();
    let is_name = !name.is_empty() && name.chars().all(char::is_alphanumeric);
    is_name.then(|| (name, rest.strip_prefix(' ').unwrap_or(rest)))
}
