//! What is refused, and what is not.

use rstest::rstest;

use crate::ErrorKind;
use crate::sql::parse;

#[rstest]
#[case::sample("SELECT * FROM T TABLESAMPLE BERNOULLI (10)", "TABLESAMPLE")]
#[case::sample_of_a_subquery("SELECT * FROM (SELECT * FROM T) AS x TABLESAMPLE (10 PERCENT)", "TABLESAMPLE")]
#[case::sample_deep_within("SELECT 1 FROM A WHERE EXISTS (SELECT 1 FROM T TABLESAMPLE (1 ROWS))", "TABLESAMPLE")]
#[case::partition("SELECT * FROM T PARTITION (p0)", "PARTITION")]
#[case::into("SELECT * INTO Backup FROM T", "SELECT INTO")]
#[case::into_in_a_common_table("WITH x AS (SELECT * INTO y FROM T) SELECT * FROM x", "SELECT INTO")]
#[case::lock("SELECT * FROM T FOR UPDATE", "FOR UPDATE")]
#[case::fetch("SELECT * FROM T FETCH FIRST 3 ROWS ONLY", "FETCH")]
#[case::top("SELECT TOP 3 * FROM T", "TOP")]
#[case::limit_by("SELECT * FROM T LIMIT 3 BY a", "LIMIT BY")]
#[case::comma("SELECT * FROM T LIMIT 1, 2", "LIMIT with a comma")]
#[case::ordinality("SELECT * FROM UNNEST([1]) WITH ORDINALITY", "WITH ORDINALITY")]
#[case::lateral("SELECT * FROM T, LATERAL (SELECT 1) x", "LATERAL")]
#[case::semi("SELECT * FROM A LEFT SEMI JOIN B ON A.x = B.x", "SEMI JOIN")]
#[case::anti("SELECT * FROM A LEFT ANTI JOIN B ON A.x = B.x", "ANTI JOIN")]
#[case::natural("SELECT * FROM A NATURAL JOIN B", "NATURAL JOIN")]
#[case::without_a_condition("SELECT * FROM A JOIN B", "a join needs ON or USING")]
#[case::intersect_all("SELECT 1 INTERSECT ALL SELECT 1", "INTERSECT ALL")]
#[case::except_all("SELECT 1 EXCEPT ALL SELECT 1", "EXCEPT ALL")]
#[case::by_name("SELECT 1 UNION BY NAME SELECT 1", "UNION BY NAME")]
#[case::rollup("SELECT a FROM T GROUP BY a WITH ROLLUP", "WITH ROLLUP")]
#[case::group_by_all("SELECT a FROM T GROUP BY ALL", "GROUP BY ALL")]
#[case::exclude("SELECT * EXCLUDE (a) FROM T", "EXCLUDE")]
#[case::from_first("FROM T SELECT a", "FROM before SELECT")]
#[case::any("SELECT 1 FROM T WHERE a = ANY (SELECT b FROM U)", "ANY: use IN")]
#[case::all("SELECT 1 FROM T WHERE a > ALL (SELECT b FROM U)", "ALL: use NOT EXISTS")]
#[case::similar("SELECT 1 FROM T WHERE a SIMILAR TO 'x'", "SIMILAR TO")]
#[case::escape("SELECT 1 FROM T WHERE a LIKE 'x!%' ESCAPE '!'", "ESCAPE")]
#[case::zone("SELECT a AT TIME ZONE 'Europe/Berlin' FROM T", "AT TIME ZONE")]
#[case::collate("SELECT a COLLATE x FROM T", "COLLATE")]
#[case::tuple("SELECT 1 FROM T WHERE (a, b) IN (SELECT 1, 2)", "a tuple")]
#[case::parameter("SELECT 1 FROM T WHERE a = $1", "the parameter $1")]
#[case::shift("SELECT 1 << 70", "the operator <<")]
#[case::length_of_a_type("SELECT CAST(a AS VARCHAR(3)) FROM T", "the type VARCHAR(3)")]
#[case::digits("SELECT CAST(a AS DECIMAL(50, 0)) FROM T", "50 digits")]
#[case::distinct_in_a_scalar("SELECT abs(DISTINCT a) FROM T", "DISTINCT or ALL in abs")]
#[case::filter_of_a_scalar("SELECT abs(a) FILTER (WHERE b) FROM T", "FILTER after abs")]
#[case::over_a_scalar("SELECT abs(a) OVER () FROM T", "OVER after abs")]
#[case::distinct_in_a_window("SELECT sum(DISTINCT a) OVER () FROM T", "DISTINCT in a window")]
#[case::order_in_a_sum("SELECT sum(a ORDER BY b) FROM T", "ORDER BY in this function")]
#[case::within_group("SELECT array_agg(a) WITHIN GROUP (ORDER BY b) FROM T", "WITHIN GROUP")]
#[case::no_window("SELECT row_number() FROM T", "row_number needs a window")]
#[case::named_argument("SELECT substr(str => 'a', start_pos => 1)", "the named argument")]
#[case::function("SELECT version()", "there is no function `version`")]
#[case::endless_list("SELECT range(1, 1000000000)", "there is no function `range`")]
#[case::file("SELECT * FROM read_csv('/etc/passwd')", "there is no function `read_csv` that gives rows")]
#[case::edge("SELECT * FROM generate_series(9223372036854775806, 9223372036854775807)", "at most 18 digits")]
#[case::qualified_name("SELECT * FROM information_schema.tables", "is no plain name")]
#[case::pipe("SELECT * FROM T |> WHERE a > 1", "the pipe operator")]
#[case::insert_within(
    "WITH x AS (INSERT INTO T VALUES (1) RETURNING a) SELECT * FROM x",
    "changes rows, within a query"
)]
#[case::default("SELECT 1 FROM T WHERE a = DEFAULT", "DEFAULT: write the value, or NULL")]
#[case::explain_explain("EXPLAIN EXPLAIN SELECT 1", "EXPLAIN of EXPLAIN")]
fn a_clause_that_is_not_carried_out_is_refused_by_name(#[case] sql: &str, #[case] expected: &str) {
    let error = parse(sql).expect_err(sql);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains(expected), "{sql}: {error}");
}

