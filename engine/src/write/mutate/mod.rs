//! Changing rows with SQL: several statements in, one intent out.
//!
//! Every statement sees what the former ones did, over one snapshot. What remains after the last one is one change for
//! each table: rows to add and rows to take away. Nothing is written before all of it has been checked. Rows pass
//! through in batches; what a mutation keeps of them goes to a temporary file when it is much.
//!
//! - [`statement`]: SQL → what to do, or why not. [`literal`], [`cell`], [`fit`]: values → the columns of a type.
//! - [`working`]: a table as the statements so far have left it. [`pile`], [`pack`]: the rows that they made.
//!   [`view`]: the table as SQL sees it.
//! - [`execute`]: runs one statement. [`place`]: where it failed. [`rename`]: keys that it changes. [`edges`]: what becomes of the edges then.
//! - [`settle`]: checks, and the intent.

mod cell;
mod edges;
mod execute;
mod fit;
mod literal;
mod pack;
mod pile;
mod place;
mod rename;
mod settle;
mod statement;
#[cfg(test)]
mod tests;
mod view;
mod working;

use std::time::Duration;

use datafusion::sql::parser::Statement;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::id::OperationId;
use crate::intent::Intent;
use crate::manifest::Snapshot;
use crate::runtime::Runtime;
use crate::sql::{self, Memory, deep};
use crate::write::Prepare;
use crate::write::check::HashKey;
use execute::Mutation;
use pile::Budget;

/// Statements of one mutation.
const STATEMENTS_MAX: usize = 1_000;
/// What is held in memory of the rows that one mutation makes; more go to a temporary file.
const MEMORY_MAX_BYTES: u64 = 64 << 20;
/// What the rows of one mutation take in all.
const ROWS_MAX_BYTES: u64 = 16 << 30;
/// What rows take that are worked on together, where their width is known beforehand.
const PIECE_MAX_BYTES: usize = 8 << 20;
/// What the old and new keys of one statement take in memory.
const RENAMES_MAX_BYTES: usize = 512 << 20;
/// Keys of deleted nodes that edges are compared with at once.
const KEYS_AT_ONCE: usize = 2 << 20;

/// SQL statements that change rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mutate {
    /// `INSERT`, `UPDATE` and `DELETE`, separated by `;`. Tables are the types; an edge's endpoints are its columns
    /// `src` and `dst`.
    pub sql: String,
    /// Who mutates; `anonymous` when absent.
    pub actor: Option<String>,
    /// The name of the write, which makes repeating it harmless (see [`crate::write`]); one is drawn when absent.
    pub operation_id: Option<OperationId>,
    /// What a statement may take of the memory, in bytes, before it goes on in temporary files; a share of the machine's when
    /// absent.
    pub memory_bytes: Option<u64>,
    /// How long its statements may run together, before anything is checked and written; an hour when absent.
    pub timeout: Option<Duration>,
}

impl Mutate {
    /// A mutation by nobody in particular.
    pub fn sql(sql: impl Into<String>) -> Self {
        Mutate { sql: sql.into(), ..Mutate::default() }
    }
}

/// A mutation on its way to an intent.
pub(crate) struct Mutating<'a> {
    runtime: &'a Runtime,
    mutate: Mutate,
}

impl<'a> Mutating<'a> {
    pub(crate) fn new(runtime: &'a Runtime, mutate: Mutate) -> Self {
        Mutating { runtime, mutate }
    }
}

impl Prepare for Mutating<'_> {
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming statements that do not fit, else the store's trouble.
    async fn prepare(&mut self, snapshot: &Snapshot) -> Result<Option<Intent>> {
        // Expressions may nest deeper than the stack of a worker thread.
        deep(prepare_deeply(self.runtime, snapshot, &self.mutate)).await.map(Some)
    }
}

async fn prepare_deeply(runtime: &Runtime, snapshot: &Snapshot, mutate: &Mutate) -> Result<Intent> {
    let actor = crate::write::actor(mutate.actor.as_deref())?;
    let statements = sql::parse(&mutate.sql)?;
    if statements.is_empty() {
        return Err(Error::invalid("the SQL has no statement"));
    }
    if statements.len() > STATEMENTS_MAX {
        let message = format!("{} statements, at most {STATEMENTS_MAX} are run at once", statements.len());
        return Err(Error::invalid(message).with_advice("split them, or load many rows as JSON lines"));
    }
    let hash_key = HashKey::draw(runtime.ids.as_ref());
    let (budget, memory) = (Budget::new(MEMORY_MAX_BYTES, ROWS_MAX_BYTES), Memory::new(mutate.memory_bytes)?);
    let mut mutation = Mutation::new(snapshot, hash_key, budget, memory);
    let timeout = mutate.timeout.unwrap_or(sql::TIMEOUT);
    let executed = tokio::time::timeout(timeout, execute_all(&mut mutation, statements)).await;
    executed.map_err(|_| {
        Error::new(ErrorKind::Timeout, format!("the statements ran longer than their limit of {timeout:?}"))
            .with_advice("nothing was written; change less at once, or raise the limit")
    })??;
    settle::settle(runtime, mutation, actor).await
}

async fn execute_all(mutation: &mut Mutation<'_>, statements: Vec<Statement>) -> Result<()> {
    for (statement, number) in statements.into_iter().zip(1..) {
        let action = statement::read(statement).map_err(|e| e.context(format_args!("statement {number}")))?;
        let done = mutation.execute(action, number).await;
        done.map_err(|e| e.context(format_args!("statement {number}")))?;
    }
    Ok(())
}
