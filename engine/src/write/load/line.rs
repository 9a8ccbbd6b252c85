//! One line, read straight into the columns of its type.

use super::column::put;
use super::decode::{Decoder, TableRows};
use super::json::{Broken, Cursor, Token};
use crate::schema::TypeDef;
use crate::value::Problem;
use crate::write::check::{Mistakes, excerpt};

/// A line while it is read.
pub(super) struct Row<'d> {
    pub(super) decoder: &'d mut Decoder,
    /// Its type, once that is known.
    pub(super) ty: Option<usize>,
}

/// The keys that a line may have, as a set of bits.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
enum Key {
    Type = 1,
    From = 2,
    To = 4,
    Data = 8,
}

impl Key {
    fn of(text: &str) -> Option<Key> {
        Some(match text {
            "type" => Key::Type,
            "from" => Key::From,
            "to" => Key::To,
            "data" => Key::Data,
            _ => return None,
        })
    }
}

impl Row<'_> {
    /// Reads the line. Mistakes of its content are noted; the error is a line that is no JSON object.
    pub(super) fn read(&mut self, line: &str) -> Result<(), Broken> {
        let mut cursor = Cursor::new(line);
        if cursor.token()? != Token::Object {
            return Err(Broken { at: 0, what: "expected an object with `type` and `data`".into() });
        }
        // What stands before the type waits for it.
        let mut early: Vec<(Key, Cursor<'_>)> = Vec::new();
        let mut seen = 0u8;
        let mut first = true;
        while let Some(name) = cursor.next_key(&mut first)? {
            let Some(key) = Key::of(&name) else {
                cursor.skip()?;
                let name = excerpt(&name);
                self.mistake(format!("unknown key {name}: a line has `type`, `data`, and for an edge `from` and `to`"));
                continue;
            };
            if seen & key as u8 != 0 {
                cursor.skip()?;
                self.mistake(format!("`{name}` is there twice"));
                continue;
            }
            match (key, self.ty) {
                (Key::Type, _) => self.read_type(&mut cursor)?,
                (key, Some(ty)) => self.read_part(ty, key, &mut cursor)?,
                (key, None) => {
                    early.push((key, cursor.bookmark()));
                    cursor.skip()?;
                }
            }
            seen |= key as u8;
        }
        cursor.end()?;
        if seen & Key::Type as u8 == 0 {
            self.mistake("`type` is missing");
        }
        if let Some(ty) = self.ty {
            for (key, mut cursor) in early {
                self.read_part(ty, key, &mut cursor)?;
            }
        }
        Ok(())
    }

    fn mistake(&mut self, text: impl Into<String>) {
        let line = self.decoder.line;
        self.decoder.mistakes.push(line, text);
    }

    fn read_type(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let token = cursor.token()?;
        let Token::Text(name) = token else {
            cursor.skip_rest(&token)?;
            self.mistake("`type` is not the name of a type");
            return Ok(());
        };
        let decoder = &mut *self.decoder;
        let same = decoder.last_type.filter(|ty| decoder.catalog.types()[*ty].name == name);
        self.ty = same.or_else(|| decoder.catalog.position(&name));
        decoder.last_type = self.ty;
        if self.ty.is_none() {
            let names: Vec<_> = decoder.catalog.types().iter().take(20).map(|ty| ty.name.as_str()).collect();
            let text = format!("unknown type {}: the types are {}", excerpt(&name), names.join(", "));
            self.mistake(text);
        }
        Ok(())
    }

    /// The value of `from`, `to` or `data`, the type being known.
    fn read_part(&mut self, ty: usize, key: Key, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let Decoder { catalog, tables, mistakes, line, .. } = &mut *self.decoder;
        let def = &catalog.types()[ty];
        // The rows of a type begin with its first line.
        let rows = tables[ty].get_or_insert_with(|| Box::new(TableRows::new(def, catalog)));
        let mut target = Target { rows, def, mistakes, line: *line };
        match key {
            Key::Type | Key::Data => target.read_data(cursor),
            Key::From | Key::To if def.is_node() => {
                target.mistake(format!("{} is a node type: it has no `from` and no `to`", def.name));
                cursor.skip()
            }
            Key::From => target.read_value(0, cursor),
            Key::To => target.read_value(1, cursor),
        }
    }
}

/// Where the values of a row go.
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

    fn read_data(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let token = cursor.token()?;
        if token != Token::Object {
            cursor.skip_rest(&token)?;
            self.mistake("`data` is not an object with properties");
            return Ok(());
        }
        self.rows.begin();
        let mut first = true;
        while let Some(name) = cursor.next_key(&mut first)? {
            match self.rows.find(self.def, &name) {
                Some(column) => self.read_value(column, cursor)?,
                None => {
                    cursor.skip()?;
                    self.mistake(format!("{} has no property {}", self.def.name, excerpt(&name)));
                }
            }
        }
        Ok(())
    }

    fn read_value(&mut self, column: usize, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let again = self.rows.give(column);
        let mut problem: Option<Problem> = None;
        let optional = self.rows.optional[column];
        put(&mut self.rows.columns[column], cursor, optional, &mut problem)?;
        if again || problem.is_some() {
            let name = format!("{}.{}", self.def.name, self.rows.name(self.def, column));
            if again {
                self.mistake(format!("{name} is there twice"));
            }
            if let Some(problem) = problem {
                self.mistake(format!("{name} is {problem}"));
            }
        }
        Ok(())
    }
}
