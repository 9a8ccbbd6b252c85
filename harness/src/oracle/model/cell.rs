//! Values while an expression is worked out.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::kind::{self, Kind};
use super::sql::Operator;
use super::write::Refusal;

/// A value with what it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// None.
    Missing,
    /// True or false.
    Flag(bool),
    /// An integer, and the range that sums of it have to stay in; none for a literal.
    Whole(i128, Option<(i128, i128)>),
    /// A float of 64 bits, or a literal.
    Double(f64),
    /// A float of 32 bits.
    Single(f32),
    /// Text.
    Text(String),
    /// A day.
    Day(NaiveDate),
    /// An instant.
    Instant(DateTime<Utc>),
    /// A list or a vector of this kind.
    Items(Kind, Value),
}

fn open(what: impl Into<String>) -> Refusal {
    Refusal::NotModelled(what.into())
}

impl Cell {
    /// What a column of this kind holds.
    pub fn of_column(kind: &Kind, value: Option<&Value>) -> Result<Cell, Refusal> {
        let cell = match (kind, value) {
            (_, None | Some(Value::Null)) => Some(Cell::Missing),
            (Kind::Text | Kind::Words(_), Some(Value::String(text))) => Some(Cell::Text(text.clone())),
            (Kind::Flag, Some(Value::Bool(flag))) => Some(Cell::Flag(*flag)),
            (Kind::Whole(least, most), Some(Value::Number(number))) => {
                let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                whole.map(|whole| Cell::Whole(whole, Some((*least, *most))))
            }
            (Kind::Double, Some(Value::Number(number))) => number.as_f64().map(Cell::Double),
            (Kind::Single, Some(Value::Number(number))) => number.as_f64().map(|float| Cell::Single(float as f32)),
            (Kind::Day, Some(Value::String(text))) => kind::day(text).map(Cell::Day),
            (Kind::Instant, Some(Value::String(text))) => kind::instant(text).map(Cell::Instant),
            (Kind::List(_) | Kind::Vector(_), Some(value)) => Some(Cell::Items(kind.clone(), value.clone())),
            _ => None,
        };
        cell.ok_or_else(|| open(format!("{value:?} in a column that is {kind:?}")))
    }

