//! Identifiers, and the source they are drawn from.
//!
//! Ids come from an injected [`IdSource`], so that a simulated run owns its entropy.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::clock::Clock;

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// Wraps a ULID.
            pub fn new(ulid: Ulid) -> Self {
                Self(ulid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        /// Reads the canonical 26-character form only: a sidecar's file name must equal its id byte for byte.
        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let ulid = Ulid::from_string(text).map_err(|e| format!("`{text}` is not a ULID: {e}"))?;
                if ulid.to_string() != text {
                    return Err(format!("`{text}` is not a ULID in canonical form"));
                }
                Ok(Self(ulid))
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

ulid_id!(
    /// Names one write from prepare to disarm. It is the name of its sidecar, is carried by each of its Lance commits
    /// and by its commit row, and keys its audit row.
    OperationId
);
ulid_id!(
    /// Names one published version of the graph.
    CommitId
);
ulid_id!(
    /// Names one life of a branch: a recreated branch of the same name has another incarnation.
    IncarnationId
);
ulid_id!(
    /// Names one process's share in a graph: its queues and the operations that it armed.
    ProcessId
);

impl OperationId {
    /// What names a later attempt at a write that its caller named, when the earlier ones were rolled back: everybody who calls it
    /// by its name finds the same ones. The first attempt, number 0, has the name itself.
    ///
    /// It begins at the same time as the name, so that what came first still sorts first; the rest is drawn from a hash.
    pub fn attempt(self, number: u32) -> OperationId {
        if number == 0 {
            return self;
        }
        let hash = Sha256::new().chain_update(self.0.to_bytes()).chain_update(number.to_be_bytes()).finalize();
        let mut bytes = self.0.to_bytes();
        let time_bytes = 6;
        for (byte, drawn) in bytes[time_bytes..].iter_mut().zip(hash) {
            *byte = drawn;
        }
        OperationId(Ulid::from_bytes(bytes))
    }
}

/// Where ids come from.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// A new ULID, greater than every ULID that this source gave before.
    fn ulid(&self) -> Ulid;
    /// A new UUID in hyphenated form, for a Lance transaction.
    fn uuid(&self) -> String;
}

/// Ids from the operating system's entropy and an injected clock.
#[derive(Debug)]
pub struct SystemIds {
    clock: Arc<dyn Clock>,
    last: Mutex<Ulid>,
}

impl SystemIds {
    /// A source that stamps ULIDs with `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, last: Mutex::new(Ulid::nil()) }
    }
}

impl IdSource for SystemIds {
    fn ulid(&self) -> Ulid {
        let random = uuid::Uuid::new_v4().as_u128();
        let millis = self.clock.now().timestamp_millis().max(0) as u64;
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let fresh = Ulid::from_parts(millis, random);
        // Monotonic within a source, also when the clock stands still or goes back: sidecars are processed oldest
        // first by name.
        let next = if fresh > *last { fresh } else { Ulid(last.0.wrapping_add(1)) };
        *last = next;
        next
    }

    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().hyphenated().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    #[test]
    fn ulids_grow_even_when_the_clock_stands_still() {
        let ids = SystemIds::new(Arc::new(FixedClock::at_millis(1_000)));
        let drawn: Vec<Ulid> = (0..1_000).map(|_| ids.ulid()).collect();
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn attempts_at_one_write_have_names_of_their_own_that_never_change() {
        let named: OperationId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        assert_eq!(named.attempt(0), named);
        let names: std::collections::BTreeSet<String> =
            (0..100).map(|number| named.attempt(number).to_string()).collect();
        assert_eq!(names.len(), 100);
        assert!(names.iter().all(|name| name.starts_with("01ARZ3NDEK")));
        assert_eq!(named.attempt(1).to_string(), "01ARZ3NDEKSAGB6YT3FMT5HKEY");
    }

    #[test]
    fn only_the_canonical_form_of_an_id_is_read() {
        let text = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert!(text.parse::<OperationId>().is_ok());
        assert!(text.to_lowercase().parse::<OperationId>().is_err());
        assert!("01ARZ3NDEKTSV4RRFFQ69G5FA".parse::<OperationId>().is_err());
    }
}
