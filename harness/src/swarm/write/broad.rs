//! Writes with values of every type: as lines, as literals, by expressions over columns, by queries; and such that must be refused.

use omnigraph::schema::{Property, ScalarType, TypeDef};
use serde_json::{Value, json};

use super::super::rows::{Change, Id, Rows};
use super::super::stream::Draw;
use super::super::value::broad::Door;
use super::super::value::{literal, misfit};
use super::expression::{self, condition};
use super::{NEW, Write, Writer};
use crate::scenario::model::{Action, Deed, Load, LoadMode};

/// Keys of copies are larger by this, and by a number of their own.
const COPIES: i64 = 100_000;
/// Keys that are larger are not counted up.
const KEY_MAX: i64 = 1 << 40;

impl<'a> Writer<'a> {
    /// What `deed` says this time; none for a deed that writes no such values.
    pub(super) fn draw_broad(&mut self, deed: Deed, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let write = match deed {
            Deed::LoadValues => return Some(self.load_values(hoped, draw)),
            Deed::Misfit => return self.misfit(hoped, draw),
            Deed::InsertValues => self.insert_values(hoped, draw),
            Deed::UpdateValues => self.update_values(hoped, draw),
            Deed::DeleteValues => self.delete_values(hoped, draw),
            Deed::Copy => self.copy(hoped, draw),
            Deed::Rename => self.rename(hoped, draw),
            _ => None,
        };
        write.map(|write| if draw.chance(0.2) { self.and_an_update(write, hoped, draw) } else { write })
    }

    /// The statement and one more that sees what it has done, as one write.
    fn and_an_update(&mut self, first: Write, hoped: &Rows, draw: &mut Draw) -> Write {
        let after = hoped.hoped_after(&first.changes);
        let second = self.update_values(after.as_ref().unwrap_or(hoped), draw);
        match (&first.action, second) {
            (Action::Mutate(one), Some(Write { action: Action::Mutate(two), changes, .. })) => {
                let action = Action::Mutate(format!("{one}; {two}"));
                Write { action, changes: [first.changes.as_slice(), &changes].concat(), moves: first.moves }
            }
            _ => first,
        }
    }

    fn load_values(&mut self, hoped: &Rows, draw: &mut Draw) -> Write {
        self.door = Some(Door::Json);
        let write = match draw.below(8) {
            0 => self.overwrite(hoped, draw),
            1..=3 => self.load(LoadMode::Merge, 1.0 - NEW, hoped, draw),
            _ => self.load(LoadMode::Append, NEW, hoped, draw),
        };
        self.door = None;
        write
    }

    /// Several rows at once: a column of literals is typed by where it goes, not by what stands in it.
    fn insert_values(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let edge = draw.chance(0.35).then(|| self.edge(hoped, draw)).flatten();
        let first = edge.or_else(|| self.node(NEW, hoped, draw))?;
        let mut ids = vec![first];
        for _ in 0..draw.below(3) {
            let next = if edge.is_some() { self.edge(hoped, draw) } else { Some(self.new_node(first.ty)) };
            ids.extend(next.filter(|id| id.ty == first.ty && !ids.contains(id)));
        }
        self.door = Some(Door::Sql);
        let sql = self.insertion(&ids, draw);
        self.door = None;
        let changes = ids.into_iter().map(Change::Add).collect();
        Some(Write { action: Action::Mutate(sql), changes, moves: true })
    }

    fn insertion(&mut self, ids: &[Id], draw: &mut Draw) -> String {
        let def = self.def(ids[0].ty);
        let given: Vec<&Property> =
            def.properties.iter().filter(|property| !property.optional || draw.chance(0.8)).collect();
        let mut columns: Vec<&str> = def.endpoints().map_or(vec![], |_| vec!["src", "dst"]);
        columns.extend(given.iter().map(|property| property.name.as_str()));
        let mut rows = Vec::new();
        for id in ids {
            let ends = self.end_keys(*id).map_or(vec![], |(from, to)| vec![from, to]);
            let mut values: Vec<String> = ends.iter().map(literal).collect();
            for property in &given {
                let value = match (property.key, property.optional && draw.chance(0.1)) {
                    (true, _) => self.keys[id.ty][id.a].clone(),
                    (_, true) => Value::Null,
                    _ => self.value(property, draw),
                };
                values.push(literal(&value));
            }
            rows.push(format!("({})", values.join(", ")));
        }
        format!("INSERT INTO {} ({}) VALUES {}", def.name, columns.join(", "), rows.join(", "))
    }

    /// A type with properties that are no keys, and one of its rows.
    fn somewhere(&self, hoped: &Rows, draw: &mut Draw) -> Option<(usize, Vec<&'a Property>, Option<Id>)> {
        let is_free = |property: &&Property| !property.key && !property.unique;
        let types: Vec<usize> =
            (0..self.keys.len()).filter(|ty| self.def(*ty).properties.iter().any(|p| is_free(&p))).collect();
        let ty = *draw.one_of(&types)?;
        let properties = self.def(ty).properties.iter().filter(is_free).collect();
        Some((ty, properties, draw.one_of(&hoped.there(ty)).copied()))
    }

