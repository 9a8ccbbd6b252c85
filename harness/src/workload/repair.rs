//! The operator's repair.

use omnigraph::storage::Stack;
use omnigraph::{Graph, Repair as EngineRepair};

use super::Done;
use super::damage::resolve;
use super::surroundings::Surroundings;
use crate::event::Outcome;
use crate::scenario::model::{ObjectRef, Repair};

/// Makes the newest whole version of the graph manifest the newest one, on behalf of a process.
pub async fn manifest(stack: Stack, given: &Surroundings) -> Done {
    match super::open::builder(stack, given).repair_manifest(true).await {
        Ok(_) => Done::of(Outcome::done()),
        Err(error) => Done::failed(&error),
    }
}

/// Previews, confirms, or puts a sidecar into quarantine. `bare` is for finding the sidecar that is meant.
pub async fn repair(graph: &Graph, bare: &Stack, repair: &Repair, actor: Option<&str>) -> Done {
    let request = match repair {
        Repair::Preview => EngineRepair::Preview,
        Repair::Confirm => EngineRepair::Confirm { actor: actor.map(str::to_owned) },
        Repair::Audit => EngineRepair::Audit,
        Repair::Manifest => return Done::trouble("the manifest is repaired without a handle"),
        // Who names a file that is not there hears it from the engine.
        Repair::Quarantine(ObjectRef::Path(path)) if !path.contains(['*', '?', '[', '{']) => {
            EngineRepair::Quarantine(file_name(path).to_owned())
        }
        Repair::Quarantine(object) => match resolve::one(bare, object).await {
            Ok(path) => EngineRepair::Quarantine(file_name(&path).to_owned()),
            Err(reason) => return Done::trouble(reason),
        },
    };
    match graph.repair(request).await {
        Ok(report) => {
            let mut drift: Vec<String> = report.drift.iter().map(|drift| drift.type_name.clone()).collect();
            drift.sort();
            Done { drift: Some(drift), ..Done::of(Outcome::done()) }
        }
        Err(error) => Done::failed(&error),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
