//! Calls of functions. Which there are is said here, and not by what a library happens to register.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, NullTreatment, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::{Walk, plain, refused, without};
use crate::error::{Error, Result};

/// What a function makes of what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One value of one row.
    Scalar,
    /// One value of many rows.
    Aggregate,
    /// A value for each row of a window.
    Window,
}

/// One value of one row, sorted. Not here: what wraps round or saturates, what makes values of any size, what tells of the
/// library instead of the data.
const SCALAR: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "array_append",
    "array_concat",
    "array_contains",
    "array_distance",
    "array_distinct",
    "array_element",
    "array_except",
    "array_has",
    "array_has_all",
    "array_has_any",
    "array_intersect",
    "array_length",
    "array_max",
    "array_min",
    "array_pop_back",
    "array_pop_front",
    "array_position",
    "array_positions",
    "array_prepend",
    "array_remove",
    "array_remove_all",
    "array_replace",
    "array_replace_all",
    "array_reverse",
    "array_slice",
    "array_sort",
    "array_to_string",
    "array_union",
    "arrow_typeof",
    "ascii",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bit_length",
    "btrim",
    "cardinality",
    "cbrt",
    "ceil",
    "char_length",
    "character_length",
    "chr",
    "coalesce",
    "concat",
    "concat_ws",
    "contains",
    "cos",
    "cosh",
    "cosine_distance",
    "cot",
    "current_date",
    "current_time",
    "current_timestamp",
    "date_bin",
    "date_part",
    "date_trunc",
    "datepart",
    "datetrunc",
    "degrees",
    "digest",
    "element_at",
    "empty",
    "encode",
    "ends_with",
    "exp",
    "find_in_set",
    "flatten",
    "floor",
    "greatest",
    "ifnull",
    "initcap",
    "inner_product",
    "instr",
    "isnan",
    "iszero",
    "least",
    "left",
    "length",
    "levenshtein",
    "list_contains",
    "list_element",
    "list_extract",
    "list_has",
    "list_length",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "lpad",
    "ltrim",
    "make_array",
    "make_date",
    "make_list",
    "md5",
    "nanvl",
    "now",
    "nullif",
    "nvl",
    "nvl2",
    "octet_length",
    "overlay",
    "pi",
    "position",
    "pow",
    "power",
    "radians",
    "random",
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_match",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "signum",
    "sin",
    "sinh",
    "split_part",
    "sqrt",
    "starts_with",
    "string_to_array",
    "strpos",
    "substr",
    "substr_index",
    "substring",
    "substring_index",
    "tan",
    "tanh",
    "to_char",
    "to_date",
    "to_hex",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_seconds",
    "to_unixtime",
    "today",
    "translate",
    "trim",
    "trunc",
    "unnest",
    "upper",
    "uuid",
];

/// One value of many rows, sorted.
const AGGREGATE: &[&str] = &[
    "approx_distinct",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "mean",
    "min",
    "nth_value",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var",
    "var_pop",
    "var_population",
    "var_samp",
    "var_sample",
];

/// A value for each row of a window, sorted.
const WINDOW: &[&str] = &["cume_dist", "dense_rank", "lag", "lead", "ntile", "percent_rank", "rank", "row_number"];

/// Functions that may be told to pass over missing values.
const NULL_TREATMENT: [&str; 5] = ["first_value", "lag", "last_value", "lead", "nth_value"];
/// Aggregates whose outcome depends on the order of rows.
const ORDERED: [&str; 5] = ["array_agg", "first_value", "last_value", "nth_value", "string_agg"];

fn kind_of(name: &str) -> Result<Kind> {
    let kinds = [(SCALAR, Kind::Scalar), (AGGREGATE, Kind::Aggregate), (WINDOW, Kind::Window)];
    let kind = kinds.iter().find(|(names, _)| names.binary_search(&name).is_ok());
    kind.map(|(_, kind)| *kind).ok_or_else(|| {
        let all = kinds.iter().flat_map(|(names, _)| names.iter().copied());
        let near: Vec<&str> = all.filter(|known| known.contains(name) || name.contains(known)).take(5).collect();
        let error = Error::invalid(format!("there is no function `{name}`"));
        if near.is_empty() { error } else { error.with_advice(format!("there are {}", near.join(", "))) }
    })
}

