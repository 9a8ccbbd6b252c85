//! The other engine: SQLite, on tables of the same names and columns, in memory.

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode};

use super::cell::{Cell, Kind, Row};

pub struct Sqlite(Connection);

/// What became of statements that change rows.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    Done,
    /// A key, an endpoint or a required value forbids it, and nothing has changed.
    Forbidden(String),
}

impl Sqlite {
    /// A database made by `script`.
    pub fn new(script: &str) -> Sqlite {
        let connection = Connection::open_in_memory().expect("a database in memory");
        // `LIKE` looks at case, as in PostgreSQL; deleted nodes take their edges along.
        connection
            .execute_batch("PRAGMA case_sensitive_like = ON; PRAGMA foreign_keys = ON;")
            .and_then(|()| connection.execute_batch(script))
            .unwrap_or_else(|error| panic!("SQLite does not take the tables: {error}\n{script}"));
        Sqlite(connection)
    }

    /// The answer. It takes every generated statement; one that it does not take is a mistake of the generator.
    pub fn query(&self, sql: &str, kinds: &[Kind]) -> Vec<Row> {
        let wrong = |error: rusqlite::Error| -> ! { panic!("SQLite does not take the statement: {error}\n{sql}") };
        let mut statement = self.0.prepare(sql).unwrap_or_else(|error| wrong(error));
        let mut rows = statement.query([]).unwrap_or_else(|error| wrong(error));
        let mut answer = Vec::new();
        while let Some(row) = rows.next().unwrap_or_else(|error| wrong(error)) {
            let cell = |(at, kind): (usize, &Kind)| cell(row.get(at).unwrap_or_else(|error| wrong(error)), *kind, sql);
            answer.push(kinds.iter().enumerate().map(cell).collect());
        }
        answer
    }

    /// Runs statements as one: all of them, or none.
    pub fn change(&self, statements: &[String]) -> Changed {
        let script = format!("BEGIN; {}; COMMIT;", statements.join("; "));
        match self.0.execute_batch(&script) {
            Ok(()) => Changed::Done,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                self.0.execute_batch("ROLLBACK").expect("a transaction is open");
                Changed::Forbidden(error.to_string())
            }
            Err(error) => panic!("SQLite does not take the statements: {error}\n{script}"),
        }
    }
}

/// SQLite has no booleans, and gives whole numbers where an expression of kind `Real` has a whole value.
fn cell(value: Value, kind: Kind, sql: &str) -> Cell {
    match (value, kind) {
        (Value::Null, _) => Cell::Null,
        (Value::Integer(value @ 0..=1), Kind::Bool) => Cell::Bool(value == 1),
        (Value::Integer(value), Kind::Int) => Cell::Int(value),
        (Value::Real(value), Kind::Real) => Cell::real(value),
        (Value::Text(text), Kind::Text) => Cell::Text(text),
        (value, kind) => panic!("SQLite gives {value:?} for an expression of kind {kind:?}\n{sql}"),
    }
}
