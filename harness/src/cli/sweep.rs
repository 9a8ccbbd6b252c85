//! `chaos sweep`: operations that are killed at every one of their durable writes.

use std::io::{self, IsTerminal};

use super::exit::Exit;
use super::flags::SweepArgs;
use super::run::{Reports, backends, colored, nothing_to_do, show_invalid, start_with};
use super::select::select;
use super::shrink::FirstFailed;
use crate::event::Selection;
use crate::runner::Sweeper;
use crate::seed::Seed;

/// Runs the sweeps of what was typed.
///
/// # Errors
/// What is wrong with what was typed, or with this machine.
pub fn command(args: &SweepArgs) -> Result<Exit, String> {
    let selected = select(&args.select)?;
    if !selected.invalid.is_empty() {
        show_invalid(&selected, colored(args.how.color, io::stderr().is_terminal()));
        return Ok(Exit::Usage);
    }
    let backends = backends(&args.on);
    let (plans, sweeper) = Sweeper::plan(&selected.scenarios, &backends, args.shard, args.pairs);
    if plans.is_empty() {
        let is_selected = !Sweeper::plan(&selected.scenarios, &backends, None, args.pairs).0.is_empty();
        if let (Some(shard), true) = (args.shard, is_selected) {
            return Ok(nothing_to_do(shard));
        }
        eprintln!("no sweep is selected: {} scenario files were read; 'chaos list' marks sweeps", selected.files);
        return Ok(Exit::Nothing);
    }
    let selection = Selection {
        paths: args.select.paths.clone(),
        tags: args.select.tag.clone(),
        backends: backends.iter().map(|kind| kind.as_str().to_owned()).collect(),
        shard: args.shard.map(|shard| (shard.k, shard.n)),
        scenarios: selected.scenarios.iter().filter(|scenario| scenario.sweep.is_some()).count() as u64,
        cells: plans.iter().map(|plan| plan.id.clone()).collect(),
        jobs: 0,
    };
    let seed = args.how.seed.unwrap_or_else(Seed::fresh);
    let failed = FirstFailed::new(args.shrink);
    let reports = Reports { progress: true, own: vec![Box::new(failed.clone())] };
    let (result, _) = start_with(plans, selection, &args.how, args.on.require.clone(), seed, Some(sweeper), reports)?;
    failed.shrink(&result, &args.how);
    Ok(Exit::of(&result))
}
