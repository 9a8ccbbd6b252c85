//! The rules that types obey, whether they come from a text or from a stored contract.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Property, TypeDef, TypeKind};
use super::scalar::ScalarType;
use super::{DST, SRC, limit};

/// What a rule is about; positions are indices into the list of types and of its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Schema,
    Type(usize),
    From(usize),
    To(usize),
    Property(usize, usize),
    PropertyType(usize, usize),
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) advice: Option<String>,
}

/// Every rule that these types break.
pub(super) fn violations(types: &[TypeDef]) -> Vec<Violation> {
    let mut check = Check { found: Vec::new() };
    if types.len() > limit::TYPES_MAX {
        check.add(Place::Schema, format!("{} types, at most {} are allowed", types.len(), limit::TYPES_MAX));
        return check.found;
    }
    check.type_names(types);
    for (at, ty) in types.iter().enumerate() {
        if ty.properties.len() > limit::PROPERTIES_MAX {
            let count = ty.properties.len();
            check.add(Place::Type(at), format!("{count} properties, at most {} are allowed", limit::PROPERTIES_MAX));
            continue;
        }
        check.endpoints(at, ty, types);
        check.property_names(at, ty);
        check.keys(at, ty);
        for (p, property) in ty.properties.iter().enumerate() {
            check.property(at, p, ty, property);
        }
    }
    check.found
}

struct Check {
    found: Vec<Violation>,
}

impl Check {
    fn add(&mut self, place: Place, message: impl Into<String>) {
        self.found.push(Violation { place, message: message.into(), advice: None });
    }

    fn add_with_advice(&mut self, place: Place, message: impl Into<String>, advice: impl Into<String>) {
        self.found.push(Violation { place, message: message.into(), advice: Some(advice.into()) });
    }

