//! `chaos failpoints`: the engine's catalogue, and which scenarios arm what.

use std::collections::BTreeMap;

use omnigraph::failpoint::Failpoint;

use super::exit::Exit;
use super::flags::{FailpointsArgs, SelectArgs};
use super::select::select;
use crate::scenario::armed;

/// Lists failpoints.
///
/// # Errors
/// The folder of scenarios cannot be read.
pub fn command(args: &FailpointsArgs) -> Result<Exit, String> {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if args.scenarios.exists() {
        let selected = select(&SelectArgs { scenarios: args.scenarios.clone(), ..SelectArgs::default() })?;
        for scenario in &selected.scenarios {
            for name in armed(scenario) {
                let list = users.entry(name.to_owned()).or_default();
                if list.last() != Some(&scenario.name) {
                    list.push(scenario.name.clone());
                }
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
        text.push_str(&format!("{name}\n    {}\n", point.meaning()));
        match users.get(&name) {
            Some(scenarios) => text.push_str(&format!("    armed by: {}\n", scenarios.join(", "))),
            None => text.push_str("    armed by no scenario under this name\n"),
        }
    }
    super::print(&text)?;
    if text.is_empty() { Ok(Exit::Nothing) } else { Ok(Exit::Held) }
}
