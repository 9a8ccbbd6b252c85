//! What an expression is, and whether a condition holds, of one row.

use serde_json::Value;

use super::cell::Cell;
use super::kind::{Kind, kind_of};
use super::sql::{Comparison, Condition, Term};
use super::write::Refusal;
use crate::oracle::facts::{SchemaFacts, TypeFacts};
use crate::oracle::rows::Row;

/// A row of a type.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// The types.
    pub schema: &'a SchemaFacts,
    /// Its own.
    pub facts: &'a TypeFacts,
    /// What stands in it.
    pub row: &'a Row,
}

impl Seat<'_> {
    fn column(&self, name: &str) -> Result<Cell, Refusal> {
        let kind = kind_of(self.schema, self.facts, name)
            .ok_or_else(|| Refusal::Forbidden(format!("there is no column '{name}'")))?;
        Cell::of_column(&kind, self.row.get(name))
    }

    /// What the term is, for a column of this kind.
    pub fn value(&self, term: &Term, into: &Kind) -> Result<Cell, Refusal> {
        match term {
            Term::Literal(literal) => Cell::of_literal(literal),
            Term::Column(name) => self.column(name),
            Term::Arithmetic(left, operator, right) => {
                self.value(left, into)?.arithmetic(*operator, self.value(right, into)?, into)
            }
            Term::Concat(left, right) => match (self.value(left, into)?, self.value(right, into)?) {
                (Cell::Missing, _) | (_, Cell::Missing) => Ok(Cell::Missing),
                (Cell::Text(left), Cell::Text(right)) => Ok(Cell::Text(left + &right)),
                (left, right) => Err(Refusal::NotModelled(format!("{left:?} || {right:?}"))),
            },
            Term::Coalesce(terms) => {
                for term in terms {
                    match self.value(term, into)? {
                        Cell::Missing => {}
                        cell => return Ok(cell),
                    }
                }
                Ok(Cell::Missing)
            }
            Term::Case(branches, otherwise) => {
                for (condition, term) in branches {
                    if self.holds(condition)? == Some(true) {
                        return self.value(term, into);
                    }
                }
                otherwise.as_ref().map_or(Ok(Cell::Missing), |term| self.value(term, into))
            }
        }
    }

    /// What a column becomes. A literal by itself is typed by its column.
    pub fn stored(&self, term: &Term, column: &str) -> Result<Value, Refusal> {
        let kind = kind_of(self.schema, self.facts, column)
            .ok_or_else(|| Refusal::Forbidden(format!("there is no column '{column}'")))?;
        let value = match term {
            Term::Literal(literal) => kind.taken(literal),
            term => self.value(term, &kind)?.stored(&kind),
        };
        value.map_err(|refusal| refusal.about(column))
    }

    /// Whether the condition holds; none where SQL does not know.
    pub fn holds(&self, condition: &Condition) -> Result<Option<bool>, Refusal> {
        match condition {
            Condition::Always => Ok(Some(true)),
            Condition::Not(inner) => Ok(self.holds(inner)?.map(|holds| !holds)),
            Condition::And(parts) => self.joined(parts, false),
            Condition::Or(parts) => self.joined(parts, true),
            Condition::IsNull(term) => Ok(Some(self.side(term)? == Cell::Missing)),
            Condition::Compare(left, comparison, right) => self.compared(left, *comparison, right),
            Condition::In(term, literals) => {
                let parts = literals
                    .iter()
                    .map(|literal| Condition::Compare(term.clone(), Comparison::Equal, Term::Literal(literal.clone())));
                self.joined(&parts.collect::<Vec<_>>(), true)
            }
        }
    }

    /// `AND` is decided by one that is false, `OR` by one that is true; else one that is unknown makes the whole unknown.
    fn joined(&self, parts: &[Condition], decides: bool) -> Result<Option<bool>, Refusal> {
        let mut all = Some(!decides);
        for part in parts {
            match self.holds(part)? {
                Some(holds) if holds == decides => return Ok(Some(decides)),
                Some(_) => {}
                None => all = None,
            }
        }
        Ok(all)
    }

    fn compared(&self, left: &Term, comparison: Comparison, right: &Term) -> Result<Option<bool>, Refusal> {
        let order = self.side(left)?.compared(&self.side(right)?)?;
        Ok(order.map(|order| match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }))
    }

    /// One side of a comparison goes into no column.
    fn side(&self, term: &Term) -> Result<Cell, Refusal> {
        self.value(term, &Kind::Text)
    }
}
