//! Settings that come from the environment, and what must never be shown of them.

use super::{bare, program, run};

#[test]
fn a_line_end_after_a_variable_is_no_part_of_it() {
    let mut command = bare();
    command.args(["--uri", "s3://bucket/g", "inspect"]);
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1\n"),
        ("AWS_REGION", " us-east-1\r\n"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE\n"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI\n"),
        ("AWS_SESSION_TOKEN", "token\n"),
    ] {
        command.env(name, value);
    }
    let said = run(&mut command).ended_with(12);
    assert!(said.contains("127.0.0.1:1"), "it was asked: {said}");
}

#[test]
fn a_variable_that_cannot_be_used_is_named_and_not_shown() {
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "127.0.0.1:9000"),
        ("AWS_ENDPOINT_URL", "http://bob:hunter2\u{7f}@127.0.0.1:9000"),
        ("AWS_ENDPOINT_URL_S3", "http://bob:hunter2@127.0.0.1:99999"),
        ("AWS_REGION", "us east hunter2"),
        ("AWS_ACCESS_KEY_ID", "hunter2\nX-Header: 1"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2\u{1}"),
        ("AWS_SESSION_TOKEN", "hunter2\r\nX-Header: 1"),
    ] {
        let mut command = bare();
        command.args(["--uri", "s3://bucket/g", "inspect"]).env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        command.env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI").env(name, value);
        let said = run(&mut command).ended_with(3);
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_password_in_a_place_is_not_in_the_help() {
    let out = run(bare().arg("--help").env("OMNIGRAPH_URI", "s3://bob:hunter2@host/g")).done();
    assert!(out.contains("OMNIGRAPH_URI") && !out.contains("hunter2"), "{out}");
}

#[test]
fn a_password_in_an_endpoint_is_not_in_the_log() {
    let mut command = program("s3://bucket/g".as_ref());
    command.arg("inspect").env("RUST_LOG", "trace").env("AWS_ENDPOINT_URL", "http://bob:hunter2@127.0.0.1:1");
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
    let said = run(&mut command).ended_with(12);
    assert!(said.lines().count() > 2 && !said.contains("hunter2") && !said.contains('\u{1b}'), "{said}");
}
