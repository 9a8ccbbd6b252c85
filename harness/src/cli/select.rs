//! From what was typed to scenarios that are read and valid.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::flags::SelectArgs;
use crate::diagnostic::Report;
use crate::runner::{Durations, durations};
use crate::scenario::{Found, Scenario, Selection, discover};

/// What was selected.
#[derive(Debug, Default)]
pub struct Selected {
    /// Scenarios, by name.
    pub scenarios: Vec<Arc<Scenario>>,
    /// Files that are not scenarios, with what is wrong with them.
    pub invalid: Vec<(Found, Report)>,
    /// Everything that was read, valid or not, before tags were looked at.
    pub files: usize,
}

/// Reads what was typed.
///
/// # Errors
/// A path that is not there or cannot be read, with the way out.
pub fn select(args: &SelectArgs) -> Result<Selected, String> {
    // Each file with what was asked for of it: one of its cases, or a few, or (the empty name) all of them.
    let mut found: BTreeMap<Found, Vec<String>> = BTreeMap::new();
    let starts: Vec<(PathBuf, String)> = match &args.paths[..] {
        [] => vec![(args.scenarios.clone(), String::new())],
        typed => typed.iter().map(|typed| resolve(&args.scenarios, typed)).collect::<Result<_, _>>()?,
    };
    for (start, case) in starts {
        let files = discover(&args.scenarios, &start).map_err(|error| {
            format!("{} cannot be read: {error}; give a file or a folder of scenarios", start.display())
        })?;
        files.into_iter().for_each(|file| found.entry(file).or_default().push(case.clone()));
    }
    let mut selected = Selected { files: found.len(), ..Selected::default() };
    let mut selection = Selection {
        names: Vec::new(),
        tags: args.tag.iter().cloned().collect(),
        without_tags: args.without_tag.iter().cloned().collect(),
        backends: BTreeSet::new(),
        failpoints: args.failpoint.iter().cloned().collect(),
    };
    for (file, cases) in found {
        selection.names = if cases.contains(&String::new()) { Vec::new() } else { cases };
        match file.read().map_err(|error| format!("{} cannot be read: {error}", file.path.display()))? {
            Ok(scenarios) => {
                let taken = scenarios.into_iter().filter(|scenario| selection.takes(scenario));
                selected.scenarios.extend(taken.map(Arc::new));
            }
            Err(report) => selected.invalid.push((file, report)),
        }
    }
    Ok(selected)
}

/// How long cells took when that was last recorded; nothing is known where nobody did.
///
/// # Errors
/// The file is there and cannot be read.
pub fn durations(scenarios: &Path) -> Result<Durations, String> {
    let path = scenarios.join(durations::FILE);
    let about = |what: String| format!("{}: {what}; 'chaos matrix --record' writes it again", path.display());
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| about(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Durations::default()),
        Err(error) => Err(about(error.to_string())),
    }
}

/// A path as typed, or a name below the folder of all scenarios, with or without its extension. The name of a case gives its
/// file and the name.
fn resolve(root: &Path, typed: &str) -> Result<(PathBuf, String), String> {
    let plain = PathBuf::from(typed);
    let below = root.join(typed);
    let file = |name: &str| root.join(format!("{name}.yaml"));
    let candidates = [plain, below, file(typed)];
    if let Some(path) = candidates.into_iter().find(|path| path.exists()) {
        return Ok((path, String::new()));
    }
    let above = typed.match_indices('/').rev().map(|(at, _)| file(&typed[..at])).find(|path| path.is_file());
    above.map(|path| (path, typed.to_owned())).ok_or_else(|| {
        format!(
            "there is no file, folder or scenario '{typed}'; 'chaos list' shows what there is below {}",
            root.display()
        )
    })
}
