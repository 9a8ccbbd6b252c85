//! Updating what rows are addressed by: a node's key, whose edges follow, and an edge's ends.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// `Person`, `Knows` and `WorksAt` after a mutation, in one line each.
async fn shown(graph: &Graph) -> [String; 3] {
    let people = rows(graph, "SELECT name || ' ' || coalesce(age, 0) FROM Person ORDER BY 1").await;
    let knows = rows(graph, "SELECT src || '-' || dst FROM Knows ORDER BY 1").await;
    let works = rows(graph, "SELECT src || '-' || dst FROM WorksAt ORDER BY 1").await;
    [people, knows, works].map(|rows| rows.join(", "))
}

const PEOPLE: &str = "alice 30, bob 40, carl 0";
const KNOWS: &str = "alice-bob, bob-alice, bob-carl";
const WORKS: &str = "alice-7, bob-7";

#[rstest]
#[case::one(
    "UPDATE Person SET name = 'anna' WHERE name = 'alice'",
    ["anna 30, bob 40, carl 0", "anna-bob, bob-anna, bob-carl", "anna-7, bob-7"]
)]
#[case::with_another_column(
    "UPDATE Person AS p SET name = 'anna', age = p.age + 1 WHERE p.name = 'alice'",
    ["anna 31, bob 40, carl 0", "anna-bob, bob-anna, bob-carl", "anna-7, bob-7"]
)]
#[case::all_at_once(
    "UPDATE Person SET name = name || '2'",
    ["alice2 30, bob2 40, carl2 0", "alice2-bob2, bob2-alice2, bob2-carl2", "alice2-7, bob2-7"]
)]
#[case::two_change_places(
    "UPDATE Person SET name = CASE name WHEN 'alice' THEN 'bob' ELSE 'alice' END WHERE name IN ('alice', 'bob')",
    ["alice 40, bob 30, carl 0", "alice-bob, alice-carl, bob-alice", "alice-7, bob-7"]
)]
#[case::each_takes_the_next_ones_place(
    "UPDATE Person SET name = CASE name WHEN 'alice' THEN 'bob' WHEN 'bob' THEN 'carl' ELSE 'alice' END",
    ["alice 0, bob 30, carl 40", "bob-carl, carl-alice, carl-bob", "bob-7, carl-7"]
)]
#[case::over_a_name_that_is_free(
    "UPDATE Person SET name = 'x' WHERE name = 'alice'; UPDATE Person SET name = 'alice' WHERE name = 'bob';
     UPDATE Person SET name = 'bob' WHERE name = 'x'",
    ["alice 40, bob 30, carl 0", "alice-bob, alice-carl, bob-alice", "alice-7, bob-7"]
)]
#[case::a_number_that_edges_end_at("UPDATE Company SET id = id + 1", [PEOPLE, KNOWS, "alice-8, bob-8"])]
#[case::into_itself("UPDATE Person SET name = name, age = 1", ["alice 1, bob 1, carl 1", KNOWS, WORKS])]
#[case::there_and_back(
    "UPDATE Person SET name = 'x' WHERE name = 'bob'; UPDATE Person SET name = 'bob' WHERE name = 'x'",
    [PEOPLE, KNOWS, WORKS]
)]
#[case::of_nobody("UPDATE Person SET name = 'x' WHERE name = 'zoe'", [PEOPLE, KNOWS, WORKS])]
#[case::an_edge_from_a_node_to_itself(
    "INSERT INTO Knows (src, dst) VALUES ('alice', 'alice'); UPDATE Person SET name = 'anna' WHERE name = 'alice'",
    ["anna 30, bob 40, carl 0", "anna-anna, anna-bob, bob-anna, bob-carl", "anna-7, bob-7"]
)]
#[case::an_edge_that_waits_for_the_new_name(
    "INSERT INTO Knows (src, dst) VALUES ('anna', 'carl'); UPDATE Person SET name = 'anna' WHERE name = 'alice'",
    ["anna 30, bob 40, carl 0", "anna-bob, anna-carl, bob-anna, bob-carl", "anna-7, bob-7"]
)]
#[case::of_a_row_that_is_new(
    "INSERT INTO Person (name) VALUES ('x'); INSERT INTO Knows (src, dst) VALUES ('x', 'bob');
     UPDATE Person SET name = 'y' WHERE name = 'x'",
    ["alice 30, bob 40, carl 0, y 0", "alice-bob, bob-alice, bob-carl, y-bob", WORKS]
)]
#[case::later_statements_see_it(
    "UPDATE Person SET name = 'anna' WHERE name = 'alice'; UPDATE Person SET age = 1 WHERE name = 'anna';
     INSERT INTO Knows (src, dst) SELECT name, 'carl' FROM Person WHERE name = 'anna';
     DELETE FROM Person WHERE name = 'alice'",
    ["anna 1, bob 40, carl 0", "anna-bob, anna-carl, bob-anna, bob-carl", "anna-7, bob-7"]
)]
#[case::and_then_deleted(
    "UPDATE Person SET name = 'anna' WHERE name = 'alice'; DELETE FROM Person WHERE name = 'anna'",
    ["bob 40, carl 0", "bob-carl", "bob-7"]
)]
#[case::onto_a_row_that_was_deleted(
    "DELETE FROM Person WHERE name = 'bob'; UPDATE Person SET name = 'bob' WHERE name = 'alice'",
    ["bob 30, carl 0", "", "bob-7"]
)]
#[case::and_the_old_name_is_a_new_row(
    "UPDATE Person SET name = 'anna' WHERE name = 'alice'; INSERT INTO Person (name) VALUES ('alice')",
    ["alice 0, anna 30, bob 40, carl 0", "anna-bob, bob-anna, bob-carl", "anna-7, bob-7"]
)]
#[case::an_edge_is_moved("UPDATE Knows SET dst = 'carl' WHERE src = 'alice'", [PEOPLE, "alice-carl, bob-alice, bob-carl", WORKS])]
#[case::edges_turn_round(
    "DELETE FROM Knows WHERE src = 'alice'; UPDATE Knows SET src = dst, dst = src",
    [PEOPLE, "alice-bob, carl-bob", WORKS]
)]
#[case::an_edge_moves_and_its_node_too(
    "UPDATE Knows SET src = 'carl' WHERE dst = 'carl'; UPDATE Person SET name = 'c' WHERE name = 'carl'",
    ["alice 30, bob 40, c 0", "alice-bob, bob-alice, c-c", WORKS]
)]
#[tokio::test]
async fn edges_follow_a_key_that_is_updated(#[case] sql: &str, #[case] expected: [&str; 3]) {
    let graph = graph().await;
    let before = graph.snapshot().version();
    let report = mutate(&graph, sql).await.unwrap();
    assert_eq!(shown(&graph).await, expected);
    assert!(graph.snapshot().version() <= before + 1);
    assert_eq!(report.commit_id.is_some(), graph.snapshot().version() == before + 1);
    // What was checked at the end of the mutation is true of what a later one sees.
    mutate(&graph, "UPDATE Person SET name = name || '!'; UPDATE Company SET id = id + 100").await.unwrap();
}

