//! Subqueries: `IN`, `EXISTS`, and aggregates that give one value.

use super::cell::Kind;
use super::expression::{Column, Scope, Writer};
use super::world::{TABLE, Table};

impl Writer<'_> {
    /// A table to read, under a name of its own.
    pub fn table(&mut self) -> (String, Vec<Column>) {
        let barred = self.barred;
        let tables: Vec<&Table> = TABLE.iter().filter(|table| Some(table.name) != barred).collect();
        let table = *self.tape.one(&tables);
        self.named(table)
    }

    pub fn named(&mut self, table: &Table) -> (String, Vec<Column>) {
        let alias = self.name(&table.name.to_lowercase());
        let column = |(name, kind, _): &(&str, Kind, _)| Column { sql: format!("{alias}.{name}"), kind: *kind };
        (format!("{} AS {alias}", table.name), table.columns.iter().map(column).collect())
    }

    /// ` WHERE …`, or nothing: what ties the inner rows to the row outside, and something else.
    fn tied(&mut self, inner: &[Column], outer: &Scope, depth: u32) -> String {
        let mut conditions = Vec::new();
        let kind = *self.tape.one(&[Kind::Int, Kind::Text]);
        let outside: Vec<&Column> = outer.columns.iter().filter(|column| column.kind == kind).collect();
        let inside: Vec<&Column> = inner.iter().filter(|column| column.kind == kind).collect();
        if self.tape.chance(50) && !outside.is_empty() && !inside.is_empty() {
            self.has("a correlated subquery");
            conditions.push(format!("{} = {}", self.tape.one(&inside).sql, self.tape.one(&outside).sql));
        }
        if self.tape.chance(50) {
            let subqueries = outer.subqueries - 1;
            let mut scope = Scope::condition(inner.to_vec(), subqueries);
            if self.tape.chance(20) {
                scope.columns.extend(outer.columns.iter().cloned());
            }
            conditions.push(self.predicate(&scope, depth.min(2)));
        }
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
    }

    /// A predicate, often with `IN` or `EXISTS` beside it.
    pub fn condition(&mut self, scope: &Scope, depth: u32) -> String {
        let predicate = self.predicate(scope, depth);
        if !scope.members || self.tape.chance(50) {
            return predicate;
        }
        let member = if self.tape.chance(40) { self.exists(scope, depth) } else { self.in_subquery(scope, depth) };
        format!("({predicate} {} {member})", self.tape.one(&["AND", "OR", "AND NOT", "OR NOT"]))
    }

    pub fn exists(&mut self, outer: &Scope, depth: u32) -> String {
        let not = if self.tape.chance(50) { "NOT " } else { "" };
        self.has(if not.is_empty() { "EXISTS" } else { "NOT EXISTS" });
        let (from, columns) = self.table();
        format!("({not}EXISTS (SELECT 1 FROM {from}{}))", self.tied(&columns, outer, depth))
    }

    pub fn in_subquery(&mut self, outer: &Scope, depth: u32) -> String {
        let not = if self.tape.chance(50) { "NOT " } else { "" };
        self.has(if not.is_empty() { "IN (subquery)" } else { "NOT IN (subquery)" });
        let kind = *self.tape.one(&[Kind::Int, Kind::Text]);
        let what = self.leaf(kind, outer);
        let (from, columns) = self.table();
        let scope = Scope::of(columns);
        let item = self.expression(kind, &scope, depth.min(1));
        format!("({what} {not}IN (SELECT {item} FROM {from}{}))", self.tied(&scope.columns, outer, depth))
    }

    pub fn scalar_subquery(&mut self, kind: Kind, outer: &Scope, depth: u32) -> String {
        self.has("a scalar subquery");
        let (from, columns) = self.table();
        let scope = Scope::of(columns);
        let aggregate = self.aggregate(kind, &scope);
        format!("(SELECT {aggregate} FROM {from}{})", self.tied(&scope.columns, outer, depth))
    }

    /// An aggregate of that kind.
    pub fn aggregate(&mut self, kind: Kind, scope: &Scope) -> String {
        let any = *self.tape.one(&Kind::ALL);
        match (kind, self.tape.below(6)) {
            (Kind::Int, 0) => "count(*)".to_owned(),
            (Kind::Int, 1) => format!("count({})", self.expression(any, scope, 1)),
            (Kind::Int, 2) => {
                self.has("count(DISTINCT)");
                format!("count(DISTINCT {})", self.leaf(any, scope))
            }
            (Kind::Int | Kind::Real, 3) => {
                self.has("sum");
                format!("sum({})", self.expression(kind, scope, 1))
            }
            (Kind::Bool, _) => format!("({} > {})", self.aggregate(Kind::Int, scope), self.literal(Kind::Int)),
            (_, choice) => {
                self.has("min, max");
                format!("{}({})", if choice == 4 { "min" } else { "max" }, self.expression(kind, scope, 1))
            }
        }
    }
}
