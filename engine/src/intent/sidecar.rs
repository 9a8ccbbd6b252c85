//! The recovery sidecar: the durable record of an armed write.
//!
//! JSON, one object, pretty-printed so that an operator can read it. Reading one back is strict: what is not exactly a
//! sidecar of this format, under its own name, with its own checksum, is an error that says what is wrong.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{IncarnationId, OperationId};
use crate::writer::WriterKind;

/// The sidecar format that this program writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// A graph branch in one of its lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchRef {
    /// The branch's name.
    pub name: String,
    /// The life of the branch that the write belongs to.
    pub incarnation: IncarnationId,
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
    /// The pin on which the commit was staged; it lands on the version after, or not at all.
    pub base_version: u64,
    /// The identity of the planned Lance transaction.
    pub transaction_uuid: String,
}

/// A table that the write was validated against and leaves alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadTable {
    /// The dataset's path below the graph root.
    pub path: String,
    /// The pin that was read.
    pub version: u64,
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
    /// Paths of tables that the publish registers.
    pub registrations: Vec<String>,
    /// Paths of tables that the publish retires.
    pub retirements: Vec<String>,
    /// The hash of the schema contract that the publish activates, where it changes.
    pub planned_schema: Option<String>,
    /// The commit that a branch merge brings in.
    pub merge_source: Option<String>,
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

#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(flatten)]
    body: Sidecar,
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
        let sealed = Sealed { body: self.clone(), checksum: self.checksum()? };
        let mut text = serde_json::to_string_pretty(&sealed)?;
        text.push('\n');
        Ok(text)
    }

    /// SHA-256 over the body in the one order in which this program writes it, in lower-case hexadecimal.
    fn checksum(&self) -> Result<String, serde_json::Error> {
        let digest = Sha256::digest(serde_json::to_vec(self)?);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
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
        match object.get("format_version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(FORMAT_VERSION) => {}
            Some(version) => {
                return Err(fail(format!("its format version is {version} and this program knows {FORMAT_VERSION}")));
            }
            None => return Err(fail("it names no format version".into())),
        }
        let checksum = object.remove("checksum").ok_or_else(|| fail("it has no checksum".into()))?;
        let body: Sidecar = serde_json::from_value(value).map_err(|e| fail(format!("a field is wrong ({e})")))?;
        let computed = body.checksum().map_err(|e| fail(e.to_string()))?;
        if checksum.as_str() != Some(computed.as_str()) {
            return Err(fail("its checksum does not match its content".into()));
        }
        if body.file_name() != file {
            return Err(fail(format!("its file should be named `{}`", body.file_name())));
        }
        Ok(body)
    }
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
                base_version: 2,
                transaction_uuid: "u".into(),
            }],
            reads: vec![ReadTable { path: "nodes/Company-1.lance".into(), version: 1 }],
            registrations: Vec::new(),
            retirements: Vec::new(),
            planned_schema: None,
            merge_source: None,
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
    fn every_deviation_is_refused_with_its_reason() {
        let sidecar = sound();
        let (file, text) = (sidecar.file_name(), sidecar.encode().unwrap());
        assert!(reason(&file, "{").starts_with("it is not JSON"));
        assert_eq!(reason(&file, "[]"), "it is not a JSON object");
        assert_eq!(reason(&file, "{}"), "it names no format version");
        let future = text.replace("\"format_version\": 1", "\"format_version\": 2");
        assert_eq!(reason(&file, &future), "its format version is 2 and this program knows 1");
        let changed = text.replace("\"base_version\": 2", "\"base_version\": 3");
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
