//! Damage that is done by hand, past the engine.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An object that is damaged, by what it is or by its path.
///
/// Written as `the sidecar` (there must be exactly one), `sidecar 2` (the second oldest), `the head manifest of Person`
/// (of the type's table), `the schema object`, `the graph manifest` (its newest version), or as a path or glob below the
/// graph's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ObjectRef {
    /// The only sidecar there is.
    TheSidecar,
    /// The n-th oldest sidecar, counted from 1.
    Sidecar(u64),
    /// The manifest of the newest version of a type's table.
    HeadManifest(String),
    /// The schema contract that the graph manifest names.
    SchemaObject,
    /// The newest version of the graph manifest's own dataset.
    GraphManifest,
    /// Every object whose path fits; at least one must.
    Path(String),
}

impl FromStr for ObjectRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "the sidecar" => return Ok(ObjectRef::TheSidecar),
            "the schema object" => return Ok(ObjectRef::SchemaObject),
            "the graph manifest" => return Ok(ObjectRef::GraphManifest),
            _ => {}
        }
        if let Some(number) = text.strip_prefix("sidecar ") {
            return match number.parse() {
                Ok(number) if number > 0 => Ok(ObjectRef::Sidecar(number)),
                _ => {
                    Err(format!("'{number}' is not the number of a sidecar; they are counted from 1, the oldest first"))
                }
            };
        }
        if let Some(type_name) = text.strip_prefix("the head manifest of ") {
            return Ok(ObjectRef::HeadManifest(type_name.to_owned()));
        }
        if text.starts_with("the ") {
            return Err(format!(
                "'{text}' is no object; there are 'the sidecar', 'sidecar n', 'the head manifest of Type', 'the schema \
                 object', 'the graph manifest', and paths"
            ));
        }
        sandboxed(text)?;
        globset::Glob::new(text).map_err(|error| format!("'{text}' is not a glob: {}", error.kind()))?;
        Ok(ObjectRef::Path(text.to_owned()))
    }
}

/// Whether a path stays below the graph's root.
pub(in crate::scenario) fn sandboxed(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    if path.starts_with('/') || path.starts_with('~') || path.contains(':') || path.contains('\\') {
        return Err(format!("'{path}' is not below the graph's root; write it relative to the root, with slashes"));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(format!("'{path}' leaves the graph's root; it must not contain '..'"));
    }
    if path.contains('\0') || path.split('/').any(|part| part.is_empty() || part == ".") {
        return Err(format!("'{}' has an empty part, a dot part or a zero byte", path.escape_default()));
    }
    Ok(())
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObjectRef::TheSidecar => f.write_str("the sidecar"),
            ObjectRef::Sidecar(number) => write!(f, "sidecar {number}"),
            ObjectRef::HeadManifest(type_name) => write!(f, "the head manifest of {type_name}"),
            ObjectRef::SchemaObject => f.write_str("the schema object"),
            ObjectRef::GraphManifest => f.write_str("the graph manifest"),
            ObjectRef::Path(path) => f.write_str(path),
        }
    }
}

impl TryFrom<String> for ObjectRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ObjectRef> for String {
    fn from(object: ObjectRef) -> Self {
        object.to_string()
    }
}

impl JsonSchema for ObjectRef {
    fn schema_name() -> Cow<'static, str> {
        "ObjectRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "object-ref",
            "description": "An object: `the sidecar` (the only one), `sidecar 2` (the second oldest), `the head manifest of \
                            Person`, `the schema object`, `the graph manifest`, or a path or glob below the graph's root.",
            "examples": ["the sidecar", "sidecar 1", "the head manifest of Person", "the schema object", "the graph manifest"],
        })
    }
}

/// Damage to an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Damage {
    /// Writes an object, whatever was there before.
    #[serde(rename_all = "kebab-case")]
    Write {
        /// Its path below the graph's root, or an object that exists.
        write: ObjectRef,
        /// What stands in it afterwards.
        text: String,
        /// The name to undo it by.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Cuts an object off.
    #[serde(rename_all = "kebab-case")]
    Truncate {
        /// Which.
        truncate: ObjectRef,
        /// How many bytes are left.
        to: u64,
        /// The name to undo it by.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Changes one byte of an object.
    #[serde(rename_all = "kebab-case")]
    Corrupt {
        /// Which.
        corrupt: ObjectRef,
        /// The byte's offset, counted from 0; the one in the middle, if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
        /// The name to undo it by.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Moves an object to another path.
    #[serde(rename_all = "kebab-case")]
    Rename {
        /// Which.
        rename: ObjectRef,
        /// The new path, below the graph's root.
        #[schemars(extend("format" = "sandbox-path"))]
        to: String,
        /// The name to undo it by.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Deletes an object.
    #[serde(rename_all = "kebab-case")]
    Delete {
        /// Which.
        delete: ObjectRef,
        /// The name to undo it by.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

impl Damage {
    /// The object that it is done to.
    pub fn object(&self) -> &ObjectRef {
        match self {
            Damage::Write { write: object, .. }
            | Damage::Truncate { truncate: object, .. }
            | Damage::Corrupt { corrupt: object, .. }
            | Damage::Rename { rename: object, .. }
            | Damage::Delete { delete: object, .. } => object,
        }
    }

    /// The name to undo it by.
    pub fn name(&self) -> Option<&str> {
        match self {
            Damage::Write { name, .. }
            | Damage::Truncate { name, .. }
            | Damage::Corrupt { name, .. }
            | Damage::Rename { name, .. }
            | Damage::Delete { name, .. } => name.as_deref(),
        }
    }

    /// The word that it is written with.
    pub fn verb(&self) -> &'static str {
        match self {
            Damage::Write { .. } => "write",
            Damage::Truncate { .. } => "truncate",
            Damage::Corrupt { .. } => "corrupt",
            Damage::Rename { .. } => "rename",
            Damage::Delete { .. } => "delete",
        }
    }
}

/// Commits to one table with Lance alone, as a foreign tool would: its HEAD moves and the graph does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MoveHead {
    /// The type whose table is moved.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many commits land.
    #[serde(default = "MoveHead::once", skip_serializing_if = "MoveHead::is_once")]
    #[schemars(range(min = 1, max = 100))]
    pub commits: u32,
    /// Properties of one row that the first of the commits appends; without it they change no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<Map<String, Value>>,
}

impl MoveHead {
    fn once() -> u32 {
        1
    }

    fn is_once(commits: &u32) -> bool {
        *commits == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_reads_back_from_how_it_is_shown() {
        for text in [
            "the sidecar",
            "sidecar 2",
            "the head manifest of Person",
            "the schema object",
            "the graph manifest",
            "a/**/*.json",
        ] {
            assert_eq!(text.parse::<ObjectRef>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn no_path_leaves_the_root() {
        for text in ["/etc/passwd", "../other", "a/../../b", "~/x", "s3://bucket/x", "a//b", "a/./b", "", "c:\\x"] {
            assert!(text.parse::<ObjectRef>().is_err(), "{text} was taken");
        }
    }
}
