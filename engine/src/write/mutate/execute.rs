//! Runs one statement against the tables as the former statements have left them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use datafusion::sql::TableReference;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Ident, Query, SelectItem, SetExpr, Statement as SqlStatement};
use futures::TryStreamExt;

use super::KEYS_AT_ONCE;
use super::edges::Keys;
use super::fit::{self, TableColumn, columns};
use super::pack::{ORIGIN, mark_moved};
use super::pile::Budget;
use super::place::{Assigned, Sourced};
use super::rename::Collecting;
use super::statement::{Action, Target};
use super::view::{ROW, with_texts};
use super::working::{Taken, Working};
use super::{cell, literal};
use crate::error::{Error, Result};
use crate::manifest::Snapshot;
use crate::query::{parse, refused, tables_of, unknown_type};
use crate::schema::TypeDef;
use crate::sql::{Memory, Plan, session_within};
use crate::write::check::HashKey;

/// What SQL calls the table that is being changed. No type has such a name.
const TARGET: &str = "__target";
/// What a statement calls the values that identify a row until it has run, with a number behind it.
const WAS: &str = "__was";

/// The state between statements.
pub(super) struct Mutation<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Every type that a statement has read or changed.
    pub(super) tables: BTreeMap<usize, Working>,
    pub(super) hash_key: HashKey,
    /// What its statements share for sorts, joins and aggregates.
    pub(super) memory: Memory,
    budget: Arc<Budget>,
}

