//! `chaos coverage`: which windows were struck in a run, and why the others were not.

use std::fs::{self, File};
use std::io::BufReader;

use super::exit::Exit;
use super::flags::CoverageArgs;
use crate::coverage::{Ledger, Reasons, compare, judge};
use crate::scenario::catalogue;
use crate::scenario::model::BackendName;

/// Prints the page, or compares it with the one that is committed.
///
/// # Errors
/// A run, the reasons or the committed page cannot be read.
pub fn command(args: &CoverageArgs) -> Result<Exit, String> {
    let mut ledger = Ledger::default();
    for run in &args.runs {
        let about = |what: String| format!("{}: {what}", run.display());
        let file = File::open(run).map_err(|error| about(format!("cannot be read: {error}")))?;
        ledger.take_lines(BufReader::new(file)).map_err(about)?;
    }
    let about = |what: String| format!("{}: {what}", args.dark.display());
    let text = fs::read_to_string(&args.dark).map_err(|error| about(format!("cannot be read: {error}")))?;
    let reasons = Reasons::parse(&text).map_err(about)?;
    let backends: Vec<&str> = BackendName::ALL.iter().map(|backend| backend.as_str()).collect();
    let page = judge(&ledger, &reasons, catalogue::crossings(), &backends);
    let mut trouble = page.trouble;
    match &args.check {
        None => super::print(&page.text)?,
        Some(path) => {
            let committed = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let differences = compare(&committed, &page.text, &ledger);
            if !differences.is_empty() {
                trouble.push(format!("{} says something else than this run:", path.display()));
                trouble.extend(differences);
            }
        }
    }
    trouble.iter().for_each(|line| eprintln!("{line}"));
    Ok(if trouble.is_empty() { Exit::Held } else { Exit::Broken })
}
