//! `chaos list`: which scenarios there are, and where they run.

use super::exit::Exit;
use super::flags::ListArgs;
use super::select::select;
use crate::runner::places;
use crate::scenario::model::Kind;

/// Lists scenarios.
///
/// # Errors
/// A path that cannot be read.
pub fn command(args: &ListArgs) -> Result<Exit, String> {
    let selected = select(&args.select)?;
    let mut text = String::new();
    for scenario in &selected.scenarios {
        let places = places(scenario);
        let backends = places.iter().filter(|(_, lacking)| lacking.is_none()).map(|(backend, _)| backend.as_str());
        let backends: Vec<&str> = backends.collect();
        let kind = match scenario.kind() {
            Kind::Case => String::new(),
            other => format!("  a {}", other.as_str()),
        };
        text.push_str(&format!("{}  [{}]{kind}\n", scenario.name, backends.join(", ")));
        if args.long {
            let tags: Vec<&str> = scenario.tags.iter().map(String::as_str).collect();
            let why = scenario.why.trim().replace('\n', " ");
            text.push_str(&format!("    {}\n    why: {why}\n    tags: {}\n", scenario.summary, tags.join(", ")));
        }
    }
    super::print(&text)?;
    for (found, report) in &selected.invalid {
        eprintln!(
            "{} is invalid: {} mistakes; 'chaos check' shows them",
            found.path.display(),
            report.diagnostics.len()
        );
    }
    match (selected.scenarios.is_empty(), selected.invalid.is_empty()) {
        (_, false) => Ok(Exit::Usage),
        (true, true) => Ok(Exit::Nothing),
        (false, true) => Ok(Exit::Held),
    }
}
