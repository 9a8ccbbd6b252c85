//! Commits to one table with Lance alone, as a foreign tool would: its HEAD moves and the graph does not know.

use std::sync::Arc;

use arrow_json::ReaderBuilder;
use lance::Dataset;
use lance::dataset::CommitBuilder;
use lance::dataset::transaction::{Operation, Transaction};
use omnigraph::storage::Stack;
use serde_json::{Map, Value};

use super::damage::resolve;
use super::{Damaged, Done};
use crate::event::Outcome;
use crate::oracle::evidence::MovedHead;
use crate::scenario::model::MoveHead;

/// Lands the commits.
pub async fn move_head(bare: &Stack, step: &MoveHead) -> Done {
    match land(bare, step).await {
        Ok(damaged) => Done { damaged: Some(damaged), ..Done::of(Outcome::done()) },
        Err(reason) => Done::trouble(reason),
    }
}

async fn land(bare: &Stack, step: &MoveHead) -> Result<Damaged, String> {
    let path = resolve::table_path(bare, &step.type_name).await?;
    let failed = |error: &dyn std::fmt::Display| format!("table {path} cannot be moved: {error}");
    let mut dataset = bare.lance().dataset(&path).load().await.map_err(|error| failed(&error))?;
    let before = dataset.version().version;
    for number in 0..step.commits {
        match (&step.row, number) {
            (Some(row), 0) => append(bare, &mut dataset, row).await.map_err(|error| failed(&error))?,
            _ => dataset = append_nothing(bare, dataset).await.map_err(|error| failed(&error))?,
        }
    }
    let description =
        format!("moved HEAD of {} from version {before} to {}", step.type_name, dataset.version().version);
    let moved = MovedHead {
        type_name: step.type_name.clone(),
        row: step.row.as_ref().map(|row| columns(row).into_iter().collect()),
    };
    Ok(Damaged { description, paths: vec![path], may_change_rows: false, moved: Some(moved) })
}

async fn append(bare: &Stack, dataset: &mut Dataset, row: &Map<String, Value>) -> Result<(), String> {
    let schema = Arc::new(arrow_schema::Schema::from(dataset.schema()));
    let mut decoder = ReaderBuilder::new(schema.clone()).build_decoder().map_err(|error| error.to_string())?;
    decoder.serialize(&[columns(row)]).map_err(|error| error.to_string())?;
    let batch = decoder.flush().map_err(|error| error.to_string())?.ok_or("the row is empty")?;
    let reader = arrow_array::RecordBatchIterator::new([Ok(batch)], schema);
    dataset.append(reader, Some(bare.lance().write_params())).await.map_err(|error| error.to_string())
}

/// The columns of a row: an edge's ends have other names in its table.
fn columns(row: &Map<String, Value>) -> Map<String, Value> {
    let name = |column: &str| match column {
        "from" => "src".to_owned(),
        "to" => "dst".to_owned(),
        other => other.to_owned(),
    };
    row.iter().map(|(column, value)| (name(column), value.clone())).collect()
}

/// A commit that appends no fragment: a new version with the same rows.
async fn append_nothing(bare: &Stack, dataset: Dataset) -> Result<Dataset, String> {
    let transaction = Transaction::new(dataset.version().version, Operation::Append { fragments: Vec::new() }, None);
    let commit = CommitBuilder::new(Arc::new(dataset))
        .with_session(bare.lance().session())
        .with_store_params(bare.lance().store_params())
        .with_commit_handler(bare.lance().commit_handler());
    commit.execute(transaction).await.map_err(|error| error.to_string())
}