impl<'a> Mutation<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, hash_key: HashKey, budget: Arc<Budget>, memory: Memory) -> Self {
        Mutation { snapshot, tables: BTreeMap::new(), hash_key, memory, budget }
    }

    pub(super) async fn execute(&mut self, action: Action, statement: u64) -> Result<()> {
        match action {
            Action::Insert { into, columns, source } => self.insert(&into, columns, source, statement).await,
            Action::Update { target, assignments, selection } => {
                self.update(&target, assignments, selection, statement).await
            }
            Action::Delete { target, selection } => self.delete(&target, selection).await,
        }
    }

    async fn insert(
        &mut self,
        into: &str,
        named: Option<Vec<String>>,
        source: Box<Query>,
        statement: u64,
    ) -> Result<()> {
        let ty = self.open(into).await?;
        let catalog = Arc::clone(self.snapshot.catalog());
        let def = &catalog.types()[ty];
        let all = columns(&catalog, def);
        let named = named.unwrap_or_else(|| all.iter().map(|column| column.name.to_owned()).collect());
        known_once(def, &named, all.iter().map(|column| column.name))?;
        let given: Vec<_> = named.iter().map(|name| all.iter().find(|column| column.name == name)).collect();
        let tables = self.tables(&statement_of(source.clone()))?;
        let mut source = source;
        literal::read_values(&mut source, into, &given).map_err(Error::invalid)?;
        let sourced = Sourced { type_name: &def.name, columns: &named, source: *source, tables };
        let query = statement_of(Box::new(sourced.source.clone()));
        let mut rows = match self.run(query, sourced.tables.clone(), None).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.placed_source(&sourced, error).await),
        };
        let given = rows.schema().fields().len();
        if given != named.len() {
            let message = format!("INSERT into {into} names {} columns and gives {given} values", named.len());
            return Err(Error::invalid(message));
        }
        let packing = Arc::clone(self.working(ty)?.packing());
        let mut before = 0;
        loop {
            let batch = match rows.try_next().await {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(error) => return Err(self.placed_source(&sourced, refused(error)).await),
            };
            for range in packing.ranges(batch.num_rows()) {
                let part = batch.slice(range.start, range.len());
                let arrays = all.iter().map(|column| match named.iter().position(|name| name == column.name) {
                    Some(at) => column.fit(part.column(at), before),
                    None => column.missing(part.num_rows()),
                });
                let fitted = arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| fit::batch(def, arrays));
                let fitted = fitted.map_err(|problem| Error::invalid(format!("{into}.{problem}")))?;
                self.working(ty)?.insert(&fitted, statement)?;
                before += part.num_rows() as u64;
            }
        }
        Ok(())
    }

    async fn update(
        &mut self,
        target: &Target,
        assignments: Vec<(String, SqlExpr)>,
        selection: Option<SqlExpr>,
        statement: u64,
    ) -> Result<()> {
        let ty = self.open(&target.name).await?;
        let catalog = Arc::clone(self.snapshot.catalog());
        let def = &catalog.types()[ty];
        let all = columns(&catalog, def);
        let names: Vec<String> = assignments.iter().map(|(name, _)| name.clone()).collect();
        known_once(def, &names, all.iter().map(|column| column.name))?;
        let is_named = |column: &TableColumn<'_>| names.iter().any(|name| name == column.name);
        let identity: Vec<usize> = (0..all.len()).filter(|at| all[*at].identity && is_named(&all[*at])).collect();
        let read = assignments.iter().map(|(_, value)| SelectItem::UnnamedExpr(value.clone())).chain([hidden(ROW)]);
        let tables = self.tables(&select(target, read.collect(), selection.clone())?)?;
        let mut read = Vec::new();
        for (name, value) in assignments {
            let column = all.iter().find(|column| column.name == name);
            let value = column.map_or(Ok(value.clone()), |column| literal::read_assigned(value, &def.name, column));
            read.push((name, value.map_err(Error::invalid)?));
        }
        let assigned = Assigned {
            ty,
            type_name: &def.name,
            target,
            values: read.clone(),
            selection: selection.clone(),
            tables: tables.clone(),
        };
        let mut values: BTreeMap<String, SqlExpr> = read.into_iter().collect();
        let projection = all.iter().map(|column| {
            let value = values.remove(column.name).unwrap_or_else(|| SqlExpr::Identifier(quoted(column.name)));
            SelectItem::ExprWithAlias { expr: value, alias: quoted(column.name) }
        });
        let was = identity.iter().map(|at| SelectItem::ExprWithAlias {
            expr: SqlExpr::Identifier(quoted(all[*at].name)),
            alias: quoted(&format!("{WAS}{at}")),
        });
        let projection = projection.chain([ROW, ORIGIN].map(hidden)).chain(was).collect();
        let query = select(target, projection, selection)?;
        let mut rows = self.run(query, tables, Some(ty)).await?;
        let packing = Arc::clone(self.working(ty)?.packing());
        let mut renames = def.key().map(|key| Collecting::new(def, key, self.hash_key));
        let mut taken = Taken::default();
        let mut before = 0;
        loop {
            let batch = match rows.try_next().await {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(error) => return Err(self.placed(&assigned, refused(error)).await),
            };
            for range in packing.ranges(batch.num_rows()) {
                let part = batch.slice(range.start, range.len());
                let arrays = all.iter().enumerate().map(|(at, column)| column.fit(part.column(at), before));
                let fitted = arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| fit::batch(def, arrays));
                let fitted = fitted.map_err(|problem| Error::invalid(format!("{}.{problem}", def.name)))?;
                taken.add(numbers(&part, ROW)?)?;
                let mut origin = numbers(&part, ORIGIN)?.clone();
                let was = |nth: usize| part.column(all.len() + 2 + nth);
                if !identity.is_empty() {
                    let pairs = identity.iter().enumerate().map(|(nth, at)| (was(nth), fitted.column(*at)));
                    let moved = self.differ(pairs)?;
                    origin = mark_moved(&origin, &moved);
                    if let Some(renames) = &mut renames {
                        renames.add(was(0), fitted.column(identity[0]), &moved)?;
                    }
                }
                self.working(ty)?.replace(&fitted, origin, statement)?;
                before += part.num_rows() as u64;
            }
        }
        drop(rows);
        self.working(ty)?.take(taken);
        match renames.filter(|renames| !renames.is_empty()) {
            Some(renames) => self.follow(&renames.finish()?, statement).await,
            None => Ok(()),
        }
    }

    /// In which rows one of the columns holds something else than before.
    fn differ<'b>(&self, pairs: impl Iterator<Item = (&'b ArrayRef, &'b ArrayRef)>) -> Result<Vec<bool>> {
        let mut differ = Vec::new();
        for (was, is) in pairs {
            let (was, is) = (self.hash_key.of_column(was.as_ref())?, self.hash_key.of_column(is.as_ref())?);
            differ.resize(is.len(), false);
            differ.iter_mut().zip(was.iter().zip(&is)).for_each(|(differ, (was, is))| *differ |= was != is);
        }
        Ok(differ)
    }

    async fn delete(&mut self, target: &Target, selection: Option<SqlExpr>) -> Result<()> {
        let ty = self.open(&target.name).await?;
        let catalog = Arc::clone(self.snapshot.catalog());
        let def = &catalog.types()[ty];
        let key = def.key().map(|key| SelectItem::UnnamedExpr(SqlExpr::Identifier(quoted(&key.name))));
        let projection = [hidden(ROW)].into_iter().chain(key).collect();
        let query = select(target, projection, selection)?;
        let tables = self.tables(&query)?;
        let mut rows = self.run(query, tables, Some(ty)).await?;
        let is_unchecked = self.working(ty)?.is_unchecked();
        let mut taken = Taken::default();
        let mut keys = Keys::new(self.hash_key);
        while let Some(batch) = rows.try_next().await.map_err(refused)? {
            taken.add(numbers(&batch, ROW)?)?;
            if def.key().is_none() {
                continue;
            }
            keys.add(batch.column(1))?;
            if keys.is_full() && is_unchecked {
                let message = format!("more than {KEYS_AT_ONCE} rows of {} after others were inserted", def.name);
                return Err(Error::invalid(message).with_advice("delete before inserting, or in another mutation"));
            }
            if keys.is_full() {
                self.delete_edges(def, &keys).await?;
                keys = Keys::new(self.hash_key);
            }
        }
        drop(rows);
        self.working(ty)?.take(taken);
        if keys.is_empty() {
            return Ok(());
        }
        if is_unchecked {
            self.require_keys_gone(def, &keys).await?;
        }
        self.delete_edges(def, &keys).await
    }

    /// Opens the table of a type, and remembers that the outcome depends on it.
    pub(super) async fn open(&mut self, name: &str) -> Result<usize> {
        let catalog = self.snapshot.catalog();
        let ty = catalog.position(name).ok_or_else(|| unknown_type(name, catalog))?;
        if !self.tables.contains_key(&ty) {
            let table = self.snapshot.table(name).await?;
            let schema = catalog.types()[ty].arrow_schema();
            self.tables.insert(ty, Working::new(ty, table, schema, Arc::clone(&self.budget)));
        }
        Ok(ty)
    }

    pub(super) fn working(&mut self, ty: usize) -> Result<&mut Working> {
        self.tables.get_mut(&ty).ok_or_else(|| Error::internal("a table was not opened before it was changed"))
    }

    /// The tables that a query reads, before cells of it become calls of a function that nobody else may call.
    fn tables(&self, query: &Statement) -> Result<BTreeSet<String>> {
        tables_of(&self.context(), query)
    }

    fn context(&self) -> SessionContext {
        let context = session_within(&self.memory);
        cell::register(&context);
        context
    }

    /// The rows that a query over `tables` gives now, whatever is changed while they are read; `target` is the type that it
    /// calls [`TARGET`].
    pub(super) async fn run(
        &mut self,
        query: Statement,
        tables: BTreeSet<String>,
        target: Option<usize>,
    ) -> Result<SendableRecordBatchStream> {
        let context = self.context();
        for name in tables {
            let (ty, with_row) = match target {
                Some(ty) if name == TARGET => (ty, true),
                _ => (self.open(&name).await?, false),
            };
            let view = self.working(ty)?.view(with_row);
            context.register_table(TableReference::bare(name), view).map_err(refused)?;
        }
        let plan = Plan::new(&context, query, self.snapshot.clock().now()).await?;
        Ok(with_texts(plan.stream().await?))
    }
}

