//! `chaos failpoints`: the engine's catalogue (where each window stands, what a hit means, who crosses it), and which scenarios
//! arm what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use omnigraph::failpoint::{Failpoint, Scope};

use super::exit::Exit;
use super::flags::{FailpointsArgs, SelectArgs};
use super::select::select;
use crate::scenario::{Scenario, armed};

/// Lists failpoints.
///
/// # Errors
/// The folder of scenarios cannot be read.
pub fn command(args: &FailpointsArgs) -> Result<Exit, String> {
    // By failpoint, the files that arm it, each with those of its scenarios that do.
    let mut users: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    if args.scenarios.exists() {
        let selected = select(&SelectArgs { scenarios: args.scenarios.clone(), ..SelectArgs::default() })?;
        for scenario in &selected.scenarios {
            let file = file_of(scenario, &args.scenarios);
            for name in armed(scenario).collect::<BTreeSet<_>>() {
                users.entry(name.to_owned()).or_default().entry(file.clone()).or_default().push(scenario.name.clone());
            }
        }
    }
    let wanted = |name: &str| args.name.as_deref().is_none_or(|part| name.contains(part));
    let mut text = String::new();
    for point in Failpoint::catalogue() {
        let name = point.to_string();
        if !wanted(&name) {
            continue;
        }
        let crossed_by: Vec<&str> = point.crossed_by().map(Scope::as_str).collect();
        text.push_str(&format!("{name}\n    {}\n", point.meaning()));
        text.push_str(&format!("    where: {}\n    crossed by: {}\n", point.window.place(), crossed_by.join(", ")));
        match users.get(&name) {
            Some(files) => text.push_str(&format!("    armed by: {}\n", listed(files))),
            None => text.push_str("    armed by no scenario under this name\n"),
        }
    }
    super::print(&text)?;
    if text.is_empty() { Ok(Exit::Nothing) } else { Ok(Exit::Held) }
}

/// The name of the file that a scenario stands in: its own name, without that of the case.
fn file_of(scenario: &Scenario, root: &Path) -> String {
    let path = Path::new(&scenario.path);
    path.strip_prefix(root).unwrap_or(path).with_extension("").to_string_lossy().into_owned()
}

/// `a, b (36 cases)`: a file that is one scenario has no cases.
fn listed(files: &BTreeMap<String, Vec<String>>) -> String {
    let told = files.iter().map(|(file, scenarios)| match &scenarios[..] {
        [one] if one == file => file.clone(),
        [_] => format!("{file} (1 case)"),
        cases => format!("{file} ({} cases)", cases.len()),
    });
    told.collect::<Vec<_>>().join(", ")
}
