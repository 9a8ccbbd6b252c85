//! The sidecar as a former program wrote it, which may be what its death left.
//!
//! It knew one Lance branch, tables that exist, one commit a table, and pins for what a write was validated against. In a manifest of
//! that time the rows of a table came with its pin, so a pin says as much as the version of its rows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::sidecar::{Base, BranchRef, FORMAT_VERSION, PlannedTable, ReadTable, Sidecar};
use crate::id::OperationId;
use crate::manifest::MAIN_LANCE_BRANCH;
use crate::writer::WriterKind;

/// The format version of what is read here.
pub(super) const FORMER_FORMAT_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerTable {
    type_name: String,
    path: String,
    lance_branch: String,
    base_version: u64,
    transaction_uuid: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerRead {
    path: String,
    version: u64,
}

/// Its fields in the order in which they went into its checksum. Of what its program never wrote there is nothing to read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormerSidecar {
    format_version: u32,
    operation_id: OperationId,
    writer: WriterKind,
    actor: String,
    started_at: DateTime<Utc>,
    branch: BranchRef,
    graph_version: u64,
    tables: Vec<FormerTable>,
    reads: Vec<FormerRead>,
    registrations: [String; 0],
    retirements: [String; 0],
    planned_schema: (),
    merge_source: (),
}

impl From<FormerSidecar> for Sidecar {
    fn from(former: FormerSidecar) -> Sidecar {
        let tables = former.tables.into_iter().map(|table| PlannedTable {
            type_name: table.type_name,
            path: table.path,
            lance_branch: table.lance_branch,
            base: Base::Version(table.base_version),
            transactions: vec![table.transaction_uuid],
        });
        let reads = former.reads.into_iter().map(|read| ReadTable {
            path: read.path,
            lance_branch: MAIN_LANCE_BRANCH.to_owned(),
            rows_version: read.version,
        });
        Sidecar {
            format_version: FORMAT_VERSION,
            operation_id: former.operation_id,
            writer: former.writer,
            actor: former.actor,
            started_at: former.started_at,
            branch: former.branch,
            graph_version: former.graph_version,
            tables: tables.collect(),
            reads: reads.collect(),
            registrations: Vec::new(),
            retirements: Vec::new(),
            planned_schema: None,
            merge_parent: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        include_str!("../../tests/fixtures/format-1/lacks-its-publish/__recovery/01M8QAWVJ0S3BXFNK0RK9NKE5R.json");
    const FILE: &str = "01M8QAWVJ0S3BXFNK0RK9NKE5R.json";

    #[test]
    fn a_sidecar_of_a_former_program_says_what_it_meant() {
        let sidecar = Sidecar::decode(FILE, TEXT.as_bytes()).unwrap();
        let [edges, nodes] = &sidecar.tables[..] else { panic!("{:?}", sidecar.tables) };
        assert_eq!((edges.base, edges.type_name.as_str()), (Base::Version(2), "WorksAt"));
        assert_eq!(nodes.transactions, ["483880b6-c60b-4ab3-99c2-0d3818fb143c"]);
        assert_eq!((sidecar.reads.len(), sidecar.reads[0].rows_version), (1, 5));
        assert_eq!((sidecar.graph_version, sidecar.actor.as_str()), (6, "eve"));
        // Whoever puts it again writes it as everybody does today.
        assert_eq!(Sidecar::decode(FILE, sidecar.encode().unwrap().as_bytes()).unwrap(), sidecar);
    }

    #[test]
    fn its_checksum_counts_as_well() {
        let changed = TEXT.replace("\"base_version\": 2", "\"base_version\": 3");
        let error = Sidecar::decode(FILE, changed.as_bytes()).unwrap_err();
        assert_eq!(error.reason, "its checksum does not match its content");
    }
}
