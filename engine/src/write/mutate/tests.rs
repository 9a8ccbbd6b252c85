//! Mutating through the façade, over a store in memory.

mod bounds;
mod keys;

use std::io::Cursor;

use rstest::rstest;

use super::*;
use crate::{ErrorKind, Graph, Load, WriteReport};

const SCHEMA: &str = "
node Person { name: String @key  age: I32?  mail: String? @unique  mood: enum(good, bad)?  born: Date?  tags: [String]?  face: Vector(2)? }
node Company { id: U16 @key }
edge WorksAt: Person -> Company { since: DateTime? }
edge Knows: Person -> Person
";

const ROWS: &str = r#"
{"type":"Person","data":{"name":"alice","age":30,"mail":"a@x"}}
{"type":"Person","data":{"name":"bob","age":40}}
{"type":"Person","data":{"name":"carl"}}
{"type":"Company","data":{"id":7}}
{"type":"WorksAt","from":"alice","to":7}
{"type":"WorksAt","from":"bob","to":7}
{"type":"Knows","from":"alice","to":"bob"}
{"type":"Knows","from":"bob","to":"alice"}
{"type":"Knows","from":"bob","to":"carl"}
"#;

async fn graph() -> Graph {
    let name = ulid::Ulid::from_parts(0, uuid::Uuid::new_v4().as_u128());
    let graph = Graph::builder(format!("memory://mutate-{name}")).create(SCHEMA).await.unwrap();
    graph.load(Load::append(), Cursor::new(ROWS.as_bytes().to_vec())).await.unwrap();
    graph
}

async fn mutate(graph: &Graph, sql: &str) -> crate::Result<WriteReport> {
    graph.mutate(Mutate::sql(sql)).await
}

async fn rows(graph: &Graph, sql: &str) -> Vec<String> {
    let batches = graph.query(sql).await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|c| arrow_cast::display::array_value_to_string(c, row).unwrap());
            rows.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

async fn people(graph: &Graph) -> Vec<String> {
    rows(graph, "SELECT name, age FROM Person ORDER BY name").await
}

#[tokio::test]
async fn a_row_is_inserted_updated_and_deleted() {
    let graph = graph().await;
    let sql = "INSERT INTO Person (name, age, mood, born, tags, face)
        VALUES ('dora', 20, 'good', '2001-02-03', ['a', 'b'], [1, 2.5])";
    let report = mutate(&graph, sql).await.unwrap();
    assert_eq!(report.rows["Person"].inserted, 1);
    let shown = rows(&graph, "SELECT mood, born, tags[2], face[2] FROM Person WHERE name = 'dora'").await;
    assert_eq!(shown, ["good|2001-02-03|b|2.5"]);
    let report = mutate(&graph, "UPDATE Person SET age = age + 1, mood = NULL WHERE age > 25").await.unwrap();
    assert_eq!(report.rows["Person"].updated, 2);
    assert_eq!(people(&graph).await, ["alice|31", "bob|41", "carl|", "dora|20"]);
    let report = mutate(&graph, "DELETE FROM Person AS p WHERE p.name = 'dora'").await.unwrap();
    assert_eq!(report.rows["Person"].deleted, 1);
    assert_eq!(people(&graph).await, ["alice|31", "bob|41", "carl|"]);
}

#[tokio::test]
async fn a_statement_sees_what_the_former_ones_did_and_all_is_one_commit() {
    let graph = graph().await;
    let before = graph.snapshot().version();
    let sql = "INSERT INTO Person (name, age) VALUES ('dora', 1), ('emil', 2);
        UPDATE Person SET age = age * 10 WHERE name IN ('dora', 'alice');
        INSERT INTO Knows (src, dst) SELECT p.name, 'emil' FROM Person p WHERE p.age >= 10 AND p.age <= 300;
        UPDATE Person SET age = age + 1 WHERE name = 'dora';
        DELETE FROM Person WHERE name = 'bob';
        DELETE FROM Person WHERE name = 'emil' AND age = 999";
    let report = mutate(&graph, sql).await.unwrap();
    assert_eq!(graph.snapshot().version(), before + 1);
    assert_eq!(people(&graph).await, ["alice|300", "carl|", "dora|11", "emil|2"]);
    let person = report.rows["Person"];
    assert_eq!((person.inserted, person.updated, person.deleted), (2, 1, 1));
    // bob's edges went with him, the new edge from bob as well.
    assert_eq!(rows(&graph, "SELECT src, dst FROM Knows ORDER BY src").await, ["alice|emil", "dora|emil"]);
    assert_eq!(rows(&graph, "SELECT src FROM WorksAt").await, ["alice"]);
}

