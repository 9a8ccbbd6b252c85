//! Arithmetic at its edges.

use futures::TryStreamExt;
use rstest::rstest;

use crate::sql::{Plan, deep, parse, refused, session};
use crate::{ErrorKind, Result};

/// The first column of what a query gives, without any table.
async fn run(sql: &str) -> Result<Vec<String>> {
    deep(async {
        let statement = parse(sql)?.pop().expect("a statement");
        let plan = Plan::new(&session(), statement, crate::clock::from_millis(0)).await?;
        let batches: Vec<_> = plan.stream().await?.try_collect().await.map_err(refused)?;
        let cells = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| (batch.column(0), row)));
        Ok(cells.map(|(cells, row)| arrow_cast::display::array_value_to_string(cells, row).unwrap()).collect())
    })
    .await
}

/// A table of one column `n` of a type.
fn of(ty: &str, values: &[&str], select: &str) -> String {
    let rows: Vec<String> = values.iter().map(|value| format!("(CAST({value} AS {ty}))")).collect();
    format!("SELECT {select} FROM (VALUES {}) AS t (n)", rows.join(", "))
}

const I64_MAX: &str = "9223372036854775807";
const I64_MIN: &str = "-9223372036854775808";
const U64_MAX: &str = "18446744073709551615";

#[rstest]
#[case::literals("SELECT 1 + 2 * 3 - 4 / 2 % 3", "5")]
#[case::narrow(&of("TINYINT", &["100"], "n + n"), "200")]
#[case::narrow_product(&of("SMALLINT", &["30000"], "n * n"), "900000000")]
#[case::narrow_unsigned(&of("INT UNSIGNED", &["1"], "n - 2"), "-1")]
#[case::to_the_edge(&of("BIGINT", &["9223372036854775806"], "n + 1"), I64_MAX)]
#[case::unsigned_and_literal(&of("BIGINT UNSIGNED", &["5"], "n + 1"), "6")]
#[case::literal_and_unsigned(&of("BIGINT UNSIGNED", &["5"], "7 - n"), "2")]
#[case::unsigned_to_the_edge(&of("BIGINT UNSIGNED", &["18446744073709551614"], "n + 1"), U64_MAX)]
#[case::unsigned_divided(&of("BIGINT UNSIGNED", &[U64_MAX], "n / 2"), I64_MAX)]
#[case::unsigned_rest(&of("BIGINT UNSIGNED", &[U64_MAX], "n % 10"), "5")]
#[case::missing(&of("BIGINT", &["NULL"], "n + 1"), "")]
#[case::null("SELECT NULL + 1", "")]
#[case::floats("SELECT 1.5 + 1", "2.5")]
#[case::least_rest(&of("BIGINT", &[I64_MIN], "n % -1"), "0")]
#[case::sum_that_comes_back(&of("BIGINT", &[I64_MAX, "1", "-1"], "sum(n)"), I64_MAX)]
#[case::sum_of_narrow(&of("TINYINT", &["100", "100"], "sum(n)"), "200")]
#[case::sum_of_unsigned(&of("BIGINT UNSIGNED", &["18446744073709551614", "1"], "sum(n)"), U64_MAX)]
#[case::sum_of_distinct(&of("BIGINT", &["5", "5", "6", "NULL"], "sum(DISTINCT n)"), "11")]
#[case::sum_of_nothing(&of("BIGINT", &["NULL"], "sum(n)"), "")]
#[case::sum_of_floats("SELECT sum(x) FROM (VALUES (1.5), (2.5)) AS t (x)", "4.0")]
#[case::sum_of_decimals(&of("DECIMAL(10, 2)", &["1.25", "2.50"], "sum(n)"), "3.75")]
#[case::case_does_not_compute_what_it_does_not_take(
    &of("BIGINT", &[I64_MAX], "CASE WHEN n = 9223372036854775807 THEN n ELSE n + 1 END"),
    I64_MAX
)]
#[case::constant_that_is_not_taken("SELECT CASE WHEN false THEN 9223372036854775807 + 1 ELSE 1 END", "1")]
#[case::day("SELECT DATE '2024-02-28' + INTERVAL '1 day'", "2024-02-29")]
#[case::minus("SELECT -(5)", "-5")]
#[case::power("SELECT power(10, 30)", "1e30")]
#[case::series(
    "SELECT count(*) FROM generate_series(-999999999999999999, 999999999999999999, 999999999999999999)",
    "3"
)]
#[case::average_of_decimals(
    &(of("DECIMAL(34, 0)", &["'9999999999999999999999999999999999'", "'9999999999999999999999999999999999'"], "avg(n)") + " GROUP BY n"),
    "9999999999999999999999999999999999.0000"
)]
#[case::average_of_distinct(&of("DECIMAL(9, 2)", &["1.25", "1.25", "2.25"], "avg(DISTINCT n)"), "1.750000")]
#[case::average_in_a_window(&of("DECIMAL(9, 2)", &["1.25"], "avg(n) OVER (ORDER BY n)"), "1.250000")]
#[case::average(&of("BIGINT", &["1", "2", "NULL"], "avg(n)"), "1.5")]
#[case::mean(&of("BIGINT", &["1", "2"], "mean(n)"), "1.5")]
#[case::joined("SELECT 'a' || 1 || true || 'é'", "a1trueé")]
#[case::joined_with_missing("SELECT 'a' || NULL", "")]
#[case::joined_lists("SELECT array_length([1] || [2, 3])", "3")]
#[case::concatenated("SELECT concat('a', NULL, 1) || concat_ws('-', 'a', 'b')", "a1a-b")]
#[case::long_constants_in_many_rows(
    "SELECT max(octet_length(t)) FROM (SELECT value, repeat('x', 60000000) AS t FROM range(0, 8192)) AS s",
    "60000000"
)]
#[case::grouped(&(of("BIGINT", &["1", "2"], "sum(n) + 1") + " GROUP BY n % 1"), "4")]
#[tokio::test]
async fn what_fits_is_exact(#[case] sql: &str, #[case] expected: &str) {
    assert_eq!(run(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}")), [expected], "{sql}");
}

#[rstest]
#[case::plus(&of("BIGINT", &[I64_MAX], "n + 1"), "9223372036854775807 + 1 is 9223372036854775808: it does not fit I64")]
#[case::minus(&of("BIGINT", &[I64_MIN], "n - 1"), "-9223372036854775808 - 1 is -9223372036854775809: it does not fit I64")]
#[case::times(&of("BIGINT", &[I64_MAX], "n * 3"), "it does not fit I64")]
#[case::divided(&of("BIGINT", &[I64_MIN], "n / -1"), "it does not fit I64")]
#[case::by_zero("SELECT 1 / 0", "1 / 0 is a division by zero")]
#[case::rest_by_zero(&of("BIGINT", &["7"], "n % 0"), "7 % 0 is a division by zero")]
#[case::constants("SELECT 9223372036854775807 + 1", "it does not fit I64")]
#[case::unsigned(&of("BIGINT UNSIGNED", &[U64_MAX], "n + 1"), "it does not fit U64")]
#[case::below_zero(&of("BIGINT UNSIGNED", &["5"], "n - 6"), "5 - 6 is -1: it does not fit U64")]
#[case::negated(&of("BIGINT", &[I64_MIN], "-n"), "does not fit")]
#[case::negated_narrow(&of("TINYINT", &["-128"], "-n"), "does not fit")]
#[case::absolute(&of("BIGINT", &[I64_MIN], "abs(n)"), "")]
#[case::sum(&of("BIGINT", &[I64_MAX, "1"], "sum(n)"), "a sum does not fit Int64")]
#[case::sum_of_unsigned(&of("BIGINT UNSIGNED", &[U64_MAX, "1"], "sum(n)"), "a sum does not fit UInt64")]
#[case::sum_of_groups(&(of("BIGINT", &[I64_MAX, "1"], "sum(n)") + " GROUP BY n % 1"), "a sum does not fit")]
#[case::sum_of_distinct(&of("BIGINT", &[I64_MAX, "1", "1"], "sum(DISTINCT n)"), "a sum does not fit")]
#[case::sum_in_a_window(&of("BIGINT", &[I64_MAX, "1"], "sum(n) OVER (ORDER BY n)"), "a sum does not fit")]
#[case::sum_in_a_sliding_window(
    &of("BIGINT", &[I64_MAX, "1", "2"], "sum(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)"),
    "a sum does not fit"
)]
#[case::sum_of_decimals(
    &of("DECIMAL(38, 0)", &["'99999999999999999999999999999999999999'", "'1'"], "sum(n)"), "a sum does not fit"
)]
#[case::decimals(&of("DECIMAL(38, 0)", &["'99999999999999999999999999999999999999'"], "n * n"), "does not fit")]
#[case::narrowing("SELECT CAST(300 AS TINYINT)", "300")]
#[case::float_to_integer("SELECT CAST(1e300 AS BIGINT)", "")]
#[case::nan_to_integer("SELECT CAST('NaN'::DOUBLE AS BIGINT)", "")]
#[case::day("SELECT DATE '2024-02-28' + INTERVAL '9000000 years'", "")]
#[case::repeat("SELECT repeat('x', 1000000000)", "repeat would make a value of more than")]
#[case::pad("SELECT lpad('x', 2000000000)", "lpad would make a value of more than")]
#[case::replace(
    "SELECT replace(repeat('x', 1000000), 'x', repeat('y', 1000000))",
    "replace would make a value of more than"
)]
#[case::average_that_needs_more_digits(
    &of("DECIMAL(38, 0)", &["'99999999999999999999999999999999999999'"], "avg(n)"),
    "does not fit"
)]
#[case::doubled_texts(
    "WITH a AS (SELECT repeat('x', 60000000) AS s), b AS (SELECT s || s AS s FROM a) SELECT length(s) FROM b",
    "|| would make a value of more than"
)]
#[case::concatenated(
    "SELECT length(concat(t, t)) FROM (SELECT repeat('x', 60000000 + value) AS t FROM range(0, 1)) AS s",
    "concat would make"
)]
#[case::separated("SELECT concat_ws(repeat('x', 60000000), 'a', 'b', 'c')", "concat_ws would make")]
#[case::delimited("SELECT array_to_string([1, 2, 3], repeat('x', 60000000))", "array_to_string would make")]
#[case::doubled_lists(
    "WITH a AS (SELECT array_agg(value) AS l FROM range(0, 1000000)), b AS (SELECT [l, l, l, l] AS l FROM a),
     c AS (SELECT [l, l, l, l] AS l FROM b) SELECT array_length([l, l, l, l]) FROM c",
    "make_array would make"
)]
#[case::joined_lists(
    "WITH a AS (SELECT array_agg(value) AS l FROM range(0, 1000000)) SELECT array_length(l || l || l || l || l || l || l || l || l || l) FROM a",
    "array_concat would make"
)]
#[tokio::test]
async fn what_does_not_fit_is_an_error(#[case] sql: &str, #[case] expected: &str) {
    let error = match run(sql).await {
        Err(error) => error,
        Ok(rows) => panic!("{sql} gave {rows:?}"),
    };
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains(expected), "{sql}: {error:?}");
}

