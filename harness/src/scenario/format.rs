//! Texts that have a form of their own: actions, objects, globs, paths, dates, schemas.

use chrono::NaiveDate;
use omnigraph::schema::{Catalog, SchemaError};

use super::model::{Actions, ObjectRef, Task, sandboxed};
use super::nearest::nearest;
use super::tree::Node;
use crate::diagnostic::{Code, Diagnostic, Source, Span};

/// Judges a text by the form that the schema asks for. A form that is not known here allows everything.
pub fn judge(form: &str, text: &str, node: &Node, source: &Source, mistakes: &mut Vec<Diagnostic>) {
    let result = match form {
        "failpoint-actions" => text.parse::<Actions>().map(drop).map_err(|message| {
            let word: String = text.chars().filter(char::is_ascii_alphabetic).collect();
            let near = nearest(&word, Task::NAMES).filter(|near| *near != word);
            Diagnostic::new(Code::BadFormat, node.span, message)
                .suggest_maybe(near.map(|near| format!("did you mean '{near}'?")))
        }),
        "object-ref" => text.parse::<ObjectRef>().map(drop).map_err(|message| path_mistake(text, message, node.span)),
        "sandbox-path" => sandboxed(text).map_err(|message| path_mistake(text, message, node.span)),
        "glob" => glob(text).map_err(|message| path_mistake(text, message, node.span)),
        "date" => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(_) => Ok(()),
            Err(_) => Err(Diagnostic::new(Code::BadFormat, node.span, format!("'{text}' is not a date"))
                .suggest("write it as YYYY-MM-DD")),
        },
        "graph-schema" => {
            mistakes.extend(schema_mistakes(text, node, source));
            Ok(())
        }
        _ => Ok(()),
    };
    mistakes.extend(result.err());
}

fn glob(text: &str) -> Result<(), String> {
    sandboxed(text)?;
    globset::Glob::new(text).map(drop).map_err(|error| format!("'{text}' is not a glob: {}", error.kind()))
}

fn path_mistake(text: &str, message: String, span: Span) -> Diagnostic {
    let outside = sandboxed(text).is_err();
    Diagnostic::new(if outside { Code::Sandbox } else { Code::BadFormat }, span, message)
}

/// The mistakes in a schema text, at their places in the scenario file where that is a literal block.
fn schema_mistakes(text: &str, node: &Node, source: &Source) -> Vec<Diagnostic> {
    let Err(errors) = Catalog::parse(text) else { return Vec::new() };
    let place = |error: &SchemaError| {
        if !node.literal {
            return node.span;
        }
        // A literal block begins where its first line does, behind the indentation that all of its lines have.
        let line = source.line_start(node.span.start.line as usize + error.line - 1);
        let start = line + node.span.start.column as usize - 1 + error.column - 1;
        source.span(start, start + error.excerpt.len())
    };
    let mistake = |error: &SchemaError| {
        let message = format!("in the schema: {}", error.message);
        Diagnostic::new(Code::BadFormat, place(error), message).suggest_maybe(error.advice.clone())
    };
    errors.iter().map(mistake).collect()
}
