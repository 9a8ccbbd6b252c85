//! `chaos serve-s3`: the embedded endpoint by itself, for whoever wants to try something against it.

use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use super::flags::ServeS3Args;
use crate::backend::s3::{Endpoint, EndpointLimits};

/// Serves on 127.0.0.1 until it is interrupted. This is the one place where the endpoint's credentials are shown: they are
/// drawn anew each time, and open nothing else.
///
/// # Errors
/// The port is taken, or a bucket's name is none.
pub fn command(args: &ServeS3Args) -> Result<Exit, String> {
    let runtime = super::run::runtime()?;
    runtime.block_on(async {
        let trouble = |error: std::io::Error| format!("signals cannot be heard: {error}");
        let mut interrupt = signal(SignalKind::interrupt()).map_err(trouble)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(trouble)?;
        let limits = EndpointLimits::default();
        let endpoint = Endpoint::start_on(args.port, limits).await.map_err(|error| error.to_string())?;
        for bucket in &args.bucket {
            endpoint.create_bucket(bucket).map_err(|error| error.to_string())?;
        }
        super::print(&exports(&endpoint, &args.bucket))?;
        eprintln!("serving on 127.0.0.1 alone, in memory alone, until it is interrupted");
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        endpoint.stop().await;
        Ok(Exit::Held)
    })
}

/// Lines that a shell can evaluate. No value of them needs quotes: they are addresses, names and random letters.
fn exports(endpoint: &Endpoint, buckets: &[String]) -> String {
    let s3 = endpoint.storage().s3;
    let secret = s3.secret_access_key.as_ref().map(|secret| secret.expose().to_owned());
    let variables = [
        ("AWS_ENDPOINT_URL", s3.endpoint),
        ("AWS_REGION", s3.region),
        ("AWS_ACCESS_KEY_ID", s3.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_ALLOW_HTTP", Some("true".to_owned())),
        ("CHAOS_S3_BUCKET", buckets.first().cloned()),
    ];
    let line = |(name, value): (&str, Option<String>)| value.map(|value| format!("export {name}={value}\n"));
    variables.into_iter().filter_map(line).collect()
}
