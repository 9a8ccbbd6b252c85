//! JSON and SQL have the same rules, and what they let in is exact.

use omnigraph::{ErrorKind, Graph, Mutate};
use rstest::rstest;

use super::kind::INTEGERS;
use super::value::Value;
use super::{graph, load, rows};

/// What became of one value that was given as JSON and as SQL: the same, or the engine refused it.
async fn through_both(schema: &str, json: &str, sql: &str) -> Option<Value> {
    let graph = graph(&format!("node T {{ id: I64 @key  x: {schema}? }}")).await;
    let names = ["id".to_owned(), "x".to_owned()];
    let given = load(&graph, format!("{{\"type\":\"T\",\"data\":{{\"id\":1,\"x\":{json}}}}}")).await;
    let by_json = outcome(&graph, given.map(drop), &names, 1).await;
    let given = graph.mutate(Mutate::sql(format!("INSERT INTO T (id, x) VALUES (2, {sql})"))).await;
    let by_sql = outcome(&graph, given.map(drop), &names, 2).await;
    assert_eq!(by_json, by_sql, "{schema}: JSON {json} and SQL {sql} are not the same");
    by_json
}

async fn outcome(graph: &Graph, given: omnigraph::Result<()>, names: &[String], id: i128) -> Option<Value> {
    match given {
        Ok(()) => {
            rows(graph, "T", names).await.into_iter().find(|row| row[0] == Value::Integer(id)).map(|row| row[1].clone())
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
            None
        }
    }
}

/// A decimal number's value times a power of ten, if it is whole.
fn whole(text: &str) -> Option<i128> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().expect("an exponent");
    let mut digits: i128 = format!("{before}{after}").parse().expect("digits");
    let scale = exponent - i32::try_from(after.len()).expect("short");
    if digits == 0 {
        return Some(0);
    }
    for _ in 0..scale.unsigned_abs() {
        digits = if scale > 0 {
            digits.checked_mul(10)?
        } else if digits % 10 == 0 {
            digits / 10
        } else {
            return None;
        };
    }
    Some(digits)
}

#[tokio::test]
async fn a_number_arrives_exactly_in_an_integer_or_is_refused_by_json_and_sql_alike() {
    let mut arrived = 0;
    for (ty, least, largest) in INTEGERS {
        let near = [least - 1, least, largest, largest + 1, 0, 7].map(|number| number.to_string());
        let others = [
            "9007199254740993",
            "1.0",
            "1.5",
            "-0.5",
            "1e2",
            "1E2",
            "12.50e1",
            "0.1e1",
            "1e-1",
            "9223372036854775807.0",
            "1e30",
            "-0",
            "-0.0",
            "9223372036854775807.5",
            "0.99999999999999999999",
            "127.00000000000000000001",
            "18446744073709551615.4",
        ];
        for text in near.iter().map(String::as_str).chain(others) {
            let right = whole(text).filter(|number| (least..=largest).contains(number));
            assert_eq!(through_both(ty, text, text).await, right.map(Value::Integer), "{ty}: {text}");
            arrived += u32::from(right.is_some());
        }
    }
    assert!(arrived >= 40, "{arrived}");
}

#[tokio::test]
async fn a_number_arrives_in_a_float_as_the_one_next_to_it_by_json_and_sql_alike() {
    let texts = [
        "0.1",
        "-0.0",
        "0",
        "-0",
        "1",
        "16777217",
        "9007199254740993",
        "18446744073709551615",
        "1e308",
        "1e38",
        "3.4028235e38",
        "4e-46",
        "5e-324",
        "1.17549435e-38",
        "0.30000001192092896",
        "0.100000001490116119384765625",
        "1e-400",
        "8388609.5",
        "123456789",
        // Rounded to 64 bits first and then to 32, this becomes another number.
        "1.000000059604644775390626",
        "7.3177701707893310e+15",
        "1e309",
        "-1e400",
        "1e39",
        "3.5e38",
        "16777216",
        "9007199254740992",
    ];
    for text in texts {
        let (double, single): (f64, f32) = (text.parse().expect("a number"), text.parse().expect("a number"));
        let right = next_to(text, double).then_some(Value::Double(double.to_bits()));
        assert_eq!(through_both("F64", text, text).await, right, "F64: {text}");
        let right = next_to(text, single.into()).then_some(Value::Single(single.to_bits()));
        assert_eq!(through_both("F32", text, text).await, right, "F32: {text}");
    }
}

/// Whether the float next to a number may stand for it: digits alone mean exactly what they say, and what is not 0 does not
/// become it.
fn next_to(text: &str, float: f64) -> bool {
    let digits = text.trim_start_matches('-');
    let exactly = digits.parse::<u128>().map(|digits| float.abs() < 1e38 && float.abs() as u128 == digits);
    let vanished =
        float == 0.0 && text.split('e').next().is_some_and(|text| text.contains(|c: char| ('1'..='9').contains(&c)));
    float.is_finite() && !vanished && exactly.unwrap_or(true)
}

