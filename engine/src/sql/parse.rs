//! Text → statements that are allowed.
//!
//! The parser makes a deep tree of a long chain (`1+1+…`) without a bound of its own, and dropping a deep tree takes as much
//! stack as walking it. Chains are therefore measured before there is a tree, and the parser runs on a stack that suffices.

use std::collections::BTreeSet;

use datafusion::execution::context::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::limit::{CHAIN_TOKENS_MAX, SQL_BYTES_MAX, SQL_NESTING_MAX};
use super::stack::deeply;
use super::{allow, refused};
use crate::error::{Error, Result};
use crate::schema::Catalog;

/// The statements of a text, separated by `;`. What stands in a query is carried out as it stands, or is refused here; what
/// stands in another statement, the verbs look at, on enough stack.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>> {
    if sql.len() > SQL_BYTES_MAX {
        let message = format!("the SQL is {} bytes long, at most {SQL_BYTES_MAX} are read", sql.len());
        return Err(Error::invalid(message).with_advice("load many rows as JSON lines"));
    }
    // A tree that is refused is dropped on this stack as well.
    deeply(|| {
        let dialect = GenericDialect {};
        let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
        let tokens = tokens.map_err(|e| Error::invalid(format!("the SQL cannot be read: {e}")))?;
        measure(&tokens)?;
        let parser = DFParserBuilder::new(tokens).with_dialect(&dialect).with_recursion_limit(SQL_NESTING_MAX).build();
        let statements = parser.and_then(|mut parser| parser.parse_statements()).map_err(unreadable)?;
        statements.iter().try_for_each(allow::statement)?;
        Ok(statements.into())
    })
}

fn unreadable(error: datafusion::error::DataFusionError) -> Error {
    let text = error.strip_backtrace();
    if text.contains("RecursionLimitExceeded") || text.contains("recursion limit") {
        let message =
            format!("brackets, subqueries, NOT, minus signs or CASE nest more than {SQL_NESTING_MAX} levels deep");
        return Error::invalid(message).with_source(error);
    }
    refused(error)
}

/// Bounds the nesting of brackets, and between brackets the tokens without a comma.
fn measure(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut chains = vec![0_usize];
    for token in tokens {
        match &token.token {
            Token::Whitespace(_) => {}
            Token::LParen | Token::LBracket | Token::LBrace => chains.push(0),
            Token::RParen | Token::RBracket | Token::RBrace => {
                chains.pop();
                if chains.is_empty() {
                    chains.push(0);
                }
            }
            Token::SemiColon => chains = vec![0],
            _ => {}
        }
        if chains.len() > SQL_NESTING_MAX {
            return Err(Error::invalid(format!("brackets nest more than {SQL_NESTING_MAX} levels deep")));
        }
        let Some(chain) = chains.last_mut() else { continue };
        match &token.token {
            Token::Whitespace(_) => {}
            Token::Comma => *chain = 0,
            _ => *chain += 1,
        }
        if *chain > CHAIN_TOKENS_MAX {
            let message = format!("the SQL has more than {CHAIN_TOKENS_MAX} words and signs in a row without a comma");
            return Err(Error::invalid(message).with_advice("use IN for many values, or several statements"));
        }
    }
    Ok(())
}

/// The names of the tables that a statement reads.
pub(crate) fn tables_of(_: &SessionContext, statement: &Statement) -> Result<BTreeSet<String>> {
    allow::tables_of(statement)
}

/// The error of SQL that names a table that is no type.
pub(crate) fn unknown_type(name: &str, catalog: &Catalog) -> Error {
    let names: Vec<&str> = catalog.types().iter().take(20).map(|ty| ty.name.as_str()).collect();
    Error::invalid(format!("there is no type `{name}`"))
        .with_advice(format!("the types are {}; names are case-sensitive", names.join(", ")))
}
