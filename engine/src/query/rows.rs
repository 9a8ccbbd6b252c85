//! The rows of a query, as they come.

use std::future::Future;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::StreamExt;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::inherit;
use crate::sql::{Plan, TIMEOUT, deep, refused, texts_in, texts_of};

/// Batches that are made before anybody asks for them.
const BATCHES_AHEAD: usize = 1;

/// The rows of a query, in batches. Dropping it ends the query.
#[derive(Debug)]
pub struct Rows {
    schema: SchemaRef,
    batches: Receiver<Result<RecordBatch>>,
    /// The one task that makes them; dropping it ends the task.
    task: JoinSet<()>,
    deadline: Option<Deadline>,
    /// How much a collected result may take.
    bytes_max: u64,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Rows {
    /// Runs what `plan` gives as a task of its own: its stack suffices, and the caller's deadline holds although a plan may be
    /// long in giving way.
    pub(super) async fn start(
        timeout: Option<Duration>,
        bytes_max: u64,
        plan: impl Future<Output = Result<Plan>> + Send + 'static,
    ) -> Result<Rows> {
        let timeout = timeout.unwrap_or(TIMEOUT);
        // What the clock cannot say is never reached.
        let deadline = Instant::now().checked_add(timeout).map(|at| Deadline { at, timeout });
        let (to_schema, mut schema) = channel(1);
        let (to_batches, batches) = channel(BATCHES_AHEAD);
        let mut task = JoinSet::new();
        task.spawn(inherit(deep(async move {
            if let Err(error) = run(plan, &to_schema, &to_batches).await {
                // Whichever the caller waits for.
                drop(to_schema);
                let _ = to_batches.send(Err(error)).await;
            }
        })));
        let mut rows =
            Rows { schema: SchemaRef::new(arrow_schema::Schema::empty()), batches, task, deadline, bytes_max };
        if let Some(schema) = within(deadline, schema.recv()).await? {
            rows.schema = schema;
            return Ok(rows);
        }
        rows.next().await?;
        Err(Error::internal("a query ended before it had columns"))
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch; `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when the time is up, [`ErrorKind::Invalid`] for values that do not fit and for too much memory, else
    /// the store's trouble. There are no more rows after an error.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (deadline, batches) = (self.deadline, &mut self.batches);
        match within(deadline, batches.recv()).await {
            Ok(Some(batch)) => batch.map(Some),
            Ok(None) => self.end().await.map(|()| None),
            Err(error) => {
                self.task.abort_all();
                self.batches.close();
                Err(error)
            }
        }
    }

    /// All rows that are left.
    ///
    /// # Errors
    /// As [`Rows::next`], and [`ErrorKind::Invalid`] when they take more memory than the query may.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let (mut batches, mut bytes) = (Vec::new(), 0_u64);
        while let Some(batch) = self.next().await? {
            bytes = bytes.saturating_add(batch.get_array_memory_size() as u64);
            if bytes > self.bytes_max {
                let message = format!("the result takes more than the memory limit of {} bytes", self.bytes_max);
                return Err(
                    Error::invalid(message).with_advice("use LIMIT, read rows as they come, or raise the limit")
                );
            }
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Whether the task ended as it should have.
    async fn end(&mut self) -> Result<()> {
        match self.task.join_next().await {
            Some(Err(broken)) if broken.is_panic() => Err(Error::internal("a query broke off").with_source(broken)),
            _ => Ok(()),
        }
    }
}

async fn within<T>(deadline: Option<Deadline>, future: impl Future<Output = T>) -> Result<T> {
    let Some(Deadline { at, timeout }) = deadline else { return Ok(future.await) };
    tokio::time::timeout_at(at, future).await.map_err(|_| {
        Error::new(ErrorKind::Timeout, format!("the query ran longer than its limit of {timeout:?}"))
            .with_advice("ask for less, or raise the limit")
    })
}

async fn run(
    plan: impl Future<Output = Result<Plan>>,
    schema: &Sender<SchemaRef>,
    batches: &Sender<Result<RecordBatch>>,
) -> Result<()> {
    let mut stream = plan.await?.stream().await?;
    if schema.send(texts_in(&stream.schema())).await.is_err() {
        return Ok(());
    }
    while let Some(batch) = stream.next().await {
        for batch in texts_of(batch.map_err(refused)?)? {
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}
