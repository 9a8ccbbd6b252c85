//! That the program ends once it has said what there is to say, and what it says when it is interrupted.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use omnigraph::Graph;

/// A write gives up waiting for others after 10 s; the rest is for a machine that is busy.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

async fn graph() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    Graph::builder(directory.path().display()).create("node Person { name: String @key }").await.unwrap();
    directory
}

fn omnigraph(graph: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnigraph"));
    command.arg("--uri").arg(graph).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The exit code and what was said; the process is killed when it does not end. What it says ends when it does.
fn ended(child: &mut Child) -> (Option<i32>, String) {
    let mut stderr = child.stderr.take().unwrap();
    let (over, is_over) = std::sync::mpsc::channel();
    let saying = std::thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        let _ = over.send(());
        said
    });
    let has_ended = is_over.recv_timeout(ENDS_WITHIN).is_ok();
    if !has_ended {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    (status.code().filter(|_| has_ended), saying.join().unwrap())
}

#[tokio::test]
async fn a_write_that_gave_up_waiting_for_a_stopped_process_ends() {
    let graph = graph().await;
    // Never given back, as by a process that was stopped.
    let lock = File::options().write(true).open(graph.path().join(".lock#0")).unwrap();
    lock.lock().unwrap();
    let mut child = omnigraph(graph.path(), &["mutate", "INSERT INTO Person (name) VALUES ('alice')"]);
    let (code, said) = ended(&mut child);
    assert_eq!(code, Some(12), "{said}");
    assert!(said.starts_with("error: "), "{said}");
}

#[tokio::test]
async fn a_load_that_was_refused_does_not_wait_for_a_producer_that_has_stalled() {
    let graph = graph().await;
    let mut child = omnigraph(graph.path(), &["load", "-"]);
    // A little more than the 1 MiB that is decoded at once: its mistakes are told while the rest is waited for.
    let line = format!("{{\"type\": \"Nobody\", \"data\": {{\"name\": \"{}\"}}}}\n", "x".repeat(1_000));
    let mut producer = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        // The reader may be gone before everything is written.
        let _ = (0..1_010).try_for_each(|_| producer.write_all(line.as_bytes()));
        producer
    });
    let (code, said) = ended(&mut child);
    drop(writing.join().unwrap());
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("Nobody"), "{said}");
}

