//! Text → statements that are allowed.
//!
//! The parser makes a deep tree of a long chain (`1+1+…`) without a bound of its own, and dropping a deep tree takes as much
//! stack as walking it. Chains are therefore measured before there is a tree, and the parser runs on a stack that suffices.

use std::collections::BTreeSet;

use datafusion::execution::context::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::limit::{CHAIN_TOKENS_MAX, SQL_BYTES_MAX, SQL_NESTING_MAX};
use super::stack::deeply;
use super::{allow, refused};
use crate::error::{Error, Result};
use crate::schema::Catalog;

/// How deep the parser may call itself, which it does several times for a bracket.
const PARSER_LEVELS_MAX: usize = 4 * SQL_NESTING_MAX;

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
        let parser =
            DFParserBuilder::new(tokens).with_dialect(&dialect).with_recursion_limit(PARSER_LEVELS_MAX).build();
        let statements = parser.and_then(|mut parser| parser.parse_statements()).map_err(refused)?;
        statements.iter().try_for_each(allow::statement)?;
        Ok(statements.into())
    })
}

/// Bounds the nesting of brackets, of CASE and of words before a value, and between brackets the tokens without a comma.
fn measure(tokens: &[TokenWithSpan]) -> Result<()> {
    let (mut chains, mut cases, mut prefixes) = (vec![0_usize], 0_usize, 0_usize);
    for TokenWithSpan { token, span: _ } in tokens {
        if matches!(token, Token::Whitespace(_)) {
            continue;
        }
        prefixes = if is_prefix(token) { prefixes + 1 } else { 0 };
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => chains.push(0),
            Token::RParen | Token::RBracket | Token::RBrace if chains.len() > 1 => {
                chains.pop();
            }
            Token::Word(word) if word.keyword == Keyword::CASE => cases += 1,
            Token::Word(word) if word.keyword == Keyword::END => cases = cases.saturating_sub(1),
            Token::SemiColon => (chains, cases) = (vec![0], 0),
            _ => {}
        }
        if chains.len() + cases + prefixes > SQL_NESTING_MAX {
            let message = format!("brackets, CASE, NOT and signs nest more than {SQL_NESTING_MAX} levels deep");
            return Err(Error::invalid(message));
        }
        let Some(chain) = chains.last_mut() else { continue };
        *chain = if *token == Token::Comma { 0 } else { *chain + 1 };
        if *chain > CHAIN_TOKENS_MAX {
            let message = format!("the SQL has more than {CHAIN_TOKENS_MAX} words and signs in a row without a comma");
            return Err(Error::invalid(message).with_advice("use IN for many values, or several statements"));
        }
    }
    Ok(())
}

fn is_prefix(token: &Token) -> bool {
    match token {
        Token::Minus | Token::Plus => true,
        Token::Word(word) => word.keyword == Keyword::NOT,
        _ => false,
    }
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
