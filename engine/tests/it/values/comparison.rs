//! Integers are compared by what they are, whatever their types; the two zeros are one number.

use omnigraph::Graph;

use super::kind::{INTEGERS, Kind};
use super::value::Value;
use super::{graph, lines, load};

/// One number that a query gives.
async fn number(graph: &Graph, sql: &str) -> i128 {
    let batches = graph.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    match super::value::rows(&batches)[..] {
        [ref row] if matches!(row[..], [Value::Integer(_)]) => match row[0] {
            Value::Integer(value) => value,
            ref other => panic!("{sql} gives {other:?}"),
        },
        ref other => panic!("{sql} gives {other:?}"),
    }
}

/// A node type for each integer type, with its boundaries in `x`.
async fn integers() -> (Graph, Vec<(&'static str, Vec<i128>)>) {
    let schema: String = INTEGERS.iter().map(|(ty, ..)| format!("node N{ty} {{ x: {ty} @key }}\n")).collect();
    let graph = graph(&schema).await;
    let mut all = Vec::new();
    for (ty, least, largest) in INTEGERS {
        let values = Kind::Integer(ty, least, largest).boundaries();
        let rows: Vec<Vec<Value>> = values.iter().map(|value| vec![value.clone()]).collect();
        load(&graph, lines(&format!("N{ty}"), &["x".to_owned()], &rows)).await.expect("rows");
        let integer = |value| if let Value::Integer(value) = value { value } else { unreachable!("an integer") };
        all.push((ty, values.into_iter().map(integer).collect()));
    }
    (graph, all)
}

#[tokio::test]
async fn integers_of_two_types_compare_as_numbers() {
    let (graph, all) = integers().await;
    for (one, ones) in &all {
        for (other, others) in &all {
            let pairs = |holds: fn(i128, i128) -> bool| {
                ones.iter().map(|a| others.iter().filter(|b| holds(*a, **b)).count() as i128).sum::<i128>()
            };
            let from = format!("SELECT count(*) AS n FROM N{one} AS a");
            for (sql, right) in [
                (format!("{from} JOIN N{other} AS b ON a.x = b.x"), pairs(|a, b| a == b)),
                (format!("{from} CROSS JOIN N{other} AS b WHERE a.x < b.x"), pairs(|a, b| a < b)),
                (format!("{from} CROSS JOIN N{other} AS b WHERE a.x >= b.x AND a.x <> b.x"), pairs(|a, b| a > b)),
                (format!("{from} WHERE a.x IN (SELECT b.x FROM N{other} AS b)"), pairs(|a, b| a == b)),
                (format!("{from} WHERE EXISTS (SELECT 1 FROM N{other} AS b WHERE b.x = a.x)"), pairs(|a, b| a == b)),
            ] {
                assert_eq!(number(&graph, &sql).await, right, "{sql}");
            }
        }
    }
}

#[tokio::test]
async fn an_integer_compares_with_a_literal_that_its_type_does_not_hold() {
    let (graph, all) = integers().await;
    for (ty, values) in &all {
        for literal in [
            -1,
            0,
            128,
            255,
            256,
            -129,
            65_536,
            1 << 31,
            1 << 32,
            i64::MAX.into(),
            1_i128 << 63,
            i64::MIN.into(),
            u64::MAX.into(),
        ] {
            let count = |holds: fn(i128, i128) -> bool| values.iter().filter(|x| holds(**x, literal)).count() as i128;
            for (condition, right) in [
                (format!("x = {literal}"), count(|x, y| x == y)),
                (format!("x <> {literal}"), count(|x, y| x != y)),
                (format!("x < {literal}"), count(|x, y| x < y)),
                (format!("{literal} <= x"), count(|x, y| y <= x)),
                (format!("x IN ({literal}, 7)"), count(|x, y| x == y || x == 7)),
                (format!("x NOT IN ({literal})"), count(|x, y| x != y)),
                (format!("x BETWEEN {literal} AND {literal}"), count(|x, y| x == y)),
                (format!("CASE x WHEN {literal} THEN TRUE ELSE FALSE END"), count(|x, y| x == y)),
            ] {
                let sql = format!("SELECT count(*) AS n FROM N{ty} WHERE {condition}");
                assert_eq!(number(&graph, &sql).await, right, "{sql}");
            }
        }
    }
}

#[tokio::test]
async fn the_two_zeros_are_one_number_and_stay_what_they_are() {
    for ty in ["F64", "F32"] {
        let graph = graph(&format!("node T {{ id: I64 @key  x: {ty} }}")).await;
        let rows = r#"{"type":"T","data":{"id":1,"x":0.0}}
{"type":"T","data":{"id":2,"x":-0.0}}
{"type":"T","data":{"id":3,"x":1.5}}"#;
        load(&graph, rows.to_owned()).await.expect("rows");
        for (sql, right) in [
            ("SELECT count(*) AS n FROM T WHERE x = 0.0", 2),
            ("SELECT count(*) AS n FROM T WHERE x = 0", 2),
            ("SELECT count(*) AS n FROM T WHERE x < 0.0", 0),
            ("SELECT count(*) AS n FROM T WHERE x >= 0.0", 3),
            ("SELECT count(*) AS n FROM T WHERE x IN (0.0, 7.0)", 2),
            ("SELECT count(*) AS n FROM T WHERE x NOT IN (0.0)", 1),
            ("SELECT count(*) AS n FROM T AS a JOIN T AS b ON a.x = b.x", 5),
            // Groups are made of equal bits, as `docs/sql.md` says.
            ("SELECT count(DISTINCT x) AS n FROM T", 3),
            ("SELECT count(*) AS n FROM (SELECT x FROM T GROUP BY x) AS t", 3),
            ("SELECT count(*) AS n FROM (SELECT x + 0.0 AS x FROM T GROUP BY x + 0.0) AS t", 2),
        ] {
            assert_eq!(number(&graph, sql).await, right, "{ty}: {sql}");
        }
    }
}
