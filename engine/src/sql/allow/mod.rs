//! The allow-list: a parsed statement is walked whole, and every node and clause that is not carried out is refused by name.
//!
//! No pattern over the syntax tree has `..` in it: when the parser learns a clause, this stops compiling until somebody has
//! said what becomes of it.

mod expression;
mod function;
mod query;
mod select;
mod table;
#[cfg(test)]
mod tests;
mod types;

use std::collections::{BTreeSet, HashMap};

use datafusion::sql::parser::{ExplainStatement, Statement};
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Query, Statement as SqlStatement};

use super::limit::{EXPRESSIONS_MAX, REFERENCES_MAX, TABLES_MAX, TREE_LEVELS_MAX};
use crate::error::{Error, Result};

/// Checks what a query is made of.
pub(crate) fn query(query: &Query) -> Result<()> {
    Walk::default().query(query).map(|_| ())
}

/// Checks what an expression of a statement that changes rows is made of.
pub(crate) fn expression(expression: &Expr) -> Result<()> {
    Walk::default().expression(expression)
}

/// Checks the queries in a statement. Which statements there may be at all, the verbs say.
pub(super) fn statement(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Statement(sql) => match sql.as_ref() {
            SqlStatement::Query(inner) => query(inner),
            // These are taken apart by `write`, every other statement is refused by both verbs.
            _ => Ok(()),
        },
        Statement::Explain(ExplainStatement { analyze: _, verbose: _, format: _, statement: inner }) => {
            match inner.as_ref() {
                Statement::Explain(_) => Err(refused("EXPLAIN of EXPLAIN")),
                inner => self::statement(inner),
            }
        }
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => Ok(()),
    }
}

/// The names of the types that a statement reads.
pub(super) fn tables_of(statement: &Statement) -> Result<BTreeSet<String>> {
    let statement = match statement {
        Statement::Explain(ExplainStatement { analyze: _, verbose: _, format: _, statement: inner }) => inner,
        other => other,
    };
    let mut walk = Walk::default();
    if let Statement::Statement(sql) = statement
        && let SqlStatement::Query(query) = sql.as_ref()
    {
        walk.query(query)?;
    }
    Ok(walk.names)
}

/// The error about a clause that has no meaning here; to ignore it would be to do something else.
pub(crate) fn refused(clause: impl std::fmt::Display) -> Error {
    Error::invalid(format!("{clause} is not supported"))
}

/// Fails with the first clause that is present.
pub(crate) fn without(clauses: &[(bool, &str)]) -> Result<()> {
    match clauses.iter().find(|(present, _)| *present) {
        Some((_, clause)) => Err(refused(clause)),
        None => Ok(()),
    }
}

/// One walk over one statement.
#[derive(Default)]
struct Walk {
    level: usize,
    expressions: usize,
    /// References to columns so far.
    references: usize,
    /// Tables that are read so far.
    tables: usize,
    /// Their names, those of common table expressions left out.
    names: BTreeSet<String>,
    /// How many WITH are around.
    withs: usize,
    /// The common table expressions in sight, innermost last.
    scopes: Vec<HashMap<String, Common>>,
}

/// What a common table expression costs where it is used.
#[derive(Clone, Copy)]
struct Common {
    tables: usize,
    reach: Reach,
}

/// How many references to columns of stored tables an expression over a column of some table comes to, once everything
/// that the table is made of is put into it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reach(usize);

impl Reach {
    const STORED: Reach = Reach(1);

    /// That of a column made by an expression with that many references.
    fn through(self, references: usize) -> Result<Reach> {
        let reach = self.0.saturating_mul(references.max(1));
        if reach > REFERENCES_MAX {
            let message = format!(
                "the SQL builds expressions upon expressions until they have more than {REFERENCES_MAX} references to columns"
            );
            return Err(Error::invalid(message).with_advice("use each computed column less often"));
        }
        Ok(Reach(reach))
    }
}

impl Walk {
    /// Goes one level down.
    fn deeper<T>(&mut self, walk: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.level += 1;
        if self.level > TREE_LEVELS_MAX {
            let message =
                format!("the SQL is more than {TREE_LEVELS_MAX} levels deep; a chain of n operators has n levels");
            return Err(Error::invalid(message).with_advice("use IN for many values, or several statements"));
        }
        let walked = walk(self);
        self.level -= 1;
        walked
    }

    fn count_expression(&mut self) -> Result<()> {
        self.expressions += 1;
        if self.expressions > EXPRESSIONS_MAX {
            let message = format!("the statement has more than {EXPRESSIONS_MAX} expressions");
            return Err(Error::invalid(message).with_advice("split it, or load many rows as JSON lines"));
        }
        Ok(())
    }

    fn count_tables(&mut self, tables: usize) -> Result<()> {
        self.tables = self.tables.saturating_add(tables);
        if self.tables > TABLES_MAX {
            let message = format!(
                "the statement reads more than {TABLES_MAX} tables; a common table expression counts wherever it is used"
            );
            return Err(Error::invalid(message).with_advice("split it"));
        }
        Ok(())
    }

    fn expressions<'a>(&mut self, expressions: impl IntoIterator<Item = &'a Expr>) -> Result<()> {
        expressions.into_iter().try_for_each(|expression| self.expression(expression))
    }

    fn common(&self, name: &str) -> Option<Common> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }
}

/// A name of one part.
pub(crate) fn plain(name: &ObjectName) -> Result<&Ident> {
    match name.0.as_slice() {
        [part] => part.as_ident().ok_or_else(|| Error::invalid(format!("`{name}` is no plain name"))),
        _ => Err(Error::invalid(format!("`{name}` is no plain name"))),
    }
}
