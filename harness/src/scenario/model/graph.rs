//! The graph that a scenario starts from, and rows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::seed::Seed;

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
    // Written out when there are none, too: whoever says that is understood to mean it.
    #[serde(default)]
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
    /// Properties of random characters, each with their number. They hardly compress, so that a file of them is as long
    /// as it looks. They are drawn from the row's key: the same key has the same ones in every run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub noise: BTreeMap<String, u32>,
}

impl Generate {
    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.count).map(|n| {
            let mut row = self.quiet_row(n);
            let seed = Seed(0).stream(&format!("{}{n}", self.key_prefix));
            let noise = self
                .noise
                .iter()
                .map(|(name, length)| (name.clone(), Value::String(random_text(seed.stream(name), *length as usize))));
            row.data.extend(noise);
            row
        })
    }

    /// How long the rows are together, as lines of a load, at the most. Told without making them: a number in a file is no
    /// memory yet.
    pub fn bytes(&self) -> usize {
        let quiet = self.quiet_row(self.count.saturating_sub(1)).to_line().to_string().len();
        let row = self.noise.iter().fold(quiet, |bytes, (name, length)| {
            bytes.saturating_add(name.len() + r#","":"""#.len()).saturating_add(*length as usize)
        });
        row.saturating_mul(self.count as usize)
    }

    fn quiet_row(&self, n: u32) -> Row {
        let mut data = self.data.clone();
        data.insert(self.key.clone(), Value::String(format!("{}{n}", self.key_prefix)));
        Row { type_name: self.type_name.clone(), from: None, to: None, data }
    }

    fn default_key() -> String {
        "name".to_owned()
    }

    fn is_default_key(key: &String) -> bool {
        key == "name"
    }
}

/// Characters of six random bits each.
fn random_text(seed: Seed, length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    let mut text = String::with_capacity(length);
    for place in 0..length.div_ceil(10) as u64 {
        let word = seed.word(place);
        text.extend((0..10).map(|n| char::from(ALPHABET[(word >> (6 * n)) as usize & 63])));
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn generated_rows_are_as_long_as_they_say_and_the_same_every_time() {
        let generate: Generate = serde_json::from_value(serde_json::json!(
            {"type": "Doc", "count": 9, "key-prefix": "d", "data": {"n": 1}, "noise": {"body": 1234, "tail": 7}}
        ))
        .expect("a generator");
        let lines = || generate.rows().map(|row| row.to_line().to_string()).collect::<Vec<_>>();
        assert_eq!(generate.bytes(), lines().iter().map(String::len).sum::<usize>());
        assert_eq!(lines(), lines());
        let bodies: BTreeSet<String> = generate.rows().map(|row| row.data["body"].to_string()).collect();
        assert_eq!(bodies.len(), 9);
    }
}
