//! The audit: one row per recovered operation, however often the pass is interrupted.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use datafusion::physical_plan::memory::MemoryStream;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::decide::RecoveryKind;
use crate::clock::from_millis;
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::id::{CommitId, IdSource, OperationId};
use crate::runtime::Runtime;
use crate::storage::Stack;
use crate::table::{CommitFailure, Table, TableChange};
use crate::writer::WriterKind;

/// The audit dataset's path below the graph root.
pub const AUDIT_PATH: &str = "_graph_commit_recoveries.lance";

/// How often an append is tried again after another process appended first.
const APPEND_ATTEMPTS_MAX_COUNT: usize = 8;
/// Files of the audit before its rows are put together in one.
const FRAGMENTS_MAX_COUNT: usize = 32;

/// What a recovery did to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableOutcome {
    /// The dataset's path below the graph root.
    pub path: String,
    /// The pin before.
    pub from: u64,
    /// The pin after.
    pub to: u64,
}

/// One audit row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The operation that was finished or undone.
    pub operation_id: OperationId,
    /// What was done.
    pub kind: RecoveryKind,
    /// The kind of write that it was.
    pub writer: WriterKind,
    /// Who had written.
    pub actor: String,
    /// The commit that made it visible; `None` where there was nothing to publish.
    pub commit: Option<CommitId>,
    /// What happened to each table.
    pub tables: Vec<TableOutcome>,
    /// When it was recorded, by the recovering process's clock, to the millisecond.
    pub at: DateTime<Utc>,
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("operation_id", DataType::Utf8, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("writer", DataType::Utf8, false),
        Field::new("actor", DataType::Utf8, false),
        Field::new("recovery_commit", DataType::Utf8, true),
        Field::new("tables", DataType::Utf8, false),
        Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
    ]))
});

/// The audit as one pass uses it: what it has read of the dataset serves every operation of the pass, so that a pass costs in
/// proportion to what it recovers.
pub(crate) struct AuditLog<'a> {
    stack: &'a Stack,
    ids: &'a dyn IdSource,
    scope: Scope,
    /// The dataset as it was last seen, and which operations have their row there.
    seen: Option<(Table, BTreeSet<String>)>,
}

impl<'a> AuditLog<'a> {
    pub(crate) fn new(runtime: &'a Runtime, scope: Scope) -> Self {
        AuditLog { stack: &runtime.stack, ids: runtime.ids.as_ref(), scope, seen: None }
    }

    /// Appends `row`, unless the operation has its row already.
    ///
    /// # Errors
    /// The store's trouble; the caller keeps the sidecar.
    pub(crate) async fn append(&mut self, row: &Recovery) -> Result<()> {
        hit(self.scope, Window::AuditAppend).await?;
        self.record(row).await?;
        hit(self.scope, Window::AuditAppended).await
    }

    /// As [`append`](Self::append), outside of any recovery.
    pub(crate) async fn record(&mut self, row: &Recovery) -> Result<()> {
        let operation = row.operation_id.to_string();
        for _ in 0..APPEND_ATTEMPTS_MAX_COUNT {
            let (table, mut recorded) = match self.seen.take() {
                Some(seen) => seen,
                None => self.look().await?,
            };
            if recorded.contains(&operation) {
                self.seen = Some((table, recorded));
                return Ok(());
            }
            let change = self.stage(&table, row).await?;
            // Strict on the version that was searched, so that two processes never record one operation twice.
            match table.plan(change, self.ids).commit(self.stack).await {
                Ok(landing) => {
                    recorded.insert(operation);
                    self.seen = Some((landing.table, recorded));
                    return Ok(());
                }
                Err(CommitFailure::Moved(_)) => {}
                Err(failure) => return Err(failure.into_error().context("append the audit row")),
            }
        }
        let message = format!("the audit dataset moved {APPEND_ATTEMPTS_MAX_COUNT} times while a row was appended");
        Err(Error::conflict(message))
    }

    async fn look(&self) -> Result<(Table, BTreeSet<String>)> {
        self.read().await.map_err(damaged)
    }

    async fn read(&self) -> Result<(Table, BTreeSet<String>)> {
        let table = open_or_create(self.stack).await?;
        let mut recorded = BTreeSet::new();
        if !table.is_empty() {
            let mut rows = table.scan(&["operation_id"], None).await?;
            while let Some(batch) = rows.try_next().await? {
                recorded.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
            }
        }
        Ok((table, recorded))
    }

    /// A row makes a file, and whoever looks for a row reads every file. So before they are many, the rows are put together.
    async fn stage(&self, table: &Table, row: &Recovery) -> Result<TableChange> {
        let mut batches = Vec::new();
        let together = table.dataset().manifest().fragments.len() >= FRAGMENTS_MAX_COUNT;
        if together {
            let columns: Vec<&str> = SCHEMA.fields().iter().map(|field| field.name().as_str()).collect();
            batches = table.scan(&columns, None).await?.try_collect().await?;
        }
        batches.push(encode(row)?);
        let stream = MemoryStream::try_new(batches, Arc::clone(&SCHEMA), None);
        let stream = Box::pin(stream.map_err(|e| Error::internal(format!("audit row: {e}")))?);
        Ok(match together {
            true => TableChange::Overwrite(table.stage_overwrite(self.stack, stream).await?),
            false => TableChange::Append(table.stage_append(self.stack, stream).await?),
        })
    }
}