#[tokio::test]
async fn a_row_that_is_deleted_can_be_inserted_anew_in_the_same_mutation() {
    let graph = graph().await;
    let sql = "DELETE FROM Person WHERE name = 'alice'; INSERT INTO Person (name, mail) VALUES ('alice', 'a@x')";
    let report = mutate(&graph, sql).await.unwrap();
    let person = report.rows["Person"];
    assert_eq!((person.inserted, person.updated, person.deleted), (1, 0, 1));
    assert_eq!(people(&graph).await, ["alice|", "bob|40", "carl|"]);
    assert_eq!(rows(&graph, "SELECT src, dst FROM Knows").await, ["bob|carl"]);
}

#[tokio::test]
async fn what_changes_nothing_makes_no_commit() {
    let graph = graph().await;
    let before = graph.snapshot().version();
    let sql =
        "INSERT INTO Person (name) VALUES ('x'); DELETE FROM Person WHERE name = 'x'; DELETE FROM Company WHERE id = 9";
    let report = mutate(&graph, sql).await.unwrap();
    assert_eq!(report.commit_id, None);
    assert_eq!(graph.snapshot().version(), before);
}

#[tokio::test]
async fn deleting_all_rows_leaves_an_empty_table_that_takes_rows_again() {
    let graph = graph().await;
    mutate(&graph, "DELETE FROM Person").await.unwrap();
    for ty in ["Person", "Knows", "WorksAt"] {
        assert_eq!(rows(&graph, &format!("SELECT count(*) FROM {ty}")).await, ["0"], "{ty}");
    }
    mutate(&graph, "INSERT INTO Person (name) VALUES ('alice')").await.unwrap();
    assert_eq!(people(&graph).await, ["alice|"]);
}

#[rstest]
#[case::exists("INSERT INTO Person (name) VALUES ('bob')", "statement 1: Person \"bob\" exists already")]
#[case::twice(
    "INSERT INTO Company VALUES (1); INSERT INTO Company VALUES (1)",
    "statement 2: Company 1 is in the input already, in statement 1"
)]
#[case::unique("UPDATE Person SET mail = 'a@x' WHERE name = 'bob'", "Person.mail \"a@x\" is taken by another row")]
#[case::unique_among_themselves("UPDATE Person SET mail = 'm'", "Person.mail \"m\" is in the input already")]
#[case::no_endpoint(
    "INSERT INTO WorksAt (src, dst) VALUES ('zoe', 7)",
    "WorksAt starts at Person \"zoe\", which does not exist"
)]
#[case::deleted_endpoint(
    "DELETE FROM Person WHERE name = 'carl'; INSERT INTO Knows (src, dst) VALUES ('bob', 'carl')",
    "Knows ends at Person \"carl\""
)]
#[case::edge_exists(
    "INSERT INTO Knows (src, dst) VALUES ('alice', 'bob')",
    "Knows from \"alice\" to \"bob\" exists already"
)]
#[case::required("INSERT INTO Person (age) VALUES (1)", "Person.name is missing: it is required")]
#[case::null("INSERT INTO Person (name) VALUES (NULL)", "Person.name is missing in row 1")]
#[case::range(
    "INSERT INTO Person (name, age) VALUES ('x', 3000000000)",
    "Person.age in row 1 is 3000000000: expected an integer from -2147483648 to 2147483647"
)]
#[case::fraction("INSERT INTO Person (name, age) VALUES ('x', 1.5)", "Person.age in row 1 is 1.5: expected an integer")]
#[case::text_as_number(
    "INSERT INTO Person (name, age) VALUES ('x', '5')",
    "Person.age in row 1 is \"5\": expected an integer"
)]
#[case::text_worked_out_as_number(
    "INSERT INTO Person (name, age) VALUES ('x', concat('5', ''))",
    "Person.age is of SQL type Utf8: expected I32"
)]
#[case::number_as_text("INSERT INTO Person (name) VALUES ('x'), (1)", "Person.name in row 2 is 1: expected a text")]
#[case::assigned("UPDATE Person SET age = -3000000000", "Person.age is -3000000000: expected an integer")]
#[case::assigned_item("UPDATE Person SET tags = ARRAY['a', 1]", "Person.tags is 1: expected a text")]
#[case::text_beside_a_number(
    "INSERT INTO Person (name) VALUES (upper('x')), (concat('a', 'b')), (1 + 1)",
    "Person.name in row 3 is of SQL type Int64: expected String"
)]
#[case::item_beside_a_number(
    "UPDATE Person SET tags = [name, octet_length(name)]",
    "Person.tags is of SQL type Int32: expected String"
)]
#[case::variant(
    "INSERT INTO Person (name, mood) VALUES ('x', 'meh')",
    "Person.mood in row 1 is \"meh\": expected one of good, bad"
)]
#[case::date(
    "INSERT INTO Person (name, born) VALUES ('x', 'soon')",
    "Person.born in row 1 is \"soon\": expected a date"
)]
#[case::dimension("INSERT INTO Person (name, face) VALUES ('x', [1.0])", "Person.face")]
#[case::null_item(
    "INSERT INTO Person (name, tags) VALUES ('x', ['a', NULL])",
    "Person.tags in row 1 is a list with a missing item"
)]
#[case::unknown_column("INSERT INTO Person (nme) VALUES ('x')", "Person has no property `nme`; it has")]
#[case::unknown_type("INSERT INTO person VALUES ('x')", "there is no type `person`; the types are Person")]
#[case::unknown_type_read("INSERT INTO Company SELECT id FROM Firm", "there is no type `Firm`")]
#[case::arity("INSERT INTO Company (id) VALUES (1, 2)", "names 1 columns and gives 2 values")]
#[case::named_twice("UPDATE Person SET age = 1, age = 2", "Person.age is named twice")]
#[case::select("SELECT * FROM Person", "a mutation is made of INSERT, UPDATE and DELETE; use `query`")]
#[case::ddl("DROP TABLE Person", "a mutation is made of")]
#[case::returning("DELETE FROM Person RETURNING name", "RETURNING is not supported")]
#[case::syntax("UPDTE Person", "the SQL does not fit")]
#[case::empty(" ; ", "the SQL has no statement")]
#[case::hidden("INSERT INTO Company SELECT __row FROM Company", "__row")]
#[tokio::test]
async fn a_wrong_mutation_is_refused_and_changes_nothing(#[case] sql: &str, #[case] expected: &str) {
    let graph = graph().await;
    let before = graph.snapshot().version();
    let error = mutate(&graph, sql).await.expect_err("the SQL is wrong");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(graph.snapshot().version(), before);
}

