//! Runs one statement against the tables as the former statements have left them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, RecordBatch};
use arrow_select::concat::concat_batches;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::prelude::lit;
use datafusion::sql::TableReference;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Ident, Query, SelectItem, SetExpr, Statement as SqlStatement};

use super::ROWS_MAX;
use super::fit::{self, columns};
use super::statement::{Action, Target};
use super::working::{ROW, Working};
use super::{cell, literal};
use crate::error::{Error, Result};
use crate::manifest::Snapshot;
use crate::query::{parse, refused, session, tables_of, unknown_type};
use crate::schema::{DST, SRC, TypeDef};

/// What SQL calls the table that is being changed. No type has such a name.
const TARGET: &str = "__target";
/// Keys that are asked for at once when edges of deleted nodes are looked for.
const KEYS_AT_ONCE: usize = 8_192;

/// The state between statements.
pub(super) struct Mutation<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Every type that a statement has read or changed.
    pub(super) tables: BTreeMap<usize, Working>,
    changed_rows: usize,
}

impl<'a> Mutation<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Mutation { snapshot, tables: BTreeMap::new(), changed_rows: 0 }
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
        mut source: Box<Query>,
        statement: u64,
    ) -> Result<()> {
        let ty = self.open(into).await?;
        let catalog = Arc::clone(self.snapshot.catalog());
        let def = &catalog.types()[ty];
        let all = columns(&catalog, def);
        let named = named.unwrap_or_else(|| all.iter().map(|column| column.name.to_owned()).collect());
        known_once(def, &named, all.iter().map(|column| column.name))?;
        let given: Vec<_> = named.iter().map(|name| all.iter().find(|column| column.name == name)).collect();
        literal::read_values(&mut source, into, &given).map_err(Error::invalid)?;
        let rows = self.run(SqlStatement::Query(source), None).await?;
        let given = rows.num_columns();
        if given != named.len() {
            let message = format!("INSERT into {into} names {} columns and gives {given} values", named.len());
            return Err(Error::invalid(message));
        }
        let arrays = all.iter().map(|column| match named.iter().position(|name| name == column.name) {
            Some(at) => column.fit(rows.column(at), 0),
            None => column.missing(rows.num_rows()),
        });
        let batch = arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| fit::batch(def, arrays));
        let batch = batch.map_err(|problem| Error::invalid(format!("{into}.{problem}")))?;
        self.count(batch.num_rows())?;
        let origin = vec![None; batch.num_rows()];
        self.working(ty)?.push(batch, origin, statement);
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
        if let Some(column) = all.iter().find(|column| column.identity && names.iter().any(|name| name == column.name))
        {
            let message = format!("{}.{} cannot be updated: rows are addressed by it", def.name, column.name);
            return Err(Error::invalid(message).with_advice("delete the row and insert it anew"));
        }
        let mut values: BTreeMap<String, SqlExpr> = BTreeMap::new();
        for (name, value) in assignments {
            let column = all.iter().find(|column| column.name == name);
            let value = column.map_or(Ok(value.clone()), |column| literal::read_assigned(value, &def.name, column));
            values.insert(name, value.map_err(Error::invalid)?);
        }
        let projection = all.iter().map(|column| {
            let value = values.remove(column.name).unwrap_or_else(|| SqlExpr::Identifier(quoted(column.name)));
            SelectItem::ExprWithAlias { expr: value, alias: quoted(column.name) }
        });
        let projection = projection.chain([row_item()]).collect();
        let rows = self.run(select(target, projection, selection)?, Some(ty)).await?;
        self.count(rows.num_rows())?;
        let arrays = all.iter().enumerate().map(|(at, column)| column.fit(rows.column(at), 0));
        let batch = arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| fit::batch(def, arrays));
        let batch = batch.map_err(|problem| Error::invalid(format!("{}.{problem}", def.name)))?;
        let working = self.working(ty)?;
        let origin = rows_named(&rows)?.into_iter().map(|row| working.take(row)).collect();
        working.push(batch, origin, statement);
        Ok(())
    }

    async fn delete(&mut self, target: &Target, selection: Option<SqlExpr>) -> Result<()> {
        let ty = self.open(&target.name).await?;
        let catalog = Arc::clone(self.snapshot.catalog());
        let def = &catalog.types()[ty];
        let key = def.key().map(|key| SelectItem::UnnamedExpr(SqlExpr::Identifier(quoted(&key.name))));
        let projection = [row_item()].into_iter().chain(key).collect();
        let rows = self.run(select(target, projection, selection)?, Some(ty)).await?;
        self.count(rows.num_rows())?;
        let working = self.working(ty)?;
        for row in rows_named(&rows)? {
            working.take(row);
        }
        if def.key().is_some() && rows.num_rows() > 0 {
            self.delete_edges(def, rows.column(1).as_ref()).await?;
        }
        Ok(())
    }

    /// Deleting a node deletes the edges that start or end at it.
    async fn delete_edges(&mut self, node: &TypeDef, keys: &dyn Array) -> Result<()> {
        let catalog = Arc::clone(self.snapshot.catalog());
        let keys = (0..keys.len()).map(|row| ScalarValue::try_from_array(keys, row).map(lit));
        let keys = keys.collect::<Result<Vec<_>, _>>().map_err(refused)?;
        for edge in catalog.edges_of(&node.name) {
            let ty = self.open(&edge.name).await?;
            let ends = edge.endpoints().into_iter().flat_map(|(from, to)| [(SRC, from), (DST, to)]);
            let columns: Vec<&str> = ends.filter(|(_, end)| *end == node.name).map(|(column, _)| column).collect();
            for keys in keys.chunks(KEYS_AT_ONCE) {
                let held = |column: &&str| Expr::Column(Column::from_name(*column)).in_list(keys.to_vec(), false);
                let Some(filter) = columns.iter().map(held).reduce(Expr::or) else { continue };
                let context = session();
                let edges = context.read_table(self.working(ty)?.view(&context, true)?).map_err(refused)?;
                let row = Expr::Column(Column::from_name(ROW));
                let edges = edges.filter(filter).and_then(|edges| edges.select([row])).map_err(refused)?;
                let batches = edges.collect().await.map_err(refused)?;
                for batch in batches {
                    self.count(batch.num_rows())?;
                    let working = self.working(ty)?;
                    for row in rows_named(&batch)? {
                        working.take(row);
                    }
                }
            }
        }
        Ok(())
    }

    /// Opens the table of a type, and remembers that the outcome depends on it.
    async fn open(&mut self, name: &str) -> Result<usize> {
        let catalog = self.snapshot.catalog();
        let ty = catalog.position(name).ok_or_else(|| unknown_type(name, catalog))?;
        if !self.tables.contains_key(&ty) {
            let table = self.snapshot.table(name).await?;
            self.tables.insert(ty, Working::new(ty, table, catalog.types()[ty].arrow_schema()));
        }
        Ok(ty)
    }

    fn working(&mut self, ty: usize) -> Result<&mut Working> {
        self.tables.get_mut(&ty).ok_or_else(|| Error::internal("a table was not opened before it was changed"))
    }

    /// The rows that a query gives now, in one batch; `target` is the type that it calls [`TARGET`].
    async fn run(&mut self, query: SqlStatement, target: Option<usize>) -> Result<RecordBatch> {
        let statement = Statement::Statement(Box::new(query));
        let context = session();
        cell::register(&context);
        for name in tables_of(&context, &statement)? {
            let (ty, with_row) = match target {
                Some(ty) if name == TARGET => (ty, true),
                _ => (self.open(&name).await?, false),
            };
            let view = self.working(ty)?.view(&context, with_row)?;
            context.register_table(TableReference::bare(name), view).map_err(refused)?;
        }
        let plan = context.state().statement_to_plan(statement).await.map_err(refused)?;
        let rows = context.execute_logical_plan(plan).await.map_err(refused)?;
        // One row more than is allowed shows that there are too many, and memory stays bounded.
        let rows = rows.limit(0, Some(ROWS_MAX + 1)).map_err(refused)?;
        let schema = Arc::clone(rows.schema().inner());
        let batches = rows.collect().await.map_err(refused)?;
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        concat_batches(&schema, &batches).map_err(|e| Error::internal(format!("rows of a statement: {e}")))
    }

    fn count(&mut self, rows: usize) -> Result<()> {
        self.changed_rows += rows;
        if self.changed_rows <= ROWS_MAX {
            return Ok(());
        }
        Err(Error::invalid(format!("the mutation changes more than {ROWS_MAX} rows"))
            .with_advice("split it, or load many rows as JSON lines"))
    }
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

