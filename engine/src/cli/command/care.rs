//! Commands for a graph that does not behave.

use omnigraph::Repair;

use super::Place;
use super::write::{read_already, tell_nevertheless};
use crate::cli::failure::Failure;
use crate::cli::flags::Actor;
use crate::cli::output::{Output, json};
use crate::cli::{interrupt, report};

pub async fn inspect(place: &Place, mut output: Output) -> Result<(), Failure> {
    let found = place.graph().open_read_only().await?.inspect().await?;
    let found = report::Inspected::of(&found);
    Ok(output.show(|width| found.to_text(width), || json::line(&found))?)
}

pub async fn recover(place: &Place, mut output: Output) -> Result<(), Failure> {
    interrupt::watch_write(read_already(), output.json);
    let recovered = report::Recovered::of(&place.graph().open().await?);
    let shown = output.show(|_| recovered.to_text(), || json::line(&recovered));
    tell_nevertheless(shown, output.json, &recovered.in_short(), &recovered);
    Ok(())
}

pub async fn repair(
    place: &Place,
    confirm: bool,
    quarantine: Option<String>,
    actor: Actor,
    mut output: Output,
) -> Result<(), Failure> {
    let changes = confirm || quarantine.is_some();
    if changes {
        interrupt::watch_write(read_already(), output.json);
    }
    let (graph, repair) = match (confirm, quarantine) {
        (true, _) => (place.graph().open().await?, Repair::Confirm { actor: actor.name }),
        (false, Some(file)) => (place.graph().open_read_only().await?, Repair::Quarantine(file)),
        (false, None) => (place.graph().open_read_only().await?, Repair::Preview),
    };
    let report = report::Repaired::of(&graph.repair(repair).await?);
    let shown = output.show(|width| report.to_text(width), || json::line(&report));
    if !changes {
        return Ok(shown?);
    }
    tell_nevertheless(shown, output.json, &report.in_short(), &report);
    Ok(())
}
