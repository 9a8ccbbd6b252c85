//! What a call to the store is about, so that a layer can count it or fail it.

use std::fmt;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

/// Which API made a call: control objects through [`TextObjects`](super::TextObjects), or Lance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Realm {
    /// Sidecars, schema contracts and other text objects.
    Control,
    /// Lance datasets: node and edge tables, the graph manifest, the audit table.
    Table,
}

impl Realm {
    /// Both realms.
    pub const ALL: &[Realm] = &[Realm::Control, Realm::Table];

    /// The name as scenarios and reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Realm::Control => "control",
            Realm::Table => "table",
        }
    }
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A put that replaces whatever is there.
    Put,
    /// A put that fails when something is there.
    PutIfAbsent,
    /// A put that fails unless a given version is there.
    PutIfMatch,
    /// Begins an upload in parts.
    MultipartStart,
    /// Sends one part.
    MultipartPart,
    /// Makes the parts an object.
    MultipartComplete,
    /// Gives an upload up.
    MultipartAbort,
    /// Reads an object or ranges of it.
    Get,
    /// Reads what is known about an object, without its bytes.
    Head,
    /// Lists a prefix, flat or one level of it.
    List,
    /// Deletes one object.
    Delete,
    /// Copies one object.
    Copy,
    /// Renames one object.
    Rename,
}

impl Operation {
    /// Every operation.
    pub const ALL: &[Operation] = &[
        Operation::Put,
        Operation::PutIfAbsent,
        Operation::PutIfMatch,
        Operation::MultipartStart,
        Operation::MultipartPart,
        Operation::MultipartComplete,
        Operation::MultipartAbort,
        Operation::Get,
        Operation::Head,
        Operation::List,
        Operation::Delete,
        Operation::Copy,
        Operation::Rename,
    ];

    /// The name as scenarios and reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Put => "put",
            Operation::PutIfAbsent => "put-if-absent",
            Operation::PutIfMatch => "put-if-match",
            Operation::MultipartStart => "multipart-start",
            Operation::MultipartPart => "multipart-part",
            Operation::MultipartComplete => "multipart-complete",
            Operation::MultipartAbort => "multipart-abort",
            Operation::Get => "get",
            Operation::Head => "head",
            Operation::List => "list",
            Operation::Delete => "delete",
            Operation::Copy => "copy",
            Operation::Rename => "rename",
        }
    }

    /// Whether the operation can change the store. Parts count: they are durable before the object exists.
    pub fn is_write(self) -> bool {
        !matches!(self, Operation::Get | Operation::Head | Operation::List)
    }

    /// Whether the operation makes a change visible to readers: every write except those that begin, feed or abort an
    /// upload in parts.
    pub fn is_visible_write(self) -> bool {
        self.is_write()
            && !matches!(self, Operation::MultipartStart | Operation::MultipartPart | Operation::MultipartAbort)
    }
}

/// What kind of object a path below the graph root names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathClass {
    /// A recovery sidecar, or the directory of them.
    Sidecar,
    /// A sidecar that an operator put out of the way.
    Quarantine,
    /// Anything of the graph manifest's dataset.
    Manifest,
    /// Anything of the recovery audit's dataset.
    Audit,
    /// A schema contract.
    SchemaObject,
    /// A data file of a node or edge table.
    TableData,
    /// A deletion file of a table.
    TableDeletion,
    /// A transaction file of a table.
    TableTransaction,
    /// A version manifest of a table, or the directory of them.
    TableVersion,
    /// An index file of a table.
    TableIndex,
    /// Anything else.
    Other,
}

impl PathClass {
    /// Every class.
    pub const ALL: &[PathClass] = &[
        PathClass::Sidecar,
        PathClass::Quarantine,
        PathClass::Manifest,
        PathClass::Audit,
        PathClass::SchemaObject,
        PathClass::TableData,
        PathClass::TableDeletion,
        PathClass::TableTransaction,
        PathClass::TableVersion,
        PathClass::TableIndex,
        PathClass::Other,
    ];

