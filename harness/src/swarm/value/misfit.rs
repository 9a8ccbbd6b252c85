//! Values that no column of a type holds. Only such on which the rules leave nothing open.

use omnigraph::schema::ScalarType;
use serde_json::{Value, json};

use super::super::stream::Draw;

/// A value that is to be refused.
pub fn of(ty: &ScalarType, draw: &mut Draw) -> Value {
    let all = match ty {
        ScalarType::String => vec![json!(5)],
        ScalarType::I8 => integers(json!(128), json!(-129)),
        ScalarType::I16 => integers(json!(32_768), json!(-32_769)),
        ScalarType::I32 => integers(json!(2_147_483_648_i64), json!(-2_147_483_649_i64)),
        ScalarType::I64 => integers(json!(9_223_372_036_854_775_808_u64), json!(u64::MAX)),
        ScalarType::U8 => integers(json!(256), json!(-1)),
        ScalarType::U16 => integers(json!(65_536), json!(-1)),
        ScalarType::U32 => integers(json!(4_294_967_296_i64), json!(-1)),
        ScalarType::U64 => integers(json!(-1), json!(i64::MIN)),
        ScalarType::F32 => vec![json!(1e300), json!(16_777_217), json!("x")],
        ScalarType::F64 => vec![json!(9_007_199_254_740_993_i64), json!("x")],
        ScalarType::Bool => vec![json!(2.5), json!("x")],
        ScalarType::Date => vec![json!("2023-02-29"), json!("2024-02-29T23:30:00-05:00"), json!("x"), json!(2.5)],
        ScalarType::DateTime => vec![json!("2024-02-30T00:00:00Z"), json!("x"), json!(2.5)],
        ScalarType::Enum(_) => vec![json!("no such word"), json!(5)],
        ScalarType::List(item) => {
            let item = of(item, draw);
            vec![json!([item]), json!([null]), json!("x")]
        }
        ScalarType::Vector(length) => {
            let of_length = |length: u32| json!(vec![0.5; length as usize]);
            let mut missing = vec![json!(0.5); *length as usize];
            missing.iter_mut().take(1).for_each(|item| *item = Value::Null);
            vec![of_length(length + 1), of_length(length.saturating_sub(1)), json!(missing)]
        }
    };
    draw.one_of(&all).cloned().unwrap_or_default()
}

fn integers(above: Value, below: Value) -> Vec<Value> {
    vec![above, below, json!(2.5), json!("x")]
}
