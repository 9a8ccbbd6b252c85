//! Values of the engine's closed enums, written by their names.

use std::borrow::Cow;
use std::fmt::Debug;

use omnigraph::ErrorKind;
use omnigraph::storage::{Operation, PathClass, Realm};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A value of a closed enum that is written by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Named<T>(pub T);

/// A closed enum with names.
pub trait Names: Copy + 'static {
    /// What it is called in the schema.
    const TITLE: &'static str;
    /// What it is called in messages.
    const NOUN: &'static str;
    /// Every value.
    fn all() -> &'static [Self];
    /// The value's name.
    fn name(self) -> &'static str;
}

macro_rules! names {
    ($type:ty, $title:literal, $noun:literal) => {
        impl Names for $type {
            const TITLE: &'static str = $title;
            const NOUN: &'static str = $noun;

            fn all() -> &'static [Self] {
                <$type>::ALL
            }

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

names!(ErrorKind, "ErrorKind", "kind of error");
names!(Operation, "StoreOperation", "store operation");
names!(PathClass, "PathClass", "path class");
names!(Realm, "Realm", "realm");

impl<T: Names> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de, T: Names> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let found = T::all().iter().copied().find(|value| value.name() == name);
        found.map(Named).ok_or_else(|| de::Error::custom(format!("there is no {} '{name}'", T::NOUN)))
    }
}

impl<T: Names> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        T::TITLE.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = T::all().iter().map(|value| value.name()).collect();
        json_schema!({"type": "string", "enum": names, "x-noun": T::NOUN})
    }
}
