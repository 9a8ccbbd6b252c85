//! Expressions.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DateTimeField, Expr, ExtractSyntax, Interval,
    Subscript, TypedString, UnaryOperator, Value, ValueWithSpan,
};

use super::{Walk, refused, types, without};
use crate::error::{Error, Result};

impl Walk {
    pub(super) fn expression(&mut self, expression: &Expr) -> Result<()> {
        self.count_expression()?;
        self.deeper(|walk| walk.node(expression))
    }

    fn node(&mut self, expression: &Expr) -> Result<()> {
        match expression {
            // A property of that name is written in quotes.
            Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default") => {
                Err(refused("DEFAULT: write the value, or NULL; in quotes it is a name; unquoted it"))
            }
            Expr::Identifier(_) => self.reference(),
            Expr::CompoundIdentifier(parts) => match parts.len() {
                0..=2 => self.reference(),
                _ => Err(Error::invalid(format!("`{expression}` has more parts than a table and a column"))),
            },
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.expression(root)?;
                access_chain.iter().try_for_each(|access| self.access(access))
            }
            Expr::Value(value) => literal(value),
            Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax }) => {
                without(&[(*uses_odbc_syntax, "a literal in { }")])?;
                types::castable(data_type)?;
                literal(value)
            }
            Expr::Interval(interval) => self.interval(interval),
            Expr::Array(Array { elem, named: _ }) => self.expressions(elem),
            Expr::Nested(inner) => self.expression(inner),
            Expr::UnaryOp { op, expr } => {
                unary(*op)?;
                self.expression(expr)
            }
            Expr::BinaryOp { left, op, right } => {
                binary(op)?;
                self.expressions([left.as_ref(), right])
            }
            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => self.expression(inner),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.expressions([left.as_ref(), right])
            }
            Expr::InList { expr, list, negated: _ } => {
                self.expression(expr)?;
                self.expressions(list)
            }
            Expr::InSubquery { expr, subquery, negated: _ } => {
                self.expression(expr)?;
                self.query(subquery).map(|_| ())
            }
            Expr::Exists { subquery, negated: _ } => self.query(subquery).map(|_| ()),
            Expr::Subquery(subquery) => self.query(subquery).map(|_| ()),
            Expr::Between { expr, negated: _, low, high } => self.expressions([expr.as_ref(), low, high]),
            Expr::Like { negated: _, any, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any, expr, pattern, escape_char } => {
                // DataFusion escapes by the backslash, and by nothing else.
                without(&[(*any, "LIKE ANY"), (escape_char.is_some(), "ESCAPE")])?;
                self.expressions([expr.as_ref(), pattern])
            }
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.expressions(operand.iter().map(AsRef::as_ref))?;
                for CaseWhen { condition, result } in conditions {
                    self.expressions([condition, result])?;
                }
                self.expressions(else_result.iter().map(AsRef::as_ref))
            }
            Expr::Cast { kind, expr, data_type, array, format } => {
                match kind {
                    CastKind::Cast | CastKind::TryCast | CastKind::DoubleColon => {}
                    CastKind::SafeCast => return Err(refused("SAFE_CAST: use TRY_CAST instead; it")),
                }
                without(&[(*array, "CAST … ARRAY"), (format.is_some(), "FORMAT in CAST")])?;
                types::castable(data_type)?;
                self.expression(expr)
            }
            Expr::Extract { field, syntax, expr } => {
                match syntax {
                    ExtractSyntax::From => {}
                    ExtractSyntax::Comma => return Err(refused("EXTRACT with a comma")),
                }
                without(&[(matches!(field, DateTimeField::Custom(_)), "this field of EXTRACT")])?;
                self.expression(expr)
            }
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                without(&[(
                    !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)),
                    "a second argument of CEIL or FLOOR",
                )])?;
                self.expression(expr)
            }
            Expr::Position { expr, r#in } => self.expressions([expr.as_ref(), r#in]),
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                self.expression(expr)?;
                self.expressions(substring_from.iter().chain(substring_for).map(AsRef::as_ref))
            }
            Expr::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                without(&[(trim_characters.is_some(), "a comma in TRIM: use btrim instead; it")])?;
                self.expression(expr)?;
                self.expressions(trim_what.iter().map(AsRef::as_ref))
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.expressions([expr.as_ref(), overlay_what, overlay_from])?;
                self.expressions(overlay_for.iter().map(AsRef::as_ref))
            }
            Expr::Function(function) => self.function(function),
            other => unsupported(other),
        }
    }

    fn reference(&mut self) -> Result<()> {
        self.references += 1;
        Ok(())
    }

    fn access(&mut self, access: &AccessExpr) -> Result<()> {
        match access {
            AccessExpr::Dot(_) => Err(refused("a field after a dot")),
            AccessExpr::Subscript(Subscript::Index { index }) => self.expression(index),
            AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                self.expressions(lower_bound.iter().chain(upper_bound).chain(stride))
            }
        }
    }

    fn interval(&mut self, interval: &Interval) -> Result<()> {
        let Interval { value, leading_field, leading_precision, last_field, fractional_seconds_precision } = interval;
        without(&[
            (leading_precision.is_some() || fractional_seconds_precision.is_some(), "a precision of INTERVAL"),
            (last_field.is_some(), "TO in INTERVAL"),
            (matches!(leading_field, Some(DateTimeField::Custom(_))), "this field of INTERVAL"),
            (!matches!(value.as_ref(), Expr::Value(_)), "an expression after INTERVAL"),
        ])?;
        self.expression(value)
    }
}

