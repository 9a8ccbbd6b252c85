//! Takes secrets out of everything that is reported.
//!
//! Two ways, because neither is enough: the run's own secrets are known and are replaced wherever they stand; and text
//! that looks like a credential is replaced where it stands, because errors quote URLs and headers of other origin.

use std::io;

/// What stands in a secret's place.
pub use omnigraph::error::REDACTED;
use omnigraph::error::without_user_info;
use serde_json::Value;

use crate::event::{Record, Sink};

/// Names after which a secret follows, as `name=secret`, `name: secret` or `"name":"secret"`; compared without case, and
/// `-` is `_`.
const NAMES: &[&str] = &[
    "secret_access_key",
    "secret_key",
    "session_token",
    "x_amz_security_token",
    "x_amz_signature",
    "x_amz_credential",
    "authorization",
    "password",
    "signature",
];

/// Knows what must not be shown.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.secrets.len()).finish()
    }
}

impl Redactor {
    /// Shorter secrets than this are not searched for: they would tear words apart.
    pub const SECRET_LENGTH_MIN: usize = 6;

    /// Replaces these secrets, beside whatever looks like one.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> =
            secrets.into_iter().filter(|secret| secret.len() >= Self::SECRET_LENGTH_MIN).collect();
        // A secret that contains another one goes first, or half of it would be left.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Redactor { secrets }
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        let known = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED));
        without_user_info(&named(&known))
    }

    /// The record without secrets, in every string of it.
    ///
    /// # Errors
    ///
    /// A record that is no longer one without its secrets; it must not be shown then.
    pub fn redact_record(&self, record: &Record) -> serde_json::Result<Record> {
        let mut value = serde_json::to_value(record)?;
        self.redact_value(&mut value);
        serde_json::from_value(value)
    }

    /// Redacts every string in a value, keys apart.
    pub fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.redact_value(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Replaces what follows a name of a credential.
fn named(text: &str) -> String {
    let folded: String = text.to_ascii_lowercase().replace('-', "_");
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let next = NAMES
            .iter()
            .filter_map(|name| Some((folded[at..].find(name)? + at, name.len())))
            .min_by_key(|(at, length)| (*at, std::cmp::Reverse(*length)));
        let Some((start, length)) = next else { break };
        let after_name = start + length;
        match secret_range(text, after_name) {
            Some((from, to)) => {
                out.push_str(&text[at..from]);
                out.push_str(REDACTED);
                at = to;
            }
            None => {
                out.push_str(&text[at..after_name]);
                at = after_name;
            }
        }
    }
    out.push_str(&text[at..]);
    out
}

/// Where the secret stands whose name ends at `at`; `None` when the name is just a word of a sentence.
fn secret_range(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text[at..];
    let trimmed = rest.trim_start_matches(['"', '\'', ' ']);
    let value = trimmed.strip_prefix(['=', ':'])?;
    let value = value.trim_start_matches([' ', '"', '\'']);
    let from = text.len() - value.len();
    // A header's value has several words; the one that matters may be the last.
    let is_header = text[..at].to_ascii_lowercase().ends_with("authorization");
    let ends: &[char] =
        if is_header { &['\n', '\r', '"', '\''] } else { &['\n', '\r', '"', '\'', ' ', '&', ',', ';', '}', ')'] };
    let to = value.find(ends).map_or(text.len(), |length| from + length);
    (to > from).then_some((from, to))
}

/// A sink that hands on what has been redacted.
#[derive(Debug)]
pub struct Redacting<S> {
    inner: S,
    redactor: Redactor,
}

impl<S: Sink> Redacting<S> {
    /// In front of `inner`.
    pub fn new(inner: S, redactor: Redactor) -> Self {
        Redacting { inner, redactor }
    }

    /// The sink behind.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Sink> Sink for Redacting<S> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let redacted = self.redactor.redact_record(record).map_err(io::Error::other)?;
        self.inner.record(&redacted)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.inner.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Github, Html, JsonLines, Junit, Terminal, samples};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG";

    fn redactor() -> Redactor {
        Redactor::new([SECRET.to_owned(), String::new(), "ab".to_owned()])
    }

    #[test]
    fn a_known_secret_is_replaced_wherever_it_stands() {
        assert_eq!(redactor().redact(&format!("tried {SECRET}, twice {SECRET}")), "tried [redacted], twice [redacted]");
        assert_eq!(redactor().redact("about"), "about", "short secrets tear no words apart");
    }

    #[test]
    fn what_looks_like_a_credential_is_replaced() {
        for (text, redacted) in [
            ("AWS_SECRET_ACCESS_KEY=abc123 next", "AWS_SECRET_ACCESS_KEY=[redacted] next"),
            (
                "{\"secret_access_key\":\"abc\",\"region\":\"r\"}",
                "{\"secret_access_key\":\"[redacted]\",\"region\":\"r\"}",
            ),
            ("GET /b?X-Amz-Signature=deadbeef&x=1", "GET /b?X-Amz-Signature=[redacted]&x=1"),
            (
                "Authorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=c\nHost: h",
                "Authorization: [redacted]\nHost: h",
            ),
            ("http://user:pass@127.0.0.1:9000/bucket", "http://[redacted]@127.0.0.1:9000/bucket"),
            ("the signature does not match", "the signature does not match"),
            ("at http://127.0.0.1:9000/a@b", "at http://127.0.0.1:9000/a@b"),
        ] {
            assert_eq!(Redactor::default().redact(text), redacted);
        }
    }

    #[test]
    fn no_report_shows_a_secret() {
        let mut records = samples::run();
        samples::quote(&mut records, SECRET);
        let (mut lines, mut junit, mut terminal, mut html) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut annotations, mut summary) = (Vec::new(), Vec::new());
        {
            let mut sinks: Vec<Box<dyn Sink>> = vec![
                Box::new(Redacting::new(JsonLines::new(&mut lines), redactor())),
                Box::new(Redacting::new(Junit::new(&mut junit), redactor())),
                Box::new(Redacting::new(Terminal::new(&mut terminal), redactor())),
                Box::new(Redacting::new(Html::new(&mut html), redactor())),
                Box::new(Redacting::new(Github::new(&mut annotations, &mut summary), redactor())),
            ];
            for sink in &mut sinks {
                for record in &records {
                    sink.record(record).expect("memory");
                }
                sink.finish().expect("memory");
            }
        }
        for (name, report) in [
            ("json lines", lines),
            ("junit", junit),
            ("terminal", terminal),
            ("html", html),
            ("annotations", annotations),
            ("summary", summary),
        ] {
            let text = String::from_utf8(report).expect("text");
            assert!(!text.contains(SECRET), "{name} shows the secret");
            assert!(text.contains(REDACTED), "{name} never had it, so this proves nothing");
        }
    }

    #[test]
    fn a_redactor_does_not_show_its_secrets() {
        assert!(!format!("{:?}", redactor()).contains(SECRET));
    }
}
