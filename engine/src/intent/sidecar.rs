//! The recovery sidecar: the durable record of an armed write.
//!
//! JSON, one object, pretty-printed so that an operator can read it. Reading one back is strict: what is not exactly a
//! sidecar of this format or the one before, under its own name, with its own checksum, is an error that says what is wrong.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::earlier::{FORMER_FORMAT_VERSION, FormerSidecar};
use crate::id::{CommitId, IncarnationId, OperationId};
use crate::manifest::{GraphState, SchemaPointer, TableEntry};
use crate::writer::WriterKind;

/// The sidecar format that this program writes. It reads the one before as well, and refuses every other.
pub const FORMAT_VERSION: u32 = 2;

/// A graph branch in one of its lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchRef {
    /// The branch's name.
    pub name: String,
    /// The life of the branch that the write belongs to.
    pub incarnation: IncarnationId,
}

/// On what a planned table stands when the write is prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// It must not exist yet: its first version is the write's.
    Absent,
    /// This version is its HEAD.
    Version(u64),
}

/// A table that the write commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTable {
    /// The type whose rows the table holds.
    pub type_name: String,
    /// The dataset's path below the graph root.
    pub path: String,
    /// The Lance branch that is committed to.
    pub lance_branch: String,
    /// On what the commits were staged; the first lands on the version after, or not at all, and each other on the one after that.
    pub base: Base,
    /// The identities of the planned Lance transactions, in the order in which they land; at least one.
    pub transactions: Vec<String>,
}

impl PlannedTable {
    /// The version on which the first commit lands, less one: 0 for a table that must not exist yet, which is also the HEAD of one
    /// that does not.
    pub fn base_version(&self) -> u64 {
        match self.base {
            Base::Absent => 0,
            Base::Version(version) => version,
        }
    }
}

/// A table that the write was validated against and leaves alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadTable {
    /// The dataset's path below the graph root.
    pub path: String,
    /// Its Lance branch.
    pub lance_branch: String,
    /// The version of the rows that were read.
    pub rows_version: u64,
}

impl ReadTable {
    /// What a write that was validated against `entry` records.
    pub fn of(entry: &TableEntry) -> ReadTable {
        let TableEntry { path, lance_branch, rows_version, .. } = entry.clone();
        ReadTable { path, lance_branch, rows_version }
    }

    /// Whether the rows that were read are those that `now` shows.
    pub fn still_stands(&self, now: &GraphState) -> bool {
        let entry = now.table_at(&self.path, &self.lance_branch);
        entry.is_some_and(|entry| entry.rows_version == self.rows_version)
    }
}

/// The record of one armed write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// The format; see [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The write's name, which is also the file's name.
    pub operation_id: OperationId,
    /// The kind of write.
    pub writer: WriterKind,
    /// Who writes.
    pub actor: String,
    /// When the write was armed, by the writer's clock.
    pub started_at: DateTime<Utc>,
    /// The graph branch that the write belongs to.
    pub branch: BranchRef,
    /// The version of the graph manifest that the write was prepared on.
    pub graph_version: u64,
    /// The tables that it commits to, by path.
    pub tables: Vec<PlannedTable>,
    /// The tables that it was validated against.
    pub reads: Vec<ReadTable>,
    /// The tables that the publish registers, whole; of one that is committed to as well, the last planned commit is the pin.
    pub registrations: Vec<TableEntry>,
    /// Paths of tables that the publish retires.
    pub retirements: Vec<String>,
    /// The schema contract that the publish activates, where it changes.
    pub planned_schema: Option<SchemaPointer>,
    /// The second parent of the publish: the commit that a merge brings in.
    pub merge_parent: Option<CommitId>,
}

/// Why a file below the recovery prefix is not a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidecarError {
    /// The file's name.
    pub file: String,
    /// What is wrong, lower case and without a full stop.
    pub reason: String,
}

impl fmt::Display for SidecarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recovery sidecar `{}` cannot be read: {}", self.file, self.reason)
    }
}

impl std::error::Error for SidecarError {}

#[derive(Serialize)]
struct Sealed<'a> {
    #[serde(flatten)]
    body: &'a Sidecar,
    checksum: String,
}

impl Sidecar {
    /// The name of the sidecar's file.
    pub fn file_name(&self) -> String {
        format!("{}.json", self.operation_id)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// None that a caller could cause: only a value that JSON cannot hold.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        let sealed = Sealed { body: self, checksum: checksum(self)? };
        let mut text = serde_json::to_string_pretty(&sealed)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads `bytes` of the file `file`.
    ///
    /// # Errors
    /// A [`SidecarError`] for everything that is not exactly a sidecar: bad JSON, an unknown format, unknown or missing
    /// fields, a checksum that does not match, a name that is not the operation id.
    pub fn decode(file: &str, bytes: &[u8]) -> Result<Sidecar, SidecarError> {
        let fail = |reason: String| SidecarError { file: file.to_owned(), reason };
        let mut value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|e| fail(format!("it is not JSON ({e})")))?;
        let object = value.as_object_mut().ok_or_else(|| fail("it is not a JSON object".into()))?;
        // The format comes first: another one may differ in everything else.
        let version = object.get("format_version").ok_or_else(|| fail("it names no format version".into()))?;
        let (version, shown) = (version.as_u64().and_then(|version| u32::try_from(version).ok()), version.to_string());
        let checksum = object.remove("checksum");
        let body = match version {
            Some(FORMAT_VERSION) => unsealed::<Sidecar>(value, checksum),
            Some(FORMER_FORMAT_VERSION) => unsealed::<FormerSidecar>(value, checksum).map(Sidecar::from),
            _ => Err(format!(
                "its format version is {shown} and this program knows {FORMER_FORMAT_VERSION} and {FORMAT_VERSION}"
            )),
        };
        let body = body.map_err(fail)?;
        if body.tables.iter().any(|table| table.transactions.is_empty()) {
            return Err(fail("it plans no commit for one of its tables".into()));
        }
        if body.file_name() != file {
            return Err(fail(format!("its file should be named `{}`", body.file_name())));
        }
        Ok(body)
    }
}

