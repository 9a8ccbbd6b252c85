//! `rustfs`: one RustFS container a run, one bucket a cell.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use omnigraph::storage::{S3Options, Secret, StorageOptions};
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::logs::LogFrame;
use testcontainers::core::{ContainerPort, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

use super::access::random_text;
use super::cell::{CellStore, Cleanup, cell_name};
use super::config::{RunContext, RustfsConfig};
use super::docker::{Engine, LABEL, LABEL_OWNER, LABEL_RUN};
use super::error::BackendError;
use super::preflight::{self, PreflightAnswer};
use super::reap::Owner;
use super::running::Running;
use super::s3_client::S3Client;
use super::{Backend, BackendKind};

const NAME: &str = "rustfs";
const PORT: u16 = 9000;
const READY_PATH: &str = "/health/ready";
const REGION: &str = "us-east-1";
/// How many lines of the container's log stand in an error.
const LAST_WORDS_LINES: usize = 5;
/// How much of the container's own log is kept; older lines go first.
const LOG_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A RustFS container as a backend.
#[derive(Debug)]
pub struct Rustfs {
    config: RustfsConfig,
    log: Log,
    running: Running<Started>,
}

struct Started {
    container: ContainerAsync<GenericImage>,
    client: S3Client,
    storage: StorageOptions,
    cells: AtomicU64,
}

impl std::fmt::Debug for Started {
    /// Without the request of the container, whose environment holds the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started").field("container", &self.container.id()).field("storage", &self.storage).finish()
    }
}

impl Rustfs {
    /// Fails, with the way out, when there is no Docker engine or no image on this machine. Starts nothing.
    pub async fn detect(config: &RustfsConfig) -> Result<Self, BackendError> {
        let engine = Engine::connect(NAME).await?;
        engine.expect_image(&config.reference()).await?;
        Ok(Self { config: config.clone(), log: Log::default(), running: Running::new(NAME) })
    }

    fn request(
        &self,
        run: &RunContext,
        access_key_id: &str,
        secret_access_key: &Secret,
    ) -> ContainerRequest<GenericImage> {
        let port: ContainerPort = PORT.tcp();
        let publish_on = self.config.publish_on.to_string();
        let log = self.log.clone();
        GenericImage::new(self.config.image.clone(), self.config.tag.clone())
            .with_exposed_port(port)
            .with_env_var("RUSTFS_ACCESS_KEY", access_key_id)
            .with_env_var("RUSTFS_SECRET_KEY", secret_access_key.expose())
            .with_label(LABEL, "1")
            .with_label(LABEL_RUN, &run.run_id)
            .with_label(LABEL_OWNER, Owner::of_this_process().to_string())
            .with_startup_timeout(self.config.start_timeout())
            .with_log_consumer(move |frame: &LogFrame| log.append(frame.bytes()))
            .with_host_config_modifier(move |host| {
                // Left to itself the container would be published on every address of this machine.
                host.publish_all_ports = Some(false);
                let binding = PortBinding { host_ip: Some(publish_on.clone()), host_port: Some("0".into()) };
                host.port_bindings = Some([(format!("{PORT}/tcp"), Some(vec![binding]))].into());
            })
    }

    /// Where the container is reached: where it was published. What testcontainers takes for the host is no help: in
    /// anything that looks like a container it is the bridge's gateway, on which nothing of ours listens.
    async fn endpoint(
        &self,
        container: &ContainerAsync<GenericImage>,
    ) -> Result<String, testcontainers::TestcontainersError> {
        let host = match self.config.publish_on {
            any if any.is_unspecified() => container.get_host().await?.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
            IpAddr::V4(address) => address.to_string(),
        };
        let port = match self.config.publish_on {
            IpAddr::V6(_) => container.get_host_port_ipv6(PORT).await?,
            IpAddr::V4(_) => container.get_host_port_ipv4(PORT).await?,
        };
        Ok(format!("http://{host}:{port}"))
    }

    /// The last lines that the container wrote, for an error that has to explain itself.
    fn last_words(&self) -> String {
        let log = self.log.text();
        let lines: Vec<&str> = log.lines().collect();
        match lines.len() {
            0 => "it wrote no log".into(),
            many => format!("its log ends: {}", lines[many.saturating_sub(LAST_WORDS_LINES)..].join(" | ")),
        }
    }
}

