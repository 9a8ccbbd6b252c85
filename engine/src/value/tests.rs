//! The rules, a row for each type, source and boundary; and that what is shown is read as what it was.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, Int64Builder, LargeListBuilder, ListBuilder, ListViewBuilder};
use arrow_array::types::{Float32Type, Float64Type, Int32Type};
use arrow_array::*;
use arrow_schema::{DataType, Field};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::i256;
use proptest::prelude::*;
use rstest::rstest;

use super::packed::unpacked_column;
use super::*;
use crate::schema::{Catalog, ScalarType};

fn ty(text: &str) -> ScalarType {
    let catalog = Catalog::parse(&format!("node T {{ id: I64 @key  v: {text}? }}")).unwrap();
    catalog.types()[0].property("v").unwrap().ty.clone()
}

/// The rows of a column as `query` prints them.
fn shown(column: ArrayRef) -> Vec<String> {
    let mut out = Vec::new();
    write_rows(&RecordBatch::try_from_iter([("v", column)]).unwrap(), &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    lines.lines().map(|line| line["{\"v\":".len()..line.len() - 1].to_owned()).collect()
}

/// What a column holds after a value was put into it.
fn put(text: &str, value: &Value<'_>) -> Result<String, String> {
    let ty = ty(text);
    let mut column = Column::new(&ty);
    let done = column.put(value);
    assert_eq!(check(&ty, value), done, "the column does what the check says");
    done.map_err(|problem| problem.to_string())?;
    let column = unpacked_column(&column.finish().unwrap(), &ty.arrow_type()).unwrap();
    assert_eq!(*column.data_type(), ty.arrow_type());
    Ok(shown(column).concat())
}

fn fitted(text: &str, values: ArrayRef) -> Result<Vec<String>, String> {
    let ty = ty(text);
    let fitted = fit(&values, &ty, true).map_err(|misfit| misfit.of("v", &ty, 0))?;
    assert_eq!(*fitted.data_type(), ty.arrow_type());
    assert_eq!(fitted.len(), values.len());
    Ok(shown(fitted))
}

/// Numbers as JSON and SQL write them; `None`: refused.
#[rstest]
#[case("I8", "127", Some("127"))]
#[case("I8", "128", None)]
#[case("I8", "-128", Some("-128"))]
#[case("I8", "-129", None)]
#[case("I8", "-0", Some("0"))]
#[case("I8", "1.0", Some("1"))]
#[case("I8", "1e2", Some("100"))]
#[case("I8", "1e3", None)]
#[case("I8", "1.5", None)]
#[case("I16", "32767.000", Some("32767"))]
#[case("I16", "32768", None)]
#[case("I32", "-2147483648", Some("-2147483648"))]
#[case("I32", "2147483648", None)]
#[case("I64", "9223372036854775807", Some("9223372036854775807"))]
#[case("I64", "9223372036854775807.0", Some("9223372036854775807"))]
#[case("I64", "922337203685477580.7e1", Some("9223372036854775807"))]
#[case("I64", "9223372036854775808", None)]
#[case("I64", "1e400", None)]
#[case("U8", "255", Some("255"))]
#[case("U8", "256", None)]
#[case("U8", "-1", None)]
#[case("U8", "-0", Some("0"))]
#[case("U16", "65535", Some("65535"))]
#[case("U16", "65536", None)]
#[case("U32", "4294967295", Some("4294967295"))]
#[case("U32", "4294967296", None)]
#[case("U64", "18446744073709551615", Some("18446744073709551615"))]
#[case("U64", "18446744073709551616", None)]
#[case("F64", "0.1", Some("0.1"))]
#[case("F64", "-0", Some("-0.0"))]
#[case("F64", "9007199254740992", Some("9007199254740992.0"))]
#[case("F64", "9007199254740993", None)]
#[case("F64", "9007199254740993.0", Some("9007199254740992.0"))]
#[case("F64", "1.7976931348623157e308", Some("1.7976931348623157e308"))]
#[case("F64", "1e309", None)]
#[case("F64", "-1e309", None)]
#[case("F64", "5e-324", Some("5e-324"))]
#[case("F64", "1e-400", None)]
#[case("F64", "0e-400", Some("0.0"))]
#[case("F32", "0.1", Some("0.1"))]
#[case("F32", "16777216", Some("16777216.0"))]
#[case("F32", "16777217", None)]
#[case("F32", "16777217.0", Some("16777216.0"))]
#[case("F32", "3.4028235e38", Some("3.4028235e38"))]
#[case("F32", "1e39", None)]
#[case("F32", "1e-60", None)]
// By way of 64 bits this one is rounded twice, to 1.0000001.
#[case("F32", "1.00000005960464477540", Some("1.0000001"))]
#[case("F32", "1.000000059604644775390624", Some("1.0"))]
#[case("String", "1", None)]
#[case("Bool", "1", None)]
#[case("Date", "1", None)]
#[case("DateTime", "1", None)]
#[case("enum(a)", "1", None)]
#[case("[I8]", "1", None)]
#[case("Vector(1)", "1", None)]
fn a_number_is_held_as_it_is_written_or_refused(#[case] ty: &str, #[case] text: &str, #[case] held: Option<&str>) {
    assert_eq!(put(ty, &Value::Written(text)).ok().as_deref(), held);
}

#[rstest]
#[case("String", "", Some("\"\""))]
#[case("String", "é\0\u{1}", Some("\"é\\u0000\\u0001\""))]
// Compared byte by byte: the same to an eye is not the same.
#[case("String", "e\u{301}", Some("\"e\u{301}\""))]
#[case("enum(a, b)", "b", Some("\"b\""))]
#[case("enum(a, b)", "B", None)]
#[case("enum(a, b)", "", None)]
#[case("Bool", "true", None)]
#[case("I32", "1", None)]
#[case("F64", "1.5", None)]
#[case("F64", "NaN", None)]
#[case("Date", "0001-01-01", Some("\"0001-01-01\""))]
#[case("Date", "9999-12-31", Some("\"9999-12-31\""))]
#[case("Date", "0000-12-31", None)]
#[case("Date", "10000-01-01", None)]
#[case("Date", "2023-02-29", None)]
#[case("Date", "2024-02-29T23:30:00-05:00", None)]
#[case("DateTime", "2024-02-29T23:30:00-05:00", Some("\"2024-03-01T04:30:00Z\""))]
#[case("DateTime", "9999-12-31T23:59:59.999999Z", Some("\"9999-12-31T23:59:59.999999Z\""))]
#[case("DateTime", "9999-12-31T23:59:59-01:00", None)]
#[case("DateTime", "2016-12-31T23:59:60Z", None)]
#[case("DateTime", "2024-02-29T12:30:00.1234567Z", None)]
#[case("DateTime", "2024-02-29 12:30:00", None)]
#[case("DateTime", "2024-02-29", None)]
#[case("[String]", "a", None)]
fn a_text_is_held_or_refused(#[case] ty: &str, #[case] text: &str, #[case] held: Option<&str>) {
    assert_eq!(put(ty, &Value::Text(text)).ok().as_deref(), held);
}

#[rstest]
#[case("Bool", Some("true"))]
#[case("String", None)]
#[case("I8", None)]
#[case("F32", None)]
fn a_truth_is_held_by_bools_alone(#[case] ty: &str, #[case] held: Option<&str>) {
    assert_eq!(put(ty, &Value::Bool(true)).ok().as_deref(), held);
    let array = fitted(ty, Arc::new(BooleanArray::from(vec![true])));
    assert_eq!(array.ok().map(|shown| shown.concat()).as_deref(), held);
}

fn decimals(unscaled: Vec<i128>, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(unscaled).with_precision_and_scale(38, scale).unwrap())
}

