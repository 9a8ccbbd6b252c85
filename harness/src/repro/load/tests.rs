//! Bundles that are written read back; everything else is refused with what is wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::event::{Breach, CellId, Event, StoreCall};
use crate::oracle::sound;
use crate::repro::manifest::{STORE_BYTES_MAX, StoreEntry};
use crate::repro::{Contents, StoredObject, write};

const SECRET: &str = "wJalrXUtnFEMI";

fn verdict() -> Verdict {
    Verdict::Broken { breaches: vec![Breach::new("head-equals-pin", format!("quotes {SECRET}"))] }
}

fn events() -> Vec<Record> {
    let cell = CellId::new("recovery/a", "memory");
    let call = StoreCall {
        process: "main".into(),
        sequence: 0,
        realm: "control".into(),
        operation: "put".into(),
        class: "sidecar".into(),
        path: "__recovery/01J.json".into(),
        bytes: 3,
        outcome: "ok".into(),
    };
    vec![
        Record { elapsed_ms: 1, event: Event::CellStarted { cell: cell.clone(), seed: 7 } },
        Record { elapsed_ms: 2, event: Event::StoreCall { cell, call } },
    ]
}

fn bundle(root: &Path, store: Result<&[StoredObject], String>) -> PathBuf {
    let evidence = sound::evidence();
    let contents = Contents {
        manifest: Manifest {
            format_version: 0,
            run: "01RUN".into(),
            cell: CellId::new("recovery/a", "memory"),
            seed: 7,
            written_at: "2026-11-22T12:00:00Z".into(),
            versions: BTreeMap::from([("omnigraph".into(), "0.1.0".into())]),
            git_revision: None,
            command: vec!["chaos".into(), "run".into()],
            files: BTreeMap::new(),
            store: StoreEntry::default(),
        },
        scenario: "summary: a\n",
        events: &events(),
        verdict: &verdict(),
        evidence: Some(&evidence),
        engine_log: &format!("log with {SECRET}"),
        backend_log: None,
        store,
    };
    write(root, &contents, &|text| text.replace(SECRET, "[redacted]")).expect("a disk")
}

fn object(path: &str, bytes: &[u8]) -> StoredObject {
    StoredObject { path: path.into(), bytes: bytes.to_vec() }
}

#[test]
fn a_bundle_reads_back_as_it_was_written() {
    let root = tempfile::tempdir().expect("a disk");
    let objects = [object("__recovery/01J.json", b"{}"), object("nodes/P.lance/data/1.lance", &[0, 255])];
    let folder = bundle(root.path(), Ok(&objects));
    assert_eq!(folder, root.path().join("01RUN/recovery.a@memory"));
    let bundle = Bundle::load(&folder).expect("a bundle");
    assert_eq!((bundle.manifest.seed, bundle.manifest.store.objects), (7, 2));
    assert_eq!(bundle.scenario, "summary: a\n");
    assert_eq!(bundle.evidence().expect("evidence"), Some(sound::evidence()));
    assert_eq!(bundle.events().expect("events"), events()[..1]);
    assert_eq!(fs::read(folder.join("store/nodes/P.lance/data/1.lance")).expect("an object"), [0, 255]);
    assert_eq!(fs::read_to_string(folder.join(file::STORE_CALLS)).expect("calls").lines().count(), 1);
}

#[test]
fn no_secret_reaches_a_bundle() {
    let root = tempfile::tempdir().expect("a disk");
    let folder = bundle(root.path(), Ok(&[]));
    for name in [file::VERDICT, file::ENGINE_LOG] {
        let text = fs::read_to_string(folder.join(name)).expect("a file");
        assert!(text.contains("[redacted]") && !text.contains(SECRET), "{name}: {text}");
    }
}

