//! Whole queries: filters, joins, groups, sets, windows.

use super::cell::Kind;
use super::expression::{Column, Scope, Writer};
use super::tape::Tape;

/// A query, and what it gives.
pub struct Query {
    pub sql: String,
    pub kinds: Vec<Kind>,
    /// Whether its order is part of the answer.
    pub ordered: bool,
}

/// What a test is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    Predicates,
    Subqueries,
    Joins,
    Aggregates,
    Shapes,
}

impl Area {
    pub fn draw(self, tape: &mut Tape) -> (Query, Vec<&'static str>) {
        let mut writer = Writer::new(tape);
        let query = match self {
            Area::Predicates => writer.filter(0, 4),
            Area::Subqueries => writer.filter(2, 3),
            Area::Joins => writer.join(),
            Area::Aggregates => writer.groups(),
            Area::Shapes => writer.shape(),
        };
        (query, writer.features.into_iter().collect())
    }
}

impl Writer<'_> {
    /// `expression AS c0, …`, of kinds that are given or drawn.
    fn items(&mut self, scope: &Scope, kinds: &[Kind], depth: u32) -> String {
        let items = kinds.iter().enumerate().map(|(at, kind)| {
            let item = self.expression(*kind, &scope.given(), depth);
            format!("{item} AS c{at}")
        });
        items.collect::<Vec<_>>().join(", ")
    }

    fn kinds(&mut self) -> Vec<Kind> {
        (0..=self.tape.below(3)).map(|_| *self.tape.one(&Kind::ALL)).collect()
    }

    fn filter(&mut self, subqueries: u32, depth: u32) -> Query {
        let (from, columns) = self.table();
        let scope = Scope::condition(columns, subqueries);
        let mut kinds = self.kinds();
        let items = self.items(&scope, &kinds, 2);
        // Among what is given, unknown and false are not the same, and no row is hidden.
        let sql = if self.tape.chance(40) {
            let scope = if self.tape.chance(10) { scope } else { scope.given() };
            let predicate = self.condition(&scope, depth);
            kinds.push(Kind::Bool);
            format!("SELECT {items}, {predicate} AS c{} FROM {from}", kinds.len() - 1)
        } else {
            format!("SELECT {items} FROM {from} WHERE {}", self.condition(&scope, depth))
        };
        Query { sql, kinds, ordered: false }
    }

    /// Two or three tables, joined; the names of all of their columns.
    fn joined(&mut self) -> (String, Vec<Column>) {
        let (mut from, mut columns) = self.table();
        for _ in 0..=self.tape.below(2) {
            let (next, joining) = self.table();
            let join = *self.tape.one(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"]);
            self.has(join);
            from += &format!(" {join} {next}");
            if join != "CROSS JOIN" {
                from += &format!(" ON {}", self.on(&columns, &joining));
            }
            columns.extend(joining);
        }
        (from, columns)
    }

    fn on(&mut self, left: &[Column], right: &[Column]) -> String {
        let kind = *self.tape.one(&[Kind::Int, Kind::Text]);
        let pick = |columns: &[Column]| -> Vec<String> {
            columns.iter().filter(|column| column.kind == kind).map(|column| column.sql.clone()).collect()
        };
        let equal = format!("{} = {}", self.tape.one(&pick(left)), self.tape.one(&pick(right)));
        let scope = Scope::of([left, right].concat());
        match self.tape.below(4) {
            0..=1 => equal,
            2 => format!("{equal} AND {}", self.predicate(&scope, 2)),
            _ => self.predicate(&scope, 2),
        }
    }

    fn join(&mut self) -> Query {
        let (from, columns) = self.joined();
        let scope = Scope::condition(columns, u32::from(self.tape.chance(20)));
        let kinds = self.kinds();
        let mut sql = format!("SELECT {} FROM {from}", self.items(&scope, &kinds, 1));
        if self.tape.chance(60) {
            sql += &format!(" WHERE {}", self.predicate(&scope, 2));
        }
        Query { sql, kinds, ordered: false }
    }

    fn groups(&mut self) -> Query {
        let (from, columns) = if self.tape.chance(30) { self.joined() } else { self.table() };
        let scope = Scope::of(columns);
        let keys: Vec<Column> = (0..self.tape.below(3)).map(|_| self.key(&scope)).collect();
        let mut sql = String::new();
        if self.tape.chance(40) {
            sql += &format!(" WHERE {}", self.predicate(&scope, 2));
        }
        if !keys.is_empty() {
            self.has("GROUP BY");
            let keys: Vec<&str> = keys.iter().map(|key| key.sql.as_str()).collect();
            sql += &format!(" GROUP BY {}", keys.join(", "));
        }
        let mut given = keys;
        for _ in 0..=self.tape.below(2) {
            let aggregate = self.whole_aggregate(&scope);
            given.push(aggregate);
        }
        if self.tape.chance(40) {
            self.has("HAVING");
            // An aggregate of the rows outside has no place in a subquery.
            let scope = Scope::of(given.clone());
            sql += &format!(" HAVING {}", self.predicate(&scope, 2));
        }
        let kinds = given.iter().map(|column| column.kind).collect();
        let items: Vec<String> = given.iter().enumerate().map(|(at, it)| format!("{} AS c{at}", it.sql)).collect();
        Query { sql: format!("SELECT {} FROM {from}{sql}", items.join(", ")), kinds, ordered: false }
    }

    /// What rows are put together by. Never a literal, which would be the number of a column.
    fn key(&mut self, scope: &Scope) -> Column {
        let column = self.tape.one(&scope.columns).clone();
        match self.tape.below(4) {
            0..=1 => column,
            2 => Column { sql: format!("({} IS NULL)", column.sql), kind: Kind::Bool },
            _ => {
                let other = self.literal(column.kind);
                Column { sql: format!("coalesce({}, {other})", column.sql), kind: column.kind }
            }
        }
    }

    fn whole_aggregate(&mut self, scope: &Scope) -> Column {
        let kind = *self.tape.one(&[Kind::Int, Kind::Int, Kind::Real, Kind::Text]);
        let sql = match self.tape.below(10) {
            8 => {
                self.has("avg");
                let of = *self.tape.one(&[Kind::Int, Kind::Real]);
                return Column { sql: format!("avg({})", self.expression(of, scope, 1)), kind: Kind::Real };
            }
            9 => {
                self.has("FILTER");
                let aggregate = ["count", "min", "max"][self.tape.below(3) as usize];
                let kind = if aggregate == "count" { Kind::Int } else { kind };
                let of = self.leaf(kind, scope);
                return Column { sql: format!("{aggregate}({of}) FILTER (WHERE {})", self.predicate(scope, 1)), kind };
            }
            _ => self.aggregate(kind, scope),
        };
        Column { sql, kind }
    }

    /// One query that is built from others.
    fn shape(&mut self) -> Query {
        match self.tape.below(5) {
            0 => self.distinct(),
            1 => self.set(),
            2 => self.derived(),
            3 => self.window(),
            _ => self.page(),
        }
    }

    fn select(&mut self, kinds: &[Kind]) -> String {
        let (from, columns) = self.table();
        let scope = Scope::of(columns);
        let items = self.items(&scope, kinds, 1);
        match self.tape.chance(50) {
            true => format!("SELECT {items} FROM {from} WHERE {}", self.predicate(&scope, 2)),
            false => format!("SELECT {items} FROM {from}"),
        }
    }

    fn distinct(&mut self) -> Query {
        self.has("DISTINCT");
        let kinds = self.kinds();
        Query { sql: self.select(&kinds).replacen("SELECT", "SELECT DISTINCT", 1), kinds, ordered: false }
    }

    fn set(&mut self) -> Query {
        let kinds = self.kinds();
        let operator = *self.tape.one(&["UNION ALL", "UNION", "INTERSECT", "EXCEPT"]);
        self.has(operator);
        let (left, right) = (self.select(&kinds), self.select(&kinds));
        Query { sql: format!("{left} {operator} {right}"), kinds, ordered: false }
    }

    /// A query over a query, in `FROM` or in `WITH`.
    fn derived(&mut self) -> Query {
        let inner = match self.tape.below(3) {
            0 => self.groups(),
            1 => self.set(),
            _ => self.filter(0, 2),
        };
        let name = self.name("d");
        let column = |(at, kind): (usize, &Kind)| Column { sql: format!("{name}.c{at}"), kind: *kind };
        let columns = inner.kinds.iter().enumerate().map(column).collect();
        let scope = Scope::of(columns);
        let kinds = self.kinds();
        let items = self.items(&scope, &kinds, 1);
        let condition = self.predicate(&scope, 2);
        let sql = if self.tape.chance(50) {
            self.has("WITH");
            format!("WITH {name} AS ({}) SELECT {items} FROM {name} WHERE {condition}", inner.sql)
        } else {
            self.has("a derived table");
            format!("SELECT {items} FROM ({}) AS {name} WHERE {condition}", inner.sql)
        };
        Query { sql, kinds, ordered: false }
    }

    /// A window over one node type, in an order that leaves nothing open; where missing values stand is said.
    fn window(&mut self) -> Query {
        self.has("a window");
        let table = self.node();
        let (from, columns) = self.named(table);
        let identity = columns[0].clone();
        let scope = Scope::of(columns);
        let partition = match self.tape.chance(60) {
            true => format!("PARTITION BY {} ", self.key(&scope).sql),
            false => String::new(),
        };
        let by = self.tape.one(&scope.columns).sql.clone();
        let (by, total) = (format!("{by} {}", self.direction()), format!("{} ASC", identity.sql));
        let of = self.leaf(Kind::Int, &scope);
        let sql = match self.tape.below(6) {
            0 => format!("row_number() OVER ({partition}ORDER BY {by}, {total})"),
            1 => format!("rank() OVER ({partition}ORDER BY {by})"),
            2 => format!("dense_rank() OVER ({partition}ORDER BY {by})"),
            3 => format!("sum({of}) OVER ({partition}ORDER BY {by})"),
            4 => {
                format!("count({of}) OVER ({partition}ORDER BY {by}, {total} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)")
            }
            _ => format!("lag({of}, 1) OVER ({partition}ORDER BY {by}, {total})"),
        };
        let sql = format!("SELECT {} AS c0, {sql} AS c1 FROM {from}", identity.sql);
        Query { sql, kinds: vec![Kind::Int, Kind::Int], ordered: false }
    }

    fn direction(&mut self) -> String {
        format!("{} {}", self.tape.one(&["ASC", "DESC"]), self.tape.one(&["NULLS FIRST", "NULLS LAST"]))
    }

    /// A part of the rows, in an order in which only equal rows may change places.
    fn page(&mut self) -> Query {
        self.has("ORDER BY, LIMIT");
        let kinds = self.kinds();
        let rows = self.select(&kinds);
        let by: Vec<String> = (0..kinds.len()).map(|at| format!("c{at} {}", self.direction())).collect();
        let limit = self.tape.below(4);
        let sql = format!("{rows} ORDER BY {} LIMIT {limit} OFFSET {}", by.join(", "), self.tape.below(3));
        Query { sql, kinds, ordered: true }
    }
}
