//! Commands that only read.

use omnigraph::id::OperationId;
use omnigraph::query::QueryOptions;
use omnigraph::{Error, ErrorKind};

use super::Place;
use crate::cli::failure::Failure;
use crate::cli::flags::{Format, Query};
use crate::cli::output::{Output, check, json, rows};
use crate::cli::{interrupt, report};

pub async fn query(place: &Place, query: Query, output: Output) -> Result<(), Failure> {
    let by_default = if output.is_terminal && !output.json { Format::Table } else { Format::Json };
    let format = query.format.unwrap_or(by_default);
    check(format, &output)?;
    let sql = query.sql.text()?;
    let json = output.json;
    let work = async {
        let graph = place.graph().open_read_only().await?;
        let snapshot = match query.version {
            Some(version) => graph.at(version).await?,
            None => graph.snapshot(),
        };
        let options = QueryOptions { timeout: query.bounds.timeout, memory_bytes: query.bounds.memory_bytes };
        let mut found = snapshot.query_with(&sql, &options).await?;
        let mut rows = rows(format, found.schema(), output)?;
        while let Some(batch) = found.next().await? {
            rows.write(&batch)?;
        }
        rows.finish()
    };
    interrupt::reading(work, json).await
}

pub async fn commits(
    place: &Place,
    limit: usize,
    operation: Option<OperationId>,
    mut output: Output,
) -> Result<(), Failure> {
    let graph = place.graph().open_read_only().await?;
    let commits = match operation {
        None => graph.commits(limit).await?,
        Some(operation) => vec![graph.commit_of(operation).await?.ok_or_else(|| unknown(operation))?],
    };
    let commits: Vec<report::Commit> = commits.iter().map(report::Commit::of).collect();
    Ok(output.show(|width| report::commits(&commits, width), || commits.iter().map(json::line).collect())?)
}

fn unknown(operation: OperationId) -> Error {
    Error::new(ErrorKind::NotFound, format!("no commit carries operation {operation}")).with_advice(
        "`omnigraph inspect` shows whether it is pending; if it is not, nothing of it has ever become visible",
    )
}

pub async fn recoveries(place: &Place, mut output: Output) -> Result<(), Failure> {
    let found = place.graph().open_read_only().await?.recoveries().await?;
    let found: Vec<report::Recovery> = found.iter().map(report::Recovery::of).collect();
    Ok(output.show(|width| report::recoveries(&found, width), || found.iter().map(json::line).collect())?)
}
