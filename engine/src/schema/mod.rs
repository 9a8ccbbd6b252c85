//! What the types of a graph mean: the schema language, the catalog it is read into, the contract that is stored.
//!
//! ```text
//! node Person { name: String @key  age: I32? }
//! node Company { name: String @key }
//! edge WorksAt: Person -> Company { since: Date? }
//! ```
//!
//! - [`language`]: text → declarations, every mistake at once, with line, column and excerpt;
//! - [`scalar`]: the types a property can have and what they are in Arrow;
//! - [`catalog`]: declarations → [`Catalog`], what the rest of the engine asks;
//! - [`validate`]: the rules, the same for text and for a stored contract;
//! - [`contract`]: [`Catalog`] ↔ JSON with a format version, stable ids and a content hash.
//!
//! Everything in here is pure: no storage, no clock.

pub mod catalog;
pub mod contract;
mod diagnose;
mod language;
pub mod limit;
pub mod scalar;
#[cfg(test)]
mod tests;
mod validate;

pub use catalog::{Catalog, Property, PropertyId, TypeDef, TypeId, TypeKind};
pub use contract::{CONTRACT_FORMAT, ContractError, hash_of};
pub use diagnose::{SchemaError, SchemaErrors};
pub use scalar::ScalarType;

/// Column of an edge table that holds the key of the node an edge starts at.
pub const SRC: &str = "src";
/// Column of an edge table that holds the key of the node an edge ends at.
pub const DST: &str = "dst";

impl From<SchemaErrors> for crate::Error {
    fn from(errors: SchemaErrors) -> Self {
        crate::Error::new(crate::ErrorKind::Invalid, errors.to_string()).with_source(errors)
    }
}

impl From<ContractError> for crate::Error {
    fn from(error: ContractError) -> Self {
        crate::Error::new(crate::ErrorKind::Corrupt, error.to_string())
            .with_advice(
                "restore the contract object from a backup, or open the graph with a build that knows its format",
            )
            .with_source(error)
    }
}
