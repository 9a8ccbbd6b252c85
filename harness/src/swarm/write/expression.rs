//! Expressions and conditions over the columns of a type, with values of every type.
//!
//! Only such on which SQL and the rules of values leave nothing open: one arithmetic operation between values of one type, or with a
//! small number; comparisons within one type; of lists and vectors whether they are there.

use omnigraph::schema::{Property, ScalarType, TypeDef};
use serde_json::Value;

use super::super::stream::Draw;
use super::super::value::broad::{self, Door};
use super::super::value::literal;

const COMPARISONS: &[&str] = &["=", "<>", "<", "<=", ">", ">="];

/// What a column becomes, and whether it can be done whatever stands in the row.
pub struct Assigned {
    pub text: String,
    pub is_certain: bool,
}

fn certain(text: String) -> Assigned {
    Assigned { text, is_certain: true }
}

fn depends(text: String) -> Assigned {
    Assigned { text, is_certain: false }
}

/// An expression for this column.
pub fn assigned(def: &TypeDef, property: &Property, draw: &mut Draw) -> Assigned {
    let name = &property.name;
    let given = literal(&broad::of(&property.ty, Door::Sql, draw, None));
    if property.optional && draw.chance(0.08) {
        return certain("NULL".to_owned());
    }
    // Another column of the same type that is there whenever this one must be.
    let alike = |other: &&Property| {
        other.ty == property.ty && other.name != *name && !other.key && (property.optional || !other.optional)
    };
    let others: Vec<&Property> = def.properties.iter().filter(alike).collect();
    let other = draw.one_of(&others).map_or(name, |other| &other.name);
    let condition = condition(def, draw);
    let arithmetic = arithmetic(&property.ty, name, other);
    match draw.below(10) {
        0..=3 => certain(given),
        4 => certain(other.clone()),
        5 if takes_a_literal(&property.ty) => certain(format!("COALESCE({name}, {given})")),
        5 => certain(format!("COALESCE({name}, {other})")),
        6 => certain(format!("CASE WHEN {condition} THEN {other} ELSE {name} END")),
        _ if arithmetic.is_empty() => certain(given),
        7 => {
            let sum = draw.one_of(&arithmetic).cloned().unwrap_or_default();
            depends(format!("CASE WHEN {condition} THEN {sum} ELSE {name} END"))
        }
        _ => depends(draw.one_of(&arithmetic).cloned().unwrap_or_default()),
    }
}

/// Operations whose result may be one that the column cannot hold.
fn arithmetic(ty: &ScalarType, name: &str, other: &str) -> Vec<String> {
    use ScalarType::{F32, F64, I8, I16, I32, I64, String, U8, U16, U32, U64};
    match ty {
        I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64 => vec![
            format!("{name} + 1"),
            format!("{name} - 1"),
            format!("{name} + {other}"),
            format!("{name} - {other}"),
            format!("{name} * 2"),
        ],
        F32 => vec![format!("{name} * 2"), format!("{name} + {other}")],
        F64 => vec![format!("{name} * 2"), format!("{name} + {other}"), format!("{name} - 0.5")],
        String => vec![format!("{name} || '+'"), format!("{name} || {other}")],
        _ => Vec::new(),
    }
}

/// Whether an expression can hold a literal of the type beside a column, with no doubt about the type of the whole.
fn takes_a_literal(ty: &ScalarType) -> bool {
    matches!(ty, ScalarType::String | ScalarType::Enum(_) | ScalarType::I64 | ScalarType::F64 | ScalarType::Bool)
}

/// A condition on the columns of a type.
pub fn condition(def: &TypeDef, draw: &mut Draw) -> String {
    let first = predicate(def, draw);
    match draw.below(10) {
        0 => format!("NOT {first}"),
        1 => format!("({first} AND {})", predicate(def, draw)),
        2 => format!("({first} OR {})", predicate(def, draw)),
        3 => format!("NOT ({first} OR {})", predicate(def, draw)),
        _ => first,
    }
}

fn predicate(def: &TypeDef, draw: &mut Draw) -> String {
    let properties: Vec<&Property> = def.properties.iter().collect();
    let Some(property) = draw.one_of(&properties).copied() else { return "1 = 1".to_owned() };
    let name = &property.name;
    let alike: Vec<&Property> = properties.iter().copied().filter(|other| other.ty == property.ty).collect();
    let other = draw.one_of(&alike).map_or(name, |other| &other.name);
    let comparison = match property.ty {
        ScalarType::Bool | ScalarType::Enum(_) => &COMPARISONS[..2],
        _ => COMPARISONS,
    };
    let comparison = draw.one_of(comparison).copied().unwrap_or("=");
    let (one, two) = (compared(&property.ty, draw), compared(&property.ty, draw));
    match draw.below(8) {
        0 => format!("{name} IS NULL"),
        1 => format!("{name} IS NOT NULL"),
        _ if matches!(property.ty, ScalarType::List(_) | ScalarType::Vector(_)) => format!("{name} IS NOT NULL"),
        2 => format!("{name} {comparison} {other}"),
        3 => format!("{name} IN ({one}, {two})"),
        4 => format!("{name} NOT IN ({one}, {two})"),
        _ => format!("{name} {comparison} {one}"),
    }
}

/// A literal that a column of the type is compared with.
fn compared(ty: &ScalarType, draw: &mut Draw) -> String {
    let number = |numbers: &[f64], draw: &mut Draw| {
        literal(&draw.one_of(numbers).map_or(Value::Null, |number| Value::from(*number)))
    };
    match ty {
        // Numbers that are the same in 32 bits and in 64.
        ScalarType::F32 => number(&[0.5, -0.5, 2.5, 16_777_216.0], draw),
        ScalarType::F64 => number(&[0.1, 0.1 + 0.2, 2.5, -2.5, 1e16], draw),
        ty => literal(&broad::of(ty, Door::Sql, draw, None)),
    }
}