fn row_item() -> SelectItem {
    SelectItem::UnnamedExpr(SqlExpr::Identifier(quoted(ROW)))
}

/// `SELECT projection FROM "__target" AS "alias" WHERE selection`, from parts that are parsed already.
fn select(target: &Target, projection: Vec<SelectItem>, selection: Option<SqlExpr>) -> Result<SqlStatement> {
    let alias = target.alias.replace('"', "\"\"");
    let mut frame = parse(&format!("SELECT 1 FROM \"{TARGET}\" AS \"{alias}\""))?;
    let Some(Statement::Statement(statement)) = frame.pop() else { return Err(Error::internal("no frame")) };
    let SqlStatement::Query(mut query) = *statement else { return Err(Error::internal("the frame is no query")) };
    let SetExpr::Select(frame) = query.body.as_mut() else { return Err(Error::internal("the frame is no SELECT")) };
    frame.projection = projection;
    frame.selection = selection;
    Ok(SqlStatement::Query(query))
}

/// The names of the rows that a view gave.
fn rows_named(rows: &RecordBatch) -> Result<Vec<u64>> {
    let names = rows.column_by_name(ROW).and_then(|names| names.as_primitive_opt::<UInt64Type>());
    let names = names.ok_or_else(|| Error::internal("a view gave no names of rows"))?;
    Ok(names.values().to_vec())
}
