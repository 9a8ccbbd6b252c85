//! Names that the scenario format takes from the engine.

use std::sync::LazyLock;

use omnigraph::failpoint::Failpoint;

/// Every failpoint's name, in the catalogue's order.
pub fn failpoints() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| Failpoint::catalogue().iter().map(Failpoint::to_string).collect());
    &NAMES
}

/// Every failpoint narrowed to one who crosses it, in the catalogue's order: the places at which a fault can fire.
pub fn crossings() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        Failpoint::catalogue().iter().filter(|point| point.scope.is_some()).map(Failpoint::to_string).collect()
    });
    &NAMES
}
