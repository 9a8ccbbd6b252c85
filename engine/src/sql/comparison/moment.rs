//! Days and instants beside texts and beside one another.

use arrow_schema::{DataType, TimeUnit};
use datafusion::common::{DFSchema, Result as PlanResult};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, ExprSchemable};

/// The type in which values of these types are compared, if one of them is a day or an instant.
pub(super) fn common(types: &[DataType]) -> Option<DataType> {
    let zone = types.iter().find_map(|ty| match ty {
        DataType::Timestamp(_, zone) => Some(zone.clone()),
        _ => None,
    });
    match zone {
        Some(zone) => Some(DataType::Timestamp(TimeUnit::Microsecond, zone)),
        None => types.contains(&DataType::Date32).then_some(DataType::Date32),
    }
}

/// The values with texts and days read as that.
pub(super) fn read(values: Vec<Expr>, types: &[DataType], as_type: &DataType) -> Vec<Expr> {
    let values = values.into_iter().zip(types).map(|(value, own)| match own {
        DataType::Date32 if own == as_type => value,
        own if own.is_string() || *own == DataType::Date32 => Expr::Cast(Cast::new(Box::new(value), as_type.clone())),
        _ => value,
    });
    values.collect()
}

/// The values of what gives one of them.
pub(super) fn alike(values: Vec<Expr>, schema: &DFSchema) -> PlanResult<Vec<Expr>> {
    let types: PlanResult<Vec<DataType>> = values.iter().map(|value| value.get_type(schema)).collect();
    let Ok(types) = types else { return Ok(values) };
    Ok(match common(&types) {
        Some(ty) => read(values, &types, &ty),
        None => values,
    })
}