#[rstest]
#[case("SELECT DISTINCT a, b AS c FROM T t JOIN U u ON t.a = u.a LEFT JOIN V USING (a) CROSS JOIN W")]
#[case(
    "SELECT a, count(*), sum(b) FILTER (WHERE b > 1) FROM T GROUP BY a HAVING count(*) > 1 ORDER BY 2 DESC NULLS LAST"
)]
#[case("SELECT a FROM T UNION ALL SELECT b FROM U EXCEPT SELECT c FROM V INTERSECT SELECT d FROM W LIMIT 3 OFFSET 1")]
#[case("WITH x AS (SELECT 1 AS a), y (b) AS (SELECT a FROM x) SELECT * FROM y")]
#[case("WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x WHERE n < 5) SELECT * FROM x")]
#[case("SELECT (SELECT max(a) FROM T), EXISTS (SELECT 1), a IN (SELECT 1), a NOT IN (1, NULL) FROM T")]
#[case("SELECT row_number() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM T")]
#[case("SELECT lag(a) IGNORE NULLS OVER w FROM T WINDOW w AS (ORDER BY b)")]
#[case(
    "SELECT CASE WHEN a THEN 1 ELSE 2 END, CAST(a AS BIGINT UNSIGNED), TRY_CAST(a AS DATE), a::REAL, DATE '2020-01-01'"
)]
#[case("SELECT a LIKE 'x%', a NOT ILIKE 'y', a BETWEEN 1 AND 2, a IS NOT DISTINCT FROM b, a IS NOT TRUE, a ~ 'x'")]
#[case(
    "SELECT [1, 2][1], make_array(1)[1:2], ARRAY[a], a || b, -a, +a, NOT a, a & 1, INTERVAL '1 day', extract(year FROM a)"
)]
#[case("SELECT * FROM (VALUES (1), (2)) AS v (a), range(1, 3) AS r, generate_series(1, 3), UNNEST([1, 2]) AS u")]
#[case("SELECT trim(BOTH 'x' FROM a), substring(a FROM 1 FOR 2), position('a' IN b), overlay(a PLACING 'b' FROM 1)")]
#[case("SELECT GROUPING(a) FROM T GROUP BY ROLLUP (a, b)")]
#[case("EXPLAIN ANALYZE SELECT 1")]
fn what_is_carried_out_is_not_refused(#[case] sql: &str) {
    parse(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[rstest]
#[case::or("SELECT 1 WHERE a", " OR a", "1000 levels deep")]
#[case::plus("SELECT 1", "+1", "1000 levels deep")]
#[case::concat("SELECT a", "||a", "1000 levels deep")]
#[case::cast("SELECT a", "::TEXT", "1000 levels deep")]
#[case::is_null("SELECT a", " IS NULL", "1000 levels deep")]
#[case::union("SELECT 1", " UNION ALL SELECT 1", "more than 200 tables")]
#[case::join("SELECT 1 FROM t", " JOIN t ON x", "more than 200 tables")]
#[case::cross("SELECT 1 FROM t", ", t", "more than 200 tables")]
fn a_chain_of_any_length_ends_in_an_error_that_names_the_limit(
    #[case] begin: &str,
    #[case] link: &str,
    #[case] expected: &str,
) {
    for (links, ok) in [(190, true), (2_500, false), (400_000, false)] {
        let parsed = parse(&format!("{begin}{}", link.repeat(links)));
        assert_eq!(parsed.is_ok(), ok, "{links} of {link}");
        let Err(error) = parsed else { continue };
        let text = error.to_string();
        let named = text.contains(expected)
            || text.contains("levels deep")
            || text.contains("in a row without a comma")
            || text.contains("bytes long");
        assert!(named, "{links} of {link}: {text}");
    }
}

#[rstest]
#[case::brackets("(", "1", ")")]
#[case::not("NOT ", "a", "")]
#[case::minus("- ", "a", "")]
#[case::case("CASE WHEN a THEN ", "1", " END")]
#[case::function("abs(", "1", ")")]
#[case::subquery("(SELECT ", "1", ")")]
#[case::list("[", "1", "]")]
#[case::exists("EXISTS (SELECT ", "1", ")")]
#[case::cast("CAST(", "1", " AS BIGINT)")]
fn what_nests_too_deep_ends_in_an_error_that_names_the_limit(
    #[case] begin: &str,
    #[case] middle: &str,
    #[case] end: &str,
) {
    for (levels, ok) in [(10, true), (500, false), (100_000, false)] {
        let parsed = parse(&format!("SELECT {}{middle}{}", begin.repeat(levels), end.repeat(levels)));
        assert_eq!(parsed.is_ok(), ok, "{levels} of {begin}: {parsed:?}");
        let Err(error) = parsed else { continue };
        let text = error.to_string();
        let named = text.contains("nest more than 50 levels") || text.contains("in a row without a comma");
        assert!(named, "{levels} of {begin}: {text}");
    }
}

#[test]
fn common_tables_that_double_each_other_are_refused() {
    let mut sql = "WITH c0 AS (SELECT 1 AS x)".to_owned();
    for level in 1..40 {
        sql += &format!(", c{level} AS (SELECT a.x FROM c{0} a, c{0} b)", level - 1);
    }
    let error = parse(&(sql + " SELECT * FROM c39")).unwrap_err();
    assert!(error.to_string().contains("more than 200 tables"), "{error}");
}

#[test]
fn columns_that_double_each_other_are_refused() {
    let mut sql = "WITH c0 AS (SELECT 1 AS x)".to_owned();
    for level in 1..40 {
        sql += &format!(", c{level} AS (SELECT x + x AS x FROM c{})", level - 1);
    }
    let error = parse(&(sql + " SELECT * FROM c39 WHERE x > 0")).unwrap_err();
    assert!(error.to_string().contains("references to columns"), "{error}");
}

#[test]
fn tables_in_brackets_are_read_in_reasonable_time() {
    for levels in [20, 49] {
        let sql = format!("SELECT * FROM {}t{}", "(".repeat(levels), ")".repeat(levels));
        let _ = parse(&sql);
        let sql = format!("SELECT * FROM {}t{}", "(".repeat(levels), " JOIN t ON x)".repeat(levels));
        let _ = parse(&sql);
    }
}
