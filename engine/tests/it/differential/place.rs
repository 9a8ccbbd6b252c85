//! The same rows in both engines, and one statement put to both.

use std::io::Cursor;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use omnigraph::{ErrorKind, Graph, Load, Mutate};

use super::cell;
use super::ledger;
use super::query::Query;
use super::sqlite::{Changed, Sqlite};
use super::tape::Tape;
use super::world::{SCHEMA, TABLE, World};

pub struct Place {
    graph: Graph,
    sqlite: Sqlite,
    /// The rows, as `load` takes them.
    lines: String,
}

/// What came of a statement that was put to both.
pub enum Verdict {
    /// The same, in so many rows.
    Same(usize),
    /// This engine declines it, as it has announced.
    Refused(&'static str),
    /// Neither lets it happen.
    Forbidden,
    /// Everything that is needed to see it again.
    Different(String),
}

impl Place {
    pub async fn new(choices: &[u32]) -> Place {
        Place::of(&World::drawn(&mut Tape::replayed(choices))).await
    }

    pub async fn of(world: &World) -> Place {
        let uri = format!("memory://differential-{}", uuid::Uuid::new_v4());
        let graph = Graph::builder(uri).create(SCHEMA).await.expect("a graph");
        let lines = world.lines();
        graph.load(Load::append(), Cursor::new(lines.clone().into_bytes())).await.expect("the rows are sound");
        Place { graph, sqlite: Sqlite::new(&world.script()), lines }
    }

    pub async fn query(&self, query: &Query) -> Verdict {
        let mut theirs = self.sqlite.query(&query.sql, &query.kinds);
        // A panic is an answer too.
        let answer = AssertUnwindSafe(self.graph.query(&query.sql)).catch_unwind().await;
        let mut ours = match answer {
            Err(_) => return self.different(&query.sql, "    a panic", &cell::shown(&theirs)),
            Ok(Err(error)) => match ledger::refusal(&error) {
                Some(why) => return Verdict::Refused(why),
                None => return self.different(&query.sql, &format!("    {error:?}"), &cell::shown(&theirs)),
            },
            Ok(Ok(batches)) => match cell::of_batches(&batches, &query.kinds) {
                Ok(rows) => rows,
                Err(wrong) => return self.different(&query.sql, &format!("    {wrong}"), &cell::shown(&theirs)),
            },
        };
        if !query.ordered {
            ours.sort();
            theirs.sort();
        }
        match ours == theirs {
            true => Verdict::Same(ours.len()),
            false => self.different(&query.sql, &cell::shown(&ours), &cell::shown(&theirs)),
        }
    }

    /// Changes rows in both, and compares all tables.
    pub async fn change(&self, statements: &[String]) -> Verdict {
        let sql = statements.join(";\n  ");
        let mutated = AssertUnwindSafe(self.graph.mutate(Mutate::sql(&sql))).catch_unwind().await;
        let error = match mutated {
            Err(_) => return self.different(&sql, "    a panic", "    none"),
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error),
        };
        if let Some(why) = error.as_ref().and_then(ledger::refusal) {
            return Verdict::Refused(why);
        }
        let changed = self.sqlite.change(statements);
        match (&error, &changed) {
            (None, Changed::Done) => {}
            (Some(error), Changed::Forbidden(_)) if error.kind() == ErrorKind::Invalid => {}
            _ => return self.different(&sql, &format!("    {error:?}"), &format!("    {changed:?}")),
        }
        let mut rows = 0;
        for table in &TABLE {
            let (all, kinds) = table.all();
            match self.query(&Query { sql: all, kinds, ordered: false }).await {
                Verdict::Same(count) => rows += count,
                Verdict::Different(text) => return Verdict::Different(format!("after\n  {sql}\n{text}")),
                Verdict::Refused(_) | Verdict::Forbidden => unreachable!("a whole table is read"),
            }
        }
        if error.is_some() { Verdict::Forbidden } else { Verdict::Same(rows) }
    }

    fn different(&self, sql: &str, ours: &str, theirs: &str) -> Verdict {
        let lines = self.lines.trim_end();
        let text = format!("{SCHEMA}\nrows:\n{lines}\nstatement:\n  {sql}\nthis engine:\n{ours}\nSQLite:\n{theirs}\n");
        Verdict::Different(text)
    }
}
