//! The subset of SQL that the model follows, with its own parser: `INSERT … VALUES`, `INSERT … SELECT` from one type, `UPDATE … SET`,
//! `DELETE FROM`, with expressions over the columns of one row and `WHERE` in SQL's three-valued logic.
//!
//! Whatever is outside makes the model say *not modelled* instead of guessing.

use serde_json::Value;

mod expression;
mod lexer;
mod parser;

pub use parser::parse;

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `INSERT INTO type (columns) VALUES (…), …`
    Insert {
        /// The type.
        type_name: String,
        /// The columns.
        columns: Vec<String>,
        /// One list of values for each row, as long as `columns`.
        rows: Vec<Vec<Value>>,
    },
    /// `INSERT INTO type (columns) SELECT …`
    InsertFrom {
        /// The type.
        type_name: String,
        /// The columns.
        columns: Vec<String>,
        /// Which rows.
        select: Select,
    },
    /// `UPDATE type SET … WHERE …`
    Update {
        /// The type.
        type_name: String,
        /// Columns with what they become.
        set: Vec<(String, Term)>,
        /// Which rows.
        filter: Condition,
    },
    /// `DELETE FROM type WHERE …`
    Delete {
        /// The type.
        type_name: String,
        /// Which rows.
        filter: Condition,
    },
}

/// `SELECT terms FROM type WHERE … ORDER BY column LIMIT n OFFSET n`
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// What is given, as many terms as there are columns.
    pub terms: Vec<Term>,
    /// The type that is read.
    pub from: String,
    /// Which rows.
    pub filter: Condition,
    /// By which column, and whether the largest comes first.
    pub order: Option<(String, bool)>,
    /// How many at the most.
    pub limit: Option<usize>,
    /// After how many.
    pub offset: usize,
}

/// An expression over the columns of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A literal, lists of literals included.
    Literal(Value),
    /// A column.
    Column(String),
    /// A sum, a difference or a product.
    Arithmetic(Box<Term>, Operator, Box<Term>),
    /// `left || right`
    Concat(Box<Term>, Box<Term>),
    /// `COALESCE(…)`
    Coalesce(Vec<Term>),
    /// `CASE WHEN … THEN … ELSE … END`
    Case(Vec<(Condition, Term)>, Option<Box<Term>>),
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operator {
    Plus,
    Minus,
    Times,
}

/// True, false or unknown of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Whatever the row is.
    Always,
    /// All of them.
    And(Vec<Condition>),
    /// One of them.
    Or(Vec<Condition>),
    /// The other way round; what is unknown stays so.
    Not(Box<Condition>),
    /// `left op right`
    Compare(Term, Comparison, Term),
    /// `term IN (literals)`
    In(Term, Vec<Value>),
    /// `term IS NULL`
    IsNull(Term),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a text is outside the subset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutsideSubset(pub String);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_three_statements_parse_together() {
        let statements = parse(
            "INSERT INTO Person (name, age) VALUES ('o''neill', -3), ('b', NULL); -- two rows\n\
             update Person set age = age + 1, note = 'x' where name = 'b' and age >= 2;\n\
             DELETE FROM WorksAt WHERE src IN ('a', 'b') AND since IS NOT NULL",
        )
        .expect("inside the subset");
        assert_eq!(statements.len(), 3);
        assert_eq!(
            statements[0],
            Statement::Insert {
                type_name: "Person".into(),
                columns: vec!["name".into(), "age".into()],
                rows: vec![vec![json!("o'neill"), json!(-3)], vec![json!("b"), Value::Null]],
            }
        );
        let Statement::Update { set, filter, .. } = &statements[1] else { panic!("an update") };
        let age = || Box::new(Term::Column("age".into()));
        assert_eq!(set[0].1, Term::Arithmetic(age(), Operator::Plus, Box::new(Term::Literal(json!(1)))));
        assert!(matches!(filter, Condition::And(parts) if parts.len() == 2));
        let Statement::Delete { filter: Condition::And(parts), .. } = &statements[2] else { panic!("a delete") };
        let since = Condition::IsNull(Term::Column("since".into()));
        assert_eq!(parts[1], Condition::Not(Box::new(since)));
    }

    #[test]
    fn numbers_are_what_they_say_and_lists_hold_literals() {
        let statements = parse(
            "INSERT INTO T (a, b, c, d) VALUES (-9223372036854775808, 18446744073709551615, [0.1, -5e-324], []), \
             (9007199254740993, 1.7976931348623157e308, ['it''s'], NULL)",
        );
        let Ok([Statement::Insert { rows, .. }]) = statements.as_deref() else { panic!("an insert: {statements:?}") };
        assert_eq!(rows[0], [json!(i64::MIN), json!(u64::MAX), json!([0.1, -5e-324]), json!([])]);
        assert_eq!(rows[1], [json!(9_007_199_254_740_993_u64), json!(f64::MAX), json!(["it's"]), Value::Null]);
    }

    #[test]
    fn expressions_bind_as_in_sql() {
        let statements = parse(
            "UPDATE T SET n = CASE WHEN n > 1 OR NOT flag = TRUE AND (m IS NULL) THEN n + m * 2 ELSE COALESCE(n, m) END, \
             t = t || 'x' WHERE (n + 1) > 2 AND (t IN ('a', 'b') OR n <> m)",
        );
        let Ok([Statement::Update { set, filter, .. }]) = statements.as_deref() else { panic!("{statements:?}") };
        let Term::Case(branches, Some(_)) = &set[0].1 else { panic!("a case: {set:?}") };
        assert!(matches!(&branches[0].0, Condition::Or(parts) if matches!(parts[1], Condition::And(_))));
        let Term::Arithmetic(_, Operator::Plus, product) = &branches[0].1 else { panic!("a sum") };
        assert!(matches!(**product, Term::Arithmetic(_, Operator::Times, _)));
        assert!(matches!(filter, Condition::And(parts) if matches!(parts[1], Condition::Or(_))));
    }

    #[test]
    fn rows_of_another_type_are_selected_in_an_order() {
        let statements = parse(
            "INSERT INTO A (k, v) SELECT k || '-c', v AS w FROM B WHERE k >= 'b' ORDER BY k DESC LIMIT 2 OFFSET 1",
        );
        let Ok([Statement::InsertFrom { select, .. }]) = statements.as_deref() else { panic!("{statements:?}") };
        assert_eq!((&select.order, select.limit, select.offset), (&Some(("k".into(), true)), Some(2), 1));
    }

    #[test]
    fn what_is_outside_the_subset_is_said_and_not_guessed() {
        for outside in [
            "UPDATE Person SET age = abs(age)",
            "UPDATE Person SET age = age / 2",
            "DELETE FROM Person WHERE age IN (SELECT age FROM Person)",
            "INSERT INTO Person SELECT * FROM Person",
            "INSERT INTO Person (name) SELECT DISTINCT name FROM Person",
            "INSERT INTO Person (name) SELECT a.name FROM Person AS a",
            "INSERT INTO Person VALUES ('a')",
            "DELETE FROM Person WHERE name LIKE 'a%'",
            "TRUNCATE Person",
            "DELETE FROM Person WHERE name = 'unclosed",
        ] {
            assert!(parse(outside).is_err(), "{outside}");
        }
    }
}
