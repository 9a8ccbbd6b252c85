//! Mutations of many rows, of long ones and of ones that hold little.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};

use super::super::pack::Packing;
use super::super::pile::{Budget, Frozen, Pile};
use super::*;

async fn graph_of(schema: &str) -> Graph {
    Graph::builder(format!("memory://bounds-{}", uuid::Uuid::new_v4())).create(schema).await.unwrap()
}

#[tokio::test]
async fn a_node_with_more_than_a_hundred_thousand_edges_is_deleted_and_renamed() {
    let graph = graph_of("node N { id: I64 @key } edge E: N -> N").await;
    let sql = "INSERT INTO N SELECT value FROM generate_series(0, 110000);
        INSERT INTO E (src, dst) SELECT 0, id FROM N WHERE id > 0; INSERT INTO E (src, dst) VALUES (1, 2), (2, 0)";
    let report = mutate(&graph, sql).await.unwrap();
    assert_eq!(report.rows["E"].inserted, 110_002);
    let report = mutate(&graph, "UPDATE N SET id = -1 WHERE id = 0").await.unwrap();
    assert_eq!((report.rows["N"].updated, report.rows["E"].updated), (1, 110_001));
    let report = mutate(&graph, "DELETE FROM N WHERE id = -1").await.unwrap();
    assert_eq!((report.rows["N"].deleted, report.rows["E"].deleted), (1, 110_001));
    assert_eq!(rows(&graph, "SELECT src, dst FROM E").await, ["1|2"]);
    // Too many keys to ask for by value.
    let report = mutate(&graph, "DELETE FROM N WHERE id < 100000").await.unwrap();
    assert_eq!((report.rows["N"].deleted, report.rows["E"].deleted), (99_999, 1));
    assert_eq!(rows(&graph, "SELECT count(*) FROM N").await, ["10001"]);
}

#[tokio::test]
async fn rows_that_do_not_fit_into_memory_wait_in_a_file() {
    let graph = graph_of("node N { id: I64 @key  text: String? }").await;
    // More than what is held in memory, in statements that see one another.
    let sql = "INSERT INTO N SELECT value, repeat('x', 20000) FROM generate_series(1, 5000);
        UPDATE N SET text = text || 'y' WHERE id % 2 = 0;
        DELETE FROM N WHERE id % 5 = 0";
    let report = mutate(&graph, sql).await.unwrap();
    assert_eq!(report.rows["N"].inserted, 4_000);
    let sql = "SELECT count(*), sum(length(text)), count(*) FILTER (WHERE text LIKE '%y') FROM N";
    assert_eq!(rows(&graph, sql).await, ["4000|80002000|2000"]);
    let report = mutate(&graph, "UPDATE N SET id = -id, text = 'short' WHERE id <= 2500").await.unwrap();
    assert_eq!(report.rows["N"].updated, 2_000);
    assert_eq!(rows(&graph, "SELECT min(id), count(*) FROM N WHERE text = 'short'").await, ["-2499|2000"]);
}

#[tokio::test]
async fn missing_vectors_take_no_room_while_rows_wait() {
    let graph = graph_of("node N { id: I64 @key  v: Vector(65536)? }").await;
    // A gigabyte, if every row had its vector.
    let sql = "INSERT INTO N (id) SELECT value FROM generate_series(1, 4000);
        UPDATE N SET v = (SELECT array_agg(value) FROM generate_series(1, 65536)) WHERE id IN (7, 3999)";
    let report = mutate(&graph, sql).await.unwrap();
    assert_eq!(report.rows["N"].inserted, 4_000);
    assert_eq!(
        rows(&graph, "SELECT id, v[65536] FROM N WHERE v IS NOT NULL ORDER BY id").await,
        ["7|65536.0", "3999|65536.0"]
    );
}

#[tokio::test]
async fn a_type_whose_properties_are_all_unique_takes_one_small_write_after_another() {
    let properties: String = (1..1_000).map(|n| format!("  p{n}: I64? @unique")).collect();
    let graph = graph_of(&format!("node Wide {{ id: I64 @key{properties} }}")).await;
    let row = |value: i64| vec![value.to_string(); 1_000].join(", ");
    for value in 1..4 {
        mutate(&graph, &format!("INSERT INTO Wide VALUES ({})", row(value))).await.unwrap();
    }
    let data: serde_json::Map<_, _> =
        (0..1_000).map(|n| if n == 0 { ("id".to_owned(), 4.into()) } else { (format!("p{n}"), 4.into()) }).collect();
    let line = serde_json::json!({"type": "Wide", "data": data});
    graph.load(Load::append(), Load::rows([line])).await.unwrap();
    let error = mutate(&graph, "INSERT INTO Wide (id, p1, p999) VALUES (5, 5, 2)").await.unwrap_err();
    assert!(error.to_string().contains("Wide.p999 2 is taken by another row"), "{error}");
    let error = mutate(&graph, &format!("INSERT INTO Wide VALUES ({})", row(3))).await.unwrap_err();
    assert!(
        error.to_string().contains("Wide.p500 3 is taken by another row") || error.to_string().contains("more"),
        "{error}"
    );
    assert_eq!(rows(&graph, "SELECT count(*), sum(p999) FROM Wide").await, ["4|10"]);
}

/// Rows of one number, and a text that takes most of the room.
fn numbered(first: i64, rows: i64) -> RecordBatch {
    let texts: StringArray = (first..first + rows).map(|id| Some(id.to_string().repeat(100))).collect();
    let ids = Int64Array::from_iter_values(first..first + rows);
    RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef), ("text", Arc::new(texts))]).unwrap()
}

#[test]
fn pieces_in_memory_and_in_a_file_come_back_in_order_without_what_is_gone() {
    let schema = numbered(0, 1).schema();
    let packing = || Arc::new(Packing::new(Arc::clone(&schema)));
    // Room for the first piece alone.
    let mut pile = Pile::new(packing(), Budget::new(20_000, 1 << 20));
    for first in [0, 50, 100, 150] {
        pile.push(&numbered(first, 50), UInt64Array::new_null(50), first as u64).unwrap();
    }
    let before = pile.frozen();
    pile.bury(&(50..101).collect());
    pile.push(&numbered(200, 50), UInt64Array::new_null(50), 200).unwrap();
    let read = |frozen: Frozen| {
        let mut found = Vec::new();
        for (piece, dead) in frozen.into_pieces() {
            let rows = packing().unpack(&piece.read().unwrap()).unwrap();
            assert_eq!(rows, numbered(piece.first as i64, 50));
            assert_eq!(piece.statement, piece.first);
            found.extend((piece.first..piece.first + piece.rows).filter(|number| !dead.contains(*number)));
        }
        found
    };
    assert_eq!(read(pile.frozen()), (0..50).chain(101..250).collect::<Vec<_>>());
    assert_eq!(read(before), (0..200).collect::<Vec<_>>(), "what was frozen stays as it was");
    assert_eq!(pile.alive(), 199);
}

#[test]
fn more_rows_than_a_mutation_may_make_are_refused_with_the_limit_and_a_way_out() {
    let packing = Arc::new(Packing::new(numbered(0, 1).schema()));
    let mut pile = Pile::new(packing, Budget::new(1_000, 50_000));
    let error = (0..10).find_map(|first| pile.push(&numbered(first, 50), UInt64Array::new_null(50), 1).err()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("have more than 50000 bytes; split it"), "{error}");
}
