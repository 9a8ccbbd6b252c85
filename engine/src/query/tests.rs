//! Queries through the façade.

use rstest::rstest;

use crate::{ErrorKind, Graph, Load};

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

#[rstest]
#[case("INSERT INTO Person VALUES ('x', 1)", "a query cannot change rows; use `mutate`")]
#[case("EXPLAIN DELETE FROM Person", "a query cannot change rows")]
#[case("CREATE TABLE x (a int)", "this SQL is no query")]
#[case("COPY Person TO 'x.csv'", "this SQL is no query")]
#[case("SELECT 1; SELECT 2", "a query is exactly one SQL statement")]
#[case("", "a query is exactly one SQL statement")]
#[case("SELECT * FROM person", "there is no type `person`; the types are Person, Knows")]
#[case("SELECT nme FROM Person", "nme")]
#[case("SELECT 1 / 0 FROM Person", "the SQL does not fit")]
#[case("SELECT name FROM Person WHERE 1 / (age - 1) > 0", "the SQL does not fit")]
#[case("SELECT * FROM '/etc/passwd'", "there is no type")]
#[tokio::test]
async fn what_is_no_query_is_refused(#[case] sql: &str, #[case] expected: &str) {
    let error = graph().await.query(sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
}