#[rstest]
#[case("SELECT a IN (SELECT x FROM s) FROM t", "")]
#[tokio::test]
async fn membership_stands_in_conditions_alone(#[case] sql: &str, #[case] expected: &str) {
    let sql = format!("WITH t AS (SELECT 1 AS a), s AS (SELECT 1 AS x) {sql}");
    let error = run(&sql).await.unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert!(error.to_string().contains("stand in WHERE and in HAVING"), "{error}");
}

/// `v` of the rows (v): 1, 2, NULL for which a condition over the subquery holds.
#[rstest]
#[case::in_with_null("v IN (SELECT x FROM s)", &["1"])]
#[case::not_in_with_null("v NOT IN (SELECT x FROM s)", &[])]
#[case::not_in_under_not("NOT (v IN (SELECT x FROM s))", &[])]
#[case::not_not_in("NOT (v NOT IN (SELECT x FROM s))", &["1"])]
#[case::not_in_under_or("v = 2 OR v NOT IN (SELECT x FROM s)", &["2"])]
#[case::not_in_without_null("v NOT IN (SELECT x FROM s WHERE x IS NOT NULL)", &["2"])]
#[case::not_in_of_nothing("v NOT IN (SELECT x FROM s WHERE x > 50)", &["1", "2", ""])]
#[case::in_of_nothing("v IN (SELECT x FROM s WHERE x > 50)", &[])]
#[case::in_is_unknown("(v IN (SELECT x FROM s)) IS NULL", &["2", ""])]
#[case::not_in_is_unknown("(v NOT IN (SELECT x FROM s)) IS UNKNOWN", &["2", ""])]
#[case::in_is_false("(v IN (SELECT x FROM s WHERE x IS NOT NULL)) IS FALSE", &["2"])]
#[case::in_case("CASE WHEN v IN (SELECT x FROM s) THEN false ELSE true END", &["2", ""])]
#[case::in_case_not("CASE WHEN v NOT IN (SELECT x FROM s) THEN true ELSE false END", &[])]
#[case::in_under_not_or("NOT (v = 5 OR v IN (SELECT x FROM s))", &[])]
#[case::equal_outcomes("(v IN (SELECT x FROM s)) = (v = 1)", &["1"])]
#[case::correlated("v NOT IN (SELECT x FROM s WHERE s.k = t.k)", &["1", "2"])]
#[case::correlated_in("NOT (v IN (SELECT x FROM s WHERE s.k = t.k))", &["1", "2"])]
#[case::constant("5 NOT IN (SELECT x FROM s)", &[])]
#[case::constant_found("1 IN (SELECT x FROM s)", &["1", "2", ""])]
#[case::null_in("NULL IN (SELECT x FROM s)", &[])]
#[case::null_not_in_nothing("NULL NOT IN (SELECT x FROM s WHERE x > 50)", &["1", "2", ""])]
#[case::expression("v + 1 NOT IN (SELECT x FROM s WHERE x IS NOT NULL)", &["1", "2"])]
#[case::list("v NOT IN (1, NULL)", &[])]
#[case::list_under_not("NOT (v IN (1, NULL))", &[])]
#[case::list_under_or("v = 2 OR v NOT IN (1, NULL)", &["2"])]
#[case::list_in("v IN (1, NULL)", &["1"])]
#[case::list_unknown("(v IN (1, NULL)) IS NULL", &["2", ""])]
#[case::exists("EXISTS (SELECT 1 FROM s WHERE s.x = t.v)", &["1"])]
#[case::not_exists("NOT EXISTS (SELECT 1 FROM s WHERE s.x = t.v)", &["2", ""])]
#[case::count_of_nothing("(SELECT count(*) FROM s WHERE s.x = t.v) = 0", &["2", ""])]
#[case::sum_of_nothing("(SELECT sum(x) FROM s WHERE s.x = t.v) IS NULL", &["2", ""])]
#[tokio::test]
async fn missing_values_make_conditions_unknown(#[case] condition: &str, #[case] expected: &[&str]) {
    let sql = format!(
        "WITH t (v, k) AS (VALUES (1, 8), (2, 8), (NULL, 9)), s (x, k) AS (VALUES (1, 9), (NULL, 9), (7, 8))
         SELECT v FROM t WHERE {condition} ORDER BY v NULLS LAST"
    );
    assert_eq!(run(&sql).await.unwrap_or_else(|e| panic!("{condition}: {e:?}")), expected, "{condition}");
}

#[tokio::test]
async fn a_scalar_subquery_of_two_rows_is_an_error() {
    let error = run("SELECT (SELECT x FROM (VALUES (1), (2)) AS s (x))").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
}

#[tokio::test]
async fn sql_is_told_the_time_of_the_clock() {
    assert_eq!(run("SELECT now()").await.unwrap(), ["1970-01-01T00:00:00"]);
    assert_eq!(run("SELECT current_date").await.unwrap(), ["1970-01-01"]);
}