#[async_trait]
impl Backend for Rustfs {
    fn kind(&self) -> BackendKind {
        BackendKind::Rustfs
    }

    async fn start(&self, run: &RunContext) -> Result<(), BackendError> {
        self.running.expect_new()?;
        let reference = self.config.reference();
        let failed = || {
            BackendError::new(NAME, format!("cannot start a container of {reference}"))
                .with_advice(format!("try `docker run --rm {reference}` by hand; {}", self.last_words()))
        };
        let access_key_id = random_text(20);
        let secret_access_key = Secret::new(random_text(40));
        self.log.hide(secret_access_key.expose());

        // The image was there a moment ago; should it be gone, the pull that would follow is inside this bound too.
        let starting = self.request(run, &access_key_id, &secret_access_key).start();
        let bound = self.config.start_timeout().saturating_mul(2);
        let container = match tokio::time::timeout(bound, starting).await {
            Ok(started) => started.map_err(|error| failed().with_source(error))?,
            Err(_) => return Err(failed().with_source(format!("not started within {} s", bound.as_secs()))),
        };
        let endpoint = self.endpoint(&container).await.map_err(|error| failed().with_source(error))?;
        let s3 = S3Options {
            endpoint: Some(endpoint),
            region: Some(REGION.into()),
            access_key_id: Some(access_key_id),
            secret_access_key: Some(secret_access_key),
            session_token: None,
            allow_http: true,
            virtual_hosted: false,
        };
        let client = S3Client::new(NAME, s3.clone())?;
        client.ready(READY_PATH, self.config.start_timeout()).await.map_err(|error| failed().with_source(error))?;
        let storage = StorageOptions { s3, ..StorageOptions::default() };
        self.running.set(Started { container, client, storage, cells: AtomicU64::new(0) })
    }

    async fn cell(&self, id: &str) -> Result<CellStore, BackendError> {
        let started = self.running.get()?;
        let bucket = cell_name(id, started.cells.fetch_add(1, Ordering::Relaxed));
        started.client.create_bucket(&bucket).await?;
        let uri = format!("s3://{bucket}/graph");
        let storage = started.storage.clone();
        Ok(CellStore::new(uri, storage, Some(Box::new(RemoveBucket { started, bucket }))))
    }

    async fn preflight(&self) -> Result<Vec<PreflightAnswer>, BackendError> {
        preflight::ask(NAME, self.cell("preflight").await?).await
    }

    async fn logs(&self) -> Option<String> {
        Some(self.log.text())
    }

    /// The container is removed even where a run keeps its cells: nobody else knows its credentials.
    async fn stop(&self) -> Result<(), BackendError> {
        match self.running.take() {
            Some(started) => Engine::connect(NAME).await?.remove_container(started.container.id()).await,
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
struct RemoveBucket {
    started: Arc<Started>,
    bucket: String,
}

#[async_trait]
impl Cleanup for RemoveBucket {
    async fn cleanup(self: Box<Self>) -> Result<(), BackendError> {
        self.started.client.remove_objects(&self.bucket, "").await?;
        self.started.client.delete_bucket(&self.bucket).await
    }
}

/// The end of the container's log, with the run's secrets blotted out.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    lines: VecDeque<String>,
    bytes: usize,
    hidden: Vec<String>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Log {
    /// Never shows `text` from here on.
    fn hide(&self, text: &str) {
        self.lock().hidden.push(text.to_owned());
    }

    fn append(&self, frame: &[u8]) {
        let mut state = self.lock();
        let line = state
            .hidden
            .iter()
            .fold(String::from_utf8_lossy(frame).into_owned(), |line, hidden| line.replace(hidden, "<secret>"));
        state.bytes += line.len();
        state.lines.push_back(line);
        while state.bytes > LOG_BYTES_MAX {
            let Some(oldest) = state.lines.pop_front() else { break };
            state.bytes -= oldest.len();
        }
    }

    fn text(&self) -> String {
        self.lock().lines.iter().map(String::as_str).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_log_is_bounded_and_shows_no_secret() {
        let log = Log::default();
        log.hide("HUSH");
        log.append(b"key HUSH in use\n");
        assert_eq!(log.text(), "key <secret> in use\n");
        let line = vec![b'x'; 1024];
        for _ in 0..3 * LOG_BYTES_MAX / line.len() {
            log.append(&line);
        }
        assert!(log.text().len() <= LOG_BYTES_MAX);
    }
}
