//! The subset of SQL that the model follows, with its own parser: `INSERT … VALUES`, `UPDATE … SET`, `DELETE FROM`, and
//! `WHERE` as a conjunction of comparisons between one column and literals.
//!
//! Whatever is outside makes the model say *not modelled* instead of guessing.

use serde_json::Value;

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
    /// `UPDATE type SET … WHERE …`
    Update {
        /// The type.
        type_name: String,
        /// Columns with what they become.
        set: Vec<(String, Term)>,
        /// All of them must be true; empty is every row.
        filter: Vec<Condition>,
    },
    /// `DELETE FROM type WHERE …`
    Delete {
        /// The type.
        type_name: String,
        /// All of them must be true; empty is every row.
        filter: Vec<Condition>,
    },
}

/// What a column becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A literal.
    Literal(Value),
    /// Another column, or itself, plus an integer.
    Plus {
        /// The column.
        column: String,
        /// The integer, negative for a difference.
        addend: i64,
    },
}

/// A comparison; false for a row whose column is null, `IS NULL` apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `column op literal`
    Compare {
        /// The column.
        column: String,
        /// How.
        comparison: Comparison,
        /// With what.
        literal: Value,
    },
    /// `column IN (literals)`
    In {
        /// The column.
        column: String,
        /// The literals.
        literals: Vec<Value>,
    },
    /// `column IS NULL`, `column IS NOT NULL`
    IsNull {
        /// The column.
        column: String,
        /// Whether it is `IS NOT NULL`.
        negated: bool,
    },
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
        assert_eq!(set[0].1, Term::Plus { column: "age".into(), addend: 1 });
        assert_eq!(filter.len(), 2);
        let Statement::Delete { filter, .. } = &statements[2] else { panic!("a delete") };
        assert_eq!(filter[1], Condition::IsNull { column: "since".into(), negated: true });
    }

    #[test]
    fn what_is_outside_the_subset_is_said_and_not_guessed() {
        for outside in [
            "UPDATE Person SET age = 1 WHERE name = 'a' OR name = 'b'",
            "DELETE FROM Person WHERE age IN (SELECT age FROM Person)",
            "INSERT INTO Person SELECT * FROM Person",
            "INSERT INTO Person VALUES ('a')",
            "DELETE FROM Person WHERE name LIKE 'a%'",
            "TRUNCATE Person",
            "DELETE FROM Person WHERE name = 'unclosed",
        ] {
            assert!(parse(outside).is_err(), "{outside}");
        }
    }
}
