//! One line, read by serde's visitors straight into the columns of its type.

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::column::{Problem, Put};
use super::decode::{Decoder, TableRows};
use crate::schema::TypeDef;
use crate::write::check::{Mistakes, excerpt};

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

    /// What a value of this row needs, its type being known. The rows of a type begin with its first line.
    fn part(&mut self, ty: usize, key: LineKey) -> Part<'_> {
        let Decoder { catalog, tables, mistakes, line, .. } = &mut *self.decoder;
        let def = &catalog.types()[ty];
        let rows = tables[ty].get_or_insert_with(|| Box::new(TableRows::new(def, catalog)));
        Part { key, target: Target { rows, def, mistakes, line: *line } }
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
        let mut early: Vec<(LineKey, Value)> = Vec::new();
        let mut seen = 0u8;
        while let Some(key) = map.next_key_seed(LineKeySeed)? {
            let key = match key {
                Ok(key) => key,
                Err(name) => {
                    map.next_value::<IgnoredAny>()?;
                    row.mistake(format!(
                        "unknown key {name}: a line has `type`, `data`, and for an edge `from` and `to`"
                    ));
                    continue;
                }
            };
            if seen & key as u8 != 0 {
                map.next_value::<IgnoredAny>()?;
                row.mistake("a key is there twice");
                continue;
            }
            match (key, row.ty) {
                (LineKey::Type, _) => map.next_value_seed(TypeSeed { row: &mut *row })?,
                (key, Some(ty)) => map.next_value_seed(row.part(ty, key))?,
                // The type is unknown, which is reported already.
                (_, None) if seen & LineKey::Type as u8 != 0 => map.next_value::<IgnoredAny>().map(drop)?,
                (key, None) => early.push((key, map.next_value::<Value>()?)),
            }
            seen |= key as u8;
        }
        if seen & LineKey::Type as u8 == 0 {
            row.mistake("`type` is missing");
        }
        if let Some(ty) = row.ty {
            for (key, value) in early {
                row.part(ty, key).deserialize(value).map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
enum LineKey {
    Type = 1,
    From = 2,
    To = 4,
    Data = 8,
}

/// The key, or its excerpt when it is unknown.
struct LineKeySeed;

impl<'de> DeserializeSeed<'de> for LineKeySeed {
    type Value = Result<LineKey, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for LineKeySeed {
    type Value = Result<LineKey, String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(match key {
            "type" => Ok(LineKey::Type),
            "from" => Ok(LineKey::From),
            "to" => Ok(LineKey::To),
            "data" => Ok(LineKey::Data),
            other => Err(excerpt(other)),
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
        let decoder = &mut *self.row.decoder;
        let same = decoder.last_type.filter(|ty| decoder.catalog.types()[*ty].name == name);
        let ty = same.or_else(|| decoder.catalog.position(name));
        decoder.last_type = ty;
        self.row.ty = ty;
        if ty.is_none() {
            let names: Vec<_> = decoder.catalog.types().iter().take(20).map(|ty| ty.name.as_str()).collect();
            let text = format!("unknown type {}: the types are {}", excerpt(name), names.join(", "));
            self.row.mistake(text);
        }
        Ok(())
    }
}

/// Where values of a row go.
struct Target<'a> {
    rows: &'a mut TableRows,
    def: &'a TypeDef,
    mistakes: &'a mut Mistakes,
    line: u64,
}

impl Target<'_> {
    fn mistake(&mut self, text: impl Into<String>) {
        self.mistakes.push(self.line, text);
    }
}

/// The value of `from`, `to` or `data`, the type being known.
struct Part<'a> {
    key: LineKey,
    target: Target<'a>,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Part { key, mut target } = self;
        let column = match key {
            LineKey::From => 0,
            LineKey::To => 1,
            LineKey::Type | LineKey::Data => return deserializer.deserialize_map(DataVisitor { target }),
        };
        if target.def.is_node() {
            target.mistake(format!("{} is a node type: it has no `from` and no `to`", target.def.name));
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        ColumnSeed { target: &mut target, column }.deserialize(deserializer)
    }
}

/// The properties.
struct DataVisitor<'a> {
    target: Target<'a>,
}

impl<'de> Visitor<'de> for DataVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut target = self.target;
        target.rows.begin();
        while let Some(found) = map.next_key_seed(PropertySeed { target: &mut target })? {
            match found {
                Ok(column) => map.next_value_seed(ColumnSeed { target: &mut target, column })?,
                Err(name) => {
                    map.next_value::<IgnoredAny>()?;
                    target.mistake(format!("{} has no property {name}", target.def.name));
                }
            }
        }
        Ok(())
    }
}

/// The name of a property → its column, or its excerpt when it is unknown.
struct PropertySeed<'t, 'a> {
    target: &'t mut Target<'a>,
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
        let Target { rows, def, .. } = self.target;
        Ok(rows.find(def, name).ok_or_else(|| excerpt(name)))
    }
}

/// A value and the column that it goes to.
struct ColumnSeed<'t, 'a> {
    target: &'t mut Target<'a>,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for ColumnSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let ColumnSeed { target, column } = self;
        let again = target.rows.give(column);
        let mut problem: Option<Problem> = None;
        let optional = target.rows.optional[column];
        let put = Put { column: &mut target.rows.columns[column], optional, problem: &mut problem };
        put.deserialize(deserializer)?;
        if again || problem.is_some() {
            let name = format!("{}.{}", target.def.name, target.rows.name(target.def, column));
            if again {
                target.mistake(format!("{name} is there twice"));
            }
            if let Some(Problem { expected, found }) = problem {
                target.mistake(format!("{name} is {found}: expected {expected}"));
            }
        }
        Ok(())
    }
}
