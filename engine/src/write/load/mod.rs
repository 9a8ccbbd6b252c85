//! Loading rows in bulk: JSON lines in, one intent out.
//!
//! ```text
//! reader ─ lines ─ decode ─┬─ batches ─ Lance writer (one per type) ─┬─ intent
//!                          └─ records of identities ─ verify ────────┘
//! ```
//!
//! A small input is decoded and checked whole before anything is written, so that a refused one leaves nothing. A large
//! one is written while it is read; a refusal then takes back what was written. Either way nothing is armed before
//! every row has been checked, and memory does not grow with the input.
//!
//! - [`source`]: the reader, in pieces of whole lines. [`copy`]: what is kept of it. [`json`], [`line`], [`column`], [`decode`]: lines → Arrow batches.
//! - [`demand`]: what each mode asks of committed rows. [`stream`]: the pipeline of a large input.

mod column;
mod copy;
mod decode;
mod demand;
mod json;
mod line;
mod source;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufRead;

use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::{Scope, Window, hit};
use crate::id::OperationId;
use crate::intent::{Intent, RowCounts};
use crate::manifest::Snapshot;
use crate::runtime::Runtime;
use crate::schema::TypeDef;
use crate::table::{Addresses, Appended, Table, TableChange};
use crate::value::unpacked;
use crate::write::Prepare;
use crate::write::check::{AddressesByType, BY_VALUE_ROWS_MAX, Conflicts, Gatherer, HashKey, Mistakes, Origin, verify};
use crate::writer::WriterKind;
use copy::{Copied, Copy};
use decode::{Decoded, decode};
use source::{Piece, Source};

/// How loaded rows meet committed ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadMode {
    /// Rows are new: one whose identity exists already is a mistake.
    #[default]
    Append,
    /// A row whose identity exists already takes the place of the existing row, whole: a property that the new row
    /// lacks is missing afterwards.
    Merge,
    /// The rows are the whole content of every type that the input names. Other types stay as they are, and edges of
    /// other types that would lose an endpoint are a mistake.
    Overwrite,
}

/// What to load, beside the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    /// How loaded rows meet committed ones.
    pub mode: LoadMode,
    /// Who loads; `anonymous` when absent.
    pub actor: Option<String>,
    /// The name of the write, which makes repeating it harmless (see [`crate::write`]); one is drawn when absent.
    pub operation_id: Option<OperationId>,
}

impl Load {
    /// A load that appends.
    pub fn append() -> Self {
        Load::default()
    }

    /// A load that replaces existing rows by identity.
    pub fn merge() -> Self {
        Load { mode: LoadMode::Merge, ..Load::default() }
    }

    /// A load that replaces the whole content of the types in the input.
    pub fn overwrite() -> Self {
        Load { mode: LoadMode::Overwrite, ..Load::default() }
    }

    /// Rows that are at hand already, as input.
    pub fn rows(rows: impl IntoIterator<Item = serde_json::Value>) -> Cursor<Vec<u8>> {
        let mut lines = Vec::new();
        for row in rows {
            lines.extend_from_slice(row.to_string().as_bytes());
            lines.push(b'\n');
        }
        Cursor::new(lines)
    }
}

/// A load on its way to an intent.
pub(crate) struct Loading<'a> {
    runtime: &'a Runtime,
    load: Load,
    input: Input,
}

/// Where the lines of a load come from. It is not a parameter of the write: a write whose type names a borrowed input cannot be run
/// as a task.
type Reader = Box<dyn AsyncBufRead + Send + Unpin>;

/// The input of a load, which is kept as far as it can be, so that the load can be prepared again.
enum Input {
    New(Reader),
    /// A small one, as it is.
    Whole(Vec<u8>),
    /// A large one that has been read.
    Read(Copied),
    /// A large one, to be read once more.
    Copy(std::fs::File),
    Gone,
}

impl<'a> Loading<'a> {
    pub(crate) fn new(runtime: &'a Runtime, load: Load, reader: impl AsyncBufRead + Send + Unpin + 'static) -> Self {
        Loading { runtime, load, input: Input::New(Box::new(reader)) }
    }
}

