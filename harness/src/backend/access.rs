//! What a worker needs to reach the bytes of its cell.
//!
//! A [`CellAddress`] goes to a worker through its standard input and through nothing else: an argument list can be read
//! by everyone with `ps`, an environment by everything the worker starts.

use omnigraph::storage::StorageOptions;
use serde::{Deserialize, Serialize};

/// Where one cell's graph lives and how to reach it. Serialising reveals the credentials, which is how a worker gets
/// them; printing with `Debug` does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellAddress {
    /// A storage address that the engine takes: `/folder`, `memory://name` or `s3://bucket/prefix`.
    pub uri: String,
    /// What goes with it.
    pub storage: StorageOptions,
}

/// `length` random letters and digits from the system's entropy. Credentials of a run are no part of its replay, so they
/// do not come from its seed.
pub(super) fn random_text(length: usize) -> String {
    use rand::Rng;
    use rand::distr::Alphanumeric;
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use omnigraph::storage::{S3Options, Secret};

    use super::*;

    #[test]
    fn debug_text_shows_no_secret_and_serialising_keeps_it() {
        let s3 = S3Options {
            secret_access_key: Some(Secret::new("HUSH")),
            session_token: Some(Secret::new("TOKEN")),
            ..S3Options::default()
        };
        let storage = StorageOptions { s3, ..StorageOptions::default() };
        let address = CellAddress { uri: "s3://bucket/graph".into(), storage };
        let shown = format!("{address:?}");
        assert!(!shown.contains("HUSH") && !shown.contains("TOKEN"), "{shown}");
        let wire = serde_json::to_string(&address).expect("plain data serialises");
        assert_eq!(serde_json::from_str::<CellAddress>(&wire).expect("and comes back"), address);
    }

    #[test]
    fn random_texts_differ_and_are_letters_and_digits() {
        let (one, two) = (random_text(40), random_text(40));
        assert_ne!(one, two);
        assert_eq!(one.len(), 40);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
