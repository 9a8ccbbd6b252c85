//! From what was typed to scenarios that are read and valid.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::flags::SelectArgs;
use crate::diagnostic::Report;
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
    let mut found = Vec::new();
    let starts: Vec<PathBuf> = match &args.paths[..] {
        [] => vec![args.scenarios.clone()],
        typed => typed.iter().map(|typed| resolve(&args.scenarios, typed)).collect::<Result<_, _>>()?,
    };
    for start in starts {
        let files = discover(&args.scenarios, &start).map_err(|error| {
            format!("{} cannot be read: {error}; give a file or a folder of scenarios", start.display())
        })?;
        found.extend(files);
    }
    found.sort();
    found.dedup();
    let mut selected = Selected { files: found.len(), ..Selected::default() };
    let selection = Selection {
        names: Vec::new(),
        tags: args.tag.iter().cloned().collect(),
        without_tags: args.without_tag.iter().cloned().collect(),
        backends: BTreeSet::new(),
        failpoints: args.failpoint.iter().cloned().collect(),
    };
    for file in found {
        match file.read().map_err(|error| format!("{} cannot be read: {error}", file.path.display()))? {
            Ok(scenario) if selection.takes(&scenario) => selected.scenarios.push(Arc::new(scenario)),
            Ok(_) => {}
            Err(report) => selected.invalid.push((file, report)),
        }
    }
    Ok(selected)
}

/// A path as typed, or a name below the folder of all scenarios, with or without its extension.
fn resolve(root: &Path, typed: &str) -> Result<PathBuf, String> {
    let plain = PathBuf::from(typed);
    let below = root.join(typed);
    let file = root.join(format!("{typed}.yaml"));
    let candidates = [plain, below, file];
    candidates.into_iter().find(|path| path.exists()).ok_or_else(|| {
        format!(
            "there is no file, folder or scenario '{typed}'; 'chaos list' shows what there is below {}",
            root.display()
        )
    })
}