    /// What a literal says.
    pub fn of_literal(literal: &Value) -> Result<Cell, Refusal> {
        Ok(match literal {
            Value::Null => Cell::Missing,
            Value::Bool(flag) => Cell::Flag(*flag),
            Value::String(text) => Cell::Text(text.clone()),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(whole), _, _) => Cell::Whole(whole.into(), None),
                (_, Some(whole), _) => Cell::Whole(whole.into(), None),
                (_, _, Some(float)) => Cell::Double(float),
                _ => return Err(open(format!("the number {number}"))),
            },
            other => return Err(open(format!("{other} within an expression"))),
        })
    }

    /// What a column of this kind holds when the value of an expression is written into it.
    pub fn stored(self, kind: &Kind) -> Result<Value, Refusal> {
        let misfit = |what: &str| Refusal::Forbidden(format!("{what} does not fit"));
        match (self, kind) {
            (Cell::Missing, _) => Ok(Value::Null),
            (Cell::Flag(flag), Kind::Flag) => Ok(flag.into()),
            (Cell::Text(text), Kind::Text | Kind::Words(_)) => kind.taken(&text.into()),
            (Cell::Whole(whole, _), Kind::Whole(least, most)) => {
                if (*least..=*most).contains(&whole) {
                    kind::integer(whole)
                } else {
                    Err(misfit(&whole.to_string()))
                }
            }
            (Cell::Whole(whole, _), Kind::Double | Kind::Single) => kind.taken(&kind::integer(whole)?),
            (Cell::Double(float), Kind::Double) => kind::double(float),
            (Cell::Double(float), Kind::Single) => match float as f32 {
                narrow if f64::from(narrow) == float => kind::single(narrow),
                narrow if narrow.is_finite() => Err(open(format!("{float} in 32 bits"))),
                _ => Err(misfit(&float.to_string())),
            },
            (Cell::Single(float), Kind::Single) => kind::single(float),
            (Cell::Single(float), Kind::Double) => kind::double(f64::from(float)),
            (Cell::Day(day), Kind::Day) => Ok(day.to_string().into()),
            (Cell::Instant(instant), Kind::Instant) => Ok(kind::text_of(instant).into()),
            (Cell::Items(from, value), to) if from == *to => Ok(value),
            // Both are floats of 32 bits, and how many there are decides.
            (Cell::Items(Kind::List(item), value), Kind::Vector(_)) if *item == Kind::Single => kind.taken(&value),
            (Cell::Items(Kind::Vector(_), value), Kind::List(item)) if **item == Kind::Single => Ok(value),
            (cell, kind) => Err(open(format!("{cell:?} in a column that is {kind:?}"))),
        }
    }

    /// A sum, a difference or a product, which goes into a column of kind `into`. An integer out of range is refused.
    pub fn arithmetic(self, operator: Operator, other: Cell, into: &Kind) -> Result<Cell, Refusal> {
        let float = |left: f64, right: f64| match operator {
            Operator::Plus => left + right,
            Operator::Minus => left - right,
            Operator::Times => left * right,
        };
        let double = |left: f64, right: f64| match float(left, right) {
            result if result.is_finite() => Ok(Cell::Double(result)),
            _ => Err(Refusal::Forbidden("a result that is no number".to_owned())),
        };
        match (self, other) {
            (Cell::Missing, _) | (_, Cell::Missing) => Ok(Cell::Missing),
            (Cell::Whole(left, a), Cell::Whole(right, b)) => integers(left, a, operator, right, b, into),
            (Cell::Double(left), Cell::Double(right)) => double(left, right),
            (Cell::Double(left), Cell::Whole(right, None)) => double(left, small(right)?),
            (Cell::Whole(left, None), Cell::Double(right)) => double(small(left)?, right),
            // Rounded once or twice, the result of one operation is the same.
            (Cell::Single(left), Cell::Single(right)) => single(float(f64::from(left), f64::from(right))),
            (Cell::Single(left), Cell::Whole(right, None)) => exact_single(float(f64::from(left), small(right)?)),
            (Cell::Single(left), Cell::Double(right)) => exact_single(float(f64::from(left), right)),
            (left, right) => Err(open(format!("{operator:?} of {left:?} and {right:?}"))),
        }
    }

    /// Which of the two is the larger one; none where one is missing.
    pub fn compared(&self, other: &Cell) -> Result<Option<Ordering>, Refusal> {
        let not_known = || open(format!("{self:?} compared with {other:?}"));
        let order = match (self, other) {
            (Cell::Missing, _) | (_, Cell::Missing) => return Ok(None),
            (Cell::Flag(left), Cell::Flag(right)) => left.cmp(right),
            (Cell::Text(left), Cell::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
            (Cell::Whole(left, _), Cell::Whole(right, _)) => left.cmp(right),
            (Cell::Day(left), Cell::Day(right)) => left.cmp(right),
            (Cell::Instant(left), Cell::Instant(right)) => left.cmp(right),
            (Cell::Day(left), Cell::Text(right)) => left.cmp(&kind::day(right).ok_or_else(not_known)?),
            (Cell::Instant(left), Cell::Text(right)) => {
                let right = DateTime::parse_from_rfc3339(right).map_err(|_| not_known())?;
                left.cmp(&right.to_utc())
            }
            (left, right) => {
                let (left, right) = (left.float().ok_or_else(not_known)?, right.float().ok_or_else(not_known)?);
                // Whether the two zeros are one is open.
                let is_open = left == 0.0 && right == 0.0 && left.to_bits() != right.to_bits();
                left.partial_cmp(&right).filter(|_| !is_open).ok_or_else(not_known)?
            }
        };
        let is_narrowed =
            matches!((self, other), (Cell::Single(_), Cell::Double(wide)) if f64::from(*wide as f32) != *wide);
        if is_narrowed { Err(not_known()) } else { Ok(Some(order)) }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Cell::Double(float) => Some(*float),
            Cell::Single(float) => Some(f64::from(*float)),
            Cell::Whole(whole, None) => small(*whole).ok(),
            _ => None,
        }
    }
}

/// An integer that every float is exact for.
fn small(whole: i128) -> Result<f64, Refusal> {
    if whole.abs() <= 1 << 24 { Ok(whole as f64) } else { Err(open(format!("{whole} beside a float"))) }
}

fn single(wide: f64) -> Result<Cell, Refusal> {
    match wide as f32 {
        float if float.is_finite() => Ok(Cell::Single(float)),
        _ => Err(Refusal::Forbidden("a result that is no number".to_owned())),
    }
}