fn instants(nanos: i64) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(vec![nanos]))
}

/// Arrays of SQL, each of one value; `Err`: a part of the refusal.
#[rstest]
#[case("I8", Arc::new(Int64Array::from(vec![127])), Ok("127"))]
#[case("I8", Arc::new(Int64Array::from(vec![128])), Err("v in row 1 is 128: expected an integer from -128 to 127"))]
#[case("U8", Arc::new(Int8Array::from(vec![-1])), Err("is -1"))]
#[case("I64", Arc::new(UInt64Array::from(vec![u64::MAX])), Err("is 18446744073709551615"))]
#[case("U64", decimals(vec![18_446_744_073_709_551_615], 0), Ok("18446744073709551615"))]
#[case("U64", decimals(vec![600], 2), Ok("6"))]
#[case("U64", decimals(vec![601], 2), Err("is 6.01: expected an integer from 0 to 18446744073709551615; round(…)"))]
#[case("U64", decimals(vec![18_446_744_073_709_551_616], 0), Err("is 18446744073709551616"))]
#[case("I32", Arc::new(Float64Array::from(vec![-0.0])), Ok("0"))]
#[case("I32", Arc::new(Float64Array::from(vec![100.0])), Ok("100"))]
#[case("I32", Arc::new(Float64Array::from(vec![1.5])), Err("is 1.5: expected an integer from -2147483648 to 2147483647; round(…)"))]
#[case("I64", Arc::new(Float64Array::from(vec![9_007_199_254_740_991.0])), Ok("9007199254740991"))]
// Whether it was that number or its neighbour nobody knows any more.
#[case("I64", Arc::new(Float64Array::from(vec![9_007_199_254_740_992.0])), Err("is 9007199254740992.0"))]
#[case("I64", Arc::new(Float32Array::from(vec![16_777_216.0])), Err("is 16777216.0"))]
#[case("I64", Arc::new(Float64Array::from(vec![f64::NAN])), Err("is NaN"))]
#[case("I64", Arc::new(Float64Array::from(vec![f64::INFINITY])), Err("is Infinity"))]
#[case("F64", Arc::new(Int64Array::from(vec![9_007_199_254_740_992])), Ok("9007199254740992.0"))]
#[case("F64", Arc::new(Int64Array::from(vec![9_007_199_254_740_993])), Err("is 9007199254740993: expected a number that 64 bits can hold; CAST(… AS DOUBLE)"))]
#[case("F64", Arc::new(UInt64Array::from(vec![u64::MAX])), Err("is 18446744073709551615"))]
#[case("F64", decimals(vec![5], 1), Ok("0.5"))]
#[case("F64", decimals(vec![1], 1), Err("is 0.1: expected a number that 64 bits can hold; CAST(… AS DOUBLE)"))]
#[case("F64", Arc::new(Float32Array::from(vec![0.1])), Ok("0.10000000149011612"))]
#[case("F64", Arc::new(Float64Array::from(vec![f64::NAN])), Err("is NaN: expected a number that 64 bits can hold"))]
#[case("F64", Arc::new(Float64Array::from(vec![f64::NEG_INFINITY])), Err("is -Infinity"))]
#[case("F32", Arc::new(Float64Array::from(vec![0.5])), Ok("0.5"))]
#[case("F32", Arc::new(Float64Array::from(vec![0.1])), Err("is 0.1: expected a number that 32 bits can hold; CAST(… AS FLOAT)"))]
#[case("F32", Arc::new(Float64Array::from(vec![1e300])), Err("is 1e300"))]
#[case("F32", Arc::new(Float64Array::from(vec![1e-300])), Err("is 1e-300"))]
#[case("F32", Arc::new(Float32Array::from(vec![f32::INFINITY])), Err("is Infinity"))]
#[case("F32", Arc::new(Int64Array::from(vec![16_777_217])), Err("is 16777217"))]
#[case("String", Arc::new(StringViewArray::from(vec![""])), Ok("\"\""))]
#[case("String", Arc::new(LargeStringArray::from(vec!["a"])), Ok("\"a\""))]
#[case("String", Arc::new(Int64Array::from(vec![1])), Err("v is of SQL type Int64: expected String; CAST(… AS VARCHAR)"))]
#[case("String", Arc::new(BinaryArray::from(vec![b"a".as_slice()])), Err("v is of SQL type Binary: expected String"))]
#[case("enum(a)", Arc::new(StringViewArray::from(vec!["a"])), Ok("\"a\""))]
#[case("enum(a)", Arc::new(StringArray::from(vec!["b"])), Err("is \"b\": expected one of a"))]
#[case("Bool", Arc::new(Int64Array::from(vec![1])), Err("of SQL type Int64"))]
#[case("Bool", Arc::new(StringArray::from(vec!["true"])), Err("of SQL type Utf8"))]
#[case("I32", Arc::new(StringArray::from(vec!["1"])), Err("v is of SQL type Utf8: expected I32"))]
#[case("Date", Arc::new(Date32Array::from(vec![-719_162])), Ok("\"0001-01-01\""))]
#[case("Date", Arc::new(Date32Array::from(vec![-719_163])), Err("is 0000-12-31"))]
#[case("Date", Arc::new(Date32Array::from(vec![2_932_897])), Err("is +10000-01-01"))]
#[case("Date", Arc::new(Date64Array::from(vec![86_400_000])), Ok("\"1970-01-02\""))]
#[case("Date", Arc::new(Date64Array::from(vec![1])), Err("is 1970-01-01T00:00:00.001Z"))]
#[case("Date", instants(0), Err("expected Date; CAST(… AS DATE) gives its day in UTC"))]
#[case("Date", Arc::new(StringArray::from(vec!["2024-02-29T23:30:00-05:00"])), Err("expected a date"))]
#[case("DateTime", instants(-1_000), Ok("\"1969-12-31T23:59:59.999999Z\""))]
#[case(
    "DateTime",
    instants(1),
    Err(
        "is 1970-01-01T00:00:00.000000001Z: expected an instant such as \"2024-02-29T12:30:00Z\", to the microsecond; date_trunc('microsecond', …)"
    )
)]
#[case("DateTime", Arc::new(TimestampSecondArray::from(vec![253_402_300_799])), Ok("\"9999-12-31T23:59:59Z\""))]
#[case("DateTime", Arc::new(TimestampSecondArray::from(vec![253_402_300_800])), Err("is +10000-01-01T00:00:00Z"))]
#[case("DateTime", Arc::new(TimestampSecondArray::from(vec![i64::MAX])), Err("expected an instant"))]
#[case("DateTime", Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("-05:00")), Ok("\"1970-01-01T00:00:00Z\""))]
#[case("DateTime", Arc::new(TimestampMicrosecondArray::from(vec![i64::MIN]).with_timezone("UTC")), Err("expected an instant"))]
#[case("DateTime", Arc::new(Date32Array::from(vec![0])), Err("of SQL type Date32: expected DateTime; CAST(… AS TIMESTAMP)"))]
#[case("[I8]", Arc::new(Int64Array::from(vec![1])), Err("of SQL type Int64: expected [I8]"))]
#[case("I8", Arc::new(NullArray::new(1)), Ok("null"))]
#[case("[I8]", Arc::new(NullArray::new(1)), Ok("null"))]
#[case("Vector(2)", Arc::new(NullArray::new(1)), Ok("null"))]
#[case("F64", Arc::new(Decimal256Array::from(vec![i256::MAX]).with_precision_and_scale(76, 0).unwrap()), Err("expected a number"))]
fn a_value_that_sql_gives_is_held_exactly_or_refused(
    #[case] ty: &str,
    #[case] values: ArrayRef,
    #[case] held: Result<&str, &str>,
) {
    match (fitted(ty, values), held) {
        (Ok(shown), Ok(held)) => assert_eq!(shown, [held]),
        (Err(refused), Err(part)) => assert!(refused.contains(part), "{refused}"),
        (found, _) => panic!("{found:?}"),
    }
}

