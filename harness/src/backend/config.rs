//! What a run tells its backends. Plain data: the program reads files and environment, this part never does.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use omnigraph::storage::StorageOptions;
use serde::{Deserialize, Serialize};

/// The run that a backend is started for.
#[derive(Clone, Debug)]
pub struct RunContext {
    /// Unique for a run: letters, digits and dashes; becomes a label of containers and a part of bucket names.
    pub run_id: String,
    /// An existing folder of this run alone, for whatever a backend writes on this machine.
    pub scratch: PathBuf,
    /// Keep the bytes of every cell after the run (`--keep`).
    pub keep: bool,
}

/// Settings of the backends that have any.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BackendConfig {
    /// The RustFS container.
    pub rustfs: RustfsConfig,
    /// Any other S3 service. Holds secrets, so it is never written out or read from a file.
    #[serde(skip)]
    pub service: Option<ServiceConfig>,
}

/// Which RustFS is run, and how long it may take.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RustfsConfig {
    /// Image name without its tag.
    pub image: String,
    /// Tag of the image.
    pub tag: String,
    /// How long the container may take to become ready, in milliseconds.
    pub start_timeout_ms: u64,
    /// The address of this machine on which the container's port is published. Anything but loopback lets others in;
    /// it is needed where the Docker engine is another machine.
    pub publish_on: IpAddr,
}

impl RustfsConfig {
    /// Name and tag as Docker writes them.
    pub fn reference(&self) -> String {
        format!("{}:{}", self.image, self.tag)
    }

    pub(super) fn start_timeout(&self) -> Duration {
        Duration::from_millis(self.start_timeout_ms)
    }
}

impl Default for RustfsConfig {
    fn default() -> Self {
        Self {
            image: "rustfs/rustfs".into(),
            tag: "1.0.1".into(),
            start_timeout_ms: 60_000,
            publish_on: Ipv4Addr::LOCALHOST.into(),
        }
    }
}

/// A service that somebody else runs.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// An existing bucket. Cells become prefixes in it: a service may charge for buckets or forbid making them.
    pub bucket: String,
    /// Everything is put below this prefix; may be empty.
    pub prefix: String,
    /// How to reach it, usually `StorageOptions::from_env()`, which only the program itself calls.
    pub storage: StorageOptions,
}
