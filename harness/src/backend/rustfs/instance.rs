//! One running RustFS container, and how it is reached.

use std::net::IpAddr;

use omnigraph::storage::{S3Options, Secret, StorageOptions};
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::logs::LogFrame;
use testcontainers::core::{ContainerPort, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

use super::NAME;
use super::log::Log;
use crate::backend::access::random_text;
use crate::backend::config::RustfsConfig;
use crate::backend::docker::{Engine, LABEL, LABEL_OWNER, LABEL_RUN};
use crate::backend::error::BackendError;
use crate::backend::reap::Owner;
use crate::backend::s3_client::S3Client;

const PORT: u16 = 9000;
const READY_PATH: &str = "/health/ready";
const REGION: &str = "us-east-1";

/// A running container with credentials of its own.
pub(super) struct Instance {
    config: RustfsConfig,
    container: ContainerAsync<GenericImage>,
    /// How it was reached when it had started.
    pub(super) storage: StorageOptions,
    pub(super) client: S3Client,
}

impl std::fmt::Debug for Instance {
    /// Without the request of the container, whose environment holds the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("container", &self.id()).field("storage", &self.storage).finish()
    }
}

impl Instance {
    /// Starts a container of the run `run_id` and waits until it is ready. Bounded.
    pub(super) async fn start(config: &RustfsConfig, run_id: &str, log: &Log) -> Result<Self, BackendError> {
        let reference = config.reference();
        let failed = || {
            BackendError::new(NAME, format!("cannot start a container of {reference}"))
                .with_advice(format!("try `docker run --rm {reference}` by hand; {}", log.last_words()))
        };
        let access_key_id = random_text(20);
        let secret_access_key = Secret::new(random_text(40));
        log.hide(secret_access_key.expose());

        // The image was there a moment ago; should it be gone, the pull that would follow is inside this bound too.
        let starting = request(config, run_id, log, &access_key_id, &secret_access_key).start();
        let bound = config.start_timeout().saturating_mul(2);
        let container = match tokio::time::timeout(bound, starting).await {
            Ok(started) => started.map_err(|error| failed().with_source(error))?,
            Err(_) => return Err(failed().with_source(format!("not started within {} s", bound.as_secs()))),
        };
        let endpoint = endpoint(config, &container).await.map_err(|error| failed().with_source(error))?;
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
        client.ready(READY_PATH, config.start_timeout()).await.map_err(|error| failed().with_source(error))?;
        let storage = StorageOptions { s3, ..StorageOptions::default() };
        Ok(Instance { config: config.clone(), container, storage, client })
    }

    /// The engine's id of the container.
    pub(super) fn id(&self) -> &str {
        self.container.id()
    }

    /// Waits until the container answers again, after it was started anew or put back on its network; both give it another
    /// port. Returns its endpoint.
    pub(super) async fn ready(&self) -> Result<String, BackendError> {
        let endpoint = endpoint(&self.config, &self.container).await.map_err(|error| {
            BackendError::new(NAME, "cannot find the port of a container that was started again").with_source(error)
        })?;
        let s3 = S3Options { endpoint: Some(endpoint.clone()), ..self.storage.s3.clone() };
        S3Client::new(NAME, s3)?.ready(READY_PATH, self.config.start_timeout()).await?;
        Ok(endpoint)
    }

    /// Removes the container with its data. One that is gone already is fine.
    pub(super) async fn remove(&self) -> Result<(), BackendError> {
        Engine::connect(NAME).await?.remove_container(self.id()).await
    }
}

fn request(
    config: &RustfsConfig,
    run_id: &str,
    log: &Log,
    access_key_id: &str,
    secret_access_key: &Secret,
) -> ContainerRequest<GenericImage> {
    let port: ContainerPort = PORT.tcp();
    let publish_on = config.publish_on.to_string();
    let log = log.clone();
    GenericImage::new(config.image.clone(), config.tag.clone())
        .with_exposed_port(port)
        .with_env_var("RUSTFS_ACCESS_KEY", access_key_id)
        .with_env_var("RUSTFS_SECRET_KEY", secret_access_key.expose())
        .with_label(LABEL, "1")
        .with_label(LABEL_RUN, run_id)
        .with_label(LABEL_OWNER, Owner::of_this_process().to_string())
        .with_startup_timeout(config.start_timeout())
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
    config: &RustfsConfig,
    container: &ContainerAsync<GenericImage>,
) -> Result<String, testcontainers::TestcontainersError> {
    let host = match config.publish_on {
        any if any.is_unspecified() => container.get_host().await?.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
        IpAddr::V4(address) => address.to_string(),
    };
    let port = match config.publish_on {
        IpAddr::V6(_) => container.get_host_port_ipv6(PORT).await?,
        IpAddr::V4(_) => container.get_host_port_ipv4(PORT).await?,
    };
    Ok(format!("http://{host}:{port}"))
}