#[test]
fn a_number_beyond_all_gets_no_advice_that_would_not_help() {
    let refused = fitted("F32", Arc::new(Float64Array::from(vec![f64::NAN]))).unwrap_err();
    assert_eq!(refused, "v in row 1 is NaN: expected a number that 32 bits can hold");
}

fn lists(rows: Vec<Option<Vec<Option<f64>>>>) -> ListArray {
    ListArray::from_iter_primitive::<Float64Type, _, _>(rows)
}

#[test]
fn items_obey_the_rules_of_values() {
    let of = |items: Vec<Option<f64>>| -> ArrayRef { Arc::new(lists(vec![Some(items)])) };
    assert_eq!(fitted("[I32]", of(vec![Some(1.0), Some(-2.0)])).unwrap(), ["[1,-2]"]);
    for (ty, items, part) in [
        ("[I32]", vec![Some(1.5)], "v in row 1 is 1.5: expected an integer"),
        ("[I32]", vec![Some(1.0), None], "v in row 1 is a list with a missing item"),
        ("[F32]", vec![Some(0.1)], "CAST(… AS FLOAT)"),
        ("[F64]", vec![Some(f64::NAN)], "is NaN"),
        ("Vector(2)", vec![Some(1.0)], "is 1 numbers: expected a list of 2 numbers"),
        ("Vector(1)", vec![Some(f64::INFINITY)], "is Infinity"),
        ("Vector(1)", vec![None], "a list with a missing item"),
        ("[String]", vec![], "of SQL type List"),
    ] {
        let refused = fitted(ty, of(items)).unwrap_err();
        assert!(refused.contains(part), "{ty}: {refused}");
    }
    let words = ListArray::new(
        Arc::new(Field::new("item", DataType::Utf8, true)),
        OffsetBuffer::from_lengths([1]),
        Arc::new(StringArray::from(vec!["c"])),
        None,
    );
    assert!(fitted("[enum(a, b)]", Arc::new(words)).unwrap_err().contains("is \"c\": expected one of a, b"));
}