    fn update_values(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let (ty, mut properties, one) = self.somewhere(hoped, draw)?;
        let def = self.def(ty);
        let (mut set, mut is_certain) = (Vec::new(), true);
        for _ in 0..draw.between(1, 3) {
            if properties.is_empty() {
                break;
            }
            let property = properties.swap_remove(draw.below(properties.len()));
            let assigned = expression::assigned(def, property, draw);
            is_certain &= assigned.is_certain;
            set.push(format!("{} = {}", property.name, assigned.text));
        }
        let filter = match (one, draw.below(10)) {
            (Some(id), 0..=5) => format!(" WHERE {}", self.identity(id)),
            (Some(id), 6) => format!(" WHERE {} AND {}", self.identity(id), condition(def, draw)),
            (_, 9) => String::new(),
            _ => format!(" WHERE {}", condition(def, draw)),
        };
        let changes = if is_certain { Vec::new() } else { vec![Change::Perhaps] };
        let sql = format!("UPDATE {} SET {}{filter}", def.name, set.join(", "));
        Some(Write { action: Action::Mutate(sql), changes, moves: false })
    }

    fn delete_values(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let types: Vec<usize> = (0..self.keys.len()).filter(|ty| !self.def(*ty).properties.is_empty()).collect();
        let ty = *draw.one_of(&types)?;
        let condition = condition(self.def(ty), draw);
        let one = draw.one_of(&hoped.there(ty)).copied().filter(|_| draw.chance(0.7));
        let (filter, gone) = match one {
            Some(id) => (format!("{} AND {condition}", self.identity(id)), vec![id]),
            None => (condition, hoped.all(ty)),
        };
        let sql = format!("DELETE FROM {} WHERE {filter}", self.def(ty).name);
        let changes = vec![Change::MayRemove(gone)];
        Some(Write { action: Action::Mutate(sql), changes, moves: false })
    }

    /// Rows of one type become rows of another one, or of the same under other keys.
    fn copy(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let from = *draw.one_of(&self.types(true))?;
        let source = self.def(from);
        let into: Vec<usize> =
            self.types(true).into_iter().filter(|ty| sources(source, self.def(*ty), draw).is_some()).collect();
        let into = *draw.one_of(&into)?;
        let target = self.def(into);
        let Sources { columns, is_certain } = sources(source, target, draw)?;
        let (key, target_key) = (&source.key()?.name, &target.key()?.name);
        let is_text = source.key()?.ty == ScalarType::String;
        let mut all: Vec<Id> = hoped.there(from);
        all.retain(|id| is_text || self.keys[from][id.a].as_i64().is_some_and(|key| (0..KEY_MAX).contains(&key)));
        let mut chosen = Vec::new();
        while chosen.len() < 4 && !all.is_empty() {
            chosen.push(all.swap_remove(draw.below(all.len())));
        }
        if chosen.is_empty() {
            return None;
        }
        self.serial += 1;
        let serial = self.serial as i64;
        // By bytes, as SQL orders texts here, or by number.
        chosen.sort_by_key(|id| {
            let key = &self.keys[from][id.a];
            (key.as_i64(), key.as_str().map(|text| text.as_bytes().to_vec()))
        });
        let copies: Vec<Id> = chosen
            .iter()
            .map(|id| {
                let copied = match &self.keys[from][id.a] {
                    Value::String(text) => json!(format!("{text}~{serial}")),
                    number => json!(number.as_i64().unwrap_or_default() + COPIES + serial),
                };
                Id { ty: into, a: self.number(into, copied), b: 0 }
            })
            .collect();
        let (limit, offset, descending) = (draw.between(1, 3), draw.below(3), draw.chance(0.3));
        let mut ordered = copies.clone();
        if descending {
            ordered.reverse();
        }
        let to = ordered.into_iter().skip(offset).take(limit).collect();
        let new_key = if is_text { format!("{key} || '~{serial}'") } else { format!("{key} + {}", COPIES + serial) };
        // One column may go into two, and no two of a query may be called alike.
        let (mut names, mut values) = (vec![target_key.as_str()], vec![new_key]);
        for (name, value) in columns {
            names.push(name);
            values.push(if name == value { value.to_owned() } else { format!("{value} AS {name}") });
        }
        let keys: Vec<String> = chosen.iter().map(|id| literal(&self.keys[from][id.a])).collect();
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} WHERE {key} IN ({}) ORDER BY {key}{} LIMIT {limit} OFFSET {offset}",
            target.name,
            names.join(", "),
            values.join(", "),
            source.name,
            keys.join(", "),
            if descending { " DESC" } else { "" },
        );
        let mut changes = vec![Change::Copy { from: chosen, to, else_some_of: copies }];
        changes.extend((!is_certain).then_some(Change::Perhaps));
        Some(Write { action: Action::Mutate(sql), changes, moves: false })
    }

    /// A row that a value does not fit into, or that lacks one, or a sum that is too large for its column.
    fn misfit(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let (ty, properties, one) = self.somewhere(hoped, draw)?;
        let def = self.def(ty);
        let property = *draw.one_of(&properties)?;
        let bad = misfit::of(&property.ty, draw);
        if let Some(id) = one.filter(|_| draw.chance(0.4)) {
            let (name, identity) = (&property.name, self.identity(id));
            let too_large = largest(&property.ty).filter(|_| draw.chance(0.5));
            let sql = match too_large {
                Some(largest) => format!(
                    "UPDATE {0} SET {name} = {largest} WHERE {identity}; UPDATE {0} SET {name} = {name} + 1 WHERE {identity}",
                    def.name
                ),
                None if !property.optional && draw.chance(0.3) => {
                    format!("UPDATE {} SET {name} = NULL WHERE {identity}", def.name)
                }
                None => format!("UPDATE {} SET {name} = {} WHERE {identity}", def.name, literal(&bad)),
            };
            return Some(Write { action: Action::Mutate(sql), changes: vec![Change::Misfit(id)], moves: false });
        }
        let id = if def.is_node() { self.new_node(ty) } else { self.edge(hoped, draw).filter(|id| id.ty == ty)? };
        self.door = Some(Door::Json);
        let mut row = self.row(id, draw);
        self.door = None;
        if !property.optional && draw.chance(0.3) {
            row.data.remove(&property.name);
        } else {
            row.data.insert(property.name.clone(), bad);
        }
        let action = if draw.chance(0.5) {
            let mode = if draw.chance(0.5) { LoadMode::Append } else { LoadMode::Merge };
            Action::Load(Load { mode, rows: vec![row], generate: None })
        } else {
            let ends = self.end_keys(id).map_or(vec![], |(from, to)| vec![("src", from), ("dst", to)]);
            let data = row.data.iter().map(|(name, value)| (name.as_str(), value.clone()));
            let (columns, values): (Vec<&str>, Vec<String>) =
                ends.into_iter().chain(data).map(|(name, value)| (name, literal(&value))).unzip();
            let (columns, values) = (columns.join(", "), values.join(", "));
            Action::Mutate(format!("INSERT INTO {} ({columns}) VALUES ({values})", def.name))
        };
        Some(Write { action, changes: vec![Change::Never], moves: false })
    }

    /// Another key for a node; once in a while one that is another's.
    fn rename(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let ty = *draw.one_of(&self.types(true))?;
        let there = hoped.there(ty);
        let from = *draw.one_of(&there)?;
        let to = match draw.one_of(&there).copied() {
            Some(other) if draw.chance(0.15) => other,
            _ => self.new_node(ty),
        };
        let key = &self.def(ty).key()?.name;
        let new = literal(&self.keys[ty][to.a]);
        let sql = format!("UPDATE {} SET {key} = {new} WHERE {}", self.def(ty).name, self.identity(from));
        Some(Write { action: Action::Mutate(sql), changes: vec![Change::Rename(from, to)], moves: false })
    }
}