#[tokio::test]
async fn a_sum_that_is_too_large_is_refused_with_its_column_and_its_row() {
    let schema = "node T { id: I64 @key  n: I64?  m: I64? }";
    let graph = Graph::builder(format!("memory://sums-{}", uuid::Uuid::new_v4())).create(schema).await.unwrap();
    let rows: Vec<String> =
        (0..1_000).map(|id| format!("({id}, {}, 1)", if id == 617 { i64::MAX } else { id })).collect();
    mutate(&graph, &format!("INSERT INTO T VALUES {}", rows.join(", "))).await.unwrap();
    for (sql, place) in [
        ("UPDATE T SET m = m + 1, n = n + 1", "T.n in row 618: 9223372036854775807 + 1 is 9223372036854775808"),
        ("UPDATE T SET n = n + m WHERE id > 600", "T.n in row 17: 9223372036854775807 + 1 is"),
        ("UPDATE T SET n = n * n WHERE id = 617", "T.n in row 1: 9223372036854775807 * 9223372036854775807 is"),
    ] {
        let error = mutate(&graph, sql).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains(place), "{sql}: {error}");
    }
    assert_eq!(mutate(&graph, "UPDATE T SET n = n + 1 WHERE id <> 617").await.unwrap().rows["T"].updated, 999);
}

#[tokio::test]
async fn each_row_of_values_is_read_by_itself() {
    let schema = "node T { id: I64 @key  u: U64?  i: I64?  f: F32?  d: F64?  s: String?  day: Date?  at: DateTime?
        words: [enum(a, b)]?  v: Vector(2)? }";
    let graph = Graph::builder(format!("memory://cells-{}", uuid::Uuid::new_v4())).create(schema).await.unwrap();
    let sql = "INSERT INTO T (id, u, i, f, d, s, day, at, words, v) VALUES
        (1, 18446744073709551615, 9007199254740993, 0.1, 0.1, 'x', '2024-02-29', '2024-02-29T23:30:00-05:00', ['a'], [0.1, 1]),
        (1 + 1, 1 + 1, 2.5 * 2, CAST(0.1 AS FLOAT), 1 + 1, upper('y'), DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00',
            [lower('B')], [CAST(0.1 AS FLOAT), 1]),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";
    mutate(&graph, sql).await.unwrap();
    let sql = "SELECT id, u, i, f, d, s, day, at, words[1], v[1], v[2] FROM T ORDER BY id";
    let found = rows(&graph, sql).await;
    let one = "1|18446744073709551615|9007199254740993|0.1|0.1|x|2024-02-29|2024-03-01T04:30:00Z|a|0.1|1.0";
    let two = "2|2|5|0.1|2.0|Y|2024-01-01|2024-01-01T00:00:00Z|b|0.1|1.0";
    assert_eq!(found, [one, two, "3||||||||||"]);
    let error = mutate(&graph, "INSERT INTO T (id, words) VALUES (4, ['a', lower('C')]), (5, NULL)").await.unwrap_err();
    assert!(error.to_string().contains("T.words in row 1 is \"c\": expected one of a, b"), "{error}");
}

