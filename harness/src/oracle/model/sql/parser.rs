//! Tokens to statements.

use serde_json::Value;

use super::lexer::{Token, tokens};
use super::{Comparison, Condition, OutsideSubset, Statement, Term};

/// Parses statements separated by semicolons.
pub fn parse(text: &str) -> Result<Vec<Statement>, OutsideSubset> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let mut statements = Vec::new();
    loop {
        while parser.sign(";") {}
        if parser.at == parser.tokens.len() {
            return Ok(statements);
        }
        statements.push(parser.statement()?);
        if parser.at < parser.tokens.len() && !parser.sign(";") {
            return Err(parser.outside("the end of the statement"));
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn outside(&self, wanted: &str) -> OutsideSubset {
        let found = match self.tokens.get(self.at) {
            Some(Token::Word(word)) | Some(Token::Number(word)) => format!("'{word}'"),
            Some(Token::Text(text)) => format!("the text '{text}'"),
            Some(Token::Sign(sign)) => format!("'{sign}'"),
            None => "nothing".to_owned(),
        };
        OutsideSubset(format!("{found} stands where the model's subset of SQL has {wanted}"))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is);
        is
    }

    fn need_sign(&mut self, sign: &str) -> Result<(), OutsideSubset> {
        if self.sign(sign) { Ok(()) } else { Err(self.outside(&format!("'{sign}'"))) }
    }

    fn need_keyword(&mut self, keyword: &str) -> Result<(), OutsideSubset> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.outside(keyword)) }
    }

    fn name(&mut self) -> Result<String, OutsideSubset> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            _ => Err(self.outside("a name")),
        }
    }

    fn statement(&mut self) -> Result<Statement, OutsideSubset> {
        if self.keyword("INSERT") {
            return self.insert();
        }
        if self.keyword("UPDATE") {
            let type_name = self.name()?;
            self.need_keyword("SET")?;
            let set = self.list(Self::assignment)?;
            return Ok(Statement::Update { type_name, set, filter: self.filter()? });
        }
        if self.keyword("DELETE") {
            self.need_keyword("FROM")?;
            return Ok(Statement::Delete { type_name: self.name()?, filter: self.filter()? });
        }
        Err(self.outside("INSERT, UPDATE or DELETE"))
    }

    fn insert(&mut self) -> Result<Statement, OutsideSubset> {
        self.need_keyword("INTO")?;
        let type_name = self.name()?;
        let columns = self.parenthesised(Self::name)?;
        self.need_keyword("VALUES")?;
        let rows = self.list(|parser| parser.parenthesised(Self::literal))?;
        if rows.iter().any(|row| row.len() != columns.len()) {
            return Err(OutsideSubset(format!("a row for {type_name} has not as many values as there are columns")));
        }
        Ok(Statement::Insert { type_name, columns, rows })
    }

    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, OutsideSubset>,
    ) -> Result<Vec<T>, OutsideSubset> {
        let mut items = vec![item(self)?];
        while self.sign(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn parenthesised<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T, OutsideSubset>,
    ) -> Result<Vec<T>, OutsideSubset> {
        self.need_sign("(")?;
        let items = self.list(item)?;
        self.need_sign(")")?;
        Ok(items)
    }

    fn assignment(&mut self) -> Result<(String, Term), OutsideSubset> {
        let column = self.name()?;
        self.need_sign("=")?;
        let start = self.at;
        if let Ok(value) = self.literal() {
            return Ok((column, Term::Literal(value)));
        }
        self.at = start;
        let source = self.name()?;
        let negative = if self.sign("+") { false } else { self.need_sign("-").map(|()| true)? };
        let addend = self.literal()?.as_i64().ok_or_else(|| self.outside("an integer"))?;
        Ok((column, Term::Plus { column: source, addend: if negative { -addend } else { addend } }))
    }

    fn filter(&mut self) -> Result<Vec<Condition>, OutsideSubset> {
        if !self.keyword("WHERE") {
            return Ok(Vec::new());
        }
        let mut conditions = vec![self.condition()?];
        while self.keyword("AND") {
            conditions.push(self.condition()?);
        }
        Ok(conditions)
    }

    fn condition(&mut self) -> Result<Condition, OutsideSubset> {
        let column = self.name()?;
        if self.keyword("IS") {
            let negated = self.keyword("NOT");
            self.need_keyword("NULL")?;
            return Ok(Condition::IsNull { column, negated });
        }
        if self.keyword("IN") {
            return Ok(Condition::In { column, literals: self.parenthesised(Self::literal)? });
        }
        let comparison = self.comparison()?;
        Ok(Condition::Compare { column, comparison, literal: self.literal()? })
    }

    fn comparison(&mut self) -> Result<Comparison, OutsideSubset> {
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

    fn literal(&mut self) -> Result<Value, OutsideSubset> {
        if self.keyword("NULL") {
            return Ok(Value::Null);
        }
        if self.keyword("TRUE") {
            return Ok(Value::Bool(true));
        }
        if self.keyword("FALSE") {
            return Ok(Value::Bool(false));
        }
        let start = self.at;
        let typed = self.keyword("DATE") || self.keyword("TIMESTAMP");
        if let Some(Token::Text(text)) = self.tokens.get(self.at) {
            self.at += 1;
            return Ok(Value::String(text.clone()));
        }
        if typed {
            self.at = start;
            return Err(self.outside("a literal"));
        }
        let negative = self.sign("-");
        let Some(Token::Number(digits)) = self.tokens.get(self.at) else {
            self.at = start;
            return Err(self.outside("a literal"));
        };
        let digits = if negative { format!("-{digits}") } else { digits.clone() };
        let value = serde_json::from_str(&digits).map_err(|_| self.outside("a number"))?;
        self.at += 1;
        Ok(value)
    }
}