#[rstest]
#[case::of_another_row(
    "UPDATE Person SET name = 'bob' WHERE name = 'alice'",
    "Person \"alice\" cannot become \"bob\": Person \"bob\" exists already; a key occurs once"
)]
#[case::of_a_row_that_keeps_it(
    "UPDATE Person SET name = 'bob' WHERE name IN ('alice', 'bob')",
    "Person \"alice\" cannot become \"bob\": Person \"bob\" exists already"
)]
#[case::of_two_rows("UPDATE Person SET name = 'x' WHERE name <> 'bob'", "\"carl\" would both become \"x\"")]
#[case::a_number("INSERT INTO Company VALUES (8); UPDATE Company SET id = 8", "Company 7 cannot become 8")]
#[case::missing("UPDATE Person SET name = NULL WHERE name = 'bob'", "Person.name is missing in row 1")]
#[case::an_edge_that_exists(
    "UPDATE Knows SET dst = 'alice' WHERE dst = 'carl'",
    "statement 1: Knows from \"bob\" to \"alice\" exists already"
)]
#[case::an_edge_to_nobody("UPDATE Knows SET dst = 'zoe' WHERE dst = 'carl'", "Knows ends at Person \"zoe\"")]
#[case::an_edge_to_the_old_name(
    "UPDATE Person SET name = 'x' WHERE name = 'carl'; UPDATE Knows SET dst = 'carl' WHERE src = 'alice'",
    "statement 2: Knows ends at Person \"carl\", which does not exist"
)]
#[case::of_one_of_two_rows(
    "INSERT INTO Person (name) VALUES ('bob'); UPDATE Person SET name = 'x' WHERE name = 'bob' AND age IS NULL",
    "statement 2: Person \"bob\" is there twice: a statement before has inserted it once more"
)]
#[case::of_both(
    "INSERT INTO Person (name) VALUES ('bob'); UPDATE Person SET name = name || coalesce(age, 0) WHERE name = 'bob'",
    "statement 2: Person \"bob\" is there twice"
)]
#[case::one_of_two_rows_is_deleted(
    "INSERT INTO Person (name) VALUES ('bob'); DELETE FROM Person WHERE name = 'bob' AND age IS NULL",
    "statement 2: Person \"bob\" is there twice"
)]
#[tokio::test]
async fn a_key_that_cannot_be_is_refused_and_changes_nothing(#[case] sql: &str, #[case] expected: &str) {
    let graph = graph().await;
    let error = mutate(&graph, sql).await.expect_err("the key is taken or no key");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(shown(&graph).await, [PEOPLE, KNOWS, WORKS]);
}

#[tokio::test]
async fn a_renamed_row_and_the_edges_that_follow_are_counted_as_updated() {
    let graph = graph().await;
    let report = mutate(&graph, "UPDATE Person SET name = 'b' WHERE name = 'bob'").await.unwrap();
    let counts: Vec<_> = report.rows.iter().map(|(ty, c)| (ty.as_str(), c.inserted, c.updated, c.deleted)).collect();
    assert_eq!(counts, [("Knows", 0, 3, 0), ("Person", 0, 1, 0), ("WorksAt", 0, 1, 0)]);
    assert_eq!(rows(&graph, "SELECT mail FROM Person WHERE name = 'alice'").await, ["a@x"]);
    mutate(&graph, "UPDATE Person SET name = 'a' WHERE name = 'alice'").await.unwrap();
    assert_eq!(rows(&graph, "SELECT mail FROM Person WHERE name = 'a'").await, ["a@x"], "the rest of the row stays");
}

