//! Looking at the graph and its store from outside, while the steps run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use omnigraph::recovery::{Recovery, RecoveryKind};
use omnigraph::storage::{Operation, Realm, Stack};
use omnigraph::{Graph, Snapshot, table::Table};

use super::host::Host;
use crate::event::{Outcome, StoreCall};
use crate::oracle::evidence::{TableDrift, VersionReading};
use crate::oracle::facts::ObjectFact;
use crate::oracle::rows::{Row, digest};
use crate::runner::protocol::Report;
use crate::workload::damage::resolve;
use crate::workload::rows::rows_of;
use crate::workload::{self, Recovered, WholeTypes};

/// Which sidecars lie there, the tables that have drifted where that is asked, and the rows of the graph, if a version of it became
/// visible since the last look.
pub async fn observe(host: &Arc<Host>, drift: bool) -> Report {
    let bare = host.site.fresh(&[]);
    let mut report = Report::of(Outcome::done());
    let sidecars = resolve::sidecars(&bare).await.ok();
    report.sidecars = sidecars.as_ref().map(|paths| paths.iter().map(|path| operation_of(path)).collect());
    // A graph that cannot be opened or read has nothing new to show; whether it ought to is judged at the end.
    let Ok(graph) = open_read_only(&bare).await else { return report };
    let snapshot = graph.snapshot();
    if let (true, Some(sidecars)) = (drift, sidecars) {
        report.drifted = drifted(&bare, &snapshot, &sidecars).await.ok();
    }
    let mut whole = WholeTypes { graph_version: snapshot.version(), rows: BTreeMap::new() };
    for pin in snapshot.tables() {
        let key = (pin.type_name.clone(), pin.version);
        let seen = lock(&host.seen).get(&key).cloned();
        let rows = match seen {
            Some(rows) => rows,
            None => {
                let Ok(rows) = rows_at(&bare, &pin.path, pin.version).await else { continue };
                lock(&host.seen).insert(key, rows.clone());
                report.versions.push(VersionReading {
                    graph_version: snapshot.version(),
                    type_name: pin.type_name.clone(),
                    table_version: pin.version,
                    rows: rows.len() as u64,
                    digest: digest(&rows),
                    again: None,
                });
                rows
            }
        };
        whole.rows.insert(pin.type_name.clone(), rows);
    }
    // What has been told once is not told again.
    if lock(&host.looked_at).replace(whole.graph_version) != Some(whole.graph_version) {
        report.read = Some(whole);
    }
    report
}

/// Every table whose HEAD is not its pin.
async fn drifted(bare: &Stack, snapshot: &Snapshot, sidecars: &[String]) -> omnigraph::Result<Vec<TableDrift>> {
    let mut drifted = Vec::new();
    for pin in snapshot.tables() {
        let head = Table::head_of(bare, &pin.path).await?;
        if head != pin.version {
            let (type_name, path, pin) = (pin.type_name.clone(), pin.path.clone(), pin.version);
            drifted.push(TableDrift { type_name, path, pin, head, covered: false });
        }
    }
    if !drifted.is_empty() {
        let named = tables_of(bare, sidecars).await;
        for table in &mut drifted {
            table.covered = named.as_ref().is_none_or(|named| named.contains(&table.path));
        }
    }
    Ok(drifted)
}

/// The tables that sidecars name, read without the engine; none when one of them cannot be read, since it may name any.
async fn tables_of(bare: &Stack, sidecars: &[String]) -> Option<BTreeSet<String>> {
    let mut named = BTreeSet::new();
    for sidecar in sidecars {
        let content = bare.raw(Realm::Control).get(&Path::from(sidecar.as_str())).await.ok()?.bytes().await.ok()?;
        let sidecar: serde_json::Value = serde_json::from_slice(&content).ok()?;
        let tables = sidecar.get("tables")?.as_array()?.iter();
        named.extend(tables.filter_map(|table| table.get("path")?.as_str()).map(str::to_owned));
    }
    Some(named)
}

