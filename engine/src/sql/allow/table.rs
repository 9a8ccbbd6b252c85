//! What stands in FROM.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias,
    TableAliasColumnDef, TableFactor, TableFunctionArgs, TableWithJoins, UnaryOperator, Value, ValueWithSpan,
};

use super::{Reach, Walk, plain, refused, without};
use crate::error::{Error, Result};

/// Functions that give rows.
const ROWS: [&str; 2] = ["generate_series", "range"];

/// Digits of what a function counts from, to and by.
const DIGITS_MAX: usize = 18;

fn is_short_number(expr: &Expr) -> bool {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_short_number(expr),
        Expr::Value(ValueWithSpan { value: Value::Number(number, false), span: _ }) => {
            number.len() <= DIGITS_MAX && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

impl Walk {
    pub(super) fn table_with_joins(&mut self, table: &TableWithJoins) -> Result<Reach> {
        let TableWithJoins { relation, joins } = table;
        let mut reach = self.table(relation)?;
        for Join { relation, global, join_operator } in joins {
            without(&[(*global, "GLOBAL JOIN")])?;
            reach = reach.max(self.table(relation)?);
            self.join(join_operator)?;
        }
        Ok(reach)
    }

    fn join(&mut self, operator: &JoinOperator) -> Result<()> {
        let constraint = match operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint) => constraint,
            JoinOperator::CrossJoin(JoinConstraint::None) => return Ok(()),
            JoinOperator::CrossJoin(_) => return Err(refused("a condition of CROSS JOIN")),
            JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::RightSemi(_) => {
                return Err(refused("SEMI JOIN: use EXISTS instead; it"));
            }
            JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) | JoinOperator::RightAnti(_) => {
                return Err(refused("ANTI JOIN: use NOT EXISTS instead; it"));
            }
            JoinOperator::CrossApply | JoinOperator::OuterApply => return Err(refused("APPLY")),
            JoinOperator::AsOf { match_condition: _, constraint: _ } => return Err(refused("ASOF JOIN")),
            JoinOperator::StraightJoin(_) => return Err(refused("STRAIGHT_JOIN")),
            JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
                return Err(refused("ARRAY JOIN"));
            }
        };
        match constraint {
            JoinConstraint::On(condition) => self.expression(condition),
            JoinConstraint::Using(columns) => columns.iter().try_for_each(|column| plain(column).map(|_| ())),
            JoinConstraint::Natural => Err(refused("NATURAL JOIN: name the columns with USING instead; it")),
            JoinConstraint::None => {
                Err(Error::invalid("a join needs ON or USING").with_advice("use CROSS JOIN for all pairs"))
            }
        }
    }

    fn table(&mut self, table: &TableFactor) -> Result<Reach> {
        match table {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                without(&[
                    (!with_hints.is_empty(), "a hint in WITH after a type"),
                    (version.is_some(), "a version of a type: query the graph at an earlier version instead; it"),
                    (*with_ordinality, "WITH ORDINALITY"),
                    (!partitions.is_empty(), "PARTITION"),
                    (json_path.is_some(), "a JSON path after a type"),
                    (sample.is_some(), "TABLESAMPLE"),
                    (!index_hints.is_empty(), "an index hint"),
                ])?;
                if let Some(alias) = alias {
                    self.alias(alias)?;
                }
                self.named_table(name, args.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                without(&[(*lateral, "LATERAL"), (sample.is_some(), "TABLESAMPLE")])?;
                if let Some(alias) = alias {
                    self.alias(alias)?;
                }
                self.query(subquery)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                without(&[(alias.is_some(), "an alias of a join in brackets")])?;
                self.deeper(|walk| walk.table_with_joins(table_with_joins))
            }
            TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, with_ordinality } => {
                without(&[
                    (*with_offset || with_offset_alias.is_some(), "WITH OFFSET"),
                    (*with_ordinality, "WITH ORDINALITY"),
                ])?;
                if let Some(alias) = alias {
                    self.alias(alias)?;
                }
                self.count_tables(1)?;
                self.expressions(array_exprs)?;
                Ok(Reach::STORED)
            }
            TableFactor::TableFunction { expr: _, alias: _ } => Err(refused("TABLE(…)")),
            TableFactor::Function { lateral: _, name, args: _, with_ordinality: _, alias: _ } => {
                Err(refused(format_args!("LATERAL {name}(…)")))
            }
            TableFactor::JsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => Err(refused("JSON_TABLE")),
            TableFactor::OpenJsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => Err(refused("OPENJSON")),
            TableFactor::Pivot {
                table: _,
                aggregate_functions: _,
                value_column: _,
                value_source: _,
                default_on_null: _,
                alias: _,
            } => Err(refused("PIVOT")),
            TableFactor::Unpivot { table: _, value: _, name: _, columns: _, null_inclusion: _, alias: _ } => {
                Err(refused("UNPIVOT"))
            }
            TableFactor::MatchRecognize {
                table: _,
                partition_by: _,
                order_by: _,
                measures: _,
                rows_per_match: _,
                after_match_skip: _,
                pattern: _,
                symbols: _,
                alias: _,
            } => Err(refused("MATCH_RECOGNIZE")),
            TableFactor::XmlTable { namespaces: _, row_expression: _, passing: _, columns: _, alias: _ } => {
                Err(refused("XMLTABLE"))
            }
            TableFactor::SemanticView { name: _, dimensions: _, metrics: _, facts: _, where_clause: _, alias: _ } => {
                Err(refused("SEMANTIC_VIEW"))
            }
        }
    }

    /// A type or a common table expression; with arguments, a function.
    fn named_table(&mut self, name: &ObjectName, args: Option<&TableFunctionArgs>) -> Result<Reach> {
        let name = plain(name)?;
        let Some(TableFunctionArgs { args, settings }) = args else {
            let common = self.common(&name.value);
            if common.is_none() {
                self.names.insert(name.value.clone());
            }
            self.count_tables(common.map_or(1, |common| common.tables.max(1)))?;
            return Ok(common.map_or(Reach::STORED, |common| common.reach));
        };
        without(&[(settings.is_some(), "SETTINGS")])?;
        if !ROWS.contains(&name.value.as_str()) {
            let message = format!("there is no function `{}` that gives rows", name.value);
            return Err(Error::invalid(message).with_advice(format!("there are {}", ROWS.join(" and "))));
        }
        self.count_tables(1)?;
        for arg in args {
            match arg {
                // At the edge of 64 bits DataFusion counts round and round.
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_short_number(expr) => {
                    self.count_expression()?
                }
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                    let message = format!("{expr} is no whole number of at most {DIGITS_MAX} digits");
                    return Err(Error::invalid(message).with_advice(format!("{} counts with these alone", name.value)));
                }
                _ => return Err(refused(format_args!("the argument {arg} of {}", name.value))),
            }
        }
        Ok(Reach::STORED)
    }

    pub(super) fn alias<'a>(&mut self, alias: &'a TableAlias) -> Result<&'a str> {
        let TableAlias { explicit: _, name, columns, at } = alias;
        without(&[(at.is_some(), "AT after an alias")])?;
        for TableAliasColumnDef { name: _, data_type } in columns {
            without(&[(data_type.is_some(), "a type in a list of column names")])?;
        }
        Ok(&name.value)
    }
}
