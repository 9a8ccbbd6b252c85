//! One line, read by serde's visitors straight into the columns of its type.

use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::column::{Problem, Put};
use super::decode::{Decoder, TableRows};
use crate::write::check::excerpt;

/// A line while it is read.
pub(super) struct Row<'d> {
    pub(super) decoder: &'d mut Decoder,
    /// Its type, once that is known.
    pub(super) ty: Option<usize>,
}

impl Row<'_> {
    pub(super) fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(LineVisitor { row: self })
    }

    fn mistake(&mut self, text: impl Into<String>) {
        let line = self.decoder.line;
        self.decoder.mistakes.push(line, text);
    }

    fn type_name(&self, ty: usize) -> &str {
        &self.decoder.catalog.types()[ty].name
    }

    /// The rows of a type, which begin with the first line of that type.
    fn rows(&mut self, ty: usize) -> &mut TableRows {
        let Decoder { catalog, tables, .. } = &mut *self.decoder;
        tables[ty].get_or_insert_with(|| Box::new(TableRows::new(&catalog.types()[ty], catalog)))
    }
}

/// The object that a line is.
struct LineVisitor<'r, 'd> {
    row: &'r mut Row<'d>,
}

impl<'de> Visitor<'de> for LineVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with `type` and `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let row = self.row;
        // What stands before the type waits for it.
        let mut early = Vec::new();
        let mut seen = Vec::with_capacity(4);
        while let Some(key) = map.next_key_seed(LineKeySeed)? {
            if let LineKey::Unknown(name) = &key {
                map.next_value::<IgnoredAny>()?;
                row.mistake(format!("unknown key {name}: a line has `type`, `data`, and for an edge `from` and `to`"));
                continue;
            }
            if seen.contains(&key) {
                map.next_value::<IgnoredAny>()?;
                row.mistake("a key is there twice");
                continue;
            }
            match (&key, row.ty) {
                (LineKey::Type, _) => map.next_value_seed(TypeSeed { row: &mut *row })?,
                (_, Some(ty)) => map.next_value_seed(PartSeed { row: &mut *row, ty, key: key.clone() })?,
                // The type is unknown, which is reported already.
                (_, None) if seen.contains(&LineKey::Type) => map.next_value::<IgnoredAny>().map(drop)?,
                (_, None) => early.push((key.clone(), map.next_value::<Value>()?)),
            }
            seen.push(key);
        }
        if !seen.contains(&LineKey::Type) {
            row.mistake("`type` is missing");
        }
        if let Some(ty) = row.ty {
            for (key, value) in early {
                PartSeed { row: &mut *row, ty, key }.deserialize(value).map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, PartialEq)]
enum LineKey {
    Type,
    From,
    To,
    Data,
    Unknown(String),
}

struct LineKeySeed;

impl<'de> DeserializeSeed<'de> for LineKeySeed {
    type Value = LineKey;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<LineKey, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for LineKeySeed {
    type Value = LineKey;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<LineKey, E> {
        Ok(match key {
            "type" => LineKey::Type,
            "from" => LineKey::From,
            "to" => LineKey::To,
            "data" => LineKey::Data,
            other => LineKey::Unknown(excerpt(other)),
        })
    }
}

/// The value of `type`.
struct TypeSeed<'r, 'd> {
    row: &'r mut Row<'d>,
}

impl<'de> DeserializeSeed<'de> for TypeSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TypeSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a type")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        self.row.ty = self.row.decoder.by_name.get(name).copied();
        if self.row.ty.is_none() {
            let names: Vec<_> = self.row.decoder.catalog.types().iter().take(20).map(|ty| ty.name.as_str()).collect();
            let text = format!("unknown type {}: the types are {}", excerpt(name), names.join(", "));
            self.row.mistake(text);
        }
        Ok(())
    }
}

/// The value of `from`, `to` or `data`, the type being known.
struct PartSeed<'r, 'd> {
    row: &'r mut Row<'d>,
    ty: usize,
    key: LineKey,
}

impl<'de> DeserializeSeed<'de> for PartSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let PartSeed { row, ty, key } = self;
        let column = match key {
            LineKey::From => 0,
            LineKey::To => 1,
            _ => return deserializer.deserialize_map(DataVisitor { row, ty }),
        };
        if row.decoder.catalog.types()[ty].is_node() {
            let text = format!("{} is a node type: it has no `from` and no `to`", row.type_name(ty));
            row.mistake(text);
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        ColumnSeed { row, ty, column }.deserialize(deserializer)
    }
}

/// The properties.
struct DataVisitor<'r, 'd> {
    row: &'r mut Row<'d>,
    ty: usize,
}

impl<'de> Visitor<'de> for DataVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let DataVisitor { row, ty } = self;
        row.rows(ty).begin();
        while let Some(found) = map.next_key_seed(PropertySeed { row: &mut *row, ty })? {
            match found {
                Ok(column) => map.next_value_seed(ColumnSeed { row: &mut *row, ty, column })?,
                Err(name) => {
                    map.next_value::<IgnoredAny>()?;
                    let text = format!("{} has no property {name}", row.type_name(ty));
                    row.mistake(text);
                }
            }
        }
        Ok(())
    }
}

/// The name of a property → its column, or its excerpt when it is unknown.
struct PropertySeed<'r, 'd> {
    row: &'r mut Row<'d>,
    ty: usize,
}

impl<'de> DeserializeSeed<'de> for PropertySeed<'_, '_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for PropertySeed<'_, '_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a property")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let Decoder { catalog, tables, .. } = &mut *self.row.decoder;
        let def = &catalog.types()[self.ty];
        let rows = tables[self.ty].get_or_insert_with(|| Box::new(TableRows::new(def, catalog)));
        Ok(rows.find(def, name).ok_or_else(|| excerpt(name)))
    }
}

/// A value and the column that it goes to.
struct ColumnSeed<'r, 'd> {
    row: &'r mut Row<'d>,
    ty: usize,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for ColumnSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let ColumnSeed { row, ty, column } = self;
        let rows = row.rows(ty);
        let again = rows.give(column);
        let mut problem: Option<Problem> = None;
        let optional = rows.optional[column];
        Put { column: &mut rows.columns[column], optional, problem: &mut problem }.deserialize(deserializer)?;
        if !again && problem.is_none() {
            return Ok(());
        }
        let catalog = Arc::clone(&row.decoder.catalog);
        let def = &catalog.types()[ty];
        let name = format!("{}.{}", def.name, row.rows(ty).name(def, column));
        if again {
            row.mistake(format!("{name} is there twice"));
        }
        if let Some(Problem { expected, found }) = problem {
            row.mistake(format!("{name} is {found}: expected {expected}"));
        }
        Ok(())
    }
}