/// Reads the versions a second time, past every cache.
pub async fn read_again(
    bare: &Stack,
    paths: &BTreeMap<String, String>,
    versions: Vec<VersionReading>,
) -> Vec<VersionReading> {
    let mut again = Vec::with_capacity(versions.len());
    for version in versions {
        let read = match paths.get(&version.type_name) {
            Some(path) => rows_at(bare, path, version.table_version).await.map(|rows| digest(&rows)),
            None => Err(format!("type {} is gone", version.type_name)),
        };
        again.push(VersionReading { again: Some(read), ..version });
    }
    again
}

/// A handle of nobody's process.
///
/// # Errors
/// Those of the engine.
pub async fn open_read_only(bare: &Stack) -> omnigraph::Result<Graph> {
    workload::open::look(bare.clone()).await
}

/// Every row of one version of a dataset, by Lance alone: what the engine caches or hides has no part in it.
async fn rows_at(bare: &Stack, path: &str, version: u64) -> Result<Vec<Row>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{path} at version {version} cannot be read: {error}");
    let dataset = bare.lance().dataset(path).with_version(version).load().await.map_err(|error| failed(&error))?;
    let batch = dataset.scan().try_into_batch().await.map_err(|error| failed(&error))?;
    rows_of(&[batch])
}

/// Every type's rows at the snapshot's pins, by Lance alone.
///
/// # Errors
/// A table cannot be read.
pub async fn all_rows(bare: &Stack, snapshot: &Snapshot) -> Result<BTreeMap<String, Vec<Row>>, String> {
    let mut rows = BTreeMap::new();
    for pin in snapshot.tables() {
        rows.insert(pin.type_name.clone(), rows_at(bare, &pin.path, pin.version).await?);
    }
    Ok(rows)
}

/// Every object below the graph's root. The entity tag stands for the content: it changes whenever an object is written,
/// even with the same bytes, which is what "touches nothing" means.
///
/// # Errors
/// The store cannot be listed.
pub async fn objects(bare: &Stack) -> Result<Vec<ObjectFact>, String> {
    let listed: Vec<object_store::ObjectMeta> = bare
        .raw(Realm::Control)
        .list(None)
        .try_collect()
        .await
        .map_err(|error| format!("the store cannot be listed: {error}"))?;
    let mut objects: Vec<ObjectFact> = listed
        .into_iter()
        .map(|object| ObjectFact {
            path: object.location.to_string(),
            bytes: object.size,
            hash: object.e_tag.unwrap_or_else(|| object.last_modified.to_rfc3339()),
        })
        .collect();
    objects.sort();
    Ok(objects)
}

/// The calls that write, as `operation path`.
pub fn write_calls(calls: &[StoreCall]) -> Vec<String> {
    let writes: BTreeSet<&str> =
        Operation::ALL.iter().filter(|operation| operation.is_write()).map(|operation| operation.as_str()).collect();
    let of_writes = calls.iter().filter(|call| writes.contains(call.operation.as_str()));
    of_writes.map(|call| format!("{} {}", call.operation, call.path)).collect()
}

/// The audit as it stands.
pub async fn recoveries(host: &Arc<Host>) -> Vec<Recovery> {
    let Ok(graph) = open_read_only(&host.site.fresh(&[])).await else { return Vec::new() };
    graph.recoveries().await.unwrap_or_default()
}

/// What was recovered since the audit stood so.
pub async fn recovered_since(host: &Arc<Host>, before: &[Recovery]) -> Recovered {
    let known: BTreeSet<String> = before.iter().map(|row| row.operation_id.to_string()).collect();
    let mut recovered = Recovered::default();
    for row in recoveries(host).await {
        let operation = row.operation_id.to_string();
        if known.contains(&operation) {
            continue;
        }
        match row.kind {
            RecoveryKind::RolledForward => recovered.rolled_forward.push(operation),
            _ => recovered.rolled_back.push(operation),
        }
    }
    recovered
}

/// The operation that a sidecar's path names.
fn operation_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".json").unwrap_or(name).to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