    fn name(&mut self, place: Place, name: &str) {
        let bytes = name.as_bytes();
        let well_formed = bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
        if name.len() > limit::NAME_BYTES_MAX {
            let message = format!("a name of {} bytes, at most {} are allowed", name.len(), limit::NAME_BYTES_MAX);
            self.add(place, message);
        } else if name.starts_with('_') {
            self.add_with_advice(place, format!("`{name}` starts with `_`"), "such names are reserved for the engine");
        } else if !well_formed || !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
            let advice = "a name starts with an ascii letter and goes on with ascii letters, digits and `_`";
            self.add_with_advice(place, format!("`{}` is no name", name.escape_debug()), advice);
        }
    }

    fn type_names(&mut self, types: &[TypeDef]) {
        let mut seen = BTreeSet::new();
        for (at, ty) in types.iter().enumerate() {
            self.name(Place::Type(at), &ty.name);
            if !seen.insert(ty.name.as_str()) {
                let advice = "node types and edge types share their names, because each is an SQL table";
                self.add_with_advice(Place::Type(at), format!("there is a type `{}` already", ty.name), advice);
            }
        }
    }

    fn endpoints(&mut self, at: usize, ty: &TypeDef, types: &[TypeDef]) {
        let Some((from, to)) = ty.endpoints() else { return };
        for (place, endpoint) in [(Place::From(at), from), (Place::To(at), to)] {
            match types.iter().find(|other| other.name == endpoint) {
                Some(other) if other.is_node() => {}
                Some(_) => self.add(place, format!("`{endpoint}` is an edge type, an edge connects nodes")),
                None => self.add_with_advice(place, format!("there is no node type `{endpoint}`"), nodes_of(types)),
            }
        }
    }

    fn property_names(&mut self, at: usize, ty: &TypeDef) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (p, property) in ty.properties.iter().enumerate() {
            let place = Place::Property(at, p);
            self.name(place, &property.name);
            if [SRC, DST].contains(&property.name.to_ascii_lowercase().as_str()) {
                let advice = "`src` and `dst` are the columns of an edge's endpoints";
                self.add_with_advice(place, format!("the name `{}` is reserved", property.name), advice);
            }
            match seen.insert(property.name.to_ascii_lowercase(), &property.name) {
                Some(other) if other == property.name => {
                    self.add(place, format!("`{}` has a property `{other}` already", ty.name));
                }
                Some(other) => {
                    let message = format!("`{}` differs from `{other}` in case only", property.name);
                    self.add_with_advice(place, message, "columns are matched without regard to case in places");
                }
                None => {}
            }
        }
    }

    fn keys(&mut self, at: usize, ty: &TypeDef) {
        let keys: Vec<usize> = (0..ty.properties.len()).filter(|p| ty.properties[*p].key).collect();
        match (&ty.kind, keys.as_slice()) {
            (TypeKind::Node, []) => {
                let advice = "mark the property that rows are addressed by, as in `name: String @key`";
                self.add_with_advice(Place::Type(at), format!("node type `{}` has no key", ty.name), advice);
            }
            (TypeKind::Node, [_, more @ ..]) => {
                for p in more {
                    self.add(Place::Property(at, *p), format!("node type `{}` has more than one key", ty.name));
                }
            }
            (TypeKind::Edge { .. }, keys) => {
                for p in keys {
                    let advice = "an edge is addressed by its endpoints; `@unique` forbids equal values";
                    self.add_with_advice(Place::Property(at, *p), "an edge type has no key", advice);
                }
            }
        }
    }

    fn property(&mut self, at: usize, p: usize, ty: &TypeDef, property: &Property) {
        let place = Place::PropertyType(at, p);
        self.scalar(place, &property.ty);
        if property.key && ty.is_node() {
            if property.optional {
                self.add_with_advice(place, "a key is never missing", "remove the `?`");
            }
            if !property.ty.is_addressable() {
                let advice = "use text, an integer, a bool, a date, an instant or an enum";
                self.add_with_advice(place, format!("a key cannot be of type `{}`", property.ty), advice);
            }
        } else if property.unique && !property.ty.is_addressable() {
            let advice = "equality of floats, lists and vectors is no sound identity";
            self.add_with_advice(place, format!("`@unique` cannot be on type `{}`", property.ty), advice);
        }
    }

    fn scalar(&mut self, place: Place, ty: &ScalarType) {
        match ty {
            ScalarType::Enum(variants) => self.variants(place, variants),
            ScalarType::List(item) if matches!(**item, ScalarType::List(_) | ScalarType::Vector(_)) => {
                self.add_with_advice(place, format!("`{ty}` nests"), "the items of a list are single values");
            }
            ScalarType::List(item) => self.scalar(place, item),
            ScalarType::Vector(dimension) if !(1..=limit::VECTOR_DIMENSION_MAX).contains(dimension) => {
                self.add(place, format!("the dimension of a vector is 1 to {}", limit::VECTOR_DIMENSION_MAX));
            }
            _ => {}
        }
    }

    fn variants(&mut self, place: Place, variants: &[String]) {
        if variants.is_empty() {
            self.add(place, "an enum has at least one variant");
        }
        if variants.len() > limit::VARIANTS_MAX {
            let count = variants.len();
            self.add(place, format!("{count} variants, at most {} are allowed", limit::VARIANTS_MAX));
            return;
        }
        let mut seen = BTreeSet::new();
        for variant in variants {
            if variant.is_empty() || variant.len() > limit::NAME_BYTES_MAX {
                self.add(place, format!("a variant has 1 to {} bytes", limit::NAME_BYTES_MAX));
            }
            if !seen.insert(variant) {
                self.add(place, format!("the enum has a variant `{variant}` already"));
            }
        }
    }
}

fn nodes_of(types: &[TypeDef]) -> String {
    let names: Vec<_> = types.iter().filter(|ty| ty.is_node()).map(|ty| ty.name.as_str()).take(20).collect();
    match names.as_slice() {
        [] => "declare it, as in `node Person { name: String @key }`".to_owned(),
        names => format!("the node types are {}", names.join(", ")),
    }
}
