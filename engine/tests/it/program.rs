//! The `omnigraph` program from outside.

use std::process::{Command, Stdio};

/// Runs the program against an endpoint where nobody listens, whose address has a user and a password in it.
fn told_by(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnigraph"));
    command.args(args).stdin(Stdio::null());
    command.env("AWS_ENDPOINT_URL", "http://bob:hunter2secret@127.0.0.1:1").env("AWS_ALLOW_HTTP", "true");
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_store_that_cannot_be_reached_is_named_with_the_cause_and_without_the_password_in_its_address() {
    for command in ["inspect", "recover"] {
        let told = told_by(&["--uri", "s3://x/graph", command]);
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
    let told = told_by(&["--uri", "https://bob:hunter2secret@nowhere/graph", "inspect"]);
    assert!(told.contains("is no storage uri") && !told.contains("hunter2secret"), "{told}");
}
