//! Talking to a Docker engine: is it there, is the image there, what did earlier runs leave. Never pulls anything.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::models::{NetworkConnectRequest, NetworkDisconnectRequest};
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, ListContainersOptions, ListNetworksOptions, RemoveContainerOptions,
    RestartContainerOptions, StartContainerOptions, StopContainerOptions,
};

use super::error::BackendError;

/// How long one question to the engine may take. A socket that nobody answers must not hang a run.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the engine may take to remove a container: it deletes all that was written, gigabytes after a long run.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a container may take to end when it is asked to; it is killed then.
const STOP_SECONDS: i32 = 5;

/// The label that every container and network of this program carries.
pub const LABEL: &str = "omnigraph.chaos";
/// The label with the id of the run.
pub const LABEL_RUN: &str = "omnigraph.chaos.run";
/// The label with the process that runs it, as `super::reap::Owner` writes it.
pub const LABEL_OWNER: &str = "omnigraph.chaos.owner";

/// A container or a network that carries [`LABEL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// The engine's id for it.
    pub id: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// Whether it is a container that runs. Networks do not.
    pub is_running: bool,
}

/// A connection to the engine that the usual Docker settings name.
#[derive(Debug)]
pub struct Engine {
    backend: &'static str,
    docker: Docker,
}

impl Engine {
    /// Fails when no engine answers; `backend` is named in errors.
    pub async fn connect(backend: &'static str) -> Result<Self, BackendError> {
        let absent = || {
            BackendError::new(backend, "no docker engine answers")
                .with_advice("start one (`docker info` must work), or leave this backend out")
        };
        let docker = testcontainers::core::client::docker_client_instance()
            .await
            .map_err(|error| absent().with_source(error))?;
        let engine = Self { backend, docker };
        engine.ask(engine.docker.ping()).await.map_err(|error| absent().with_source(error))?;
        Ok(engine)
    }

    /// Fails when the image is not on this machine already.
    pub async fn expect_image(&self, reference: &str) -> Result<(), BackendError> {
        match self.ask(self.docker.inspect_image(reference)).await {
            Ok(_) => Ok(()),
            Err(Trouble::Engine(EngineError::DockerResponseServerError { status_code: 404, .. })) => {
                Err(BackendError::new(self.backend, format!("the image {reference} is not on this machine"))
                    .with_advice(format!("`docker pull {reference}`, or leave this backend out")))
            }
            Err(trouble) => Err(self.failed(format!("cannot look for the image {reference}"), trouble)),
        }
    }

    /// Every container, running or not, that carries [`LABEL`].
    pub async fn containers(&self) -> Result<Vec<Labelled>, BackendError> {
        let options =
            ListContainersOptions { all: true, filters: Some(label_filter()), ..ListContainersOptions::default() };
        let found = self.ask(self.docker.list_containers(Some(options))).await;
        let found = found.map_err(|trouble| self.failed("cannot list containers".into(), trouble))?;
        let labelled = |container: testcontainers::bollard::models::ContainerSummary| Labelled {
            id: container.id.unwrap_or_default(),
            labels: container.labels.unwrap_or_default(),
            is_running: container
                .state
                .is_some_and(|state| matches!(state.as_ref(), "running" | "paused" | "restarting")),
        };
        Ok(found.into_iter().map(labelled).collect())
    }

    /// Every network that carries [`LABEL`].
    pub async fn networks(&self) -> Result<Vec<Labelled>, BackendError> {
        let options = ListNetworksOptions { filters: Some(label_filter()) };
        let found = self.ask(self.docker.list_networks(Some(options))).await;
        let found = found.map_err(|trouble| self.failed("cannot list networks".into(), trouble))?;
        let labelled = |network: testcontainers::bollard::models::Network| Labelled {
            id: network.id.unwrap_or_default(),
            labels: network.labels.unwrap_or_default(),
            is_running: false,
        };
        Ok(found.into_iter().map(labelled).collect())
    }

    /// Kills and removes a container with its volumes. One that is gone already is fine.
    pub async fn remove_container(&self, id: &str) -> Result<(), BackendError> {
        let options = RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
        let removed = ask_within(REMOVE_TIMEOUT, self.docker.remove_container(id, Some(options))).await;
        self.gone(removed, "container", id)
    }

