//! Deep statements, run on the little stack of a worker thread.

use std::thread;

use futures::TryStreamExt;
use proptest::prelude::*;
use rstest::rstest;

use super::{Memory, Plan, deep, deeply, parse, refused, session, session_within};
use crate::error::Result;

/// What a worker thread of tokio has.
const WORKER_STACK_BYTES: usize = 2 << 20;

/// Runs a query on a worker's stack; gives how many rows it has.
fn rows(sql: String) -> Result<usize> {
    let worker = thread::Builder::new().stack_size(WORKER_STACK_BYTES).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(deep(async {
            let statement = deeply(|| parse(&sql))?.pop().expect("a statement");
            let plan = Plan::new(&session(), statement, crate::clock::from_millis(0)).await?;
            let batches: Vec<_> = plan.stream().await?.try_collect().await.map_err(refused)?;
            Ok(batches.iter().map(|batch| batch.num_rows()).sum())
        }))
    });
    worker.unwrap().join().unwrap()
}

#[rstest]
#[case::or("SELECT 1 FROM range(1, 3) t WHERE value = 0", " OR value = 1", 980, 1)]
#[case::different_ors("SELECT 1 FROM range(1, 3) t WHERE value = 0", " OR value % 7 = 1", 900, 1)]
#[case::and("SELECT 1 FROM range(1, 3) t WHERE value > 0", " AND value < 9", 980, 2)]
#[case::plus("SELECT value", "+value", 980, 2)]
#[case::constants("SELECT 1", "+1", 980, 1)]
#[case::concat("SELECT 'a'", "||'b'", 980, 1)]
#[case::minus("SELECT value", " - 1", 980, 2)]
#[case::cast("SELECT value", "::TEXT::BIGINT", 450, 2)]
#[case::is_null("SELECT value", " IS NULL", 900, 2)]
#[case::index("SELECT [[1]]", "[1]", 2, 1)]
#[case::union_all("SELECT 1", " UNION ALL SELECT 1", 198, 199)]
#[case::union("SELECT 1", " UNION SELECT 1", 198, 1)]
#[case::list("SELECT 1 FROM range(1, 3) t WHERE value IN (0", ", 1", 50_000, 1)]
#[case::whens("SELECT CASE value WHEN 0 THEN 1", " WHEN 5 THEN 6", 3_000, 2)]
fn the_longest_chains_run(#[case] begin: &str, #[case] link: &str, #[case] links: usize, #[case] expected: usize) {
    let end = match begin {
        begin if begin.contains("IN (") => ")",
        begin if begin.contains("CASE") => " END FROM range(1, 3) t",
        begin if begin.starts_with("SELECT value") => " AS v FROM range(1, 3) t",
        _ => "",
    };
    let sql = format!("{begin}{}{end}", link.repeat(links));
    assert_eq!(rows(sql).unwrap_or_else(|e| panic!("{link}: {e:?}")), expected, "{link}");
}

#[rstest]
#[case::brackets("(", "value", ")", 40)]
#[case::not("NOT ", "value > 0", "", 40)]
#[case::negation("-(", "value", ")", 20)]
#[case::case("CASE WHEN value > 0 THEN ", "1", " END", 40)]
#[case::functions("abs(", "value", ")", 40)]
#[case::scalar_subqueries("(SELECT ", "1", ")", 20)]
#[case::lists("[", "1", "]", 20)]
fn what_nests_deepest_runs(#[case] begin: &str, #[case] middle: &str, #[case] end: &str, #[case] levels: usize) {
    let sql = format!("SELECT {}{middle}{} AS v FROM range(1, 3) t", begin.repeat(levels), end.repeat(levels));
    assert_eq!(rows(sql).unwrap_or_else(|e| panic!("{begin}: {e:?}")), 2, "{begin}");
}

