//! Commands that only read.

use omnigraph::query::QueryOptions;

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
        let options = QueryOptions { timeout: query.timeout, memory_bytes: query.memory.bytes };
        let mut found = snapshot.query_with(&sql, &options).await?;
        let mut rows = rows(format, found.schema(), output)?;
        while let Some(batch) = found.next().await? {
            rows.write(&batch)?;
        }
        rows.finish()
    };
    interrupt::reading(work, json).await
}

pub async fn commits(place: &Place, limit: usize, mut output: Output) -> Result<(), Failure> {
    let commits = place.graph().open_read_only().await?.commits(limit).await?;
    let commits: Vec<report::Commit> = commits.iter().map(report::Commit::of).collect();
    Ok(output.show(|width| report::commits(&commits, width), || commits.iter().map(json::line).collect())?)
}

pub async fn recoveries(place: &Place, mut output: Output) -> Result<(), Failure> {
    let found = place.graph().open_read_only().await?.recoveries().await?;
    let found: Vec<report::Recovery> = found.iter().map(report::Recovery::of).collect();
    Ok(output.show(|width| report::recoveries(&found, width), || found.iter().map(json::line).collect())?)
}
