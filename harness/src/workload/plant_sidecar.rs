//! Plants a sidecar: made from the real graph, then changed in what the scenario says.

use object_store::path::Path;
use omnigraph::Snapshot;
use omnigraph::intent::{Base as PlannedBase, BranchRef, FORMAT_VERSION, PlannedTable, Sidecar};
use omnigraph::storage::{Realm, Stack};
use omnigraph::table::Table;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::{Damaged, Done};
use crate::event::Outcome;
use crate::scenario::model::{
    Base, Deviations, NotASidecar, PlantSidecar, PlantedOperation, PlantedTable, PlantedTransaction,
};

/// Plants the sidecar in the bare store. Ids are drawn from `rng`.
pub async fn plant_sidecar(bare: &Stack, plant: &PlantSidecar, rng: &mut StdRng) -> Done {
    match put(bare, plant, rng).await {
        Ok(damaged) => Done { damaged: Some(damaged), ..Done::of(Outcome::done()) },
        Err(reason) => Done::trouble(reason),
    }
}

async fn put(bare: &Stack, plant: &PlantSidecar, rng: &mut StdRng) -> Result<Damaged, String> {
    let graph = super::open::look(bare.clone()).await;
    let graph = graph.map_err(|error| format!("the graph cannot be opened: {error}"))?;
    let snapshot = graph.snapshot();
    let sound = sound(bare, &snapshot, plant, rng).await?;
    let file = match plant.but.file_name {
        None => sound.file_name(),
        Some(_) => format!("{}.json", fresh_ulid(rng)),
    };
    let content = deviate(&sound, plant)?;
    let path = format!("__recovery/{file}");
    super::damage::put(bare.raw(Realm::Control).as_ref(), &Path::from(path.as_str()), content).await?;
    let description = format!("planted sidecar {file}");
    Ok(Damaged { description, paths: vec![path], may_change_rows: true, moved: None })
}

/// The sidecar that a writer of this version would have left.
async fn sound(bare: &Stack, snapshot: &Snapshot, plant: &PlantSidecar, rng: &mut StdRng) -> Result<Sidecar, String> {
    let state = snapshot.state();
    let operation_id = match plant.operation {
        PlantedOperation::Fresh => omnigraph::id::OperationId::new(fresh_ulid(rng)),
        PlantedOperation::Published => state
            .commit
            .operation_id
            .ok_or("the newest commit names no operation, so none can be planted as published")?,
    };
    // A write is prepared on the version before the one that publishes it.
    let graph_version = match plant.operation {
        PlantedOperation::Fresh => state.version,
        PlantedOperation::Published => state.version - 1,
    };
    let incarnation = match plant.but.branch {
        None => state.incarnation,
        Some(_) => omnigraph::id::IncarnationId::new(fresh_ulid(rng)),
    };
    let mut tables = Vec::new();
    for table in &plant.tables {
        tables.push(planned(bare, snapshot, table, rng).await?);
    }
    Ok(Sidecar {
        format_version: FORMAT_VERSION,
        operation_id,
        writer: omnigraph::writer::WriterKind::Load,
        actor: plant.actor.clone().unwrap_or_else(|| "planted".to_owned()),
        started_at: state.commit.at,
        branch: BranchRef { name: "main".to_owned(), incarnation },
        graph_version,
        tables,
        reads: Vec::new(),
        registrations: Vec::new(),
        retirements: Vec::new(),
        planned_schema: None,
        merge_parent: None,
    })
}

async fn planned(
    bare: &Stack,
    snapshot: &Snapshot,
    plant: &PlantedTable,
    rng: &mut StdRng,
) -> Result<PlannedTable, String> {
    let name = &plant.type_name;
    let pin = snapshot.tables().find(|pin| pin.type_name == *name).ok_or_else(|| format!("there is no type {name}"))?;
    let failed = |error: omnigraph::Error| format!("table of {name} cannot be read: {error}");
    let table = Table::open_head(bare, &pin.path).await.map_err(failed)?;
    let head = table.version();
    let base = match plant.base {
        Base::Pin => pin.version,
        Base::BeforeHead => head - 1,
        Base::Head => head,
        Base::BeyondHead => head + 1,
    };
    let transaction_uuid = match plant.transaction {
        PlantedTransaction::NeverLanded => uuid_from(rng),
        PlantedTransaction::Landed => {
            let landed = table.landed_after(base, head).await.map_err(failed)?;
            let first = landed.into_iter().find(|landed| landed.version == base + 1);
            let uuid = first.and_then(|landed| landed.transaction_uuid);
            uuid.ok_or_else(|| format!("no transaction made version {} of {name}", base + 1))?
        }
        PlantedTransaction::LandedLast => {
            let landed = table.landed_after(base, head).await.map_err(failed)?;
            let uuid = landed.into_iter().last().and_then(|landed| landed.transaction_uuid);
            uuid.ok_or_else(|| format!("no transaction made HEAD of {name}"))?
        }
    };
    Ok(PlannedTable {
        type_name: name.clone(),
        path: pin.path.clone(),
        lance_branch: "main".to_owned(),
        base: PlannedBase::Version(base),
        transactions: vec![transaction_uuid],
    })
}