#[test]
fn an_empty_list_an_empty_text_and_a_missing_value_are_three_things() {
    assert_eq!(fitted("[F64]", Arc::new(lists(vec![Some(vec![]), None]))).unwrap(), ["[]", "null"]);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(""), None]));
    assert_eq!(fitted("String", texts).unwrap(), ["\"\"", "null"]);
}

/// The same three vectors in every encoding that SQL may give them in, behind one that is cut off.
fn vectors() -> Vec<ArrayRef> {
    let rows = [Some([9.0, 9.0]), Some([1.0, 2.0]), None, Some([3.0, 4.0])];
    let mut large = LargeListBuilder::new(Float32Builder::new());
    let mut views = ListViewBuilder::new(Float32Builder::new());
    let mut wide = ListBuilder::new(Int64Builder::new());
    for row in rows {
        large.append_option(row.map(|row| row.map(Some)));
        views.append_option(row.map(|row| row.map(Some)));
        wide.append_option(row.map(|row| row.map(|item| Some(item as i64))));
    }
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    // What a missing row hides is no value, and neither is it wrong.
    let numbers = vec![9.0, 9.0, 1.0, 2.0, f32::NAN, f32::NAN, 3.0, 4.0];
    let numbers = Arc::new(PrimitiveArray::<Float32Type>::from(numbers));
    let nulls = NullBuffer::from(vec![true, true, false, true]);
    let hiding = ListArray::new(item.clone(), OffsetBuffer::from_lengths([2; 4]), numbers.clone(), Some(nulls.clone()));
    let single = rows.map(|row| row.map(|row| row.map(Some)));
    vec![
        Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(single)),
        Arc::new(hiding),
        Arc::new(FixedSizeListArray::new(item, 2, numbers, Some(nulls))),
        Arc::new(large.finish()),
        Arc::new(views.finish()),
        Arc::new(wide.finish()),
    ]
}