/// What no query here is made of, by name.
fn unsupported(expression: &Expr) -> Result<()> {
    let what = match expression {
        Expr::JsonAccess { value: _, path: _ } => "a JSON path",
        Expr::IsNormalized { expr: _, form: _, negated: _ } => "IS NORMALIZED",
        Expr::InUnnest { expr: _, array_expr: _, negated: _ } => "IN UNNEST",
        Expr::SimilarTo { negated: _, expr: _, pattern: _, escape_char: _ } => {
            "SIMILAR TO: use regexp_like instead; it"
        }
        Expr::RLike { negated: _, expr: _, pattern: _, regexp: _ } => "RLIKE: use regexp_like instead; it",
        Expr::AnyOp { left: _, compare_op: _, right: _, is_some: _ } => "ANY: use IN or EXISTS instead; it",
        Expr::AllOp { left: _, compare_op: _, right: _ } => "ALL: use NOT EXISTS instead; it",
        Expr::Convert { is_try: _, expr: _, data_type: _, charset: _, target_before_value: _, styles: _ } => {
            "CONVERT: use CAST instead; it"
        }
        // DataFusion takes the wall clock of the zone for that of UTC.
        Expr::AtTimeZone { timestamp: _, time_zone: _ } => "AT TIME ZONE",
        Expr::Collate { expr: _, collation: _ } => "COLLATE",
        Expr::Prefixed { prefix: _, value: _ } => "a prefix of a literal",
        Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => "GROUPING SETS, CUBE or ROLLUP outside of GROUP BY",
        Expr::Tuple(_) => "a tuple",
        Expr::Struct { values: _, fields: _ } | Expr::Named { expr: _, name: _ } => "STRUCT",
        Expr::Dictionary(_) | Expr::Map(_) => "a map",
        Expr::MatchAgainst { columns: _, match_value: _, opt_search_modifier: _ } => "MATCH AGAINST",
        Expr::Wildcard(_) | Expr::QualifiedWildcard(_, _) => "* in an expression",
        Expr::OuterJoin(_) => "(+)",
        Expr::Prior(_) => "PRIOR",
        Expr::Lambda(_) => "a lambda",
        Expr::MemberOf(_) => "MEMBER OF",
        // What `node` has walked.
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { root: _, access_chain: _ }
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(_, _)
        | Expr::IsNotDistinctFrom(_, _)
        | Expr::InList { expr: _, list: _, negated: _ }
        | Expr::InSubquery { expr: _, subquery: _, negated: _ }
        | Expr::Between { expr: _, negated: _, low: _, high: _ }
        | Expr::BinaryOp { left: _, op: _, right: _ }
        | Expr::Like { negated: _, any: _, expr: _, pattern: _, escape_char: _ }
        | Expr::ILike { negated: _, any: _, expr: _, pattern: _, escape_char: _ }
        | Expr::UnaryOp { op: _, expr: _ }
        | Expr::Cast { kind: _, expr: _, data_type: _, array: _, format: _ }
        | Expr::Extract { field: _, syntax: _, expr: _ }
        | Expr::Ceil { expr: _, field: _ }
        | Expr::Floor { expr: _, field: _ }
        | Expr::Position { expr: _, r#in: _ }
        | Expr::Substring { expr: _, substring_from: _, substring_for: _, special: _, shorthand: _ }
        | Expr::Trim { trim_where: _, trim_what: _, expr: _, trim_characters: _ }
        | Expr::Overlay { expr: _, overlay_what: _, overlay_from: _, overlay_for: _ }
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::TypedString(_)
        | Expr::Function(_)
        | Expr::Case { case_token: _, end_token: _, operand: _, conditions: _, else_result: _ }
        | Expr::Exists { subquery: _, negated: _ }
        | Expr::Subquery(_)
        | Expr::Array(_)
        | Expr::Interval(_) => return Err(Error::internal("an expression that is allowed was not walked")),
    };
    Err(refused(what))
}

fn literal(value: &ValueWithSpan) -> Result<()> {
    let ValueWithSpan { value, span: _ } = value;
    match value {
        Value::Number(_, long) => without(&[(*long, "L after a number")]),
        Value::SingleQuotedString(_)
        | Value::EscapedStringLiteral(_)
        | Value::UnicodeStringLiteral(_)
        | Value::DollarQuotedString(_)
        | Value::Boolean(_)
        | Value::Null => Ok(()),
        Value::Placeholder(name) => Err(refused(format_args!("the parameter {name}"))),
        Value::TripleSingleQuotedString(_)
        | Value::TripleDoubleQuotedString(_)
        | Value::SingleQuotedByteStringLiteral(_)
        | Value::DoubleQuotedByteStringLiteral(_)
        | Value::TripleSingleQuotedByteStringLiteral(_)
        | Value::TripleDoubleQuotedByteStringLiteral(_)
        | Value::SingleQuotedRawStringLiteral(_)
        | Value::DoubleQuotedRawStringLiteral(_)
        | Value::TripleSingleQuotedRawStringLiteral(_)
        | Value::TripleDoubleQuotedRawStringLiteral(_)
        | Value::NationalStringLiteral(_)
        | Value::QuoteDelimitedStringLiteral(_)
        | Value::NationalQuoteDelimitedStringLiteral(_)
        | Value::HexStringLiteral(_)
        | Value::DoubleQuotedString(_) => Err(refused(format_args!("the literal {value}"))),
    }
}

fn unary(op: UnaryOperator) -> Result<()> {
    match op {
        UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not => Ok(()),
        UnaryOperator::AtDashAt
        | UnaryOperator::BangNot
        | UnaryOperator::BitwiseNot
        | UnaryOperator::DoubleAt
        | UnaryOperator::Hash
        | UnaryOperator::PGAbs
        | UnaryOperator::PGCubeRoot
        | UnaryOperator::PGPostfixFactorial
        | UnaryOperator::PGPrefixFactorial
        | UnaryOperator::PGSquareRoot
        | UnaryOperator::QuestionDash
        | UnaryOperator::QuestionPipe => Err(refused(format_args!("the operator {op}"))),
    }
}

fn binary(op: &BinaryOperator) -> Result<()> {
    match op {
        BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo
        | BinaryOperator::StringConcat
        | BinaryOperator::Gt
        | BinaryOperator::Lt
        | BinaryOperator::GtEq
        | BinaryOperator::LtEq
        | BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::And
        | BinaryOperator::Or
        | BinaryOperator::BitwiseOr
        | BinaryOperator::BitwiseAnd
        | BinaryOperator::PGRegexMatch
        | BinaryOperator::PGRegexIMatch
        | BinaryOperator::PGRegexNotMatch
        | BinaryOperator::PGRegexNotIMatch => Ok(()),
        // Shifts drop what leaves the width of the type.
        BinaryOperator::PGBitwiseShiftLeft
        | BinaryOperator::PGBitwiseShiftRight
        | BinaryOperator::Spaceship
        | BinaryOperator::Xor
        | BinaryOperator::BitwiseXor
        | BinaryOperator::PGBitwiseXor
        | BinaryOperator::DuckIntegerDivide
        | BinaryOperator::MyIntegerDivide
        | BinaryOperator::Match
        | BinaryOperator::Regexp
        | BinaryOperator::Custom(_)
        | BinaryOperator::PGExp
        | BinaryOperator::PGOverlap
        | BinaryOperator::PGLikeMatch
        | BinaryOperator::PGILikeMatch
        | BinaryOperator::PGNotLikeMatch
        | BinaryOperator::PGNotILikeMatch
        | BinaryOperator::PGStartsWith
        | BinaryOperator::Arrow
        | BinaryOperator::LongArrow
        | BinaryOperator::HashArrow
        | BinaryOperator::HashLongArrow
        | BinaryOperator::AtAt
        | BinaryOperator::AtArrow
        | BinaryOperator::ArrowAt
        | BinaryOperator::HashMinus
        | BinaryOperator::AtQuestion
        | BinaryOperator::Question
        | BinaryOperator::QuestionAnd
        | BinaryOperator::QuestionPipe
        | BinaryOperator::PGCustomBinaryOperator(_)
        | BinaryOperator::Overlaps
        | BinaryOperator::DoubleHash
        | BinaryOperator::LtDashGt
        | BinaryOperator::AndLt
        | BinaryOperator::AndGt
        | BinaryOperator::LtLtPipe
        | BinaryOperator::PipeGtGt
        | BinaryOperator::AndLtPipe
        | BinaryOperator::PipeAndGt
        | BinaryOperator::LtCaret
        | BinaryOperator::GtCaret
        | BinaryOperator::QuestionHash
        | BinaryOperator::QuestionDash
        | BinaryOperator::QuestionDashPipe
        | BinaryOperator::QuestionDoublePipe
        | BinaryOperator::At
        | BinaryOperator::TildeEq
        | BinaryOperator::Assignment => Err(refused(format_args!("the operator {op}"))),
    }
}
