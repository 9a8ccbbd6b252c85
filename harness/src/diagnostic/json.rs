//! Diagnostics for programs: an array of plain objects.

use serde_json::{Value, json};

use super::Report;

/// One object for each mistake: code, file, line, column (both counted from 1), their ends (exclusive), the offending
/// text, message and suggestion.
pub fn render(report: &Report) -> Value {
    let list = report.diagnostics.iter().map(|diagnostic| {
        let place = |position: super::Position| json!({"line": position.line, "column": position.column});
        json!({
            "code": diagnostic.code.as_str(),
            "file": report.source.path(),
            "line": diagnostic.span.start.line,
            "column": diagnostic.span.start.column,
            "end": place(diagnostic.span.end),
            "text": report.text(diagnostic),
            "message": diagnostic.message,
            "suggestion": diagnostic.suggestion,
            "related": diagnostic.related.iter().map(|(span, label)| json!({
                "line": span.start.line, "column": span.start.column, "label": label,
            })).collect::<Vec<_>>(),
        })
    });
    Value::Array(list.collect())
}
