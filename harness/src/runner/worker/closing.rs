//! The closing observations: the graph converges in a fresh process, and is then looked at from all sides.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use omnigraph::Graph;
use omnigraph::storage::TraceLayer;

use super::host::Host;
use super::observe;
use super::step;
use super::world;
use crate::event::Outcome;
use crate::oracle::evidence::{Closing, ReadOnlyOpen, SecondRecovery, VersionReading};
use crate::oracle::facts::ObjectFact;
use crate::runner::protocol::Report;
use crate::scenario::model::OpenMode;
use crate::workload;

/// Store calls of a read-only open that are kept.
const CALLS_MAX: usize = 1_000;
/// The process that converges; no process of a scenario is called so.
const CONVERGING: &str = "(converging)";

/// Converges the graph and looks. What cannot be opened again is evidence, not trouble.
///
/// Where no graph has to be, one is created if there is none: a creation that failed leaves a graph that opens, or a place
/// where one can be created.
pub async fn close(host: &Arc<Host>, versions: Vec<VersionReading>, or_create: bool) -> Report {
    let mut report = Report::of(Outcome::done());
    let observed = AssertUnwindSafe(observed(host, versions, or_create, &mut report)).catch_unwind().await;
    // An engine that panics has not converged.
    let panicked = |panic: Box<dyn Any + Send>| Err(format!("it panicked: {}", step::message_of(panic.as_ref())));
    if let Err(reason) = observed.unwrap_or_else(panicked) {
        report.closing = None;
        report.closing_failed = Some(reason);
    }
    report
}

async fn observed(
    host: &Arc<Host>,
    versions: Vec<VersionReading>,
    or_create: bool,
    report: &mut Report,
) -> Result<(), String> {
    let schema = super::facts::facts_of(&host.begin.schema)?;
    report.schema = Some(schema.clone());
    if or_create {
        create_if_absent(host).await?;
    }
    let before = observe::recoveries(host).await;
    let graph = converge(host).await?;
    report.recovered = Some(observe::recovered_since(host, &before).await);
    let mut closing = Closing { world: world::world(&graph, &schema).await?, ..Closing::default() };
    closing.world.objects = observe::objects(host.site.bare()).await?;
    let paths = closing.world.tables.iter().map(|pin| (pin.type_name.clone(), pin.path.clone()));
    let paths: BTreeMap<String, String> = paths.collect();
    report.versions_again = observe::read_again(&host.site.fresh(&[]), &paths, versions).await;
    drop(graph);

    let (open, after_open) = open_read_only(host, &closing.world.objects).await?;
    report.closing_open = Some(open);
    closing.second_recovery = Some(second_recovery(host, after_open).await?);
    report.closing = Some(closing);
    Ok(())
}

async fn create_if_absent(host: &Arc<Host>) -> Result<(), String> {
    let given = host.surroundings(CONVERGING);
    match workload::open::open(host.site.fresh(&[]), &given, OpenMode::ReadWrite).await {
        Err(error) if error.kind() == omnigraph::ErrorKind::NotFound => {}
        // Whatever else is wrong with it shows when it is converged.
        _ => return Ok(()),
    }
    match workload::open::create(host.site.fresh(&[]), &given, &host.begin.schema).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("there is no graph, and none can be created: {error:?}")),
    }
}

/// A read-write open, which sweeps, in a process that shares nothing with those of the steps.
async fn converge(host: &Arc<Host>) -> Result<Graph, String> {
    let opened = workload::open::open(host.site.fresh(&[]), &host.surroundings(CONVERGING), OpenMode::ReadWrite).await;
    opened.map_err(|error| format!("{error:?}"))
}

async fn open_read_only(host: &Arc<Host>, before: &[ObjectFact]) -> Result<(ReadOnlyOpen, Vec<ObjectFact>), String> {
    let trace = TraceLayer::with_trace(CALLS_MAX);
    let stack = host.site.fresh(&[Arc::new(trace.clone())]);
    let opened = observe::open_read_only(&stack).await;
    let result = match opened {
        Ok(graph) => query_once(&graph).await,
        Err(error) => Err(format!("{error:?}")),
    };
    let writes = trace.take_trace().into_iter().filter(|record| record.call.operation.is_write());
    let write_calls = writes.map(|record| format!("{} {}", record.call.operation, record.call.path)).collect();
    let after = observe::objects(host.site.bare()).await?;
    let open =
        ReadOnlyOpen { step: None, result, write_calls, before: Some(before.to_vec()), after: Some(after.clone()) };
    Ok((open, after))
}

async fn query_once(graph: &Graph) -> Result<(), String> {
    let snapshot = graph.snapshot();
    let Some(first) = snapshot.tables().next().map(|pin| pin.type_name.clone()) else { return Ok(()) };
    let read = snapshot.query(&format!("SELECT count(*) FROM {first}")).await;
    read.map(drop).map_err(|error| format!("{error:?}"))
}

async fn second_recovery(host: &Arc<Host>, before: Vec<ObjectFact>) -> Result<SecondRecovery, String> {
    let graph = converge(host).await?;
    let after = observe::objects(host.site.bare()).await?;
    Ok(SecondRecovery {
        before,
        after,
        rows: observe::all_rows(&host.site.fresh(&[]), &graph.snapshot()).await?,
        commits: world::commits(&graph).await?,
        recoveries: world::recoveries(&graph).await?,
    })
}
