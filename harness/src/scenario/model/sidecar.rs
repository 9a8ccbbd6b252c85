//! Sidecars that are planted by hand: made from the real graph, then changed in what the scenario says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Plants a sidecar as a writer of this version would have left it, but for what is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlantSidecar {
    /// The writer that it names: `load` or `mutate`, or one that the engine does not know.
    #[serde(default = "PlantSidecar::load", skip_serializing_if = "PlantSidecar::is_load")]
    pub writer: String,
    /// The actor that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The operation that it is about.
    #[serde(default)]
    pub operation: PlantedOperation,
    /// The tables that it says it writes.
    pub tables: Vec<PlantedTable>,
    /// How it differs from a sound sidecar.
    #[serde(default, skip_serializing_if = "Deviations::is_none")]
    pub but: Deviations,
}

impl PlantSidecar {
    fn load() -> String {
        "load".to_owned()
    }

    fn is_load(writer: &String) -> bool {
        writer == "load"
    }
}

/// The operation that a planted sidecar is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlantedOperation {
    /// A new one, that nobody else knows.
    #[default]
    Fresh,
    /// The one that the newest graph commit names.
    Published,
}

/// One table of a planted sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlantedTable {
    /// The type whose table it is.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The base version that it names.
    #[serde(default)]
    pub base: Base,
    /// The planned Lance transaction that it names.
    #[serde(default)]
    pub transaction: PlantedTransaction,
}

/// The base version that a planted sidecar names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// The table's pin.
    #[default]
    Pin,
    /// The version before HEAD.
    BeforeHead,
    /// HEAD.
    Head,
    /// The version after HEAD, which does not exist.
    BeyondHead,
}

/// The planned transaction that a planted sidecar names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlantedTransaction {
    /// One that never landed.
    #[default]
    NeverLanded,
    /// The one that made the version after the base.
    Landed,
    /// The one that made HEAD, whatever lies between the base and it.
    LandedLast,
}

/// How a planted sidecar differs from a sound one. Several may be said together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deviations {
    /// The checksum is not that of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Wrong>,
    /// The file is named after another operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<Wrong>,
    /// This format version, with the right checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format_version: Option<u64>,
    /// It is cut off after this many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated_to: Option<u64>,
    /// It holds something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<NotASidecar>,
    /// It names an incarnation of a graph branch that does not exist any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Gone>,
}

impl Deviations {
    /// Whether it is a sound sidecar.
    pub fn is_none(&self) -> bool {
        *self == Deviations::default()
    }
}

/// The word `wrong`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It is wrong.
    Wrong,
}

/// The word `gone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gone {
    /// It does not exist any more.
    Gone,
}

/// What stands in a file that should be a sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotASidecar {
    /// Nothing.
    Empty,
    /// Text that is not JSON.
    NotJson,
    /// A JSON object without one field of a sidecar.
    OtherJson,
}
