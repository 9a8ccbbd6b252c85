//! `chaos matrix`: the job matrix of a CI run.

use serde_json::{Value, json};

use super::exit::Exit;
use super::flags::MatrixArgs;
use crate::backend::BackendKind;

/// Prints the matrix on one line: a job for each backend and shard.
///
/// # Errors
/// The output cannot be written.
pub fn command(args: &MatrixArgs) -> Result<Exit, String> {
    let default = [BackendKind::Memory, BackendKind::Local, BackendKind::S3, BackendKind::Rustfs];
    let backends = if args.backend.is_empty() { &default[..] } else { &args.backend[..] };
    super::print(&format!("{}\n", matrix(backends, args.shards)))?;
    Ok(Exit::Held)
}

fn matrix(backends: &[BackendKind], shards: u32) -> Value {
    let job = |backend: BackendKind, k: u32| {
        json!({
            "backend": backend.as_str(),
            "shard": format!("{k}/{shards}"),
            // A slash may stand in no name of an artifact.
            "id": format!("{}-{k}-of-{shards}", backend.as_str()),
        })
    };
    let jobs: Vec<Value> = backends.iter().flat_map(|&backend| (1..=shards).map(move |k| job(backend, k))).collect();
    json!({ "include": jobs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_has_every_shard_under_a_name_of_its_own() {
        let matrix = matrix(&[BackendKind::Memory, BackendKind::S3], 2);
        let jobs = matrix["include"].as_array().expect("a list");
        let ids: Vec<&str> = jobs.iter().filter_map(|job| job["id"].as_str()).collect();
        assert_eq!(ids, ["memory-1-of-2", "memory-2-of-2", "s3-1-of-2", "s3-2-of-2"]);
        assert_eq!(jobs[1]["shard"], "2/2");
    }
}
