//! A container that one cell has to itself, so that it can be stopped under it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::NAME;
use super::instance::Instance;
use crate::backend::Container;
use crate::backend::cell::Cleanup;
use crate::backend::docker::Engine;
use crate::backend::error::BackendError;
use crate::scenario::model::ContainerCall;

/// A container that one cell has to itself.
#[derive(Debug)]
pub(super) struct OwnContainer {
    engine: Engine,
    instance: Arc<Instance>,
    /// The networks that it was taken off.
    networks: Mutex<Vec<String>>,
}

impl OwnContainer {
    pub(super) async fn new(instance: Arc<Instance>) -> Result<Self, BackendError> {
        Ok(OwnContainer { engine: Engine::connect(NAME).await?, instance, networks: Mutex::default() })
    }

    fn networks(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Container for OwnContainer {
    async fn act(&self, call: ContainerCall) -> Result<Option<String>, BackendError> {
        let id = self.instance.id();
        match call {
            ContainerCall::Stop => self.engine.stop_container(id).await?,
            ContainerCall::Kill => self.engine.kill_container(id).await?,
            ContainerCall::Start => self.engine.start_container(id).await?,
            ContainerCall::Restart => self.engine.restart_container(id).await?,
            ContainerCall::Pause => self.engine.pause_container(id).await?,
            ContainerCall::Unpause => self.engine.unpause_container(id).await?,
            ContainerCall::Disconnect => {
                let networks = self.engine.networks_of(id).await?;
                for network in &networks {
                    self.engine.disconnect(id, network).await?;
                }
                *self.networks() = networks;
            }
            ContainerCall::Connect => {
                let networks = std::mem::take(&mut *self.networks());
                for network in &networks {
                    self.engine.connect_to(id, network).await?;
                }
            }
        }
        match call.undone_by() {
            Some(_) => Ok(None),
            None => self.instance.ready().await.map(Some),
        }
    }
}

/// Removes the container with all that is in it.
#[derive(Debug)]
pub(super) struct RemoveContainer(pub(super) Arc<Instance>);

#[async_trait]
impl Cleanup for RemoveContainer {
    async fn cleanup(self: Box<Self>) -> Result<(), BackendError> {
        self.0.remove().await
    }
}