/// Texts that are a day, or an instant; `None` is refused.
#[rstest]
#[case::day("Date", "2024-02-29", Some(Value::Day(19_782)))]
#[case::no_such_day("Date", "2023-02-29", None)]
#[case::a_day_with_a_time("Date", "2024-02-29T23:30:00-05:00", None)]
#[case::a_day_at_midnight("Date", "2024-02-29T00:00:00Z", None)]
#[case::a_day_and_a_time("Date", "2024-02-29 12:00:00", None)]
#[case::a_day_with_a_blank("Date", "2024-02-29 ", None)]
#[case::a_short_day("Date", "2024-2-29", None)]
#[case::a_day_with_a_sign("Date", "+2024-02-29", None)]
#[case::no_text_for_a_day("Date", "", None)]
#[case::instant("DateTime", "2024-02-29T12:30:00Z", Some(Value::Instant(1_709_209_800_000_000)))]
#[case::an_offset("DateTime", "2024-02-29T12:30:00+05:30", Some(Value::Instant(1_709_190_000_000_000)))]
#[case::an_offset_over_midnight("DateTime", "2024-02-29T23:30:00-05:00", Some(Value::Instant(1_709_267_400_000_000)))]
#[case::microseconds("DateTime", "1969-12-31T23:59:59.999999Z", Some(Value::Instant(-1)))]
#[case::zeros_beyond("DateTime", "1969-12-31T23:59:59.999999000Z", Some(Value::Instant(-1)))]
#[case::nanoseconds("DateTime", "2024-02-29T12:30:00.0000001Z", None)]
#[case::just_before("DateTime", "1969-12-31T23:59:59.9999999Z", None)]
#[case::no_zone("DateTime", "2024-02-29T12:30:00", None)]
#[case::only_a_day("DateTime", "2024-02-29", None)]
#[case::an_hour_too_many("DateTime", "2024-02-29T24:00:00Z", None)]
#[case::a_named_zone("DateTime", "2024-02-29T12:30:00 Europe/Berlin", None)]
#[tokio::test]
async fn a_text_is_a_day_or_an_instant_exactly_or_is_refused_by_json_and_sql_alike(
    #[case] ty: &str,
    #[case] text: &str,
    #[case] right: Option<Value>,
) {
    assert_eq!(through_both(ty, &format!("\"{text}\""), &format!("'{text}'")).await, right);
}

/// Values that are of another type, and lists that are not whole.
#[rstest]
#[case::text_for_a_number("I32", "\"5\"", "'5'")]
#[case::number_for_a_text("String", "5", "5")]
#[case::number_for_a_truth("Bool", "1", "1")]
#[case::truth_for_a_number("I32", "true", "TRUE")]
#[case::number_for_a_day("Date", "0", "0")]
#[case::number_for_an_instant("DateTime", "0", "0")]
#[case::no_number("F64", "\"NaN\"", "'NaN'")]
#[case::fractions_in_a_list("[I32]", "[1.5, 2.9]", "[1.5, 2.9]")]
#[case::too_large_in_a_list("[I8]", "[1, 300]", "[1, 300]")]
#[case::negative_in_a_list("[U8]", "[1, -1]", "[1, -1]")]
#[case::missing_item("[I32]", "[1, null]", "[1, NULL]")]
#[case::only_a_missing_item("[String]", "[null]", "[NULL]")]
#[case::missing_number("Vector(2)", "[1, null]", "[1, NULL]")]
#[case::short_vector("Vector(2)", "[1]", "[1]")]
#[case::long_vector("Vector(2)", "[1, 2, 3]", "[1, 2, 3]")]
#[case::empty_vector("Vector(2)", "[]", "[]")]
#[case::infinite_vector("Vector(2)", "[1, 1e39]", "[1, 1e39]")]
#[case::list_for_one("I32", "[1]", "[1]")]
#[case::one_for_a_list("[I32]", "1", "1")]
#[case::no_word("enum(red, green)", "\"Red\"", "'Red'")]
#[case::no_word_in_a_list("[enum(red, green)]", "[\"red\", \"blue\"]", "['red', 'blue']")]
#[case::a_time_in_a_list("[Date]", "[\"2024-02-29T23:30:00-05:00\"]", "['2024-02-29T23:30:00-05:00']")]
#[case::nanoseconds_in_a_list("[DateTime]", "[\"2024-02-29T12:30:00.0000001Z\"]", "['2024-02-29T12:30:00.0000001Z']")]
#[tokio::test]
async fn what_does_not_fit_is_refused_by_json_and_sql_alike(#[case] ty: &str, #[case] json: &str, #[case] sql: &str) {
    assert_eq!(through_both(ty, json, sql).await, None);
}

/// What SQL comes to by itself, rather than by a literal, fits by the same rules.
#[rstest]
#[case::fraction("I32", "CAST(1.5 AS DOUBLE)")]
#[case::not_a_number("F64", "CAST('NaN' AS DOUBLE)")]
#[case::infinity("F64", "CAST('Infinity' AS DOUBLE)")]
#[case::infinity_by_overflow("F64", "CAST(1e308 AS DOUBLE) * 10")]
#[case::too_large_for_32_bits("F32", "CAST(1e39 AS DOUBLE)")]
#[case::beyond_64_bits("I64", "CAST(9223372036854775807 AS DOUBLE)")]
#[case::a_moment_for_a_day("Date", "CAST('2024-02-29T23:30:00' AS TIMESTAMP)")]
#[case::fractions_of_a_list("[I32]", "[CAST(1.5 AS DOUBLE), 2]")]
#[case::not_a_number_in_a_vector("Vector(1)", "[CAST('NaN' AS DOUBLE)]")]
#[case::nanoseconds("DateTime", "CAST('2024-02-29T12:30:00.0000001' AS TIMESTAMP)")]
#[tokio::test]
async fn what_an_expression_comes_to_and_does_not_fit_is_refused(#[case] ty: &str, #[case] expression: &str) {
    let graph = graph(&format!("node T {{ id: I64 @key  x: {ty}? }}")).await;
    let given = graph.mutate(Mutate::sql(format!("INSERT INTO T (id, x) SELECT 1, {expression}"))).await;
    assert_eq!(given.map(drop).expect_err("it does not fit").kind(), ErrorKind::Invalid);
}