impl Prepare for Loading<'_> {
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] with up to twenty mistakes by line, else the store's trouble.
    async fn prepare(&mut self, snapshot: &Snapshot) -> Result<Option<Intent>> {
        let actor = crate::write::actor(self.load.actor.as_deref())?;
        let job = Job { runtime: self.runtime, snapshot, mode: self.load.mode, actor };
        self.input = match std::mem::replace(&mut self.input, Input::Gone) {
            Input::New(reader) => {
                let mut source = Source::new(reader);
                match source.next().await? {
                    None => Input::Whole(Vec::new()),
                    Some(Piece::Lines(lines)) if source.is_at_end() => Input::Whole(lines),
                    Some(first) => {
                        self.input = Input::Read(copied(&mut source, &first).await);
                        return stream::prepare(&job, first, source).await.map(Some);
                    }
                }
            }
            Input::Read(copied) => copied.await.map_or(Input::Gone, Input::Copy),
            other => other,
        };
        match &self.input {
            Input::Whole(lines) => job.prepare_small(lines).await.map(Some),
            Input::Copy(file) => {
                let reader = copy::read(file).map_err(|e| {
                    Error::new(ErrorKind::Storage, "the copy of the input cannot be read").with_source(e)
                })?;
                let mut source = Source::new(reader);
                let Some(first) = source.next().await? else { return Ok(None) };
                stream::prepare(&job, first, source).await.map(Some)
            }
            Input::New(_) | Input::Read(_) | Input::Gone => Ok(None),
        }
    }
}

/// Begins to copy an input whose `first` piece has been read.
async fn copied<R: AsyncBufRead + Unpin>(source: &mut Source<R>, first: &Piece) -> Copied {
    let (copy, copied) = Copy::begin();
    if let (Some(copy), Piece::Lines(lines)) = (copy, first) {
        source.copy_to(copy, lines).await;
    }
    copied
}

/// Packed rows of a type, as its table takes them.
fn unpacked_stream(
    def: &TypeDef,
    packed: impl Stream<Item = RecordBatch> + Send + 'static,
) -> SendableRecordBatchStream {
    let schema = def.arrow_schema();
    let rows = {
        let schema = Arc::clone(&schema);
        packed.flat_map(move |batch| futures::stream::iter(unpacked(Arc::clone(&schema), batch)))
    };
    Box::pin(RecordBatchStreamAdapter::new(schema, rows.map_err(DataFusionError::from)))
}

/// One attempt at a load.
struct Job<'a> {
    runtime: &'a Runtime,
    snapshot: &'a Snapshot,
    mode: LoadMode,
    actor: String,
}

/// What was written for one type.
struct Written {
    table: Table,
    rows: u64,
    appended: Appended,
}

