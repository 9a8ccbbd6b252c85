//! The wire of one cell: two ways to its store that look alike, one on which faults strike and one that is always sound.

use std::sync::Arc;
use std::time::Duration;

use object_store::path::Path;
use omnigraph::storage::LateCall;
use url::Url;

use super::log::CellLog;
use crate::backend::CellAddress;
use crate::event::{Event, FaultId, Firing};
use crate::fault::wire::{Arrived, Proxy};
use crate::fault::{Board, FaultWatch, Life};
use crate::seed::Seed;

/// The wire of one cell. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Wire {
    /// The faults that are armed on it.
    pub board: Arc<Board>,
    faulty: Proxy,
    sound: Proxy,
    address: CellAddress,
}

impl Wire {
    /// Puts proxies before the store at `address`.
    ///
    /// # Errors
    /// The store is not reached over plain HTTP, or there are no ports.
    pub async fn start(address: &CellAddress, seed: Seed, log: Arc<CellLog>) -> Result<Wire, String> {
        let endpoint = address.storage.s3.endpoint.as_deref().unwrap_or_default();
        let target = target_of(endpoint)?;
        let root = address.uri.strip_prefix("s3://").ok_or_else(|| format!("{} has no wire", address.uri))?;
        let root = Path::parse(root).map_err(|error| format!("{} has no wire: {error}", address.uri))?;
        let life = Arc::new(Life::simulated(Box::new(|_| {})));
        // Nothing is ever held on a wire.
        let board = Board::new(life, Arc::new(Watch(log)), seed.stream("faults").stream("(wire)"), Duration::ZERO);
        let trouble = |error: std::io::Error| format!("the wire cannot listen on 127.0.0.1: {error}");
        let faulty = Proxy::start(target.clone(), root.clone(), Some(Arc::clone(&board))).await.map_err(trouble)?;
        let sound = Proxy::start(target, root, None).await.map_err(trouble)?;
        Ok(Wire { board, faulty, sound, address: address.clone() })
    }

    /// How the processes of the scenario reach the store.
    pub fn faulty(&self) -> CellAddress {
        self.through(&self.faulty)
    }

    /// How whoever looks from outside reaches it.
    pub fn sound(&self) -> CellAddress {
        self.through(&self.sound)
    }

    /// The store has moved.
    ///
    /// # Errors
    /// It is not reached over plain HTTP.
    pub fn retarget(&self, endpoint: &str) -> Result<(), String> {
        let target = target_of(endpoint)?;
        self.faulty.retarget(target.clone());
        self.sound.retarget(target);
        Ok(())
    }

    /// Lets late requests of this name arrive; all of them, if none is said.
    ///
    /// # Errors
    /// The store cannot be reached, or does not answer.
    pub async fn arrive(&self, name: Option<&str>) -> Result<Vec<Arrived>, String> {
        let arrived = self.faulty.arrive(name).await;
        arrived.map_err(|error| format!("a late request could not be handed on: {error}"))
    }

    fn through(&self, proxy: &Proxy) -> CellAddress {
        let mut address = self.address.clone();
        address.storage.s3.endpoint = Some(proxy.endpoint());
        address
    }
}

/// Host and port of an endpoint.
fn target_of(endpoint: &str) -> Result<String, String> {
    let wrong = || format!("only an endpoint that is reached over http:// can have a faulty wire, not '{endpoint}'");
    let url = Url::parse(endpoint).map_err(|_| wrong())?;
    match (url.scheme(), url.host_str(), url.port_or_known_default()) {
        ("http", Some(host), Some(port)) => Ok(format!("{host}:{port}")),
        _ => Err(wrong()),
    }
}

/// Tells of the faults as they strike.
struct Watch(Arc<CellLog>);

impl FaultWatch for Watch {
    fn reached(&self, fault: &FaultId) {
        self.0.emit(Event::FaultReached { cell: self.0.cell(), fault: fault.clone() });
    }

    fn fired(&self, fault: &FaultId, firing: &Firing) {
        let (fault, firing) = (fault.clone(), firing.clone());
        self.0.emit(Event::FaultFired { cell: self.0.cell(), fault, firing });
    }

    fn held(&self, _: &FaultId) {}

    // What is late on a wire stays with the proxy.
    fn late(&self, _: &str, _: LateCall) {}
}

#[cfg(test)]
mod tests {
    use super::target_of;

    #[test]
    fn only_what_is_spoken_in_the_clear_can_be_disturbed() {
        assert_eq!(target_of("http://127.0.0.1:9000"), Ok("127.0.0.1:9000".to_owned()));
        assert_eq!(target_of("http://[::1]"), Ok("[::1]:80".to_owned()));
        for endpoint in ["https://s3.amazonaws.com", "", "127.0.0.1:9000"] {
            assert!(target_of(endpoint).is_err(), "{endpoint}");
        }
    }
}