#[test]
fn more_operators_of_decimals_than_can_be_planned_in_time_are_refused() {
    let decimals = |operators: usize| format!("SELECT 1.0::DECIMAL(9, 1){}", " - 1.0::DECIMAL(9, 1)".repeat(operators));
    assert_eq!(rows(decimals(50)).unwrap(), 1);
    let error = rows(decimals(200)).unwrap_err();
    assert!(error.to_string().contains("more than 100 operators of decimals"), "{error}");
}

#[rstest]
#[case::projected("SELECT repeat('x', 1000000) AS x FROM generate_series(1, 20000)", 20_000)]
#[case::chosen(
    "SELECT CASE WHEN value > 0 THEN repeat('x', 1000000) ELSE 'y' END AS x FROM generate_series(1, 2000)",
    2_000
)]
fn a_large_constant_is_copied_for_few_rows_at_a_time(#[case] sql: &str, #[case] expected: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(deep(async {
        let statement = parse(sql).unwrap().pop().expect("a statement");
        let plan = Plan::new(&session(), statement, crate::clock::from_millis(0)).await.unwrap();
        let (mut rows, mut largest) = (0, 0);
        let mut stream = plan.stream().await.unwrap();
        while let Some(batch) = stream.try_next().await.unwrap() {
            (rows, largest) = (rows + batch.num_rows(), largest.max(batch.get_array_memory_size()));
        }
        assert_eq!(rows, expected);
        assert!(largest < 600 << 20, "a batch of {largest} bytes");
    }));
}

#[rstest]
#[case::text("string_agg(repeat('x', 1000000), '')")]
#[case::text_in_order("string_agg(repeat('x', 1000000), '' ORDER BY value)")]
fn what_an_aggregate_collects_of_a_large_constant_is_within_the_memory(#[case] aggregate: &str) {
    let memory = Memory::new(Some(1 << 30)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(deep(async {
        let sql = format!("SELECT {aggregate} AS x FROM generate_series(1, 20000000)");
        let statement = parse(&sql).unwrap().pop().expect("a statement");
        let plan = Plan::new(&session_within(&memory), statement, crate::clock::from_millis(0)).await.unwrap();
        let collected: std::result::Result<Vec<_>, _> = plan.stream().await.unwrap().try_collect().await;
        let error = refused(collected.unwrap_err());
        assert!(error.to_string().contains("memory"), "{error}");
    }));
}

#[test]
fn joins_and_subqueries_as_many_as_may_be_run() {
    let joins: String = (1..60).map(|n| format!(" JOIN range(1, 3) t{n} ON t{n}.value = t0.value")).collect();
    assert_eq!(rows(format!("SELECT t0.value FROM range(1, 3) t0{joins}")).unwrap(), 2);
    let nested = format!("{}SELECT 1 AS x{}", "SELECT x FROM (".repeat(20), ") AS t".repeat(20));
    assert_eq!(rows(nested).unwrap(), 1);
    let commons: String = (1..60).map(|n| format!(", c{n} AS (SELECT x FROM c{})", n - 1)).collect();
    assert_eq!(rows(format!("WITH c0 AS (SELECT 1 AS x){commons} SELECT * FROM c59")).unwrap(), 1);
}

/// Pieces of SQL that nest, chain and end in every way.
const PIECES: [&str; 44] = [
    "SELECT",
    "*",
    "FROM",
    "T",
    "WHERE",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    ",",
    "1",
    "a",
    "'x'",
    "+",
    "-",
    "AND",
    "OR",
    "NOT",
    "IN",
    "EXISTS",
    "UNION",
    "ALL",
    "JOIN",
    "ON",
    "AS",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "WITH",
    "RECURSIVE",
    "VALUES",
    "LIMIT",
    "GROUP BY",
    "ORDER BY",
    "OVER",
    "CAST",
    "::",
    "BIGINT",
    "count",
    ";",
];

proptest! {
    /// Whatever it is made of, a text becomes statements or an error.
    #[test]
    fn no_text_ends_the_process(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let _ = parse(&format!("SELECT {}", pieces.join(" ")));
        let _ = parse(&pieces.join(" "));
    }
}