#[test]
fn each_row_of_a_slice_gets_its_own_items_and_nothing_that_is_hidden() {
    for vectors in vectors() {
        let given = vectors.data_type().clone();
        for (first, shown) in
            [(1, vec!["[1.0,2.0]", "null", "[3.0,4.0]"]), (2, vec!["null", "[3.0,4.0]"]), (3, vec!["[3.0,4.0]"])]
        {
            let slice = vectors.slice(first, 4 - first);
            for ty in ["Vector(2)", "[F32]", "[F64]"] {
                assert_eq!(fitted(ty, slice.clone()).unwrap(), shown, "{given} into {ty} from {first}");
            }
        }
        let refused = fitted("Vector(3)", vectors.slice(1, 1)).unwrap_err();
        assert!(refused.contains("is 2 numbers: expected a list of 3 numbers"), "{given}: {refused}");
    }
}

#[test]
fn a_missing_item_beyond_the_slice_is_nobody_s() {
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![None]),
        Some(vec![Some(1)]),
        Some(vec![None]),
    ]));
    assert_eq!(fitted("[I32]", lists.slice(1, 1)).unwrap(), ["[1]"]);
    assert!(fitted("[I32]", lists.slice(1, 2)).unwrap_err().contains("v in row 2 is a list with a missing item"));
}

#[test]
fn a_dictionary_is_what_it_stands_for() {
    let words: DictionaryArray<Int32Type> = [Some("a"), None, Some("b")].into_iter().collect();
    assert_eq!(fitted("String", Arc::new(words.clone())).unwrap(), ["\"a\"", "null", "\"b\""]);
    assert!(fitted("enum(a)", Arc::new(words)).unwrap_err().contains("v in row 3 is \"b\""));
}

