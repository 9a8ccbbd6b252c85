use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use object_store::{ObjectStoreExt, UpdateVersion};

use super::*;
use crate::storage::{Stack, StorageOptions, StorageUri};

const ROLE: &str = "OMNIGRAPH_TEST_ROLE";
const DIRECTORY: &str = "OMNIGRAPH_TEST_DIRECTORY";

/// A second process of this very test binary, which says what it does line by line.
struct Other {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    fn start(role: &str, directory: &FsPath) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "storage::local::tests::a_process_that_plays_its_part",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ROLE, role)
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Other { child, orders, answers }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the other process ended without an answer");
            if let Some((_, answer)) = line.split_once("answer:") {
                return answer.trim().to_owned();
            }
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the other process does. In an ordinary run there is no role, and nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_plays_its_part() {
    let (Ok(role), Ok(directory)) = (std::env::var(ROLE), std::env::var(DIRECTORY)) else { return };
    let directory = PathBuf::from(directory);
    let stack = Stack::open(&StorageUri::Local(directory.clone()), &StorageOptions::default(), &[]).await.unwrap();
    let objects = stack.objects();
    let mut orders = std::io::stdin().lines();
    match role.as_str() {
        "racer" => {
            while let Some(Ok(name)) = orders.next() {
                let (_, version) = objects.get_versioned("contested").await.unwrap();
                println!("answer: ready");
                let go = PathBuf::from(orders.next().unwrap().unwrap());
                // A pipe would wake one process long before the other; here both leave within microseconds.
                while !go.exists() {
                    std::hint::spin_loop();
                }
                let outcome = match name.split_once(' ') {
                    Some(("create", name)) => objects.put_if_absent(name, std::process::id().to_string()).await,
                    _ => objects.update("contested", &version, name).await,
                };
                match outcome {
                    Ok(_) => println!("answer: won"),
                    Err(error) => println!("answer: {}", error.kind()),
                }
            }
        }
        "holder" => {
            let store = LocalStore::open(&directory, &LocalOptions::default()).await.unwrap();
            let held = store.lock.exclusively(|_| {
                println!("answer: held");
                loop {
                    std::thread::park();
                }
            });
            held.await.unwrap()
        }
        _ => panic!("there is no such role"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_that_update_one_version_exactly_one_wins() {
    const ROUNDS_COUNT: usize = 120;
    let (directory, signals) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stack =
        Stack::open(&StorageUri::Local(directory.path().into()), &StorageOptions::default(), &[]).await.unwrap();
    stack.objects().put("contested", "start").await.unwrap();
    let mut racers = [Other::start("racer", directory.path()), Other::start("racer", directory.path())];
    for round in 0..ROUNDS_COUNT {
        // Both read the same version before either may write.
        let (verb, loser) = if round % 3 == 2 { ("create ", "already-exists") } else { ("", "precondition") };
        for (number, racer) in racers.iter_mut().enumerate() {
            let name = if verb.is_empty() { format!("{round} by {number}") } else { format!("{verb}round-{round}") };
            racer.order(&name);
        }
        for racer in &mut racers {
            assert_eq!(racer.answer(), "ready");
        }
        let go = signals.path().join(round.to_string());
        for racer in &mut racers {
            racer.order(go.to_str().unwrap());
        }
        std::fs::write(&go, "").unwrap();
        let answers = racers.each_mut().map(Other::answer);
        let winner =
            answers.iter().position(|answer| answer == "won").unwrap_or_else(|| panic!("nobody won: {answers:?}"));
        assert_eq!(answers[1 - winner], loser, "round {round}");
        let (name, wanted) = match verb {
            "" => ("contested".to_owned(), format!("{round} by {winner}")),
            _ => (format!("round-{round}"), racers[winner].child.id().to_string()),
        };
        assert_eq!(stack.objects().get(&name).await.unwrap(), wanted, "the winner's content is what is there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_a_killed_process_wedges_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(directory.path(), &LocalOptions::default()).await.unwrap();
    let mut holder = Other::start("holder", directory.path());
    assert_eq!(holder.answer(), "held");
    let waiting = tokio::spawn(async move { store.put(&Path::from("object"), "content".into()).await });
    // The lock is truly held: nobody else can have it now.
    let file = std::fs::File::options().read(true).write(true).open(directory.path().join(".lock#0")).unwrap();
    assert!(file.try_lock().is_err());
    assert!(!waiting.is_finished());
    holder.child.kill().unwrap();
    tokio::time::timeout(Duration::from_secs(8), waiting).await.unwrap().unwrap().unwrap();
}

async fn store() -> (tempfile::TempDir, LocalStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(directory.path(), &LocalOptions::default()).await.unwrap();
    (directory, store)
}

#[tokio::test]
async fn a_put_answers_with_the_token_that_a_read_finds() {
    let (_directory, store) = store().await;
    let path = Path::from("a/object");
    for mode in [PutMode::Create, PutMode::Overwrite] {
        let put = store.put_opts(&path, "content".into(), mode.into()).await.unwrap();
        assert_eq!(put.e_tag, store.head(&path).await.unwrap().e_tag);
        assert!(put.e_tag.is_some());
    }
    let mut upload = store.put_multipart(&path).await.unwrap();
    upload.put_part("part".into()).await.unwrap();
    let put = upload.complete().await.unwrap();
    assert_eq!(put.e_tag, store.head(&path).await.unwrap().e_tag);
}

#[tokio::test]
async fn staging_and_lock_files_are_neither_listed_nor_addressed() {
    let (directory, store) = store().await;
    let path = Path::from("dir/with#hash");
    store.put(&path, "content".into()).await.unwrap();
    let mut upload = store.put_multipart(&path).await.unwrap();
    upload.put_part("part".into()).await.unwrap();
    let names: Vec<_> =
        std::fs::read_dir(directory.path().join("dir")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the object and the staging file of its upload: {names:?}");
    assert!(directory.path().join(".lock#0").exists());
    let found: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(found.iter().map(|meta| &meta.location).collect::<Vec<_>>(), [&path]);
    let found = store.list_with_delimiter(None).await.unwrap();
    assert!(found.objects.is_empty() && found.common_prefixes == [Path::from("dir")]);
    store.get(&Path::parse(".lock#0").unwrap()).await.unwrap_err();
    drop(upload);
    assert_eq!(std::fs::read_dir(directory.path().join("dir")).unwrap().count(), 1, "a dropped upload leaves nothing");
}

#[tokio::test]
async fn an_update_without_a_token_is_refused() {
    let (_directory, store) = store().await;
    let path = Path::from("object");
    store.put(&path, "old".into()).await.unwrap();
    let mode = PutMode::Update(UpdateVersion { e_tag: None, version: None });
    store.put_opts(&path, "new".into(), mode.into()).await.unwrap_err();
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "old");
}

#[tokio::test]
async fn a_copy_has_a_token_of_its_own_and_create_modes_never_replace() {
    let (_directory, store) = store().await;
    let (a, b, c) = (Path::from("a"), Path::from("b/b"), Path::from("c"));
    store.put(&a, "a".into()).await.unwrap();
    store.copy(&a, &b).await.unwrap();
    assert_ne!(store.head(&a).await.unwrap().e_tag, store.head(&b).await.unwrap().e_tag);
    assert!(matches!(store.copy_if_not_exists(&a, &b).await, Err(Error::AlreadyExists { .. })));
    store.put(&c, "c".into()).await.unwrap();
    assert!(matches!(store.rename_if_not_exists(&a, &c).await, Err(Error::AlreadyExists { .. })));
    assert_eq!(store.get(&c).await.unwrap().bytes().await.unwrap(), "c");
    store.rename_if_not_exists(&a, &Path::from("d/d")).await.unwrap();
    assert!(matches!(store.head(&a).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.copy(&a, &c).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.copy(&Path::from("b"), &c).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn writing_where_a_directory_stands_names_the_obstacle() {
    let (_directory, store) = store().await;
    store.put(&Path::from("dir/object"), "x".into()).await.unwrap();
    for path in ["dir", "dir/object/below"] {
        let error = store.put(&Path::from(path), "y".into()).await.unwrap_err();
        assert!(error.to_string().contains("a directory stands in the place of an object"), "{error}");
    }
}

#[tokio::test]
async fn an_upload_that_misses_a_part_does_not_complete() {
    let (_directory, store) = store().await;
    let path = Path::from("object");
    let mut upload = store.put_multipart(&path).await.unwrap();
    upload.put_part("first".into()).await.unwrap();
    drop(upload.put_part("never sent".into()));
    upload.complete().await.unwrap_err();
    assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "x").unwrap();
    let error = LocalStore::open(&directory.path().join("file/below"), &LocalOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("file/below"), "{error}");
}

#[tokio::test]
async fn no_spelling_of_a_dot_segment_leads_out_of_the_root() {
    let parent = tempfile::tempdir().unwrap();
    std::fs::write(parent.path().join("secret"), "x").unwrap();
    let store = LocalStore::open(&parent.path().join("root"), &LocalOptions::default()).await.unwrap();
    let out = Path::parse("%2e%2E/secret").unwrap();
    let refused = |outcome: Result<()>| assert!(matches!(outcome, Err(Error::InvalidPath { .. })), "{outcome:?}");
    refused(store.get(&out).await.map(drop));
    refused(store.head(&out).await.map(drop));
    refused(store.get_ranges(&out, &[0..1, 2..3]).await.map(drop));
    refused(store.put(&out, "y".into()).await.map(drop));
    refused(store.put_multipart(&out).await.map(drop));
    refused(store.delete(&out).await);
    refused(store.copy(&out, &Path::from("a")).await);
    refused(store.rename(&out, &Path::from("a")).await);
    let up = Path::parse("%2e%2e").unwrap();
    refused(store.list(Some(&up)).try_next().await.map(drop));
    refused(store.list_with_offset(Some(&up), &out).try_next().await.map(drop));
    refused(store.list_with_delimiter(Some(&up)).await.map(drop));
    assert_eq!(std::fs::read_to_string(parent.path().join("secret")).unwrap(), "x");
}

/// Whatever makes content visible gives it a later stamp than all content before it, wherever the clock stands: so no
/// two contents of a name share a token.
#[tokio::test]
async fn every_publication_is_later_than_all_before_it() {
    let (directory, store) = store().await;
    let (a, b) = (Path::from("a"), Path::from("b"));
    store.put(&a, "0".into()).await.unwrap();
    let ahead = store.head(&a).await.unwrap().last_modified + chrono::TimeDelta::hours(1);
    std::fs::write(directory.path().join(".lock#0"), (ahead.timestamp_micros() as u64).to_be_bytes()).unwrap();
    let mut last = ahead;
    let mut later = async |path: &Path| {
        let found = store.head(path).await.unwrap().last_modified;
        assert!(found > last, "{found} is not later than {last}");
        last = found;
    };
    store.put(&a, "1".into()).await.unwrap();
    later(&a).await;
    let version = UpdateVersion { e_tag: store.head(&a).await.unwrap().e_tag, version: None };
    store.put_opts(&a, "2".into(), PutMode::Update(version).into()).await.unwrap();
    later(&a).await;
    store.delete(&a).await.unwrap();
    store.put_opts(&a, "3".into(), PutMode::Create.into()).await.unwrap();
    later(&a).await;
    let mut upload = store.put_multipart(&a).await.unwrap();
    upload.put_part("4".into()).await.unwrap();
    upload.complete().await.unwrap();
    later(&a).await;
    store.copy(&a, &b).await.unwrap();
    later(&b).await;
}

#[tokio::test]
async fn a_listing_of_versions_begins_with_the_newest_and_misses_none() {
    let (_root, store) = store().await;
    let name = |version: u64| Path::from(format!("a.lance/_versions/{:020}.manifest", u64::MAX - version));
    let listed = async || {
        let found = store.list(Some(&Path::from("a.lance/_versions"))).try_collect::<Vec<_>>().await.unwrap();
        found.into_iter().map(|object| object.location).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, []);
    for version in 1..=12 {
        store.put_opts(&name(version), "v".into(), PutMode::Create.into()).await.unwrap();
        let first = store.list(Some(&Path::from("a.lance/_versions"))).try_next().await.unwrap().unwrap();
        assert_eq!(first, store.head(&name(version)).await.unwrap());
    }
    assert_eq!(listed().await, (1..=12).rev().map(name).collect::<Vec<_>>());
    // What the hint names is gone, as after a repair; then a version follows again.
    store.delete(&name(12)).await.unwrap();
    assert_eq!(listed().await, (1..=11).rev().map(name).collect::<Vec<_>>());
    store.put_opts(&name(12), "v".into(), PutMode::Create.into()).await.unwrap();
    assert_eq!(listed().await, (1..=12).rev().map(name).collect::<Vec<_>>());
    let others: Vec<Path> = store.list(None).map_ok(|object| object.location).try_collect().await.unwrap();
    assert_eq!(others.len(), 12, "the hint is nobody's object");
}