pub(super) fn statement_of(query: Box<Query>) -> Statement {
    Statement::Statement(Box::new(SqlStatement::Query(query)))
}

/// Every named column exists, and is named once.
fn known_once<'a>(def: &TypeDef, named: &[String], all: impl Iterator<Item = &'a str>) -> Result<()> {
    let all: BTreeSet<&str> = all.collect();
    let mut seen = HashSet::new();
    for name in named {
        if !all.contains(name.as_str()) {
            let names: Vec<_> = all.into_iter().collect();
            return Err(Error::invalid(format!("{} has no property `{name}`", def.name))
                .with_advice(format!("it has {}", names.join(", "))));
        }
        if !seen.insert(name) {
            return Err(Error::invalid(format!("{}.{name} is named twice", def.name)));
        }
    }
    Ok(())
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// A column that only a view of a table to be changed has.
pub(super) fn hidden(name: &str) -> SelectItem {
    SelectItem::UnnamedExpr(column_named(name))
}

pub(super) fn column_named(name: &str) -> SqlExpr {
    SqlExpr::Identifier(quoted(name))
}

/// `SELECT projection FROM "__target" AS "alias" WHERE selection`, from parts that are parsed already.
pub(super) fn select(target: &Target, projection: Vec<SelectItem>, selection: Option<SqlExpr>) -> Result<Statement> {
    let alias = target.alias.replace('"', "\"\"");
    let mut frame = parse(&format!("SELECT 1 FROM \"{TARGET}\" AS \"{alias}\""))?;
    let Some(Statement::Statement(statement)) = frame.pop() else { return Err(Error::internal("no frame")) };
    let SqlStatement::Query(mut query) = *statement else { return Err(Error::internal("the frame is no query")) };
    let SetExpr::Select(frame) = query.body.as_mut() else { return Err(Error::internal("the frame is no SELECT")) };
    frame.projection = projection;
    frame.selection = selection;
    Ok(statement_of(query))
}

/// A column of numbers that a view gave: the names of rows, or their origins.
pub(super) fn numbers<'a>(rows: &'a RecordBatch, column: &str) -> Result<&'a UInt64Array> {
    let numbers = rows.column_by_name(column).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    numbers.ok_or_else(|| Error::internal(format!("a view gave no {column}")))
}