/// The body in `value`, if its `checksum` is right; else what is wrong.
fn unsealed<T: Serialize + DeserializeOwned>(
    value: serde_json::Value,
    found: Option<serde_json::Value>,
) -> Result<T, String> {
    let found = found.ok_or("it has no checksum")?;
    let body: T = serde_json::from_value(value).map_err(|e| format!("a field is wrong ({e})"))?;
    let computed = checksum(&body).map_err(|e| e.to_string())?;
    if found.as_str() != Some(computed.as_str()) {
        return Err("its checksum does not match its content".into());
    }
    Ok(body)
}

/// SHA-256 over `body` in the one order in which it is written, in lower-case hexadecimal.
fn checksum(body: &impl Serialize) -> Result<String, serde_json::Error> {
    let digest = Sha256::digest(serde_json::to_vec(body)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Sidecar {
        Sidecar {
            format_version: FORMAT_VERSION,
            operation_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            writer: WriterKind::Load,
            actor: "ann".into(),
            started_at: crate::clock::from_millis(1_700_000_000_123),
            branch: BranchRef { name: "main".into(), incarnation: "01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap() },
            graph_version: 4,
            tables: vec![PlannedTable {
                type_name: "Person".into(),
                path: "nodes/Person-1.lance".into(),
                lance_branch: "main".into(),
                base: Base::Version(2),
                transactions: vec!["u".into()],
            }],
            reads: vec![ReadTable {
                path: "nodes/Company-1.lance".into(),
                lance_branch: "main".into(),
                rows_version: 1,
            }],
            registrations: Vec::new(),
            retirements: Vec::new(),
            planned_schema: None,
            merge_parent: None,
        }
    }

    fn reason(file: &str, text: &str) -> String {
        Sidecar::decode(file, text.as_bytes()).unwrap_err().reason
    }

    #[test]
    fn a_sidecar_reads_back_as_it_was_written() {
        let sidecar = sound();
        let text = sidecar.encode().unwrap();
        assert_eq!(Sidecar::decode(&sidecar.file_name(), text.as_bytes()).unwrap(), sidecar);
    }

    #[test]
    fn what_writers_to_come_plan_reads_back_as_it_was_written() {
        let registered = TableEntry::new("Company", "nodes/Company-2.lance", 1);
        let created = PlannedTable {
            type_name: "Company".into(),
            path: registered.path.clone(),
            lance_branch: "of-a-branch".into(),
            base: Base::Absent,
            transactions: vec!["one".into(), "two".into()],
        };
        assert_eq!(created.base_version(), 0);
        let sidecar = Sidecar {
            tables: vec![created],
            registrations: vec![registered],
            retirements: vec!["nodes/Company-1.lance".into()],
            planned_schema: Some(SchemaPointer { hash: "abc".into() }),
            merge_parent: Some("01ARZ3NDEKTSV4RRFFQ69G5FAX".parse().unwrap()),
            ..sound()
        };
        let text = sidecar.encode().unwrap();
        assert_eq!(Sidecar::decode(&sidecar.file_name(), text.as_bytes()).unwrap(), sidecar);
    }

    #[test]
    fn a_table_without_a_planned_commit_is_refused() {
        let mut sidecar = sound();
        sidecar.tables[0].transactions.clear();
        let text = sidecar.encode().unwrap();
        assert_eq!(reason(&sidecar.file_name(), &text), "it plans no commit for one of its tables");
    }

    #[test]
    fn every_deviation_is_refused_with_its_reason() {
        let sidecar = sound();
        let (file, text) = (sidecar.file_name(), sidecar.encode().unwrap());
        assert!(reason(&file, "{").starts_with("it is not JSON"));
        assert_eq!(reason(&file, "[]"), "it is not a JSON object");
        assert_eq!(reason(&file, "{}"), "it names no format version");
        for (tomorrow, shown) in [("3", "3"), ("4294967298", "4294967298"), ("\"2\"", "\"2\"")] {
            let future = text.replace("\"format_version\": 2", &format!("\"format_version\": {tomorrow}"));
            let refused = format!("its format version is {shown} and this program knows 1 and 2");
            assert_eq!(reason(&file, &future), refused);
        }
        let changed = text.replace("\"version\": 2", "\"version\": 3");
        assert_eq!(reason(&file, &changed), "its checksum does not match its content");
        let extra = text.replacen('{', "{\"more\": 1,", 1);
        assert!(reason(&file, &extra).starts_with("a field is wrong"));
        let unsealed = text.replace("\"checksum\"", "\"check\"");
        assert_eq!(reason(&file, &unsealed), "it has no checksum");
        assert!(reason("01ARZ3NDEKTSV4RRFFQ69G5FAX.json", &text).starts_with("its file should be named"));
        let shown = Sidecar::decode(&file, b"[]").unwrap_err().to_string();
        assert_eq!(shown, format!("recovery sidecar `{file}` cannot be read: it is not a JSON object"));
        for cut in 1..text.len() - 2 {
            assert!(Sidecar::decode(&file, &text.as_bytes()[..cut]).is_err(), "truncated to {cut} bytes");
        }
    }
}