#[test]
fn a_required_value_that_is_missing_is_named_by_its_row() {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let misfit = fit(&values, &ScalarType::I64, false).unwrap_err();
    assert_eq!(misfit.of("v", &ScalarType::I64, 100), "v is missing in row 102: it is required");
}

#[test]
fn vectors_are_unpacked_a_few_rows_at_a_time_and_missing_ones_share_their_room() {
    let catalog = Catalog::parse("node T { id: I64 @key  v: Vector(65536)? }").unwrap();
    let schema = catalog.types()[0].arrow_schema();
    let mut column = Column::new(&ScalarType::Vector(65_536));
    for row in 0..100 {
        match row {
            99 => column.put(&Value::List(items(&vec![0.5; 65_536]))).unwrap(),
            _ => column.put_missing(),
        }
    }
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let packed = RecordBatch::try_new(packed_schema(&schema), vec![ids, column.finish().unwrap()]).unwrap();
    assert!(packed.get_array_memory_size() < 2 << 20, "what is missing takes up no room");
    let batches: Vec<RecordBatch> = unpacked(schema, packed).map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [32, 32, 32, 4]);
    let address = |batch: &RecordBatch| {
        let vectors: &FixedSizeListArray = batch.column(1).as_any().downcast_ref().unwrap();
        vectors.values().to_data().buffers()[0].as_ptr()
    };
    assert_eq!(address(&batches[0]), address(&batches[1]));
    assert_eq!(batches[3].column(1).null_count(), 3);
    let last = shown(batches[3].column(1).slice(3, 1)).concat();
    assert!(last.starts_with("[0.5,0.5,") && batches[3].column(0).len() == 4);
}

fn items(numbers: &[f32]) -> cell::Items<'static> {
    let list = ListArray::from_iter_primitive::<Float32Type, _, _>([Some(numbers.iter().copied().map(Some))]);
    let leaked: &'static ListArray = Box::leak(Box::new(list));
    match cell::Reader::of(leaked).get(0) {
        Value::List(items) => items,
        other => panic!("{other:?}"),
    }
}

/// Literals of SQL, and how a column of the type has them written.
#[rstest]
#[case("F32", "0.1", Some("0.10000000149011612"))]
#[case("F32", "1e300", None)]
#[case("F64", "1", Some("1.0"))]
#[case("F64", "-0.1", Some("-0.1"))]
#[case("I64", "1e2", Some("100"))]
#[case("I64", "9007199254740993.0", Some("9007199254740993"))]
#[case("U64", "18446744073709551615", Some("18446744073709551615"))]
#[case("I8", "128", None)]
#[case("String", "1", None)]
fn a_literal_is_written_as_the_column_has_it(#[case] of: &str, #[case] text: &str, #[case] written: Option<&str>) {
    assert_eq!(written_as(&ty(of), text).ok().as_deref(), written);
}

proptest! {
    #[test]
    fn a_float_is_read_as_it_is_shown(double: f64, single: f32) {
        prop_assume!(double.is_finite() && single.is_finite());
        let shown_double = shown(Arc::new(Float64Array::from(vec![double]))).concat();
        let shown_single = shown(Arc::new(Float32Array::from(vec![single]))).concat();
        prop_assert_eq!(rule::double(&Value::Written(&shown_double)).map(f64::to_bits), Some(double.to_bits()));
        prop_assert_eq!(rule::single(&Value::Written(&shown_single)).map(f32::to_bits), Some(single.to_bits()));
    }

    #[test]
    fn an_integer_becomes_a_float_only_if_it_comes_back(integer: i64, small in -20_000_000i64..20_000_000) {
        for integer in [integer, small] {
            let value = Value::Integer(integer.into());
            let double = rule::double(&value);
            prop_assert_eq!(double.is_some(), (integer as f64) as i128 == i128::from(integer));
            let single = rule::single(&value);
            prop_assert_eq!(single.is_some(), (integer as f32) as i128 == i128::from(integer));
        }
    }

    #[test]
    fn a_float_becomes_an_integer_only_if_it_is_that_number(double: f64, whole in -20_000_000i64..20_000_000) {
        for double in [double, whole as f64] {
            let integer = rule::integer(&Value::Double(double));
            if let Some(integer) = integer {
                prop_assert!(integer as f64 == double);
            }
        }
        prop_assert_eq!(rule::integer(&Value::Double(whole as f64)), Some(i128::from(whole)));
    }
}
