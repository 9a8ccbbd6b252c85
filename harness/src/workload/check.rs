//! Looks at the graph from outside, without touching it: neither handles nor faults have a part in it.

use std::collections::BTreeMap;

use globset::GlobBuilder;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use omnigraph::storage::{Realm, Stack};
use omnigraph::{Graph, intent::Sidecar, table::Table};
use serde_json::{Map, Value};

use super::damage::resolve;
use super::rows::{Row, compare, line, meant, rows_of, types_of};
use super::{Done, WholeTypes};
use crate::scenario::model::{AuditRow, Check, CommitRow, Count};

/// Differences that are listed for each thing that is looked at.
const DIFFERENCES_MAX: usize = 10;
/// Commits that are looked at.
const COMMITS_MAX: usize = 100_000;

/// Compares the graph in `bare` with what it has to look like. `commits_before` is the number of commits that the set-up
/// made: they do not count.
pub async fn check(bare: &Stack, check: &Check, commits_before: usize) -> Done {
    let mut looked = Looked { check, differences: Vec::new(), read: None };
    match looked.all(bare, commits_before).await {
        Ok(()) => Done { read: looked.read, ..Done::compared(looked.differences) },
        Err(Failure::Engine(error)) => Done::failed(&error),
        Err(Failure::Harness(reason)) => Done::trouble(reason),
    }
}

enum Failure {
    Engine(omnigraph::Error),
    Harness(String),
}

impl From<omnigraph::Error> for Failure {
    fn from(error: omnigraph::Error) -> Self {
        Failure::Engine(error)
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Failure::Harness(reason)
    }
}

struct Looked<'a> {
    check: &'a Check,
    differences: Vec<String>,
    read: Option<WholeTypes>,
}