/// The bytes of the file, changed in what the scenario says.
fn deviate(sound: &Sidecar, plant: &PlantSidecar) -> Result<Vec<u8>, String> {
    let but: &Deviations = &plant.but;
    match but.body {
        Some(NotASidecar::Empty) => return Ok(Vec::new()),
        Some(NotASidecar::NotJson) => return Ok(b"this is not a sidecar\n".to_vec()),
        Some(NotASidecar::OtherJson) => return Ok(b"{\"hello\": \"world\"}\n".to_vec()),
        None => {}
    }
    let mut body = serde_json::to_value(sound).map_err(|error| format!("the sidecar cannot be written: {error}"))?;
    body["writer"] = json!(plant.writer);
    if let Some(version) = but.format_version {
        body["format_version"] = json!(version);
    }
    let checksum = match but.checksum {
        None => checksum(&body)?,
        Some(_) => "0".repeat(64),
    };
    body["checksum"] = json!(checksum);
    let mut text =
        serde_json::to_string_pretty(&body).map_err(|error| format!("the sidecar cannot be written: {error}"))?;
    text.push('\n');
    let mut content = text.into_bytes();
    if let Some(bytes) = but.truncated_to {
        content.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    Ok(content)
}

/// As the engine seals it: SHA-256 over the compact body, in hexadecimal. `serde_json` keeps the order of the fields.
fn checksum(body: &Value) -> Result<String, String> {
    let compact = serde_json::to_vec(body).map_err(|error| format!("the sidecar cannot be written: {error}"))?;
    Ok(Sha256::digest(compact).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Old on purpose: whatever a real writer leaves later is younger, so a planted sidecar comes first.
fn fresh_ulid(rng: &mut StdRng) -> Ulid {
    const PLANTED_AT_MS: u64 = 1_600_000_000_000;
    Ulid::from_parts(PLANTED_AT_MS, rng.random::<u128>())
}

fn uuid_from(rng: &mut StdRng) -> String {
    let bits: u128 = rng.random();
    let hex = format!("{bits:032x}");
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn sidecar() -> Sidecar {
        Sidecar {
            format_version: FORMAT_VERSION,
            operation_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a ULID"),
            writer: omnigraph::writer::WriterKind::Load,
            actor: "ann".into(),
            started_at: chrono::DateTime::UNIX_EPOCH,
            branch: BranchRef {
                name: "main".into(),
                incarnation: "01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().expect("a ULID"),
            },
            graph_version: 4,
            tables: Vec::new(),
            reads: Vec::new(),
            registrations: Vec::new(),
            retirements: Vec::new(),
            planned_schema: None,
            merge_parent: None,
        }
    }

    fn plant(but: Value) -> PlantSidecar {
        serde_json::from_value(json!({"tables": [], "but": but})).expect("valid")
    }

    #[test]
    fn a_sidecar_without_deviation_is_one_that_the_engine_reads() {
        let content = deviate(&sidecar(), &plant(json!({}))).expect("no deviation");
        assert_eq!(Sidecar::decode(&sidecar().file_name(), &content), Ok(sidecar()));
    }

    #[test]
    fn every_deviation_is_one_that_the_engine_refuses() {
        for but in [
            json!({"checksum": "wrong"}),
            json!({"format-version": 99}),
            json!({"truncated-to": 40}),
            json!({"body": "empty"}),
            json!({"body": "not-json"}),
            json!({"body": "other-json"}),
        ] {
            let content = deviate(&sidecar(), &plant(but.clone())).expect("a deviation");
            assert!(Sidecar::decode(&sidecar().file_name(), &content).is_err(), "{but}");
        }
    }

    #[test]
    fn a_planted_uuid_has_the_form_of_one() {
        let uuid = uuid_from(&mut StdRng::seed_from_u64(1));
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
