//! Changing rows with SQL: several statements in, one intent out.
//!
//! Every statement sees what the former ones did, over one snapshot. What remains after the last one is one change for
//! each table: rows to add and rows to take away. Nothing is written before all of it has been checked.
//!
//! - [`statement`]: SQL → what to do, or why not. [`working`]: a table as the statements so far have left it.
//! - [`execute`]: runs one statement. [`literal`], [`cell`], [`fit`]: values → the columns of a type. [`settle`]: checks, and the intent.

mod cell;
mod execute;
mod fit;
mod literal;
mod settle;
mod statement;
#[cfg(test)]
mod tests;
mod working;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::intent::Intent;
use crate::manifest::Snapshot;
use crate::query;
use crate::runtime::Runtime;
use execute::Mutation;

/// Statements of one mutation.
const STATEMENTS_MAX: usize = 1_000;
/// Rows that one mutation changes; they are held in memory.
const ROWS_MAX: usize = 100_000;

/// SQL statements that change rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mutate {
    /// `INSERT`, `UPDATE` and `DELETE`, separated by `;`. Tables are the types; an edge's endpoints are its columns
    /// `src` and `dst`.
    pub sql: String,
    /// Who mutates; `anonymous` when absent.
    pub actor: Option<String>,
}

impl Mutate {
    /// A mutation by nobody in particular.
    pub fn sql(sql: impl Into<String>) -> Self {
        Mutate { sql: sql.into(), actor: None }
    }
}

/// Prepares a mutation.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] naming statements that do not fit, else the store's trouble.
pub(crate) async fn prepare(runtime: &Runtime, snapshot: &Snapshot, mutate: &Mutate) -> Result<Intent> {
    let actor = crate::write::actor(mutate.actor.as_deref())?;
    let statements = query::parse(&mutate.sql)?;
    if statements.is_empty() {
        return Err(Error::invalid("the SQL has no statement"));
    }
    if statements.len() > STATEMENTS_MAX {
        let message = format!("{} statements, at most {STATEMENTS_MAX} are run at once", statements.len());
        return Err(Error::invalid(message).with_advice("split them, or load many rows as JSON lines"));
    }
    let mut mutation = Mutation::new(snapshot);
    for (statement, number) in statements.into_iter().zip(1..) {
        let action = statement::read(statement).map_err(|e| e.context(format_args!("statement {number}")))?;
        let done = mutation.execute(action, number).await;
        done.map_err(|e| e.context(format_args!("statement {number}")))?;
    }
    settle::settle(runtime, mutation, actor).await
}