impl Looked<'_> {
    async fn all(&mut self, bare: &Stack, commits_before: usize) -> Result<(), Failure> {
        let check = self.check;
        if check.sidecars.is_some() || check.unreadable_sidecars.is_some() {
            self.sidecars(bare).await?;
        }
        if check.quarantined.is_some() || !check.objects.is_empty() {
            self.objects(bare).await?;
        }
        let needs_graph =
            !check.rows.is_empty() || check.audit.is_some() || check.commits.is_some() || check.drift.is_some();
        if needs_graph {
            // A process of its own: nothing that a handle holds or has seen may colour what is seen here.
            let graph = super::open::look(bare.clone()).await?;
            self.rows(&graph).await?;
            self.audit(&graph).await?;
            self.commits(&graph, commits_before).await?;
            self.drift(&graph, bare).await?;
        }
        Ok(())
    }

    async fn sidecars(&mut self, bare: &Stack) -> Result<(), Failure> {
        let paths = resolve::sidecars(bare).await?;
        self.count("sidecars", self.check.sidecars, paths.len());
        if let Some(wanted) = self.check.unreadable_sidecars {
            let mut unreadable = 0;
            for path in &paths {
                let found = bare.raw(Realm::Control).get(&Path::from(path.as_str())).await;
                let found = found.map_err(|error| format!("{path} cannot be read: {error}"))?;
                let bytes = found.bytes().await.map_err(|error| format!("{path} cannot be read: {error}"))?;
                let name = path.rsplit('/').next().unwrap_or(path);
                unreadable += usize::from(Sidecar::decode(name, &bytes).is_err());
            }
            self.count("unreadable sidecars", Some(wanted), unreadable);
        }
        Ok(())
    }

    async fn objects(&mut self, bare: &Stack) -> Result<(), Failure> {
        let paths = resolve::list(bare, "").await?;
        let quarantined = paths.iter().filter(|path| path.starts_with("__recovery/quarantine/")).count();
        self.count("files in quarantine", self.check.quarantined, quarantined);
        for (glob, wanted) in &self.check.objects {
            let compiled = GlobBuilder::new(glob).literal_separator(true).build();
            let matcher = compiled.map_err(|error| format!("'{glob}' is not a glob: {error}"))?.compile_matcher();
            let found = paths.iter().filter(|path| matcher.is_match(path)).count();
            self.count(&format!("objects that fit {glob}"), Some(*wanted), found);
        }
        Ok(())
    }

    async fn rows(&mut self, graph: &Graph) -> Result<(), Failure> {
        let snapshot = graph.snapshot();
        let mut whole = WholeTypes { graph_version: snapshot.version(), rows: BTreeMap::new() };
        for (type_name, wanted) in &self.check.rows {
            let batches = snapshot.query(&format!("SELECT * FROM {type_name}")).await?;
            let (rows, types) = (rows_of(&batches)?, types_of(&batches));
            match wanted {
                Count::Number(count) => self.count(&format!("rows of {type_name}"), Some(*count), rows.len()),
                Count::List(wanted) => {
                    let wanted: Vec<_> = wanted.iter().map(|row| meant(&types, &ends_as_columns(row))).collect();
                    self.list(type_name, &rows, &wanted)
                }
            }
            whole.rows.insert(type_name.clone(), rows);
        }
        if !whole.rows.is_empty() {
            self.read = Some(whole);
        }
        Ok(())
    }

    async fn audit(&mut self, graph: &Graph) -> Result<(), Failure> {
        let Some(wanted) = &self.check.audit else { return Ok(()) };
        let types = types_by_path(graph);
        let found = graph.recoveries().await?.into_iter().map(|row| {
            let mut tables: Vec<String> = row.tables.iter().map(|table| type_at(&types, &table.path)).collect();
            tables.sort();
            FoundAudit { kind: row.kind.as_str().to_owned(), writer: row.writer.to_string(), actor: row.actor, tables }
        });
        let found: Vec<FoundAudit> = found.collect();
        let fits = |found: &FoundAudit, wanted: &AuditRow| {
            found.kind == wanted.kind.as_str()
                && wanted.writer.as_ref().is_none_or(|writer| *writer == found.writer)
                && wanted.actor.as_ref().is_none_or(|actor| *actor == found.actor)
                && wanted.tables.as_ref().is_none_or(|tables| *tables == found.tables)
        };
        self.sequence("audit row", &found, wanted, fits);
        Ok(())
    }

    async fn commits(&mut self, graph: &Graph, before: usize) -> Result<(), Failure> {
        let Some(wanted) = &self.check.commits else { return Ok(()) };
        let mut commits = graph.commits(COMMITS_MAX).await?;
        commits.reverse();
        let found: Vec<FoundCommit> = commits
            .into_iter()
            .skip(before)
            .map(|commit| FoundCommit { actor: commit.actor, writer: commit.writer.map(|writer| writer.to_string()) })
            .collect();
        match wanted {
            Count::Number(count) => self.count("commits", Some(*count), found.len()),
            Count::List(wanted) => {
                self.sequence("commit", &found, wanted, |found: &FoundCommit, wanted: &CommitRow| {
                    wanted.actor.as_ref().is_none_or(|actor| *actor == found.actor)
                        && wanted.writer.as_ref().is_none_or(|writer| Some(writer) == found.writer.as_ref())
                })
            }
        }
        Ok(())
    }

    async fn drift(&mut self, graph: &Graph, bare: &Stack) -> Result<(), Failure> {
        let Some(wanted) = &self.check.drift else { return Ok(()) };
        let snapshot = graph.snapshot();
        let mut found = Vec::new();
        for pin in snapshot.tables() {
            if Table::head_of(bare, &pin.path).await? != pin.version {
                found.push(pin.type_name.clone());
            }
        }
        found.sort();
        if found != *wanted {
            self.differences.push(format!("drift: expected {}, found {}", line(wanted), line(&found)));
        }
        Ok(())
    }

    fn count(&mut self, what: &str, wanted: Option<u64>, found: usize) {
        if let Some(wanted) = wanted
            && wanted != found as u64
        {
            self.differences.push(format!("{what}: expected {wanted}, found {found}"));
        }
    }

    fn list(&mut self, type_name: &str, rows: &[Row], wanted: &[Map<String, Value>]) {
        let (missing, left) = compare(rows, wanted);
        let missing = missing.into_iter().map(|row| format!("rows of {type_name}: {} is missing", line(row)));
        let left = left.into_iter().map(|row| format!("rows of {type_name}: {} should not be there", line(row)));
        self.differences.extend(missing.chain(left).take(DIFFERENCES_MAX));
    }

    fn sequence<F: serde::Serialize, W: serde::Serialize>(
        &mut self,
        what: &str,
        found: &[F],
        wanted: &[W],
        fits: impl Fn(&F, &W) -> bool,
    ) {
        if found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| fits(found, wanted)) {
            return;
        }
        self.differences.push(format!("{what}s: expected {}, found {}", line(&wanted), line(&found)));
    }
}

#[derive(serde::Serialize)]
struct FoundAudit {
    kind: String,
    writer: String,
    actor: String,
    tables: Vec<String>,
}

#[derive(serde::Serialize)]
struct FoundCommit {
    actor: String,
    writer: Option<String>,
}

/// An edge's ends have other names in its table.
fn ends_as_columns(row: &Map<String, Value>) -> Map<String, Value> {
    let name = |column: &str| match column {
        "from" => "src".to_owned(),
        "to" => "dst".to_owned(),
        other => other.to_owned(),
    };
    row.iter().map(|(column, value)| (name(column), value.clone())).collect()
}

fn types_by_path(graph: &Graph) -> BTreeMap<String, String> {
    graph.snapshot().tables().map(|pin| (pin.path.clone(), pin.type_name.clone())).collect()
}

fn type_at(types: &BTreeMap<String, String>, path: &str) -> String {
    types.get(path).cloned().unwrap_or_else(|| path.to_owned())
}