#[tokio::test]
async fn thousands_of_keys_move_by_one_at_once() {
    let schema = "node N { id: I64 @key  v: Vector(2)? } edge E: N -> N { w: I64?  v: Vector(2)? }";
    let graph = Graph::builder(format!("memory://many-keys-{}", uuid::Uuid::new_v4())).create(schema).await.unwrap();
    let sql = "INSERT INTO N (id) SELECT value FROM generate_series(1, 5000);
        INSERT INTO E (src, dst, w, v) SELECT id, id + 1, id AS w, [1.0, 2.5] FROM N WHERE id < 5000";
    mutate(&graph, sql).await.unwrap();
    let report = mutate(&graph, "UPDATE N SET id = id + 1").await.unwrap();
    assert_eq!((report.rows["N"].updated, report.rows["E"].updated), (5_000, 4_999));
    assert_eq!(rows(&graph, "SELECT min(id), max(id), count(*) FROM N").await, ["2|5001|5000"]);
    let sql = "SELECT count(*) FROM E WHERE dst = src + 1 AND w = src - 1 AND v[2] = 2.5";
    assert_eq!(rows(&graph, sql).await, ["4999"]);
    let error = mutate(&graph, "UPDATE N SET id = id + 1 WHERE id > 2; UPDATE N SET id = id / 2").await.unwrap_err();
    assert!(error.to_string().contains("statement 2: N "), "{error}");
    assert!(error.to_string().contains("would both become"), "{error}");
    let error = mutate(&graph, "UPDATE N SET id = id + 1 WHERE id < 3000").await.unwrap_err();
    assert!(error.to_string().contains("N 2999 cannot become 3000: N 3000 exists already"), "{error}");
}

/// What is left of a little graph: its nodes by key with what they were at first, and its edges by key.
type Small = (BTreeSet<(i64, i64)>, BTreeSet<(i64, i64)>);

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_keys_become_any_others_or_the_whole_is_refused(
        edges in prop::collection::btree_set((0_i64..6, 0_i64..6), 0..14),
        steps in prop::collection::vec(prop::collection::btree_map(0_i64..9, 0_i64..9, 1..6), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare_with_a_map(edges, steps));
    }
}

async fn compare_with_a_map(edges: BTreeSet<(i64, i64)>, steps: Vec<std::collections::BTreeMap<i64, i64>>) {
    let schema = "node N { id: I64 @key  was: I64 } edge E: N -> N";
    let graph = Graph::builder(format!("memory://any-keys-{}", uuid::Uuid::new_v4())).create(schema).await.unwrap();
    let pairs = edges.iter().map(|(src, dst)| format!("({src}, {dst})")).collect::<Vec<_>>().join(", ");
    let mut sql = "INSERT INTO N SELECT value, value AS was FROM generate_series(0, 5)".to_owned();
    if !edges.is_empty() {
        sql += &format!("; INSERT INTO E VALUES {pairs}");
    }
    mutate(&graph, &sql).await.unwrap();
    let start: Small = ((0..6).map(|id| (id, id)).collect(), edges);
    let mut expected = Some(start.clone());
    let mut statements = Vec::new();
    for step in &steps {
        let cases: String = step.iter().map(|(old, new)| format!(" WHEN {old} THEN {new}")).collect();
        let keys = step.keys().map(i64::to_string).collect::<Vec<_>>().join(", ");
        statements.push(format!("UPDATE N SET id = CASE id{cases} ELSE id END WHERE id IN ({keys})"));
        let become_of = |id: &i64| step.get(id).copied().unwrap_or(*id);
        expected = expected.and_then(|(nodes, edges)| {
            let moved: BTreeSet<_> = nodes.iter().map(|(id, was)| (become_of(id), *was)).collect();
            let keys: BTreeSet<i64> = moved.iter().map(|(id, _)| *id).collect();
            let edges = edges.iter().map(|(src, dst)| (become_of(src), become_of(dst))).collect();
            (keys.len() == nodes.len()).then_some((moved, edges))
        });
    }
    let sql = statements.join("; ");
    let outcome = mutate(&graph, &sql).await;
    assert_eq!(outcome.is_ok(), expected.is_some(), "{sql}: {outcome:?}");
    let (nodes, edges) = expected.unwrap_or(start);
    let lines = |pairs: &BTreeSet<(i64, i64)>| pairs.iter().map(|(a, b)| format!("{a}|{b}")).collect::<Vec<_>>();
    assert_eq!(rows(&graph, "SELECT id, was FROM N ORDER BY id").await, lines(&nodes), "{sql}");
    assert_eq!(rows(&graph, "SELECT src, dst FROM E ORDER BY src, dst").await, lines(&edges), "{sql}");
}
