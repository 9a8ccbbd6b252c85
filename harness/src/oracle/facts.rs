//! Facts about the schema and the store that several observations share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The declared types by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchemaFacts {
    /// Every node and edge type.
    pub types: BTreeMap<String, TypeFacts>,
}

/// One node or edge type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeFacts {
    /// What identifies a row.
    pub kind: TypeKind,
    /// The declared properties by name; an edge's `src` and `dst` are not among them.
    pub properties: BTreeMap<String, PropertyFacts>,
}

/// Node or edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TypeKind {
    /// A node, identified by its key property.
    Node {
        /// The key property's name.
        key: String,
    },
    /// An edge, identified by both endpoints' keys (columns `src` and `dst`).
    Edge {
        /// The node type that `src` refers to.
        from: String,
        /// The node type that `dst` refers to.
        to: String,
    },
}

/// One property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyFacts {
    /// The type as the schema text writes it, without `?`: `String`, `I32`, `DateTime`, `[String]`, …
    pub value: String,
    /// Whether it may be absent.
    pub optional: bool,
    /// Whether its values are unique over the type.
    pub unique: bool,
}

impl TypeFacts {
    /// The columns that identify a row.
    pub fn identity_columns(&self) -> Vec<&str> {
        match &self.kind {
            TypeKind::Node { key } => vec![key],
            TypeKind::Edge { .. } => vec!["src", "dst"],
        }
    }
}

/// One object of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectFact {
    /// Path relative to the graph root, `/`-separated.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Stands for the content: a hash of it, or an entity tag that changes with every write. Of one kind in all listings
    /// of a cell.
    pub hash: String,
}