async fn open_or_create(stack: &Stack) -> Result<Table> {
    match Table::open_head(stack, AUDIT_PATH).await {
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    match Table::create(stack, AUDIT_PATH, Arc::clone(&SCHEMA)).await {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Table::open_head(stack, AUDIT_PATH).await,
        created => created,
    }
}

/// Every audit row, oldest first.
///
/// # Errors
/// The store's trouble, or [`ErrorKind::Corrupt`].
pub async fn recoveries(stack: &Stack) -> Result<Vec<Recovery>> {
    read_all(stack).await.map_err(damaged)
}

/// The error of an audit that cannot be read, with the way out where it is the audit's and not the store's.
fn damaged(error: Error) -> Error {
    if error.kind() != ErrorKind::Corrupt {
        return error.context("read the recovery audit");
    }
    let message = format!("the recovery audit is damaged, and recovery cannot be recorded in it: {}", error.message());
    Error::corrupt(message)
        .with_advice("run `omnigraph repair --audit`, which sets it aside and writes anew what the history knows of it")
        .with_source(error)
}

async fn read_all(stack: &Stack) -> Result<Vec<Recovery>> {
    let table = match Table::open_head(stack, AUDIT_PATH).await {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut rows = Vec::new();
    if table.is_empty() {
        return Ok(rows);
    }
    let columns: Vec<&str> = SCHEMA.fields().iter().map(|field| field.name().as_str()).collect();
    let mut stream = table.scan(&columns, None).await?;
    while let Some(batch) = stream.try_next().await? {
        for index in 0..batch.num_rows() {
            rows.push(decode(&batch, index)?);
        }
    }
    Ok(rows)
}

fn encode(row: &Recovery) -> Result<RecordBatch> {
    let tables = serde_json::to_string(&row.tables).map_err(|e| Error::internal(format!("audit row: {e}")))?;
    let text = |value: String| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        text(row.operation_id.to_string()),
        text(row.kind.as_str().to_owned()),
        text(row.writer.to_string()),
        text(row.actor.clone()),
        Arc::new(StringArray::from(vec![row.commit.map(|commit| commit.to_string())])),
        text(tables),
        Arc::new(TimestampMillisecondArray::from(vec![row.at.timestamp_millis()]).with_timezone("UTC")),
    ];
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns).map_err(|e| Error::internal(format!("audit row: {e}")))
}

