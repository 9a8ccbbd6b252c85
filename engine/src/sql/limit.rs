//! What SQL may be, so that nothing that comes in as text can end the process.

use std::time::Duration;

/// Longest SQL text, in bytes.
pub(crate) const SQL_BYTES_MAX: usize = 4 << 20;
/// How deep brackets, subqueries, prefix operators and CASE may nest.
pub(crate) const SQL_NESTING_MAX: usize = 50;
/// Longest chain of tokens without a bracket or a comma. The parser makes one deep tree of a chain, and a deep tree costs
/// stack wherever it is walked or dropped.
pub(crate) const CHAIN_TOKENS_MAX: usize = 20_000;
/// How deep the tree of one statement may be: a chain of `n` operators, of OR or of UNION is `n` levels deep.
pub(crate) const TREE_LEVELS_MAX: usize = 1_000;
/// Expressions of one statement, each part counted.
pub(crate) const EXPRESSIONS_MAX: usize = 250_000;
/// Tables that one statement reads, each SELECT counted; a common table expression counts where it is used.
pub(crate) const TABLES_MAX: usize = 200;
/// How deep WITH may stand within WITH: each level doubles how often the innermost is looked at.
pub(crate) const WITH_NESTING_MAX: usize = 8;
/// How large an expression may become when subqueries and common table expressions that build on one another are put into each
/// other, in references to columns.
pub(crate) const REFERENCES_MAX: usize = 100_000;
/// How long a query, or the statements of a mutation, may take unless somebody says otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// Longest text that a function may make of shorter ones, in bytes.
pub(crate) const TEXT_BYTES_MAX: i64 = 64 << 20;
/// The same for all rows of a batch together.
pub(crate) const TEXTS_BYTES_MAX: i64 = 512 << 20;

/// About how many bytes a batch of a scan may have. Texts of one batch are addressed by 32 bits, and a batch is held in memory.
pub(crate) const BATCH_BYTES: u64 = 32 << 20;
/// Rows that a batch of a scan has at most.
pub(crate) const BATCH_ROWS: usize = 8_192;
/// Bytes that the vectors of a batch of a scan take, unless one row alone has more. Several batches are decoded at a time.
pub(crate) const VECTOR_BYTES_MAX: usize = 8 << 20;
/// A data file of fewer bytes has no texts that 32 bits do not address: Lance makes an eighth of a text at best.
pub(crate) const PLAIN_FILE_BYTES: u64 = 128 << 20;
/// Rows of a batch whose texts are addressed by 32 bits, however long each of them is.
pub(crate) const LONG_TEXT_ROWS: usize = (i32::MAX as i64 / TEXT_BYTES_MAX) as usize;
/// Stack that a statement is planned and run on, in bytes: several times what [`TREE_LEVELS_MAX`] levels need.
pub(crate) const STACK_BYTES: usize = 64 << 20;
/// A filter that is deeper than this is not applied by Lance, whose threads have little stack.
pub(crate) const FILTER_LEVELS_MAX: usize = 50;
/// Bytes of text that a batch of a result may have.
pub(crate) const RESULT_TEXT_BYTES_MAX: usize = 512 << 20;