#[test]
fn a_second_bundle_of_a_cell_does_not_replace_the_first_and_nothing_partial_is_left() {
    let root = tempfile::tempdir().expect("a disk");
    let (first, second) = (bundle(root.path(), Ok(&[])), bundle(root.path(), Ok(&[])));
    assert_ne!(first, second);
    Bundle::load(&first).expect("the first");
    Bundle::load(&second).expect("the second");
    let names: Vec<_> = fs::read_dir(root.path().join("01RUN")).expect("a folder").collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn an_object_that_would_leave_the_bundle_is_left_out_and_said() {
    let root = tempfile::tempdir().expect("a disk");
    let objects = [object("../../escaped", b"x"), object("/abs", b"x"), object("a", b"x"), object("a/b", b"beside a")];
    let folder = bundle(root.path(), Ok(&objects));
    let store = Bundle::load(&folder).expect("a bundle").manifest.store;
    assert_eq!((store.objects, store.left_out.len()), (1, 3), "{store:?}");
    assert!(!root.path().join("escaped").exists() && !root.path().join("01RUN/escaped").exists());
}

#[test]
fn a_large_store_is_not_kept_and_that_is_said() {
    let root = tempfile::tempdir().expect("a disk");
    let objects = [object("a", &vec![0; STORE_BYTES_MAX as usize]), object("b", &[0])];
    let folder = bundle(root.path(), Ok(&objects));
    let store = Bundle::load(&folder).expect("a bundle").manifest.store;
    assert_eq!((store.objects, store.left_out.len()), (0, 1));
    let unread = bundle(root.path(), Err("connection refused".into()));
    assert!(Bundle::load(&unread).expect("a bundle").manifest.store.left_out[0].contains("connection refused"));
}

#[test]
fn what_is_no_bundle_is_refused_as_such() {
    let root = tempfile::tempdir().expect("a disk");
    fs::write(root.path().join("file"), "x").expect("a disk");
    for path in [root.path().join("absent"), root.path().join("file"), root.path().to_owned()] {
        assert!(matches!(Bundle::load(&path), Err(BundleError::NotABundle { .. })), "{path:?}");
    }
}

/// A bundle with one file changed.
fn changed(change: impl FnOnce(&Path)) -> Result<Bundle, BundleError> {
    let root = tempfile::tempdir().expect("a disk");
    let folder = bundle(root.path(), Ok(&[]));
    change(&folder);
    Bundle::load(&folder)
}

fn edit(folder: &Path, name: &str, edit: impl FnOnce(String) -> String) {
    let path = folder.join(name);
    let text = edit(fs::read_to_string(&path).expect("a file"));
    fs::write(path, text).expect("a disk");
}

#[test]
fn another_format_version_is_named() {
    let future = changed(|folder| {
        edit(folder, file::MANIFEST, |text| text.replace("\"format_version\": 1", "\"format_version\": 9, \"new\": 1"))
    });
    assert!(matches!(future, Err(BundleError::UnknownFormat { found: 9 })), "{future:?}");
}

#[test]
fn a_missing_file_is_named() {
    for name in [file::SCENARIO, file::VERDICT, file::EVENTS, file::EVIDENCE] {
        let result = changed(|folder| fs::remove_file(folder.join(name)).expect("a file"));
        assert!(
            matches!(&result, Err(BundleError::MissingFile { name: missing }) if missing == name),
            "{name}: {result:?}"
        );
    }
}

#[test]
fn a_changed_file_is_malformed() {
    let longer = changed(|folder| edit(folder, file::EVENTS, |text| text + "{}\n"));
    let garbage = changed(|folder| edit(folder, file::MANIFEST, |_| "{".into()));
    let unversioned = changed(|folder| edit(folder, file::MANIFEST, |_| "{}".into()));
    let unknown =
        changed(|folder| edit(folder, file::MANIFEST, |text| text.replace("events.jsonl", "../events.jsonl")));
    for result in [longer, garbage, unversioned, unknown] {
        assert!(matches!(result, Err(BundleError::Malformed { .. })), "{result:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    for name in [file::MANIFEST, file::SCENARIO, file::ENGINE_LOG] {
        let result = changed(|folder| {
            let elsewhere = folder.join("../elsewhere");
            fs::rename(folder.join(name), &elsewhere).expect("a disk");
            std::os::unix::fs::symlink(&elsewhere, folder.join(name)).expect("a disk");
        });
        assert!(matches!(result, Err(BundleError::Malformed { .. })), "{name}: {result:?}");
    }
}