fn decode(batch: &RecordBatch, index: usize) -> Result<Recovery> {
    let corrupt = |what: &str| Error::corrupt(format!("a row of the recovery audit has a bad {what}"));
    let text = |name: &str| -> Option<String> {
        let column = batch.column_by_name(name)?.as_string_opt::<i32>()?.clone();
        arrow_array::Array::is_valid(&column, index).then(|| column.value(index).to_owned())
    };
    let from_json = |name: &str| text(name).map(serde_json::Value::String);
    let at = batch
        .column_by_name("at")
        .and_then(|column| column.as_primitive_opt::<TimestampMillisecondType>().map(|times| times.value(index)));
    Ok(Recovery {
        operation_id: text("operation_id").and_then(|id| id.parse().ok()).ok_or_else(|| corrupt("operation id"))?,
        kind: from_json("kind").and_then(|v| serde_json::from_value(v).ok()).ok_or_else(|| corrupt("kind"))?,
        writer: from_json("writer").and_then(|v| serde_json::from_value(v).ok()).ok_or_else(|| corrupt("writer"))?,
        actor: text("actor").ok_or_else(|| corrupt("actor"))?,
        commit: text("recovery_commit").map(|id| id.parse().map_err(|_| corrupt("commit id"))).transpose()?,
        tables: text("tables")
            .and_then(|tables| serde_json::from_str(&tables).ok())
            .ok_or_else(|| corrupt("list of tables"))?,
        at: from_millis(at.ok_or_else(|| corrupt("time"))?),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use object_store::memory::InMemory;

    use super::*;
    use crate::clock::SystemClock;
    use crate::id::SystemIds;
    use crate::storage::{Call, FaultKind, FaultLayer, FaultPolicy, Operation, Verdict};

    fn row(id: &str) -> Recovery {
        Recovery {
            operation_id: id.parse().unwrap(),
            kind: RecoveryKind::OrphanedBranchDiscarded,
            writer: WriterKind::Load,
            actor: "ann".into(),
            commit: None,
            tables: vec![TableOutcome { path: "nodes/a".into(), from: 1, to: 3 }],
            at: from_millis(1_234),
        }
    }

    const FIRST: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const SECOND: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAW";

    /// Fails the next calls of one operation, as many as were asked for.
    #[derive(Debug, Default)]
    struct Weather(Mutex<Option<(Operation, FaultKind, usize)>>);

    impl Weather {
        fn set(&self, operation: Operation, kind: FaultKind, calls: usize) {
            *self.0.lock().unwrap() = Some((operation, kind, calls));
        }
    }

    impl FaultPolicy for Weather {
        fn verdict(&self, call: &Call) -> Verdict {
            match &mut *self.0.lock().unwrap() {
                Some((operation, kind, left)) if *operation == call.operation && *left > 0 => {
                    *left -= 1;
                    Verdict::Fail(*kind)
                }
                _ => Verdict::Pass,
            }
        }
    }

    fn stack() -> (Stack, Arc<Weather>) {
        let weather = Arc::new(Weather::default());
        let layer = FaultLayer::new(Arc::clone(&weather) as Arc<dyn FaultPolicy>);
        (Stack::over(Arc::new(InMemory::new()), "test".into(), &[Arc::new(layer)]), weather)
    }

    async fn record(stack: &Stack, row: &Recovery) -> Result<()> {
        let ids = SystemIds::new(Arc::new(SystemClock));
        AuditLog { stack, ids: &ids, scope: Scope::Heal, seen: None }.append(row).await
    }

    #[test]
    fn a_row_reads_back_as_it_was_written() {
        let row = row(FIRST);
        assert_eq!(decode(&encode(&row).unwrap(), 0).unwrap(), row);
    }

    #[tokio::test]
    async fn an_operation_has_one_row_however_often_it_is_recorded() {
        let (stack, _) = stack();
        assert_eq!(recoveries(&stack).await.unwrap(), []);
        for id in [FIRST, SECOND, FIRST] {
            record(&stack, &row(id)).await.unwrap();
        }
        assert_eq!(recoveries(&stack).await.unwrap(), [row(FIRST), row(SECOND)]);
    }

    #[tokio::test]
    async fn many_rows_lie_in_few_files_and_none_is_lost_or_written_twice() {
        let (stack, _) = stack();
        let ids = SystemIds::new(Arc::new(SystemClock));
        let mut log = AuditLog { stack: &stack, ids: &ids, scope: Scope::Heal, seen: None };
        let rows: Vec<Recovery> =
            (0..2 * FRAGMENTS_MAX_COUNT).map(|n| row(&format!("01ARZ3NDEKTSV4RRFFQ69G{n:04}"))).collect();
        for row in rows.iter().chain(&rows) {
            log.append(row).await.unwrap();
        }
        assert_eq!(recoveries(&stack).await.unwrap(), rows);
        let table = Table::open_head(&stack, AUDIT_PATH).await.unwrap();
        assert!(table.dataset().manifest().fragments.len() <= FRAGMENTS_MAX_COUNT);
    }

    #[tokio::test]
    async fn a_row_that_another_process_appended_meanwhile_counts() {
        let (stack, _) = stack();
        let ids = SystemIds::new(Arc::new(SystemClock));
        let mut log = AuditLog { stack: &stack, ids: &ids, scope: Scope::Heal, seen: None };
        log.append(&row(FIRST)).await.unwrap();
        record(&stack, &row(SECOND)).await.unwrap();
        log.append(&row(SECOND)).await.unwrap();
        assert_eq!(recoveries(&stack).await.unwrap(), [row(FIRST), row(SECOND)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_audit_that_cannot_be_opened_is_neither_empty_nor_created_anew() {
        let (stack, weather) = stack();
        record(&stack, &row(FIRST)).await.unwrap();
        // Lance itself lists again when a listing fails.
        weather.set(Operation::List, FaultKind::ConnectionLost, usize::MAX);
        for failed in [recoveries(&stack).await.unwrap_err(), record(&stack, &row(SECOND)).await.unwrap_err()] {
            assert_eq!(failed.kind(), ErrorKind::Storage);
            assert!(failed.message().contains("HEAD of table"), "{failed}");
        }
        weather.set(Operation::List, FaultKind::ConnectionLost, 0);
        assert_eq!(recoveries(&stack).await.unwrap(), [row(FIRST)]);
    }

    #[tokio::test]
    async fn an_audit_that_another_process_creates_first_is_appended_to() {
        let (stack, weather) = stack();
        record(&stack, &row(FIRST)).await.unwrap();
        // As for a process that looked just before it was there.
        weather.set(Operation::List, FaultKind::NotFound, 1);
        record(&stack, &row(SECOND)).await.unwrap();
        assert_eq!(recoveries(&stack).await.unwrap(), [row(FIRST), row(SECOND)]);
    }

    #[tokio::test]
    async fn an_audit_that_cannot_be_created_fails_with_what_the_store_said() {
        let (stack, weather) = stack();
        weather.set(Operation::PutIfAbsent, FaultKind::PermissionDenied, usize::MAX);
        let denied = record(&stack, &row(FIRST)).await.unwrap_err();
        assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
        assert!(!denied.is_retryable(), "{denied}");
    }
}
