//! Keeps failure bundles in a folder.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

use chrono::Utc;

use super::settings;
use crate::event::{RunStarted, shell_word};
use crate::report::Redactor;
use crate::repro::{self, Contents, Manifest, StoredObject};
use crate::runner::{Bundles, CellRecord};
use crate::workload::SavedObject;
use crate::workload::damage::bytes::from_hex;

/// A folder of failure bundles.
pub struct BundleFolder {
    folder: PathBuf,
    run: String,
    versions: BTreeMap<String, String>,
    redactor: Redactor,
    git_revision: OnceLock<Option<String>>,
}

impl BundleFolder {
    /// Bundles of one run.
    pub fn new(folder: PathBuf, started: &RunStarted, redactor: Redactor) -> Self {
        BundleFolder {
            folder,
            run: started.run.clone(),
            versions: started.versions.clone(),
            redactor,
            git_revision: OnceLock::new(),
        }
    }
}

impl Bundles for BundleFolder {
    fn keep(&self, cell: &CellRecord<'_>) -> io::Result<(PathBuf, String)> {
        let scenario = cell.scenario.to_yaml();
        let engine_log: String =
            cell.logs.iter().map(|(process, log)| format!("--- process {process}\n{log}\n")).collect();
        let objects = match cell.objects {
            Ok(objects) => stored(objects),
            Err(reason) => Err(reason.clone()),
        };
        let contents = Contents {
            manifest: Manifest {
                format_version: repro::manifest::FORMAT_VERSION,
                run: self.run.clone(),
                cell: cell.finished.cell.clone(),
                seed: cell.finished.seed,
                written_at: Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                versions: self.versions.clone(),
                git_revision: self.git_revision.get_or_init(settings::git_revision).clone(),
                command: std::env::args().collect(),
                files: BTreeMap::new(),
                store: Default::default(),
            },
            scenario: &scenario,
            events: cell.events,
            verdict: &cell.finished.verdict,
            evidence: cell.evidence,
            engine_log: &engine_log,
            backend_log: cell.backend_log.as_deref(),
            store: objects.as_deref().map_err(Clone::clone),
        };
        let folder = repro::write(&self.folder, &contents, &|text| self.redactor.redact(text))?;
        let bundle = shell_word(&folder.display().to_string());
        let command = format!("{} replay {bundle}", settings::called());
        Ok((folder, command))
    }
}

fn stored(objects: &[SavedObject]) -> Result<Vec<StoredObject>, String> {
    let with_bytes = objects.iter().filter_map(|object| Some((&object.path, object.hex.as_ref()?)));
    with_bytes.map(|(path, hex)| Ok(StoredObject { path: path.clone(), bytes: from_hex(hex)? })).collect()
}
