//! The JSON Schema of scenario files: for editors, for the validation, and for the reference in the docs.
//!
//! It is made from the types in [`super::model`], so the three cannot disagree. A part that is optional may be left out
//! but not be null, which is why `null` is taken out of what the types give.

use std::sync::LazyLock;

use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::model::Scenario;

/// The schema, as a JSON document.
pub fn json_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let settings = SchemaSettings::draft2020_12().with_transform(Tidy);
        settings.into_generator().into_root_schema_for::<Scenario>().to_value()
    });
    &SCHEMA
}

/// The schema as it is written to `scenarios/scenario.schema.json`.
pub fn to_file() -> String {
    format!("{:#}\n", json_schema())
}

#[derive(Clone, Debug)]
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        drop_null(object);
        join_lines(object);
        // A step has keys of its own and one of several actions; only this keyword sees both.
        if object.contains_key("properties") && object.contains_key("oneOf") {
            object.insert("unevaluatedProperties".to_owned(), json!(false));
        }
    }
}

fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
    choices.retain(|choice| *choice != json!({"type": "null"}));
    if let [Value::Object(only)] = &choices[..] {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// A comment's lines are wrapped for the source; a paragraph is one line everywhere else.
fn join_lines(object: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = object.get_mut("description") {
        let paragraphs: Vec<String> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        *text = paragraphs.join("\n\n");
    }
}
