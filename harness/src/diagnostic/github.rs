//! Diagnostics as workflow commands, so that a pull request shows them beside the line.

use super::Report;

/// One command for each mistake.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for diagnostic in &report.diagnostics {
        let span = diagnostic.span;
        let message = match &diagnostic.suggestion {
            Some(suggestion) => format!("{}; {suggestion}", diagnostic.message),
            None => diagnostic.message.clone(),
        };
        // An annotation that ends on another line may not name columns.
        let columns = if span.start.line == span.end.line {
            format!(",col={},endColumn={}", span.start.column, span.end.column)
        } else {
            String::new()
        };
        text.push_str(&format!(
            "::error file={},line={},endLine={}{columns},title={}::{}\n",
            property(report.source.path()),
            span.start.line,
            span.end.line,
            property(diagnostic.code.as_str()),
            data(&message),
        ));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Diagnostic, Source};

    #[test]
    fn a_message_cannot_break_out_of_its_command() {
        let source = Source::new("a,b.yaml", "x: 1\n");
        let span = source.span(0, 1);
        let mistake = Diagnostic::new(Code::UnknownKey, span, "bad\n::error::injected 100%");
        let text = render(&Report::new(source, vec![mistake]));
        assert_eq!(
            text,
            "::error file=a%2Cb.yaml,line=1,endLine=1,col=1,endColumn=2,title=unknown-key::bad%0A::error::injected 100%25\n"
        );
    }
}
