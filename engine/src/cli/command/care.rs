//! Commands for a graph that does not behave.

use omnigraph::Repair;

use super::Place;
use super::write::{read_already, tell_nevertheless};
use crate::cli::failure::Failure;
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

pub async fn repair(place: &Place, repair: Repair, mut output: Output) -> Result<(), Failure> {
    let changes = repair != Repair::Preview;
    if changes {
        interrupt::watch_write(read_already(), output.json);
    }
    // What keeps every other kind of handle from being opened is repaired through one that is read-only.
    let graph = match repair {
        Repair::Confirm { .. } => place.open_beside_others().await?,
        Repair::Preview | Repair::Quarantine(_) | Repair::Audit => place.graph().open_read_only().await?,
    };
    let report = report::Repaired::of(&graph.repair(repair).await?);
    let shown = output.show(|width| report.to_text(width), || json::line(&report));
    if !changes {
        return Ok(shown?);
    }
    tell_nevertheless(shown, output.json, &report.in_short(), &report);
    Ok(())
}

/// The way out of a manifest that cannot be read: nothing can be opened then.
pub async fn repair_manifest(place: &Place, confirm: bool, mut output: Output) -> Result<(), Failure> {
    if confirm {
        interrupt::watch_write(read_already(), output.json);
    }
    let report = report::ManifestRepaired::of(&place.graph().repair_manifest(confirm).await?);
    let shown = output.show(|_| report.to_text(), || json::line(&report));
    if !confirm {
        return Ok(shown?);
    }
    tell_nevertheless(shown, output.json, &report.in_short(), &report);
    Ok(())
}
