//! Tokens to statements.

use super::lexer::{Token, tokens};
use super::{Condition, OutsideSubset, Select, Statement, Term};

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

/// Tokens, and how far they are read. [`super::expression`] reads what stands within statements.
pub(super) struct Parser {
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
}

impl Parser {
    pub(super) fn outside(&self, wanted: &str) -> OutsideSubset {
        let found = match self.tokens.get(self.at) {
            Some(Token::Word(word)) | Some(Token::Number(word)) => format!("'{word}'"),
            Some(Token::Text(text)) => format!("the text '{text}'"),
            Some(Token::Sign(sign)) => format!("'{sign}'"),
            None => "nothing".to_owned(),
        };
        OutsideSubset(format!("{found} stands where the model's subset of SQL has {wanted}"))
    }

    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is);
        is
    }

    pub(super) fn need_sign(&mut self, sign: &str) -> Result<(), OutsideSubset> {
        if self.sign(sign) { Ok(()) } else { Err(self.outside(&format!("'{sign}'"))) }
    }

    pub(super) fn need_keyword(&mut self, keyword: &str) -> Result<(), OutsideSubset> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.outside(keyword)) }
    }

    pub(super) fn name(&mut self) -> Result<String, OutsideSubset> {
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
        if self.keyword("SELECT") {
            let select = self.select()?;
            return match select.terms.len() == columns.len() {
                true => Ok(Statement::InsertFrom { type_name, columns, select }),
                false => Err(OutsideSubset(format!(
                    "a SELECT for {type_name} gives not as many values as there are columns"
                ))),
            };
        }
        self.need_keyword("VALUES")?;
        let rows = self.list(|parser| parser.parenthesised(Self::literal))?;
        if rows.iter().any(|row| row.len() != columns.len()) {
            return Err(OutsideSubset(format!("a row for {type_name} has not as many values as there are columns")));
        }
        Ok(Statement::Insert { type_name, columns, rows })
    }

    fn select(&mut self) -> Result<Select, OutsideSubset> {
        let terms = self.list(|parser| {
            let term = parser.term()?;
            // What a column is called has no part in where it goes.
            if parser.keyword("AS") {
                parser.name()?;
            }
            Ok(term)
        })?;
        self.need_keyword("FROM")?;
        let (from, filter) = (self.name()?, self.filter()?);
        let mut select = Select { terms, from, filter, order: None, limit: None, offset: 0 };
        if self.keyword("ORDER") {
            self.need_keyword("BY")?;
            let column = self.name()?;
            let is_descending = self.keyword("DESC");
            select.order = Some((column, is_descending));
        }
        if self.keyword("LIMIT") {
            select.limit = Some(self.count()?);
        }
        if self.keyword("OFFSET") {
            select.offset = self.count()?;
        }
        Ok(select)
    }

    fn count(&mut self) -> Result<usize, OutsideSubset> {
        let count = self.literal()?.as_u64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.outside("a number of rows"))
    }

    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, OutsideSubset>,
    ) -> Result<Vec<T>, OutsideSubset> {
        let mut items = vec![item(self)?];
        while self.sign(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(super) fn parenthesised<T>(
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
        Ok((column, self.term()?))
    }

    fn filter(&mut self) -> Result<Condition, OutsideSubset> {
        if self.keyword("WHERE") { self.condition() } else { Ok(Condition::Always) }
    }
}