    /// The class of a path that is relative to the graph root. A prefix that is listed has the class of what it holds.
    pub fn of(path: &Path) -> PathClass {
        let mut segments = path.as_ref().split('/');
        match segments.next() {
            Some("__recovery") if segments.next() == Some("quarantine") => PathClass::Quarantine,
            Some("__recovery") => PathClass::Sidecar,
            Some("__schema") => PathClass::SchemaObject,
            Some("__manifest") => PathClass::Manifest,
            Some("_graph_commit_recoveries.lance") => PathClass::Audit,
            // The table's own name comes first; a Lance branch puts `tree/<branch>` before the directories.
            Some("nodes" | "edges") => segments.skip(1).find_map(PathClass::of_directory).unwrap_or(PathClass::Other),
            _ => PathClass::Other,
        }
    }

    fn of_directory(segment: &str) -> Option<PathClass> {
        match segment {
            "data" => Some(PathClass::TableData),
            "_deletions" => Some(PathClass::TableDeletion),
            "_transactions" => Some(PathClass::TableTransaction),
            "_versions" => Some(PathClass::TableVersion),
            "_indices" => Some(PathClass::TableIndex),
            _ => None,
        }
    }

    /// The name as scenarios and reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            PathClass::Sidecar => "sidecar",
            PathClass::Quarantine => "quarantine",
            PathClass::Manifest => "manifest",
            PathClass::Audit => "audit",
            PathClass::SchemaObject => "schema-object",
            PathClass::TableData => "table-data",
            PathClass::TableDeletion => "table-deletion",
            PathClass::TableTransaction => "table-transaction",
            PathClass::TableVersion => "table-version",
            PathClass::TableIndex => "table-index",
            PathClass::Other => "other",
        }
    }
}

/// One call to the store, as a layer sees it before it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Which API made it.
    pub realm: Realm,
    /// What it does.
    pub operation: Operation,
    /// What kind of object it is about.
    pub class: PathClass,
    /// The object or prefix, relative to the graph root; of a copy or rename, the target.
    pub path: String,
    /// Bytes that a write carries, or that a read asked for where it said how many; else 0.
    pub bytes: u64,
}

impl Call {
    /// A call about `path`.
    pub fn new(realm: Realm, operation: Operation, path: &Path, bytes: u64) -> Self {
        Call { realm, operation, class: PathClass::of(path), path: path.as_ref().to_owned(), bytes }
    }
}

macro_rules! display_as_str {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    )*};
}
display_as_str!(Realm, Operation, PathClass);

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ({} bytes)", self.realm, self.operation, self.path, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_layout_has_its_class() {
        for (path, class) in [
            ("__recovery", PathClass::Sidecar),
            ("__recovery/01J.json", PathClass::Sidecar),
            ("__recovery/quarantine", PathClass::Quarantine),
            ("__recovery/quarantine/01J.json", PathClass::Quarantine),
            ("__schema/abc.json", PathClass::SchemaObject),
            ("__manifest/data/x.lance", PathClass::Manifest),
            ("_graph_commit_recoveries.lance/_versions/1.manifest", PathClass::Audit),
            ("nodes/Person-01J.lance/data/x.lance", PathClass::TableData),
            ("nodes/Person-01J.lance/_deletions/x.arrow", PathClass::TableDeletion),
            ("edges/WorksAt-01J.lance/_transactions/0-x.txn", PathClass::TableTransaction),
            ("edges/WorksAt-01J.lance/_versions", PathClass::TableVersion),
            ("nodes/data/_versions/1.manifest", PathClass::TableVersion),
            ("nodes/Person-01J.lance/tree/b/_versions/1.manifest", PathClass::TableVersion),
            ("nodes/Person-01J.lance/_indices/u/page.idx", PathClass::TableIndex),
            ("nodes/Person-01J.lance/_refs/branches/b.json", PathClass::Other),
            ("nodes", PathClass::Other),
            ("", PathClass::Other),
        ] {
            assert_eq!(PathClass::of(&Path::from(path)), class, "{path}");
        }
    }

    #[test]
    fn names_are_those_that_serde_writes() {
        fn quoted(text: &str) -> String {
            format!("\"{text}\"")
        }
        for value in Realm::ALL {
            assert_eq!(serde_json::to_string(value).unwrap(), quoted(value.as_str()));
        }
        for value in Operation::ALL {
            assert_eq!(serde_json::to_string(value).unwrap(), quoted(value.as_str()));
        }
        for value in PathClass::ALL {
            assert_eq!(serde_json::to_string(value).unwrap(), quoted(value.as_str()));
        }
    }
}
