//! What the program reads from its surroundings: the environment, and its own version. Nothing else of the harness does.

use std::collections::BTreeMap;
use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::process::Command;

use omnigraph::storage::StorageOptions;

use crate::backend::{BackendConfig, ServiceConfig};
use crate::event::shell_word;

/// Names the bucket of the backend `service`.
const BUCKET: &str = "CHAOS_S3_BUCKET";
/// Names the prefix in it.
const PREFIX: &str = "CHAOS_S3_PREFIX";

/// Settings of the backends: `service` is there when `CHAOS_S3_BUCKET` names a bucket; how to reach it stands in the usual
/// `AWS_*` variables.
pub fn backends() -> BackendConfig {
    let service = variable(BUCKET).map(|bucket| ServiceConfig {
        bucket,
        prefix: variable(PREFIX).unwrap_or_default(),
        storage: StorageOptions::from_env(),
    });
    BackendConfig { service, ..BackendConfig::default() }
}

/// How to reach S3, from the usual `AWS_*` variables.
pub fn storage() -> StorageOptions {
    StorageOptions::from_env()
}

/// What must not stand in any report, beside what looks like a secret.
pub fn secrets() -> Vec<String> {
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].into_iter().filter_map(variable).collect()
}

/// Versions of everything that has a part in a run.
pub fn versions() -> BTreeMap<String, String> {
    let own = env!("CARGO_PKG_VERSION").to_owned();
    BTreeMap::from([
        ("chaos".to_owned(), own.clone()),
        ("omnigraph".to_owned(), own),
        ("platform".to_owned(), format!("{}-{}", env::consts::OS, env::consts::ARCH)),
    ])
}

/// The git revision of the tree that this program was built from, as the tree is now: with `-dirty` where it differs from the
/// revision, none where there is no such tree any more. With the seed it is what a failure needs to be seen again.
pub fn git_revision() -> Option<String> {
    let git = |arguments: &[&str]| {
        let ran = Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
        ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).trim().to_owned())
    };
    let revision = git(&["rev-parse", "HEAD"])?;
    let is_clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if is_clean { revision } else { format!("{revision}-dirty") })
}

/// How this program was called, as a shell takes it: a command that begins with it runs as it is printed.
pub fn called() -> String {
    shell_word(&env::args().next().unwrap_or_else(|| "chaos".to_owned()))
}

/// Whether the person at the terminal wants no colour.
pub fn no_color() -> bool {
    variable("NO_COLOR").is_some()
}

/// Where a GitHub job's summary goes; nowhere, outside of one.
///
/// # Errors
/// The file cannot be opened.
pub fn step_summary() -> Result<Box<dyn Write + Send>, String> {
    let Some(path) = variable("GITHUB_STEP_SUMMARY") else { return Ok(Box::new(io::sink())) };
    let opened = OpenOptions::new().create(true).append(true).open(&path);
    opened
        .map(|file| Box::new(file) as Box<dyn Write + Send>)
        .map_err(|error| format!("{path} cannot be written: {error}"))
}

/// This program once more, with an environment in which no proxy stands between it and its own endpoints; none where none does now.
///
/// A proxy that the environment names is for the world outside. The endpoints that the harness starts listen on this machine, where a
/// proxy does not reach them.
pub fn without_proxy_to_itself() -> Option<Command> {
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let excepted = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
    let is_excepted = excepted.split(',').any(|host| matches!(host.trim(), "*" | "127.0.0.1"));
    if is_excepted || !proxies.into_iter().any(|name| variable(name).is_some()) {
        return None;
    }
    let excepted = format!("127.0.0.1,localhost,::1,{excepted}");
    let mut again = Command::new(env::current_exe().ok()?);
    again.args(env::args_os().skip(1)).env("NO_PROXY", &excepted).env("no_proxy", excepted);
    Some(again)
}

fn variable(name: &str) -> Option<String> {
    // As the engine reads its own: a line end behind a secret is no part of it, and must not hide it from the redaction.
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
