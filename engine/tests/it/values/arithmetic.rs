//! What arithmetic gives is exact, or an error; never something that went round.

use omnigraph::{ErrorKind, Mutate};

use super::kind::INTEGERS;
use super::value::Value;
use super::{graph, load};

/// A number, or that the engine has said why not.
async fn answer(graph: &omnigraph::Graph, sql: &str) -> Option<i128> {
    match graph.query(sql).await {
        Ok(batches) => match super::value::rows(&batches)[..] {
            [ref row] => match row[..] {
                [Value::Integer(value)] => Some(value),
                ref other => panic!("{sql} gives {other:?}"),
            },
            ref other => panic!("{sql} gives {} rows", other.len()),
        },
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{sql}: {error:?}");
            None
        }
    }
}

/// The expressions that have an answer when it fits.
const PLAIN: [&str; 6] = ["a + b", "a - b", "a * b", "a + 1", "a - 1", "a * 2"];

/// The expressions of two columns and a literal, and what they are; a product of 128 bits and more is beyond every type.
fn expressions(a: i128, b: i128) -> Vec<(&'static str, i128)> {
    vec![
        ("a + b", a + b),
        ("a - b", a - b),
        ("a * b", a.saturating_mul(b)),
        ("b - a", b - a),
        ("a + 1", a + 1),
        ("1 + a", 1 + a),
        ("a - 1", a - 1),
        ("a * 2", a * 2),
        ("a * a", a.saturating_mul(a)),
        ("a + a", a + a),
        ("- a", -a),
        ("abs(a)", a.abs()),
        ("a / (0 - 1)", -a),
        ("a + b - b", a),
        ("CASE WHEN a >= b THEN a + b ELSE b + a END", a + b),
        ("coalesce(NULL, a * b)", a.saturating_mul(b)),
    ]
}

/// Pairs at the ends of a type, and in its middle.
fn pairs(least: i128, largest: i128) -> Vec<(i128, i128)> {
    let (half, small) = (largest / 2 + 1, if least < 0 { -1 } else { 0 });
    vec![
        (largest, largest),
        (largest, 1),
        (least, largest),
        (least, least),
        (least, small),
        (half, half),
        (half, 2),
        (3, 2),
    ]
}

#[tokio::test]
async fn arithmetic_of_every_integer_type_is_exact_or_refused_in_queries() {
    let mut exact = 0;
    for (ty, least, largest) in INTEGERS {
        let graph = graph(&format!("node T {{ id: I64 @key  a: {ty}  b: {ty} }}")).await;
        for ((a, b), id) in pairs(least, largest).into_iter().zip(0..) {
            load(&graph, format!("{{\"type\":\"T\",\"data\":{{\"id\":{id},\"a\":{a},\"b\":{b}}}}}"))
                .await
                .expect("a row");
            for (expression, right) in expressions(a, b) {
                let given = answer(&graph, &format!("SELECT {expression} AS x FROM T WHERE id = {id}")).await;
                assert!(given.is_none_or(|given| given == right), "{ty}: {expression} for {a} and {b} is {given:?}");
                // Nothing is gone round in a condition either.
                let count = format!("SELECT count(*) AS x FROM T WHERE id = {id} AND ({expression}) < 0");
                let below = answer(&graph, &count).await;
                let right_below = i128::from(right < 0);
                assert!(
                    below.is_none_or(|below| below == right_below),
                    "{ty}: ({expression}) < 0 for {a} and {b}: {below:?}"
                );
                // What stays in the type has an answer.
                if PLAIN.contains(&expression) && (least..=largest).contains(&right) {
                    assert_eq!(given, Some(right), "{ty}: {expression} for {a} and {b}");
                    exact += 1;
                }
            }
        }
    }
    assert!(exact >= 100, "only {exact} expressions had an answer");
}

#[tokio::test]
async fn arithmetic_of_every_integer_type_is_exact_or_refused_in_mutations() {
    let (mut exact, mut refused) = (0, 0);
    for (ty, least, largest) in INTEGERS {
        let graph = graph(&format!("node T {{ id: I64 @key  a: {ty}  b: {ty}  x: {ty}? }}")).await;
        for ((a, b), id) in pairs(least, largest).into_iter().zip(0..) {
            load(&graph, format!("{{\"type\":\"T\",\"data\":{{\"id\":{id},\"a\":{a},\"b\":{b}}}}}"))
                .await
                .expect("a row");
            for (expression, right) in expressions(a, b) {
                let case = format!("{ty}: {expression} for {a} and {b}");
                let update = format!("UPDATE T SET x = {expression} WHERE id = {id}");
                match graph.mutate(Mutate::sql(update)).await {
                    Ok(_) => {
                        let stored = answer(&graph, &format!("SELECT x FROM T WHERE id = {id}")).await;
                        assert_eq!(stored, Some(right), "{case}");
                        exact += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Invalid, "{case}: {error:?}");
                        let fits = (least..=largest).contains(&right);
                        let plain = PLAIN.contains(&expression);
                        assert!(!(fits && plain), "{case} is {right} and fits: {error}");
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(exact >= 200 && refused >= 200, "{exact} exact, {refused} refused");
}

#[tokio::test]
async fn sums_of_every_integer_type_are_exact_or_refused() {
    for (ty, least, largest) in INTEGERS {
        for values in
            [vec![largest, largest], vec![largest, 1], vec![least, least], vec![largest, 1, least], vec![1, 2, 3]]
        {
            let graph = graph(&format!("node T {{ id: I64 @key  a: {ty} }}")).await;
            let row =
                |(id, value): (usize, &i128)| format!("{{\"type\":\"T\",\"data\":{{\"id\":{id},\"a\":{value}}}}}\n");
            load(&graph, values.iter().enumerate().map(row).collect()).await.expect("rows");
            let (sum, distinct): (i128, std::collections::BTreeSet<i128>) =
                (values.iter().sum(), values.iter().copied().collect());
            let last: i128 = values[values.len() - 2..].iter().sum();
            let wide = |frame: &str| {
                format!("SELECT x FROM (SELECT id, sum(a) OVER ({frame}) AS x FROM T) AS t ORDER BY id DESC LIMIT 1")
            };
            for (sql, right) in [
                ("SELECT sum(a) AS x FROM T".to_owned(), sum),
                ("SELECT sum(a) AS x FROM T GROUP BY a > NULL".to_owned(), sum),
                ("SELECT sum(DISTINCT a) AS x FROM T".to_owned(), distinct.iter().sum()),
                ("SELECT sum(a) FILTER (WHERE id >= 0) AS x FROM T".to_owned(), sum),
                (wide("ORDER BY id"), sum),
                (wide("PARTITION BY id < 0"), sum),
                (wide("ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"), last),
            ] {
                let given = answer(&graph, &sql).await;
                assert!(
                    given.is_none_or(|given| given == right),
                    "{ty}: {sql} over {values:?} is {given:?}, not {right}"
                );
                if values == [1, 2, 3] {
                    assert_eq!(given, Some(right), "{ty}: {sql}");
                }
            }
        }
    }
}