    /// Removes a network. One that is gone already is fine.
    pub async fn remove_network(&self, id: &str) -> Result<(), BackendError> {
        self.gone(self.ask(self.docker.remove_network(id)).await, "network", id)
    }

    /// Starts a container that has ended.
    pub async fn start_container(&self, id: &str) -> Result<(), BackendError> {
        let options: Option<StartContainerOptions> = None;
        self.done(self.ask(self.docker.start_container(id, options)).await, "start", id)
    }

    /// Asks a container to end, and kills it if it does not.
    pub async fn stop_container(&self, id: &str) -> Result<(), BackendError> {
        let options = StopContainerOptions { t: Some(STOP_SECONDS), ..StopContainerOptions::default() };
        self.done(self.ask(self.docker.stop_container(id, Some(options))).await, "stop", id)
    }

    /// Kills a container (SIGKILL).
    pub async fn kill_container(&self, id: &str) -> Result<(), BackendError> {
        let options = KillContainerOptions { signal: "SIGKILL".to_owned() };
        self.done(self.ask(self.docker.kill_container(id, Some(options))).await, "kill", id)
    }

    /// Stops a container and starts it again.
    pub async fn restart_container(&self, id: &str) -> Result<(), BackendError> {
        let options = RestartContainerOptions { t: Some(STOP_SECONDS), ..RestartContainerOptions::default() };
        self.done(self.ask(self.docker.restart_container(id, Some(options))).await, "restart", id)
    }

    /// Freezes every process in a container.
    pub async fn pause_container(&self, id: &str) -> Result<(), BackendError> {
        self.done(self.ask(self.docker.pause_container(id)).await, "pause", id)
    }

    /// Lets them go on.
    pub async fn unpause_container(&self, id: &str) -> Result<(), BackendError> {
        self.done(self.ask(self.docker.unpause_container(id)).await, "unpause", id)
    }

    /// The names of the networks that a container is on.
    pub async fn networks_of(&self, id: &str) -> Result<Vec<String>, BackendError> {
        let options: Option<InspectContainerOptions> = None;
        let found = self.ask(self.docker.inspect_container(id, options)).await;
        let found = found.map_err(|trouble| self.failed(format!("cannot inspect the container {id}"), trouble))?;
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        Ok(networks.into_keys().collect())
    }

    /// Takes a container off a network.
    pub async fn disconnect(&self, id: &str, network: &str) -> Result<(), BackendError> {
        let request = NetworkDisconnectRequest { container: id.to_owned(), force: Some(true) };
        self.done(self.ask(self.docker.disconnect_network(network, request)).await, "disconnect", id)
    }

    /// Puts a container on a network.
    pub async fn connect_to(&self, id: &str, network: &str) -> Result<(), BackendError> {
        let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: None };
        self.done(self.ask(self.docker.connect_network(network, request)).await, "connect", id)
    }

    fn done(&self, answer: Result<(), Trouble>, what: &str, id: &str) -> Result<(), BackendError> {
        answer.map_err(|trouble| self.failed(format!("cannot {what} the container {id}"), trouble))
    }

    fn gone(&self, answer: Result<(), Trouble>, what: &str, id: &str) -> Result<(), BackendError> {
        match answer {
            // 409: somebody else is removing it at this moment.
            Ok(()) | Err(Trouble::Engine(EngineError::DockerResponseServerError { status_code: 404 | 409, .. })) => {
                Ok(())
            }
            Err(trouble) => Err(self.failed(format!("cannot remove the {what} {id}"), trouble)),
        }
    }

    async fn ask<T>(&self, question: impl Future<Output = Result<T, EngineError>>) -> Result<T, Trouble> {
        ask_within(CALL_TIMEOUT, question).await
    }

    fn failed(&self, message: String, trouble: Trouble) -> BackendError {
        BackendError::new(self.backend, message).with_source(trouble).with_advice("see whether `docker info` works")
    }
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Engine(EngineError),
    #[error("the engine did not answer within {} s", .0.as_secs())]
    Silent(Duration),
}

async fn ask_within<T>(bound: Duration, question: impl Future<Output = Result<T, EngineError>>) -> Result<T, Trouble> {
    match tokio::time::timeout(bound, question).await {
        Ok(answer) => answer.map_err(Trouble::Engine),
        Err(_) => Err(Trouble::Silent(bound)),
    }
}

fn label_filter() -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![LABEL.to_owned()])])
}
