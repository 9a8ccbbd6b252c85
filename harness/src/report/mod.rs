//! What a run comes to, for people and for machines: consumers of the event stream and of nothing else.
//!
//! One output format, one file. [`redaction`] stands in front of all of them, so that no secret reaches a report whatever
//! an error message quotes; [`collected`] is what the formats that write at the end remember, with the
//! [`trail`] of every cell that failed.
//!
//! - [`explain`]: what a failure says of itself in text;
//! - [`terminal`]: the table of verdicts and every failure, for people;
//! - [`progress`]: what is going on meanwhile;
//! - [`json_lines`]: the stream itself;
//! - [`junit`]: JUnit XML;
//! - [`github`]: annotations and a job summary;
//! - [`html`]: one page that stands on its own;
//! - [`swarm`]: what many universes came to together.

pub mod collected;
pub mod explain;
pub mod github;
pub mod html;
pub mod json_lines;
pub mod junit;
pub mod progress;
pub mod redaction;
#[cfg(test)]
mod samples;
pub mod swarm;
pub mod terminal;
pub mod trail;

pub use github::Github;
pub use html::Html;
pub use json_lines::JsonLines;
pub use junit::Junit;
pub use progress::Progress;
pub use redaction::{Redacting, Redactor};
pub use swarm::SwarmTerminal;
pub use terminal::Terminal;
