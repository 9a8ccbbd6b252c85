//! Why something was not done, and how it is told: to a person as text, to a program as one JSON object.

use std::io::Write;

use omnigraph::Error;
use omnigraph::error::without_user_info;
use omnigraph::printable::escaped;
use serde::Serialize;

use super::exit;
use super::output::json;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// The engine says why.
    Engine(Error),
    /// What was typed cannot be carried out.
    Usage(String),
    /// A file or standard input cannot be read.
    Input(String),
    /// What was to be shown could not be written.
    Output(std::io::Error),
    /// Somebody interrupted it, and nothing changed.
    Interrupted(&'static str),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Engine(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Output(error)
    }
}

/// The shape of an error for a program; docs/program.md describes it.
#[derive(Serialize)]
struct Told<'a> {
    kind: &'a str,
    message: String,
    advice: Option<String>,
    causes: Option<String>,
    operation_id: Option<String>,
    retryable: bool,
    exit_code: u8,
}

impl Failure {
    /// The word for it, which never changes.
    pub fn kind(&self) -> &'static str {
        match self {
            Failure::Engine(error) => error.kind().as_str(),
            Failure::Usage(_) => "usage",
            Failure::Input(_) => "input",
            Failure::Output(_) => "output",
            Failure::Interrupted(_) => "interrupted",
        }
    }

    /// Whether whoever read the output has gone away: no failure, just an end.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// Tells it on standard error, and gives the code to end with.
    pub fn tell(&self, json: bool) -> u8 {
        let text = if json { self.to_json() } else { format!("error: {}\n", self.to_text()) };
        say(&text);
        exit::of(self.kind())
    }

    fn to_text(&self) -> String {
        match self {
            Failure::Engine(error) => error.told(),
            // Written by this program, line by line; what was typed stands in it escaped.
            Failure::Usage(text) => without_user_info(text),
            Failure::Input(text) => escaped(&without_user_info(text)).into_owned(),
            Failure::Output(error) => escaped(&format!("the output could not be written: {error}")).into_owned(),
            Failure::Interrupted(what) => (*what).to_owned(),
        }
    }

    fn to_json(&self) -> String {
        let plain = |text: &str| without_user_info(text);
        let told = match self {
            Failure::Engine(error) => Told {
                kind: self.kind(),
                message: plain(error.message()),
                advice: error.advice().map(plain),
                causes: Some(error.causes()).filter(|causes| !causes.is_empty()),
                operation_id: error.operation_id().map(|id| id.to_string()),
                retryable: error.is_retryable(),
                exit_code: exit::of(self.kind()),
            },
            other => Told {
                kind: other.kind(),
                message: other.to_text(),
                advice: None,
                causes: None,
                operation_id: None,
                retryable: false,
                exit_code: exit::of(other.kind()),
            },
        };
        json::line(&serde_json::json!({ "error": told }))
    }
}

/// Writes to standard error. That nobody can hear it is no reason to end otherwise.
pub fn say(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use omnigraph::ErrorKind;

    use super::*;

    #[test]
    fn an_error_for_a_program_has_one_shape_without_passwords_and_control_characters() {
        let error = Error::new(ErrorKind::Conflict, "`a\u{9b}b` at http://bob:hunter2@h").with_advice("retry");
        let told = Failure::from(error).to_json();
        assert!(told.ends_with("}\n") && told.lines().count() == 1 && !told.contains(['\u{9b}']), "{told:?}");
        let value: serde_json::Value = serde_json::from_str(&told).unwrap();
        let message = "`a\u{9b}b` at http://[redacted]@h";
        assert_eq!(
            value,
            serde_json::json!({"error": {
                "kind": "conflict", "message": message, "advice": "retry", "causes": null, "operation_id": null,
                "retryable": true, "exit_code": 6,
            }})
        );
    }
}
