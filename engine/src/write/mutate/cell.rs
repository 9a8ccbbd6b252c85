//! A cell of VALUES with several rows, as what its column is.
//!
//! SQL gives a column of VALUES one type before any row of it is looked at: beside a text a number becomes a text, beside a
//! float an integer becomes a float, and nobody can tell afterwards. So where SQL works out a cell, each cell of its column
//! is first made what the column of the table is, by a function of ours.

use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    Value as SqlValue,
};

use crate::error::Error;
use crate::schema::ScalarType;
use crate::value;

/// What SQL calls the function. No property has such a name.
const NAME: &str = "__cell";

/// Makes the function known.
pub(super) fn register(context: &SessionContext) {
    context.register_udf(ScalarUDF::new_from_impl(AsColumn { signature: Signature::any(3, Volatility::Immutable) }));
}

/// The expression, as a column of that type has it; `place` is what an error calls it.
pub(super) fn as_column(expr: Expr, ty: &ScalarType, place: &str) -> Expr {
    let text = |text: String| Expr::value(SqlValue::SingleQuotedString(text));
    // Words are checked when all rows are there: a long enumeration would stand in every cell.
    let ty = serde_json::to_string(&without_words(ty)).unwrap_or_default();
    let args = [text(ty), text(place.to_owned()), expr];
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(NAME)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn without_words(ty: &ScalarType) -> ScalarType {
    match ty {
        ScalarType::Enum(_) => ScalarType::String,
        ScalarType::List(item) => ScalarType::List(Box::new(without_words(item))),
        other => other.clone(),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AsColumn {
    signature: Signature,
}

impl ScalarUDFImpl for AsColumn {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of a cell follows from what its column is")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let ty = type_of(args.scalar_arguments.first().copied().flatten())?;
        Ok(Field::new(NAME, ty.arrow_type(), true).into())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(ty), ColumnarValue::Scalar(place), given] = args.args.as_slice() else {
            return exec_err!("{NAME} takes two texts and a value");
        };
        let ty = type_of(Some(ty))?;
        let fitted = value::fit(&given.to_array(args.number_rows)?, &ty, true);
        let place = place.try_as_str().flatten().unwrap_or_default();
        let fitted =
            fitted.map_err(|misfit| DataFusionError::External(Box::new(Error::invalid(misfit.of_one(place, &ty)))))?;
        match given {
            ColumnarValue::Scalar(_) => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&fitted, 0)?)),
            ColumnarValue::Array(_) => Ok(ColumnarValue::Array(fitted)),
        }
    }
}

fn type_of(text: Option<&ScalarValue>) -> Result<ScalarType> {
    match text.and_then(|text| text.try_as_str().flatten()).map(serde_json::from_str) {
        Some(Ok(ty)) => Ok(ty),
        _ => exec_err!("{NAME} takes the type of a column"),
    }
}