impl Walk {
    pub(super) fn function(&mut self, function: &Function) -> Result<()> {
        let Function { name, uses_odbc_syntax, parameters, args, filter, null_treatment, over, within_group } =
            function;
        let ident = plain(name)?;
        let name = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() };
        let kind = kind_of(&name)?;
        let call = Call { name: &name, kind, windowed: over.is_some(), filtered: filter.is_some() };
        without(&[
            (*uses_odbc_syntax, "a call in { }"),
            (*parameters != FunctionArguments::None, "a second list of arguments"),
            (!within_group.is_empty(), "WITHIN GROUP"),
        ])?;
        call.check(null_treatment.as_ref())?;
        match args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(_) => return Err(refused(format_args!("a query as the argument of {name}"))),
            FunctionArguments::List(list) => self.arguments(&call, list)?,
        }
        self.expressions(filter.iter().map(AsRef::as_ref))?;
        match over {
            None => Ok(()),
            Some(WindowType::NamedWindow(_)) => Ok(()),
            Some(WindowType::WindowSpec(window)) => self.window(window),
        }
    }

    fn arguments(&mut self, call: &Call, list: &FunctionArgumentList) -> Result<()> {
        let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        match duplicate_treatment {
            None => {}
            Some(DuplicateTreatment::All | DuplicateTreatment::Distinct) if call.kind != Kind::Aggregate => {
                return Err(refused(format_args!("DISTINCT or ALL in {}", call.name)));
            }
            Some(DuplicateTreatment::Distinct) if call.windowed => return Err(refused("DISTINCT in a window")),
            Some(DuplicateTreatment::All | DuplicateTreatment::Distinct) => {}
        }
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.expression(expr)?,
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if call.name == "count" => {}
                FunctionArg::Unnamed(
                    FunctionArgExpr::Wildcard
                    | FunctionArgExpr::QualifiedWildcard(_)
                    | FunctionArgExpr::WildcardWithOptions(_),
                ) => return Err(refused(format_args!("{arg} in {}", call.name))),
                FunctionArg::Named { name: _, arg: _, operator: _ }
                | FunctionArg::ExprNamed { name: _, arg: _, operator: _ } => {
                    return Err(refused(format_args!("the named argument {arg}")));
                }
            }
        }
        clauses.iter().try_for_each(|clause| self.clause(call, clause))
    }

    fn clause(&mut self, call: &Call, clause: &FunctionArgumentClause) -> Result<()> {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => call.check(Some(treatment)),
            FunctionArgumentClause::OrderBy(order) => {
                without(&[(call.windowed || !ORDERED.contains(&call.name), "ORDER BY in this function")])?;
                self.order(order)
            }
            FunctionArgumentClause::Limit(_)
            | FunctionArgumentClause::OnOverflow(_)
            | FunctionArgumentClause::Having(_)
            | FunctionArgumentClause::Separator(_)
            | FunctionArgumentClause::JsonNullClause(_)
            | FunctionArgumentClause::JsonReturningClause(_) => Err(refused(format_args!("{clause} in {}", call.name))),
        }
    }

    pub(super) fn window(&mut self, window: &WindowSpec) -> Result<()> {
        let WindowSpec { window_name, partition_by, order_by, window_frame } = window;
        without(&[(window_name.is_some(), "a window that builds on another")])?;
        self.expressions(partition_by)?;
        self.order(order_by)?;
        let Some(WindowFrame { units, start_bound, end_bound }) = window_frame else { return Ok(()) };
        match units {
            WindowFrameUnits::Rows | WindowFrameUnits::Range | WindowFrameUnits::Groups => {}
        }
        for bound in [Some(start_bound), end_bound.as_ref()].into_iter().flatten() {
            self.bound(bound)?;
        }
        Ok(())
    }

    fn bound(&mut self, bound: &WindowFrameBound) -> Result<()> {
        match bound {
            WindowFrameBound::CurrentRow => Ok(()),
            WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => {
                self.expressions(distance.iter().map(AsRef::as_ref))
            }
        }
    }
}

/// What a call looks like around its arguments.
struct Call<'a> {
    name: &'a str,
    kind: Kind,
    windowed: bool,
    filtered: bool,
}

impl Call<'_> {
    fn check(&self, treatment: Option<&NullTreatment>) -> Result<()> {
        let Call { name, kind, windowed, filtered } = self;
        match kind {
            Kind::Scalar if *windowed => Err(refused(format_args!("OVER after {name}"))),
            Kind::Scalar | Kind::Window if *filtered => Err(refused(format_args!("FILTER after {name}"))),
            Kind::Window if !windowed => Err(Error::invalid(format!("{name} needs a window"))
                .with_advice(format!("write {name}() OVER (ORDER BY …)"))),
            Kind::Scalar | Kind::Aggregate | Kind::Window => match treatment {
                Some(NullTreatment::IgnoreNulls) if !windowed || !NULL_TREATMENT.contains(name) => {
                    Err(refused(format_args!("IGNORE NULLS after {name}")))
                }
                None | Some(NullTreatment::IgnoreNulls | NullTreatment::RespectNulls) => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_name_each_function_once() {
        for names in [SCALAR, AGGREGATE, WINDOW] {
            assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
        }
        let session = crate::sql::session();
        let state = session.state();
        for name in SCALAR {
            let known = state.scalar_functions().contains_key(*name) || ["position", "unnest"].contains(name);
            assert!(known, "{name} is no function");
        }
        for name in AGGREGATE {
            assert!(state.aggregate_functions().contains_key(*name), "{name} is no aggregate");
        }
        for name in WINDOW {
            assert!(state.window_functions().contains_key(*name), "{name} is no window function");
        }
    }
}