#[tokio::test]
async fn a_unique_value_can_move_from_row_to_row() {
    let graph = graph().await;
    let sql = "UPDATE Person SET mail = NULL WHERE name = 'alice'; UPDATE Person SET mail = 'a@x' WHERE name = 'bob'";
    mutate(&graph, sql).await.unwrap();
    assert_eq!(rows(&graph, "SELECT name FROM Person WHERE mail = 'a@x'").await, ["bob"]);
}

#[tokio::test]
async fn subqueries_see_other_types_and_the_row_that_is_looked_at() {
    let graph = graph().await;
    let sql = "UPDATE Person AS p SET age = (SELECT count(*) FROM Knows k WHERE k.src = p.name)
            WHERE p.name <> 'carl' AND EXISTS (SELECT 1 FROM WorksAt w WHERE w.src = p.name);
        DELETE FROM Knows WHERE src IN (SELECT name FROM Person WHERE age = 2) AND dst = 'carl'";
    mutate(&graph, sql).await.unwrap();
    assert_eq!(people(&graph).await, ["alice|1", "bob|2", "carl|"]);
    assert_eq!(rows(&graph, "SELECT src, dst FROM Knows ORDER BY src").await, ["alice|bob", "bob|alice"]);
}

/// A key type, two values of it in JSON, and the first one in SQL.
#[rstest]
#[case::text("String", "\"it's \\\"x\\\"\"", "\"y\"", "'it''s \"x\"'")]
#[case::small("I8", "-128", "127", "-128")]
#[case::signed("I64", "-9223372036854775808", "9223372036854775807", "-9223372036854775808")]
#[case::byte("U8", "255", "0", "255")]
#[case::unsigned("U64", "18446744073709551615", "0", "18446744073709551615")]
#[case::truth("Bool", "true", "false", "true")]
#[case::date("Date", "\"1969-12-31\"", "\"2024-02-29\"", "'1969-12-31'")]
#[case::instant(
    "DateTime",
    "\"1969-12-31T23:59:59.999999Z\"",
    "\"2024-02-29T00:00:00Z\"",
    "'1969-12-31T23:59:59.999999Z'"
)]
#[case::word("enum(red, green)", "\"red\"", "\"green\"", "'red'")]
#[tokio::test]
async fn rows_are_addressed_by_keys_of_every_type(
    #[case] ty: &str,
    #[case] one: &str,
    #[case] other: &str,
    #[case] one_in_sql: &str,
) {
    // Names that are words of SQL, in mixed case.
    let schema =
        format!("node Order {{ Id: {ty} @key  Group: {ty}? @unique }} edge Select: Order -> Order {{ When: {ty}? }}");
    let graph = Graph::builder(format!("memory://keys-{}", uuid::Uuid::new_v4())).create(&schema).await.unwrap();
    let load = async |mode: fn() -> Load, lines: &str| graph.load(mode(), Cursor::new(lines.as_bytes().to_vec())).await;
    let node = |key: &str| format!("{{\"type\":\"Order\",\"data\":{{\"Id\":{key},\"Group\":{key}}}}}\n");
    let edge = format!("{{\"type\":\"Select\",\"from\":{one},\"to\":{other},\"data\":{{\"When\":{one}}}}}\n");
    load(Load::append, &[node(one), node(other), edge.clone()].concat()).await.unwrap();
    for again in [node(one), edge.clone()] {
        let error = load(Load::append, &again).await.unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
    }
    load(Load::merge, &[node(one), edge].concat()).await.unwrap();
    let insert = format!("INSERT INTO Order (Id) VALUES ({one_in_sql})").replace("Order", "\"Order\"");
    let error = mutate(&graph, &insert).await.unwrap_err();
    assert!(error.to_string().contains("exists already"), "{error}");
    let update = format!("UPDATE \"Order\" SET \"Group\" = NULL WHERE Id = {one_in_sql}");
    assert_eq!(mutate(&graph, &update).await.unwrap().rows["Order"].updated, 1, "{update}");
    let sql = "INSERT INTO \"Select\" (src, dst) SELECT dst, src FROM \"Select\"";
    assert_eq!(mutate(&graph, sql).await.unwrap().rows["Select"].inserted, 1);
    let report = mutate(&graph, &format!("DELETE FROM \"Order\" WHERE Id = {one_in_sql}")).await.unwrap();
    assert_eq!((report.rows["Order"].deleted, report.rows["Select"].deleted), (1, 2));
    mutate(&graph, &insert).await.unwrap();
    assert_eq!(rows(&graph, "SELECT count(*), count(\"Group\") FROM \"Order\"").await, ["2|1"]);
}
