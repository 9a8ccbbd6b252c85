//! The JSON Schema, read into what a walk needs: for each kind of value, what it may be here.
//!
//! The schema of [`super::schema`] uses a small part of JSON Schema: alternatives differ by the kind of value or, among
//! maps, by a key that only one of them has. So the alternatives of a place fold into one [`Shape`].

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::schema;

/// What a value may be.
#[derive(Debug, Default)]
pub struct Shape {
    /// What it is called in messages, such as `a backend`.
    pub noun: Option<String>,
    /// Whether everything is allowed.
    pub anything: bool,
    /// The words of a closed list.
    pub words: Vec<String>,
    /// Any text, perhaps of a form.
    pub text: Option<Option<String>>,
    /// A whole number within bounds.
    pub whole: Option<Bounds>,
    /// A number within bounds.
    pub number: Option<Bounds>,
    /// `true` or `false`.
    pub flag: bool,
    /// A list.
    pub list: Option<Place>,
    /// A map.
    pub map: Option<MapShape>,
}

/// Least and greatest number, both allowed.
pub type Bounds = (Option<f64>, Option<f64>);

/// Where a shape stands among all shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(usize);

/// What a map may hold.
#[derive(Debug, Default)]
pub struct MapShape {
    /// What its keys are called in messages, such as `failpoint`; `key` if not said.
    pub key_noun: Option<String>,
    /// Keys that it may always have.
    pub fields: Vec<Field>,
    /// Exactly one of these belongs to it, if there are any.
    pub variants: Vec<Variant>,
    /// Every other key, if others are allowed.
    pub rest: Option<Place>,
}

/// A key and what stands under it.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: String,
    /// Whether it has to be there.
    pub required: bool,
    /// What stands under it.
    pub place: Place,
}

/// One of several things that a map can be, told by its first key.
#[derive(Debug)]
pub struct Variant {
    /// Its keys; the first one tells it from the others and has to be there.
    pub fields: Vec<Field>,
}

impl Variant {
    /// The key that tells it from the others.
    pub fn key(&self) -> &str {
        &self.fields[0].key
    }
}

/// Every shape of a scenario file.
#[derive(Debug)]
pub struct Shapes {
    shapes: Vec<Shape>,
    root: Place,
}

impl Shapes {
    /// The shapes of a scenario file.
    pub fn of_a_scenario() -> &'static Shapes {
        static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Compiler::run(schema::json_schema()));
        &SHAPES
    }

    /// The shape of the whole file.
    pub fn root(&self) -> Place {
        self.root
    }

    /// The shape of one step.
    pub fn step(&self) -> Place {
        let steps = self.at(self.root).map.iter().flat_map(|map| &map.fields).find(|field| field.key == "steps");
        steps.and_then(|field| self.at(field.place).list).unwrap_or(self.root)
    }

    /// The shape at a place.
    pub fn at(&self, place: Place) -> &Shape {
        &self.shapes[place.0]
    }
}

struct Compiler<'a> {
    definitions: Option<&'a Map<String, Value>>,
    named: HashMap<&'a str, Place>,
    shapes: Vec<Shape>,
}

impl<'a> Compiler<'a> {
    fn run(schema: &'a Value) -> Shapes {
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let mut compiler = Compiler { definitions, named: HashMap::new(), shapes: Vec::new() };
        let root = compiler.place(schema);
        Shapes { shapes: compiler.shapes, root }
    }

    fn place(&mut self, schema: &'a Value) -> Place {
        let name = schema.get("$ref").and_then(Value::as_str);
        if let Some(place) = name.and_then(|name| self.named.get(name)) {
            return *place;
        }
        let place = Place(self.shapes.len());
        self.shapes.push(Shape::default());
        if let Some(name) = name {
            self.named.insert(name, place);
        }
        let mut shape = Shape::default();
        self.fold(schema, &mut shape);
        self.shapes[place.0] = shape;
        place
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions?.get(name)).unwrap_or(schema)
    }

    fn fold(&mut self, schema: &'a Value, shape: &mut Shape) {
        let schema = self.resolve(schema);
        if let Some(noun) = schema.get("x-noun").and_then(Value::as_str) {
            shape.noun = Some(noun.to_owned());
        }
        let own_map = schema.get("properties").is_some();
        for choices in ["oneOf", "anyOf"].iter().filter_map(|key| schema.get(key).and_then(Value::as_array)) {
            for choice in choices {
                match (own_map, self.resolve(choice).get("properties")) {
                    (_, Some(_)) => {
                        let variant = self.variant(choice);
                        shape.map.get_or_insert_default().variants.push(variant);
                    }
                    _ => self.fold(choice, shape),
                }
            }
            if !own_map {
                return;
            }
        }
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            shape.words.push(word.to_owned());
        } else if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            shape.words.extend(words.iter().filter_map(Value::as_str).map(str::to_owned));
        } else {
            self.fold_type(schema, shape);
        }
    }

    fn fold_type(&mut self, schema: &'a Value, shape: &mut Shape) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let bounds = (bound("minimum"), bound("maximum"));
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => shape.text = Some(schema.get("format").and_then(Value::as_str).map(str::to_owned)),
            Some("integer") => shape.whole = Some(bounds),
            Some("number") => shape.number = Some(bounds),
            Some("boolean") => shape.flag = true,
            Some("array") => shape.list = Some(self.place(schema.get("items").unwrap_or(&Value::Bool(true)))),
            Some("object") => {
                let fields = self.fields(schema);
                let rest = schema.get("additionalProperties").filter(|rest| **rest != Value::Bool(false));
                let rest = rest.map(|rest| self.place(rest));
                let map = shape.map.get_or_insert_default();
                map.key_noun = schema.get("x-keys").and_then(Value::as_str).map(str::to_owned);
                map.fields = fields;
                map.rest = rest;
            }
            _ => shape.anything = true,
        }
    }

    fn fields(&mut self, schema: &'a Value) -> Vec<Field> {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flatten()
            .map(|(key, value)| Field {
                key: key.clone(),
                required: required.contains(&key.as_str()),
                place: self.place(value),
            })
            .collect()
    }

    fn variant(&mut self, schema: &'a Value) -> Variant {
        let schema = self.resolve(schema);
        let mut fields = self.fields(schema);
        // Stable: what is required comes first, in the order of the type.
        fields.sort_by_key(|field| !field.required);
        Variant { fields }
    }
}