/// Where each column can be copied from.
struct Sources<'a> {
    /// Columns of the one type with those of the other one, the keys apart.
    columns: Vec<(&'a str, &'a str)>,
    /// Whether every value fits, whatever it is.
    is_certain: bool,
}

/// Where each column of a type can be copied from; none where one would be missing.
fn sources<'a>(source: &'a TypeDef, target: &'a TypeDef, draw: &mut Draw) -> Option<Sources<'a>> {
    let keys = (source.key()?, target.key()?);
    if keys.0.ty != keys.1.ty || !matches!(keys.0.ty, ScalarType::String | ScalarType::I64) {
        return None;
    }
    let mut sources = Sources { columns: Vec::new(), is_certain: true };
    for property in target.properties.iter().filter(|property| !property.key && !property.unique) {
        let is_alike = |other: &&Property| {
            let fits = other.ty == property.ty || (are_floats(&other.ty) && are_floats(&property.ty));
            fits && !other.key && (property.optional || !other.optional)
        };
        let others: Vec<&Property> = source.properties.iter().filter(is_alike).collect();
        match draw.one_of(&others) {
            Some(other) => {
                sources.columns.push((property.name.as_str(), other.name.as_str()));
                sources.is_certain &= other.ty == property.ty;
            }
            None if property.optional => {}
            None => return None,
        }
    }
    let is_complete = target.properties.iter().all(|property| property.key || property.optional || !property.unique);
    is_complete.then_some(sources)
}

/// A vector takes a list of as many items, and a list takes every vector.
fn are_floats(ty: &ScalarType) -> bool {
    matches!(ty, ScalarType::Vector(_)) || matches!(ty, ScalarType::List(item) if **item == ScalarType::F32)
}

/// The largest integer of a type.
fn largest(ty: &ScalarType) -> Option<u64> {
    Some(match ty {
        ScalarType::I8 => i8::MAX as u64,
        ScalarType::I16 => i16::MAX as u64,
        ScalarType::I32 => i32::MAX as u64,
        ScalarType::I64 => i64::MAX as u64,
        ScalarType::U8 => u8::MAX.into(),
        ScalarType::U16 => u16::MAX.into(),
        ScalarType::U32 => u32::MAX.into(),
        ScalarType::U64 => u64::MAX,
        _ => return None,
    })
}
