//! The graph that a scenario starts from, and rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The graph that the steps find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GraphSpec {
    /// Its types, in OmniGraph's schema language.
    #[schemars(extend("format" = "graph-schema"))]
    pub schema: String,
    /// Rows that one append puts there before the first step, without any fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Row>,
}

/// One node or one edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Row {
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Key of the node that an edge starts at; edges only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub from: Option<Value>,
    /// Key of the node that an edge ends at; edges only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub to: Option<Value>,
    /// Its properties.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Row {
    /// The row as one line of a load, as the engine reads it.
    pub fn to_line(&self) -> Value {
        let mut line = Map::new();
        line.insert("type".to_owned(), Value::String(self.type_name.clone()));
        for (name, end) in [("from", &self.from), ("to", &self.to)] {
            if let Some(key) = end {
                line.insert(name.to_owned(), key.clone());
            }
        }
        line.insert("data".to_owned(), Value::Object(self.data.clone()));
        Value::Object(line)
    }
}

/// Loads rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Load {
    /// What happens to rows that are there already.
    #[serde(default, skip_serializing_if = "LoadMode::is_append")]
    pub mode: LoadMode,
    /// The rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
    /// Rows that are made up, in addition to `rows` and after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
}

impl Load {
    /// Every row as a line of the load, generated ones included, in order.
    pub fn lines(&self) -> impl Iterator<Item = Value> + '_ {
        let generated = self.generate.iter().flat_map(Generate::rows);
        self.rows.iter().map(Row::to_line).chain(generated.map(|row| row.to_line()))
    }
}

/// What a load does to rows that are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadMode {
    /// They must not be there.
    #[default]
    Append,
    /// They are replaced by key.
    Merge,
    /// Every row of the loaded types goes.
    Overwrite,
}

impl LoadMode {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            LoadMode::Append => "append",
            LoadMode::Merge => "merge",
            LoadMode::Overwrite => "overwrite",
        }
    }

    fn is_append(&self) -> bool {
        *self == LoadMode::Append
    }
}

/// Many nodes of one type: the n-th has the key `<key-prefix>n`, counted from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Generate {
    /// Type of the nodes.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many, at most 10,000.
    #[schemars(range(min = 1, max = 10000))]
    pub count: u32,
    /// What keys begin with.
    pub key_prefix: String,
    /// The property that is the key.
    #[serde(default = "Generate::default_key", skip_serializing_if = "Generate::is_default_key")]
    pub key: String,
    /// The other properties, the same for every row.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Generate {
    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.count).map(|n| {
            let mut data = self.data.clone();
            data.insert(self.key.clone(), Value::String(format!("{}{n}", self.key_prefix)));
            Row { type_name: self.type_name.clone(), from: None, to: None, data }
        })
    }

    fn default_key() -> String {
        "name".to_owned()
    }

    fn is_default_key(key: &String) -> bool {
        key == "name"
    }
}
