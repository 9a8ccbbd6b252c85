//! A small graph, drawn: few rows, many missing values, many equal ones.

use std::fmt::Write as _;

use super::cell::{Cell, Kind};
use super::tape::Tape;

/// The columns that both engines have. What differs is how a type is written, and that an edge's endpoints are columns there.
pub const SCHEMA: &str = "\
node P { id: I64 @key  n: I64  a: I64?  i: I32?  f: F64?  s: String?  b: Bool? }
node Q { id: I64 @key  a: I64?  f: F64?  s: String?  b: Bool? }
edge E: P -> Q { w: I64?  t: String? }
";

const TABLES: &str = "\
CREATE TABLE P (id INT NOT NULL PRIMARY KEY, n INT NOT NULL, a INT, i INT, f REAL, s TEXT, b INT) STRICT;
CREATE TABLE Q (id INT NOT NULL PRIMARY KEY, a INT, f REAL, s TEXT, b INT) STRICT;
CREATE TABLE E (
  src INT NOT NULL REFERENCES P ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
  dst INT NOT NULL REFERENCES Q ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
  w INT, t TEXT, PRIMARY KEY (src, dst)
) STRICT;
";

/// A table as statements see it.
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind, Presence)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Rows are addressed by it.
    Identity,
    Required,
    Optional,
}

use Presence::{Identity, Optional, Required};

pub const TABLE: [Table; 3] = [
    Table {
        name: "P",
        columns: &[
            ("id", Kind::Int, Identity),
            ("n", Kind::Int, Required),
            ("a", Kind::Int, Optional),
            ("i", Kind::Int, Optional),
            ("f", Kind::Real, Optional),
            ("s", Kind::Text, Optional),
            ("b", Kind::Bool, Optional),
        ],
    },
    Table {
        name: "Q",
        columns: &[
            ("id", Kind::Int, Identity),
            ("a", Kind::Int, Optional),
            ("f", Kind::Real, Optional),
            ("s", Kind::Text, Optional),
            ("b", Kind::Bool, Optional),
        ],
    },
    Table {
        name: "E",
        columns: &[
            ("src", Kind::Int, Identity),
            ("dst", Kind::Int, Identity),
            ("w", Kind::Int, Optional),
            ("t", Kind::Text, Optional),
        ],
    },
];

impl Table {
    /// The query that gives the whole table, and the kinds of its columns.
    pub fn all(&self) -> (String, Vec<Kind>) {
        let names: Vec<&str> = self.columns.iter().map(|(name, ..)| *name).collect();
        let kinds = self.columns.iter().map(|(_, kind, _)| *kind).collect();
        (format!("SELECT {} FROM {}", names.join(", "), self.name), kinds)
    }
}

/// Rows for both engines.
pub struct World {
    rows: Vec<(usize, Vec<Cell>)>,
}

/// Most rows of a node type; there are at most twice as many edges.
const ROWS_MAX: u32 = 5;

impl World {
    pub fn drawn(tape: &mut Tape) -> World {
        let mut rows = Vec::new();
        let mut count = [0; 2];
        for (table, count) in count.iter_mut().enumerate() {
            while *count < ROWS_MAX && tape.chance(90) {
                *count += 1;
                rows.push((table, row(tape, &TABLE[table], &[i64::from(*count)])));
            }
        }
        for src in 1..=count[0] {
            for dst in 1..=count[1] {
                if tape.chance(35) {
                    rows.push((2, row(tape, &TABLE[2], &[i64::from(src), i64::from(dst)])));
                }
            }
        }
        World { rows }
    }

    /// What `load` takes.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for (table, row) in &self.rows {
            let table = &TABLE[*table];
            let mut line = format!("{{\"type\":\"{}\"", table.name);
            let named: Vec<_> = table.columns.iter().map(|(name, ..)| *name).zip(row).collect();
            let (ends, data): (Vec<_>, Vec<_>) = named.into_iter().partition(|(name, _)| ["src", "dst"].contains(name));
            for ((_, cell), key) in ends.into_iter().zip(["from", "to"]) {
                let _ = write!(line, ",\"{key}\":{}", json(cell));
            }
            let there = data.into_iter().filter(|(_, cell)| **cell != Cell::Null);
            let data: Vec<String> = there.map(|(name, cell)| format!("\"{name}\":{}", json(cell))).collect();
            let _ = writeln!(lines, "{line},\"data\":{{{}}}}}", data.join(","));
        }
        lines
    }

    /// What SQLite takes: tables and rows.
    pub fn script(&self) -> String {
        let mut script = TABLES.to_owned();
        for (table, row) in &self.rows {
            let values: Vec<String> = row.iter().map(Cell::to_string).collect();
            let _ = writeln!(script, "INSERT INTO {} VALUES ({});", TABLE[*table].name, values.join(", "));
        }
        script
    }
}

fn row(tape: &mut Tape, table: &Table, identity: &[i64]) -> Vec<Cell> {
    let mut identity = identity.iter();
    let cell = |(_, kind, presence): &(&str, Kind, Presence)| match presence {
        Identity => Cell::Int(*identity.next().expect("as many as there are")),
        Required => value(tape, *kind),
        Optional if tape.chance(70) => value(tape, *kind),
        Optional => Cell::Null,
    };
    table.columns.iter().map(cell).collect()
}

/// A value of few. Floats are halves, of which sums, differences and products are exact in whatever order.
pub fn value(tape: &mut Tape, kind: Kind) -> Cell {
    match kind {
        Kind::Int => Cell::Int(*tape.one(&[0, 1, 2, 3, -1, 5])),
        Kind::Real => Cell::real(*tape.one(&[1.0, 0.5, 2.5, -1.5])),
        Kind::Text => Cell::Text((*tape.one(&["a", "", "b", "ab", "A", "é", "a%", "it's"])).to_owned()),
        Kind::Bool => Cell::Bool(tape.below(2) == 1),
    }
}

fn json(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        cell => cell.to_string(),
    }
}
