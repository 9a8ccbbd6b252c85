//! Runs a SQL query through a handle and compares what it gives.

use std::collections::BTreeMap;

use omnigraph::Graph;
use serde_json::{Map, Value};

use super::rows::{Row, compare, line, meant, rows_of, types_of};
use super::{Done, WholeTypes};
use crate::scenario::model::{Count, Query};

/// Differences that are listed.
const DIFFERENCES_MAX: usize = 10;

/// Runs `query`. The rows of a query over one whole type are handed on, as evidence of what a reader saw.
pub async fn query(graph: &Graph, query: &Query) -> Done {
    let snapshot = graph.snapshot();
    let batches = match snapshot.query(&query.sql).await {
        Ok(batches) => batches,
        Err(error) => return Done::failed(&error),
    };
    let rows = match rows_of(&batches) {
        Ok(rows) => rows,
        Err(reason) => return Done::trouble(reason),
    };
    let differences = query.rows.as_ref().map_or_else(Vec::new, |wanted| match wanted {
        Count::Number(count) if *count == rows.len() as u64 => Vec::new(),
        Count::Number(count) => vec![format!("the query gives {} rows, not {count}", rows.len())],
        Count::List(wanted) => {
            let types = types_of(&batches);
            differences(&rows, &wanted.iter().map(|row| meant(&types, row)).collect::<Vec<_>>())
        }
    });
    let read = whole_type(&query.sql).map(|type_name| WholeTypes {
        graph_version: snapshot.version(),
        rows: BTreeMap::from([(type_name.to_owned(), rows)]),
    });
    Done { read, ..Done::compared(differences) }
}

/// The type that `SELECT * FROM Type` reads whole.
fn whole_type(sql: &str) -> Option<&str> {
    let words: Vec<&str> = sql.trim().trim_end_matches(';').split_whitespace().collect();
    match words[..] {
        [select, "*", from, type_name]
            if select.eq_ignore_ascii_case("select") && from.eq_ignore_ascii_case("from") =>
        {
            Some(type_name)
        }
        _ => None,
    }
}

/// What is different, a sentence each. Each wanted row has to name every column.
fn differences(rows: &[Row], wanted: &[Map<String, Value>]) -> Vec<String> {
    let (missing, left) = compare(rows, wanted);
    let missing = missing.into_iter().map(|row| format!("the query does not give {}", line(row)));
    let left = left.into_iter().map(|row| format!("the query gives {} too", line(row)));
    missing.chain(left).take(DIFFERENCES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::whole_type;

    #[test]
    fn only_a_plain_select_reads_a_whole_type() {
        assert_eq!(whole_type("select * from Person;"), Some("Person"));
        assert_eq!(whole_type("SELECT * FROM Person LIMIT 1"), None);
        assert_eq!(whole_type("SELECT name FROM Person"), None);
    }
}
