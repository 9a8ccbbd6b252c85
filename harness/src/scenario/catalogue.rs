//! Names that the scenario format takes from the engine.

use std::sync::LazyLock;

use omnigraph::failpoint::Failpoint;

/// Every failpoint's name, in the catalogue's order.
pub fn failpoints() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| Failpoint::catalogue().iter().map(Failpoint::to_string).collect());
    &NAMES
}
