//! The pipeline of a large input: reading, decoding and writing go on at the same time, with a few pieces in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use tokio::io::AsyncBufRead;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::decode::{Decoded, TypedBatch, decode};
use super::source::{Piece, Source, overlong};
use super::{Job, LoadMode, Written, unpacked_stream};
use crate::error::{Error, Result};
use crate::failpoint::{Scope, Window, hit, inherit};
use crate::intent::Intent;
use crate::storage::Stack;
use crate::table::{Appended, Table};
use crate::write::check::{AddressesByType, Gatherer, Mistakes, Origin, verify};

/// Pieces that are decoded at the same time, whatever the number of cores: the result must not depend on it.
const PIECES_AT_ONCE: usize = 3;
/// Batches of a type that wait to be written.
const BATCHES_WAITING: usize = 2;

pub(super) async fn prepare<R>(job: &Job<'_>, first: Piece, source: Source<R>) -> Result<Intent>
where
    R: AsyncBufRead + Send + Unpin + 'static,
{
    let mut writers = Writers::new(job);
    match run(job, first, source, &mut writers).await {
        Ok(replaced) => job.intent(std::mem::take(&mut writers.written), replaced).await,
        Err(error) => {
            writers.discard().await;
            Err(error)
        }
    }
}

async fn run<R>(job: &Job<'_>, first: Piece, source: Source<R>, writers: &mut Writers) -> Result<AddressesByType>
where
    R: AsyncBufRead + Send + Unpin + 'static,
{
    let mut gatherer = Gatherer::new(Arc::clone(job.snapshot.catalog()), job.hash_key());
    let mut mistakes = Mistakes::new(Origin::Line);
    let mut line = 0;
    let pieces = futures::stream::try_unfold((Some(first), source), |(first, mut source)| async {
        let piece = match first {
            Some(first) => Some(first),
            None => source.next().await?,
        };
        Ok(piece.map(|piece| (piece, (None, source))))
    });
    let catalog = job.snapshot.catalog();
    let decoded = pieces.map_ok(|piece| decode_piece(Arc::clone(catalog), piece)).try_buffered(PIECES_AT_ONCE);
    let mut decoded = std::pin::pin!(decoded);
    let mut rest = None;
    loop {
        let next = match rest.take() {
            Some(rest) => decode_piece(Arc::clone(catalog), rest).await?,
            None => match decoded.next().await.transpose()? {
                Some(next) => next,
                None => break,
            },
        };
        let Decoded { batches, mistakes: found, lines, .. } = next.0;
        rest = next.1;
        mistakes.append(found, line);
        if mistakes.is_full() {
            break;
        }
        for mut typed in batches {
            // Pieces count their lines from one.
            typed.lines.iter_mut().for_each(|within| *within += line);
            gatherer.input(typed.ty, &typed.batch, &typed.lines)?;
            if mistakes.is_empty() {
                writers.write(job, typed).await?;
            }
        }
        line += lines;
    }
    mistakes.into_result()?;
    let present = writers.types().collect();
    let (written, replaced) = tokio::join!(writers.finish(), check(job, gatherer, &present));
    // A mistake in the input says more than a writer that failed.
    let replaced = replaced?;
    written?;
    Ok(replaced)
}

/// Decodes on a thread of its own: parsing is what takes the time. Gives what is left, where the piece has more than should
/// be held at once.
async fn decode_piece(catalog: Arc<crate::schema::Catalog>, piece: Piece) -> Result<(Decoded, Option<Piece>)> {
    match piece {
        Piece::Lines(mut lines) => {
            let decoding = tokio::task::spawn_blocking(move || {
                let decoded = decode(&catalog, &lines)?;
                lines.drain(..decoded.bytes);
                Ok((decoded, (!lines.is_empty()).then_some(Piece::Lines(lines))))
            });
            decoding.await.map_err(|e| Error::internal(format!("the decoder stopped: {e}")))?
        }
        Piece::Overlong => {
            let mut mistakes = Mistakes::new(Origin::Line);
            mistakes.push(1, overlong());
            Ok((Decoded { batches: Vec::new(), mistakes, lines: 1, bytes: 0 }, None))
        }
    }
}

async fn check(job: &Job<'_>, mut gatherer: Gatherer, present: &BTreeSet<usize>) -> Result<AddressesByType> {
    job.look_up(&mut gatherer, present, None).await?;
    let conflicts = job.conflicts();
    let checking = tokio::task::spawn_blocking(move || {
        let mut mistakes = Mistakes::new(Origin::Line);
        let verdict = verify(gatherer, conflicts, &AddressesByType::new(), &mut mistakes)?;
        mistakes.into_result()?;
        Ok(verdict.replaced)
    });
    checking.await.map_err(|e| Error::internal(format!("the check of the rows stopped: {e}")))?
}

/// One Lance writer for each type that the input has rows of.
struct Writers {
    stack: Stack,
    mode: LoadMode,
    open: BTreeMap<usize, (mpsc::Sender<RecordBatch>, u64)>,
    running: JoinSet<(usize, Table, Result<Appended>)>,
    written: BTreeMap<usize, Written>,
}

impl Writers {
    fn new(job: &Job<'_>) -> Self {
        Writers {
            stack: job.snapshot.stack().clone(),
            mode: job.mode,
            open: BTreeMap::new(),
            running: JoinSet::new(),
            written: BTreeMap::new(),
        }
    }

    fn types(&self) -> impl Iterator<Item = usize> + '_ {
        self.open.keys().copied()
    }

    async fn write(&mut self, job: &Job<'_>, typed: TypedBatch) -> Result<()> {
        if !self.open.contains_key(&typed.ty) {
            if self.open.is_empty() {
                hit(Scope::Load, Window::PrepareStage).await?;
            }
            let sender = self.start(job, typed.ty).await?;
            self.open.insert(typed.ty, (sender, 0));
        }
        let Some((sender, rows)) = self.open.get_mut(&typed.ty) else { return Ok(()) };
        *rows += typed.batch.num_rows() as u64;
        if sender.send(typed.batch).await.is_ok() {
            return Ok(());
        }
        // The writer is gone: its error is what the load fails with.
        while let Some(done) = self.running.join_next().await {
            self.keep(done)?;
        }
        Err(Error::internal("a writer stopped before its rows did"))
    }

    async fn start(&mut self, job: &Job<'_>, ty: usize) -> Result<mpsc::Sender<RecordBatch>> {
        let def = &job.snapshot.catalog().types()[ty];
        let table = job.snapshot.table(&def.name).await?;
        let (sender, receiver) = mpsc::channel(BATCHES_WAITING);
        let rows = futures::stream::unfold(receiver, |mut receiver: mpsc::Receiver<RecordBatch>| async {
            receiver.recv().await.map(|batch| (batch, receiver))
        });
        let rows = unpacked_stream(def, rows);
        let (stack, mode) = (self.stack.clone(), self.mode);
        self.running.spawn(inherit(async move {
            let appended = match mode {
                LoadMode::Append | LoadMode::Merge => table.stage_append(&stack, rows).await,
                LoadMode::Overwrite => table.stage_overwrite(&stack, rows).await,
            };
            (ty, table, appended)
        }));
        Ok(sender)
    }

    /// Waits for every writer.
    async fn finish(&mut self) -> Result<()> {
        let rows: BTreeMap<usize, u64> =
            std::mem::take(&mut self.open).into_iter().map(|(ty, (_, rows))| (ty, rows)).collect();
        while let Some(done) = self.running.join_next().await {
            self.keep(done)?;
        }
        for (ty, written) in &mut self.written {
            written.rows = rows.get(ty).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn keep(&mut self, done: Result<(usize, Table, Result<Appended>), tokio::task::JoinError>) -> Result<()> {
        let (ty, table, appended) = done.map_err(|e| Error::internal(format!("a writer stopped: {e}")))?;
        self.written.insert(ty, Written { table, rows: 0, appended: appended? });
        Ok(())
    }

    /// Takes back what was written for nothing, as far as that can be done.
    async fn discard(&mut self) {
        self.open.clear();
        self.running.shutdown().await;
        for written in std::mem::take(&mut self.written).into_values() {
            written.table.discard(&self.stack, &written.appended).await;
        }
    }
}