/// Of a float of 32 bits and a literal: the same in 32 bits and in 64.
fn exact_single(wide: f64) -> Result<Cell, Refusal> {
    match single(wide)? {
        Cell::Single(float) if f64::from(float) != wide => Err(open(format!("{wide} in 32 bits"))),
        cell => Ok(cell),
    }
}

type Range = Option<(i128, i128)>;

fn integers(left: i128, a: Range, operator: Operator, right: i128, b: Range, into: &Kind) -> Result<Cell, Refusal> {
    let result = match operator {
        Operator::Plus => left.checked_add(right),
        Operator::Minus => left.checked_sub(right),
        Operator::Times => left.checked_mul(right),
    };
    let long = (i128::from(i64::MIN), i128::from(i64::MAX));
    let wider = |one: (i128, i128), other: (i128, i128)| (one.0.min(other.0), one.1.max(other.1));
    // A literal is as wide as an integer is; beside an unsigned one it is none that would widen it.
    let range = match (a, b) {
        (Some(one), Some(other)) => Some(wider(one, other)),
        (Some(one), None) | (None, Some(one)) => {
            Some(if one.0 == 0 && one.1 > long.1 { one } else { wider(one, long) })
        }
        (None, None) => None,
    };
    let (least, most) = range.unwrap_or(long);
    let holds = |value: i128| matches!(into, Kind::Whole(least, most) if (*least..=*most).contains(&value));
    match result {
        Some(result) if (least..=most).contains(&result) => Ok(Cell::Whole(result, range)),
        // The column could hold it, and the type of the expression may not.
        Some(result) if holds(result) => Err(open(format!("{result} on its way into a wider column"))),
        _ => Err(Refusal::Forbidden(format!("{left} {operator:?} {right} is out of range"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(kind: &str, value: i128) -> Cell {
        let Ok(Kind::Whole(least, most)) = kind.parse() else { panic!("no integer") };
        Cell::Whole(value, Some((least, most)))
    }

    fn sum(kind: &str, left: i128, right: Cell) -> Result<Value, Refusal> {
        let into: Kind = kind.parse().expect("a kind");
        whole(kind, left).arithmetic(Operator::Plus, right, &into)?.stored(&into)
    }

    #[test]
    fn a_sum_out_of_range_is_forbidden_and_never_wraps() {
        let one = Cell::Whole(1, None);
        for (kind, most) in [("I8", 127), ("I64", i64::MAX.into()), ("U64", i128::from(u64::MAX)), ("U8", 255)] {
            assert!(matches!(sum(kind, most, one.clone()), Err(Refusal::Forbidden(_))), "{kind}");
            assert!(sum(kind, most - 1, one.clone()).is_ok(), "{kind}");
            assert!(matches!(sum(kind, most, whole(kind, most)), Err(Refusal::Forbidden(_))), "{kind}");
        }
        assert!(matches!(sum("U64", 0, Cell::Whole(-1, None)), Err(Refusal::Forbidden(_))));
        assert_eq!(sum("U64", i128::from(u64::MAX) - 1, one), Ok(u64::MAX.into()));
    }

    #[test]
    fn what_depends_on_the_type_of_an_expression_is_not_modelled() {
        let into: Kind = "I64".parse().expect("a kind");
        let sum = whole("I8", 100).arithmetic(Operator::Plus, whole("I8", 100), &into);
        assert!(matches!(sum, Err(Refusal::NotModelled(_))));
        assert!(matches!(Cell::Single(0.1).compared(&Cell::Double(0.1)), Err(Refusal::NotModelled(_))));
    }

    #[test]
    fn integers_are_compared_as_integers() {
        let order = whole("I64", 9_007_199_254_740_993).compared(&Cell::Whole(9_007_199_254_740_992, None));
        assert_eq!(order, Ok(Some(Ordering::Greater)));
    }

    #[test]
    fn floats_add_up_bit_for_bit_and_never_to_infinity() {
        let into = Kind::Double;
        let sum =
            Cell::Double(0.1).arithmetic(Operator::Plus, Cell::Double(0.2), &into).and_then(|cell| cell.stored(&into));
        assert_eq!(sum, Ok(0.300_000_000_000_000_04.into()));
        for (cell, into) in [(Cell::Double(f64::MAX), Kind::Double), (Cell::Single(f32::MAX), Kind::Single)] {
            let twice = cell.arithmetic(Operator::Times, Cell::Whole(2, None), &into);
            assert!(matches!(twice, Err(Refusal::Forbidden(_))), "{twice:?}");
        }
    }
}