/// Runs the program against an endpoint where nobody listens, whose address has a user and a password in it.
fn told_by(args: &[&str], code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnigraph"));
    command.args(args).stdin(Stdio::null());
    command.env("AWS_ENDPOINT_URL", "http://bob:hunter2secret@127.0.0.1:1").env("AWS_ALLOW_HTTP", "true");
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_store_that_cannot_be_reached_is_named_with_the_cause_and_without_the_password_in_its_address() {
    for command in ["inspect", "recover"] {
        let told = told_by(&["--uri", "s3://x/graph", command], 12);
        let lines: Vec<&str> = told.lines().collect();
        let [error, causes] = lines[..] else { panic!("an error, and what caused it: {told}") };
        assert!(error.starts_with("error: ") && error.contains("`__manifest`"), "{told}");
        assert!(error.contains("; "), "there is a way out: {told}");
        assert!(causes.starts_with("caused by: ") && causes.contains("127.0.0.1:1"), "{told}");
        assert!(causes.chars().count() < 500 && !causes.contains(".rs:"), "{told}");
        assert!(!told.contains("hunter2secret") && told.contains("[redacted]@"), "{told}");
    }
}

#[test]
fn a_password_in_what_was_typed_is_not_repeated() {
    let told = told_by(&["--uri", "https://bob:hunter2secret@nowhere/graph", "inspect"], 3);
    assert!(told.contains("is no storage uri") && !told.contains("hunter2secret"), "{told}");
}

/// Waits until the process would hear a request to end; before that, one ends it.
#[cfg(target_os = "linux")]
fn until_it_listens(child: &Child) {
    const TERMINATE_BIT: u64 = 1 << 14;
    let began = std::time::Instant::now();
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        if u64::from_str_radix(caught, 16).unwrap() & TERMINATE_BIT != 0 {
            return;
        }
        assert!(began.elapsed() < ENDS_WITHIN, "it does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(target_os = "linux")]
fn ask_to_end(child: &Child) {
    assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap().success());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_load_that_is_interrupted_while_it_reads_writes_nothing_and_says_so() {
    let graph = graph().await;
    let mut child = omnigraph(graph.path(), &["load", "-"]);
    child.stdin.as_mut().unwrap().write_all(b"{\"type\": \"Person\", \"data\": {\"name\": \"alice\"}}\n").unwrap();
    until_it_listens(&child);
    ask_to_end(&child);
    let (code, said) = ended(&mut child);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("nothing of it was written"), "{said}");
    assert_eq!(super::count(graph.path()), 0);
}

/// Waits until the process has read a file to its end and closed it.
#[cfg(target_os = "linux")]
fn until_it_has_read(child: &Child, file: &Path) {
    let began = std::time::Instant::now();
    let is_open = || {
        let open = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
        open.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok()).any(|open| open == file)
    };
    while is_open() {
        assert!(began.elapsed() < ENDS_WITHIN, "it reads on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_load_that_is_interrupted_after_it_has_read_everything_is_given_the_time_to_end() {
    let graph = graph().await;
    let rows = graph.path().join("rows.jsonl");
    std::fs::write(&rows, "{\"type\": \"Person\", \"data\": {\"name\": \"alice\"}}\n").unwrap();
    let lock = File::options().write(true).open(graph.path().join(".lock#0")).unwrap();
    lock.lock().unwrap();
    let mut child = omnigraph(graph.path(), &["load", rows.to_str().unwrap()]);
    until_it_listens(&child);
    until_it_has_read(&child, &rows);
    ask_to_end(&child);
    let mut first = String::new();
    let mut saying = std::io::BufReader::new(child.stderr.as_mut().unwrap());
    std::io::BufRead::read_line(&mut saying, &mut first).unwrap();
    assert!(first.starts_with("interrupted: the write has up to"), "{first}");
    drop(lock);
    let (code, said) = ended(&mut child);
    assert_eq!((code, said.as_str()), (Some(0), ""), "it ended as it would have");
    assert_eq!(super::count(graph.path()), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_write_that_is_interrupted_twice_is_in_doubt_and_says_so() {
    let graph = graph().await;
    // Never given back: the write cannot end.
    let lock = File::options().write(true).open(graph.path().join(".lock#0")).unwrap();
    lock.lock().unwrap();
    let mut child = omnigraph(graph.path(), &["mutate", "INSERT INTO Person (name) VALUES ('alice')"]);
    until_it_listens(&child);
    ask_to_end(&child);
    let mut first = String::new();
    let mut saying = std::io::BufReader::new(child.stderr.as_mut().unwrap());
    std::io::BufRead::read_line(&mut saying, &mut first).unwrap();
    assert!(first.starts_with("interrupted: the write has up to"), "{first}");
    ask_to_end(&child);
    let (code, said) = ended(&mut child);
    assert_eq!(code, Some(8), "{said}");
    assert!(said.contains("may have happened") && said.contains("omnigraph commits"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_query_that_is_interrupted_ends() {
    let graph = super::people().await;
    let mut child = omnigraph(graph.path(), &["query", &super::endless_query()]);
    until_it_listens(&child);
    ask_to_end(&child);
    let (code, said) = ended(&mut child);
    assert_eq!((code, said.as_str()), (Some(130), "error: interrupted\n"));
}

#[tokio::test]
async fn a_query_whose_time_is_up_ends() {
    let graph = super::people().await;
    let mut child = omnigraph(graph.path(), &["query", &super::endless_query(), "--timeout", "200ms"]);
    let (code, said) = ended(&mut child);
    assert_eq!(code, Some(13), "{said}");
    assert!(said.contains("200ms"), "it names the limit: {said}");
}
