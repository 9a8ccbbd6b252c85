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

/// A graph with an instant, a day, numbers beyond what floats tell apart, both zeros, and texts.
async fn moments() -> Graph {
    let graph = graph("node T { id: I64 @key  at: DateTime?  day: Date?  n: U64?  x: F64?  s: String? }").await;
    let rows = r#"{"type":"T","data":{"id":1,"at":"0001-01-01T00:00:00Z","day":"0001-01-01","n":18446744073709551615,"x":0.0,"s":"0001-01-01T00:00:00Z"}}
{"type":"T","data":{"id":2,"at":"9999-12-31T23:59:59.999999Z","day":"9999-12-31","n":9007199254740993,"x":-0.0,"s":"1"}}
{"type":"T","data":{"id":9007199254740993,"at":"2024-02-29T12:00:00Z","day":"2024-02-29","n":0,"x":1e300,"s":"x"}}"#;
    load(&graph, rows.to_owned()).await.expect("rows");
    graph
}

#[tokio::test]
async fn instants_and_days_compare_with_texts_over_their_whole_range() {
    let graph = moments().await;
    for (condition, right) in [
        ("at > '0001-01-01T00:00:00Z'", 2),
        ("'0001-01-01T00:00:00Z' = at", 1),
        ("at <= '9999-12-31T23:59:59.999999Z'", 3),
        ("at <> '0001-01-01T00:00:00Z'", 2),
        ("at IN ('0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z')", 2),
        ("at NOT IN ('0001-01-01T01:00:00+01:00')", 2),
        ("at BETWEEN '0001-01-01T00:00:00Z' AND '2024-02-29T12:00:00Z'", 2),
        ("CASE at WHEN '0001-01-01T00:00:00Z' THEN TRUE ELSE FALSE END", 1),
        ("at IS NOT DISTINCT FROM '0001-01-01T00:00:00Z'", 1),
        ("nullif(at, '0001-01-01T00:00:00Z') IS NULL", 1),
        ("coalesce(at, '0001-01-01T00:00:00Z') < '0001-01-02'", 1),
        ("greatest(at, '9999-12-31T23:59:59Z') > '9999-12-31T23:59:59Z'", 1),
        ("CASE WHEN id = 1 THEN at ELSE '9999-12-31T00:00:00Z' END < '9999-12-31'", 1),
        ("at IN (SELECT TIMESTAMP '0001-01-01T00:00:00Z')", 1),
        ("at = TIMESTAMP '0001-01-01T00:00:00Z'", 1),
        ("at = CAST('0001-01-01 00:00:00' AS TIMESTAMP)", 1),
        ("at = day", 1),
        ("at >= day", 3),
        ("at < now()", 2),
        ("day > '0001-01-01'", 2),
        ("day IN ('2024-02-29', '9999-12-31')", 2),
        ("day BETWEEN '0001-01-01' AND '0001-01-01'", 1),
        ("day = DATE '9999-12-31'", 1),
        ("TRY_CAST('2024-02-30' AS DATE) IS NULL", 3),
    ] {
        let sql = format!("SELECT count(*) AS n FROM T WHERE {condition}");
        assert_eq!(number(&graph, &sql).await, right, "{sql}");
    }
}

#[tokio::test]
async fn a_float_compares_with_a_whole_number_by_what_they_are() {
    let graph = moments().await;
    for (condition, right) in [
        ("id = 9007199254740992.0", 0),
        ("id > 9007199254740992e0", 1),
        ("id = CAST(9007199254740992 AS DOUBLE)", 0),
        ("id IN (1, 9007199254740992e0, 0.5)", 1),
        ("id NOT IN (9007199254740992e0, 0.5)", 3),
        ("id BETWEEN 9007199254740992e0 AND 9007199254740992e0", 0),
        ("id BETWEEN 0.5 AND 1.5", 1),
        ("CASE id WHEN 9007199254740992e0 THEN TRUE WHEN 1.0 THEN TRUE ELSE FALSE END", 1),
        ("id IS DISTINCT FROM 9007199254740992e0", 3),
        ("n = 18446744073709551616e0", 0),
        ("n > 9007199254740992e0", 2),
        ("n > x", 2),
        ("id < x", 1),
        ("x = 0", 2),
        ("x IN (SELECT -0.0)", 2),
        ("x NOT IN (SELECT -0.0)", 1),
        ("CASE x WHEN 0 THEN TRUE ELSE FALSE END", 2),
        ("nullif(x, 0) IS NULL", 2),
        ("CAST(id AS DECIMAL(20, 2)) = 1.0", 1),
        ("CAST(0.1 AS DECIMAL(9, 2)) = 0.1", 3),
    ] {
        let sql = format!("SELECT count(*) AS n FROM T WHERE {condition}");
        assert_eq!(number(&graph, &sql).await, right, "{sql}");
    }
}

#[tokio::test]
async fn what_cannot_be_compared_as_it_is_is_refused() {
    let graph = moments().await;
    for (condition, words) in [
        ("at = 'x'", "\"x\" is not an instant"),
        ("at > '2024-02-29T12:00:00.0000001Z'", "is not an instant"),
        ("at = s", "is not an instant"),
        ("day = '2024-02-29T23:30:00-05:00'", "is not a day"),
        ("day = '2024-2-29'", "is not a day"),
        ("day = CAST('2024-02-29T23:30:00-05:00' AS DATE)", "is not a day"),
        ("at = TIMESTAMP '2024-02-30T00:00:00Z'", "is not an instant"),
        ("s = 1", "a text is compared with a number"),
        ("id IN (SELECT s FROM T)", "a text is compared with a number"),
        ("id = '1.0'", "the text \"1.0\" is compared with a number"),
        ("id IN (SELECT x FROM T)", "floats are compared with whole numbers"),
        ("CAST(x AS FLOAT) > 1", "is not a Float32"),
    ] {
        let sql = format!("SELECT count(*) AS n FROM T WHERE {condition}");
        let error = graph.query(&sql).await.expect_err(&sql);
        assert_eq!(error.kind(), omnigraph::ErrorKind::Invalid, "{sql}: {error:?}");
        assert!(error.to_string().contains(words), "{sql}: {error}");
    }
}
