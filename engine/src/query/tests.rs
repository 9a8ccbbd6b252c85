//! Queries through the façade.

use std::time::Duration;

use rstest::rstest;

use crate::{ErrorKind, Graph, Load, QueryOptions};

async fn graph() -> Graph {
    let name = ulid::Ulid::from_parts(0, uuid::Uuid::new_v4().as_u128());
    let schema = "node Person { name: String @key age: I32? } edge Knows: Person -> Person";
    let graph = Graph::builder(format!("memory://query-{name}")).create(schema).await.unwrap();
    let rows = r#"{"type":"Person","data":{"name":"a","age":1}}
{"type":"Person","data":{"name":"b"}}
{"type":"Knows","from":"a","to":"b"}"#;
    graph.load(Load::append(), std::io::Cursor::new(rows.as_bytes().to_vec())).await.unwrap();
    graph
}

#[tokio::test]
async fn tables_join_and_common_table_expressions_are_no_types() {
    let graph = graph().await;
    let sql = "WITH Young AS (SELECT * FROM Person WHERE age < 10)
        SELECT y.name, k.dst FROM Young y JOIN Knows k ON k.src = y.name";
    let rows = graph.query(sql).await.unwrap();
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_snapshot_keeps_what_it_saw() {
    let graph = graph().await;
    let before = graph.snapshot();
    graph.mutate(crate::Mutate::sql("DELETE FROM Person WHERE name = 'b'")).await.unwrap();
    let count = async |snapshot: &crate::Snapshot| {
        snapshot.query("SELECT name FROM Person").await.unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>()
    };
    assert_eq!((count(&before).await, count(&graph.snapshot()).await), (2, 1));
}

#[tokio::test]
async fn rows_come_as_they_are_made_and_dropping_them_ends_the_query() {
    let graph = graph().await;
    let endless = "SELECT a.value FROM range(1, 1000000000000) a";
    let mut rows = graph.snapshot().query_with(endless, &QueryOptions::default()).await.unwrap();
    assert_eq!(rows.schema().field(0).name(), "value");
    assert!(rows.next().await.unwrap().is_some_and(|batch| batch.num_rows() > 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_ends_when_its_time_is_up() {
    let graph = graph().await;
    let options = QueryOptions { timeout: Some(Duration::from_millis(300)), ..QueryOptions::default() };
    let endless =
        "SELECT count(*) AS n FROM range(1, 10000000000) a CROSS JOIN range(1, 10000000000) b WHERE a.value = -b.value";
    let begun = std::time::Instant::now();
    let error = match graph.snapshot().query_with(endless, &options).await {
        Ok(mut rows) => rows.next().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(error.to_string().contains("longer than its limit of 300ms"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[rstest]
#[case::sorted(
    "SELECT value, repeat('x', 100) AS t FROM range(1, 1000000) ORDER BY t, value DESC",
    "more than the memory limit"
)]
#[case::collected("SELECT value FROM range(1, 10000000)", "more than the memory limit of 33554432 bytes")]
#[case::aggregated(
    "SELECT length(string_agg(repeat('x', 1000), ',')) AS t FROM range(1, 1000000)",
    "memory than its limit"
)]
#[case::too_little("SELECT 1 AS a", "")]
#[tokio::test]
async fn memory_has_a_limit(#[case] sql: &str, #[case] expected: &str) {
    let graph = graph().await;
    let memory_bytes = Some(if expected.is_empty() { 1_000 } else { 32 << 20 });
    let options = QueryOptions { memory_bytes, ..QueryOptions::default() };
    let error = match graph.snapshot().query_with(sql, &options).await {
        Ok(rows) => rows.collect().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn texts_of_more_than_two_gigabytes_between_them_are_read() {
    let name = format!("memory://query-{}", uuid::Uuid::new_v4());
    let graph = Graph::builder(name).create("node Doc { id: I64 @key  body: String  seen: Bool? }").await.unwrap();
    let body = "x".repeat(10_000_000);
    for first in (0..220).step_by(44) {
        let line = |id: i32| format!("{{\"type\":\"Doc\",\"data\":{{\"id\":{id},\"body\":\"{body}\"}}}}\n");
        let lines: String = (first..first + 44).map(line).collect();
        graph.load(Load::append(), std::io::Cursor::new(lines.into_bytes())).await.unwrap();
    }
    let one = async |sql: &str| {
        let rows = graph.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        arrow_cast::display::array_value_to_string(rows[0].column(0), 0).unwrap()
    };
    assert_eq!(one("SELECT sum(octet_length(body)) AS bytes FROM Doc").await, "2200000000");
    assert_eq!(one("SELECT count(*) AS n FROM Doc WHERE body LIKE 'x%'").await, "220");
    assert_eq!(
        one("SELECT count(*) AS n FROM (SELECT body FROM Doc ORDER BY id) d WHERE length(body) > 5").await,
        "220"
    );
}

#[rstest]
#[case(
    "SELECT a.name, b.name FROM Person a CROSS JOIN Person b",
    "two columns of the result are called `name`; give one"
)]
#[case("SELECT * FROM Person TABLESAMPLE (10 PERCENT)", "TABLESAMPLE is not supported")]
#[case("INSERT INTO Person VALUES ('x', 1)", "a query cannot change rows; use `mutate`")]
#[case("EXPLAIN DELETE FROM Person", "a query cannot change rows")]
#[case("CREATE TABLE x (a int)", "this SQL is no query")]
#[case("COPY Person TO 'x.csv'", "this SQL is no query")]
#[case("SELECT 1; SELECT 2", "a query is exactly one SQL statement")]
#[case("", "a query is exactly one SQL statement")]
#[case("SELECT * FROM person", "there is no type `person`; the types are Person, Knows")]
#[case("SELECT nme FROM Person", "nme")]
#[case("SELECT 1 / 0 FROM Person", "1 / 0 is a division by zero")]
#[case("SELECT name FROM Person WHERE 1 / (age - 1) > 0", "the SQL does not fit")]
#[case("SELECT * FROM '/etc/passwd'", "there is no type")]
#[tokio::test]
async fn what_is_no_query_is_refused(#[case] sql: &str, #[case] expected: &str) {
    let error = graph().await.query(sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
}