impl Job<'_> {
    async fn prepare_small(&self, lines: &[u8]) -> Result<Intent> {
        let decoded = decode(self.snapshot.catalog(), lines)?;
        if decoded.bytes < lines.len() && !decoded.mistakes.is_full() {
            // Few bytes, but too many rows to be held at once.
            let source = Source::new(Cursor::new(Vec::new()));
            return stream::prepare(self, Piece::Lines(lines.to_vec()), source).await;
        }
        self.prepare_whole(decoded).await
    }

    /// A small input: checked whole, then written.
    async fn prepare_whole(&self, decoded: Decoded) -> Result<Intent> {
        let Decoded { batches, mistakes, .. } = decoded;
        mistakes.into_result()?;

        let mut gatherer = Gatherer::new(Arc::clone(self.snapshot.catalog()), self.hash_key());
        for typed in &batches {
            gatherer.input(typed.ty, &typed.batch, &typed.lines)?;
        }
        let rows: Vec<(usize, &RecordBatch)> = batches.iter().map(|typed| (typed.ty, &typed.batch)).collect();
        let present = rows.iter().map(|(ty, _)| *ty).collect();
        let count: usize = rows.iter().map(|(_, batch)| batch.num_rows()).sum();
        let few = (count <= BY_VALUE_ROWS_MAX).then_some(rows.as_slice());
        self.look_up(&mut gatherer, &present, few).await?;
        let mut mistakes = Mistakes::new(Origin::Line);
        let verdict = verify(gatherer, self.conflicts(), &AddressesByType::new(), &mut mistakes)?;
        mistakes.into_result()?;

        let mut by_type: BTreeMap<usize, Vec<RecordBatch>> = BTreeMap::new();
        for typed in batches {
            by_type.entry(typed.ty).or_default().push(typed.batch);
        }
        if !by_type.is_empty() {
            hit(Scope::Load, Window::PrepareStage).await?;
        }
        let mut written = BTreeMap::new();
        for (ty, batches) in by_type {
            let def = &self.snapshot.catalog().types()[ty];
            let table = self.snapshot.table(&def.name).await?;
            let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
            let stream = unpacked_stream(def, futures::stream::iter(batches));
            let appended = self.stage(&table, stream).await?;
            written.insert(ty, Written { table, rows, appended });
        }
        self.intent(written, verdict.replaced).await
    }

    fn hash_key(&self) -> HashKey {
        HashKey::draw(self.runtime.ids.as_ref())
    }

    fn conflicts(&self) -> Conflicts {
        match self.mode {
            LoadMode::Merge => Conflicts::Replace,
            LoadMode::Append | LoadMode::Overwrite => {
                Conflicts::Refuse("load with mode `merge` to replace rows that exist")
            }
        }
    }

    /// Reads what matters of committed rows; `few`: the rows of the load, where there are few enough to ask by value.
    async fn look_up(
        &self,
        gatherer: &mut Gatherer,
        present: &BTreeSet<usize>,
        few: Option<&[(usize, &RecordBatch)]>,
    ) -> Result<()> {
        let catalog = self.snapshot.catalog();
        let mut lookups = demand::lookups(catalog, self.mode, present);
        if let Some(rows) = few {
            lookups.restrict(catalog, rows)?;
        }
        for lookup in lookups.into_list() {
            let table = self.snapshot.table(&catalog.types()[lookup.ty].name).await?;
            lookup.run(&table, gatherer).await?;
        }
        Ok(())
    }

    async fn stage(&self, table: &Table, stream: SendableRecordBatchStream) -> Result<Appended> {
        match self.mode {
            LoadMode::Append | LoadMode::Merge => table.stage_append(self.snapshot.stack(), stream).await,
            LoadMode::Overwrite => table.stage_overwrite(self.snapshot.stack(), stream).await,
        }
    }

    /// Turns what was written, and the committed rows whose place it takes, into an intent.
    async fn intent(&self, written: BTreeMap<usize, Written>, mut replaced: AddressesByType) -> Result<Intent> {
        let catalog = self.snapshot.catalog();
        let present: BTreeSet<usize> = written.keys().copied().collect();
        let mut reads = BTreeSet::new();
        for ty in demand::looked_at(catalog, self.mode, &present) {
            let entry = self.snapshot.state().table_of_type(&catalog.types()[ty].name);
            reads.extend(entry.map(|entry| entry.path.clone()));
        }
        let (mut effects, mut rows) = (BTreeMap::new(), BTreeMap::new());
        for (ty, Written { table, rows: count, appended }) in written {
            let mut counts = RowCounts { inserted: count, ..RowCounts::default() };
            let change = match (self.mode, replaced.remove(&ty)) {
                (LoadMode::Overwrite, _) => {
                    counts.deleted = table.count_rows().await?;
                    TableChange::Overwrite(appended)
                }
                (_, None) => TableChange::Append(appended),
                (_, Some(addresses)) => {
                    counts.updated = addresses.len();
                    counts.inserted = count.saturating_sub(counts.updated);
                    TableChange::Replace(table.stage_delete(&Addresses(addresses)).await?, appended)
                }
            };
            effects.insert(table.path().to_owned(), table.plan(change, self.runtime.ids.as_ref()));
            rows.insert(catalog.types()[ty].name.clone(), counts);
        }
        let base = Arc::clone(self.snapshot.state());
        Ok(Intent { writer: WriterKind::Load, actor: self.actor.clone(), base, reads, effects, rows })
    }
}
