//! Tokens to expressions and conditions.

use serde_json::Value;

use super::lexer::Token;
use super::parser::Parser;
use super::{Comparison, Condition, Operator, OutsideSubset, Term};

/// Expressions inside one another.
const DEPTH_MAX: usize = 64;

type Parsed<T> = Result<T, OutsideSubset>;

impl Parser {
    /// A condition: `OR` binds least, then `AND`, then `NOT`.
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        self.any_of(0)
    }

    fn any_of(&mut self, depth: usize) -> Parsed<Condition> {
        self.joined("OR", depth, Self::all_of, Condition::Or)
    }

    fn all_of(&mut self, depth: usize) -> Parsed<Condition> {
        self.joined("AND", depth, Self::one, Condition::And)
    }

    fn joined(
        &mut self,
        word: &str,
        depth: usize,
        part: fn(&mut Self, usize) -> Parsed<Condition>,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Parsed<Condition> {
        let first = part(self, depth)?;
        let mut parts = vec![first];
        while self.keyword(word) {
            parts.push(part(self, depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn one(&mut self, depth: usize) -> Parsed<Condition> {
        if depth > DEPTH_MAX {
            return Err(self.outside("a condition that is less deep"));
        }
        if self.keyword("NOT") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        let start = self.at;
        if self.sign("(") {
            // In parentheses stands a condition, or the beginning of an expression.
            let inside = self.any_of(depth + 1);
            let is_over = self.sign(")") && !self.goes_on_as_a_term();
            match inside {
                Ok(condition) if is_over => return Ok(condition),
                _ => self.at = start,
            }
        }
        self.predicate(depth)
    }

    fn goes_on_as_a_term(&self) -> bool {
        let signs = ["=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "||"];
        match self.tokens.get(self.at) {
            Some(Token::Sign(sign)) => signs.contains(sign),
            Some(Token::Word(word)) => ["IS", "IN", "NOT"].iter().any(|known| word.eq_ignore_ascii_case(known)),
            _ => false,
        }
    }

    fn predicate(&mut self, depth: usize) -> Parsed<Condition> {
        let term = self.sum(depth)?;
        let negated = |is: bool, condition: Condition| if is { Condition::Not(Box::new(condition)) } else { condition };
        if self.keyword("IS") {
            let is_negated = self.keyword("NOT");
            self.need_keyword("NULL")?;
            return Ok(negated(is_negated, Condition::IsNull(term)));
        }
        let is_negated = self.keyword("NOT");
        if is_negated || self.keyword("IN") {
            if is_negated {
                self.need_keyword("IN")?;
            }
            return Ok(negated(is_negated, Condition::In(term, self.parenthesised(Self::literal)?)));
        }
        let comparison = self.comparison()?;
        Ok(Condition::Compare(term, comparison, self.sum(depth)?))
    }

    fn comparison(&mut self) -> Parsed<Comparison> {
        const SIGNS: &[(&str, Comparison)] = &[
            ("=", Comparison::Equal),
            ("<>", Comparison::NotEqual),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        match SIGNS.iter().find(|(sign, _)| self.sign(sign)) {
            Some((_, comparison)) => Ok(*comparison),
            None => Err(self.outside("a comparison")),
        }
    }

    /// An expression over columns.
    pub(super) fn term(&mut self) -> Parsed<Term> {
        self.sum(0)
    }

    fn sum(&mut self, depth: usize) -> Parsed<Term> {
        let mut term = self.product(depth)?;
        loop {
            term = if self.sign("||") {
                Term::Concat(Box::new(term), Box::new(self.product(depth)?))
            } else if self.sign("+") {
                Term::Arithmetic(Box::new(term), Operator::Plus, Box::new(self.product(depth)?))
            } else if self.sign("-") {
                Term::Arithmetic(Box::new(term), Operator::Minus, Box::new(self.product(depth)?))
            } else {
                return Ok(term);
            };
        }
    }

    fn product(&mut self, depth: usize) -> Parsed<Term> {
        let mut term = self.factor(depth)?;
        while self.sign("*") {
            term = Term::Arithmetic(Box::new(term), Operator::Times, Box::new(self.factor(depth)?));
        }
        Ok(term)
    }

    fn factor(&mut self, depth: usize) -> Parsed<Term> {
        if depth > DEPTH_MAX {
            return Err(self.outside("an expression that is less deep"));
        }
        if self.sign("(") {
            let term = self.sum(depth + 1)?;
            return self.need_sign(")").map(|()| term);
        }
        if self.keyword("CASE") {
            return self.case(depth);
        }
        if self.keyword("COALESCE") {
            return Ok(Term::Coalesce(self.parenthesised(|parser| parser.sum(depth + 1))?));
        }
        let start = self.at;
        if let Ok(literal) = self.literal() {
            return Ok(Term::Literal(literal));
        }
        self.at = start;
        let column = self.name()?;
        // A function that is none of those above, or a column of another table.
        if self.sign("(") { Err(self.outside("the end of a name")) } else { Ok(Term::Column(column)) }
    }

    fn case(&mut self, depth: usize) -> Parsed<Term> {
        let mut branches = Vec::new();
        while self.keyword("WHEN") {
            let condition = self.any_of(depth + 1)?;
            self.need_keyword("THEN")?;
            branches.push((condition, self.sum(depth + 1)?));
        }
        let otherwise = match self.keyword("ELSE") {
            true => Some(Box::new(self.sum(depth + 1)?)),
            false => None,
        };
        self.need_keyword("END")?;
        if branches.is_empty() { Err(self.outside("CASE WHEN")) } else { Ok(Term::Case(branches, otherwise)) }
    }

    /// A literal, or a list of them.
    pub(super) fn literal(&mut self) -> Parsed<Value> {
        if self.sign("[") {
            let items = if matches!(self.tokens.get(self.at), Some(Token::Sign("]"))) {
                Vec::new()
            } else {
                self.list(Self::scalar)?
            };
            return self.need_sign("]").map(|()| Value::Array(items));
        }
        self.scalar()
    }

    fn scalar(&mut self) -> Parsed<Value> {
        for (word, value) in [("NULL", Value::Null), ("TRUE", Value::Bool(true)), ("FALSE", Value::Bool(false))] {
            if self.keyword(word) {
                return Ok(value);
            }
        }
        let start = self.at;
        let is_typed = self.keyword("DATE") || self.keyword("TIMESTAMP");
        if let Some(Token::Text(text)) = self.tokens.get(self.at) {
            self.at += 1;
            return Ok(Value::String(text.clone()));
        }
        let sign = if !is_typed && self.sign("-") { "-" } else { "" };
        let number = match self.tokens.get(self.at) {
            Some(Token::Number(digits)) if !is_typed => crate::json::number(&format!("{sign}{digits}")),
            _ => None,
        };
        match number {
            Some(number) => {
                self.at += 1;
                Ok(Value::Number(number))
            }
            None => {
                self.at = start;
                Err(self.outside("a literal"))
            }
        }
    }
}
