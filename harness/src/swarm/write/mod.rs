//! What a write says, and what it does to rows.
//!
//! - [`broad`]: writes with values of every type; [`expression`]: expressions and conditions over columns.

mod broad;
mod expression;

use std::collections::BTreeSet;

use omnigraph::schema::{Catalog, Property, TypeDef};
use serde_json::{Map, Value};

use super::rows::{Change, Id, Presence, Rows};
use super::stream::Draw;
use super::value;
use super::value::broad::Door;
use crate::scenario::model::{Action, Deed, Load, LoadMode, MoveHead, Row};

/// A write.
#[derive(Clone, Debug)]
pub struct Write {
    /// What the step says.
    pub action: Action,
    /// What it does.
    pub changes: Vec<Change>,
    /// Whether it changes something for certain, if it can be done at all, and so crosses every window of a write.
    pub moves: bool,
}

/// Draws writes. What it draws depends on nothing that is not certain before the run, so no weather changes it.
#[derive(Debug)]
pub struct Writer<'a> {
    catalog: &'a Catalog,
    /// The keys of each type, by number.
    keys: Vec<Vec<Value>>,
    /// Counts values that have to be unique.
    serial: u64,
    /// Through which door values of every type go; none while they are plain ones.
    door: Option<Door>,
}

/// Above every value that has to be unique in what is written through the engine.
const STRANGERS: u64 = 20_000;
/// How new the rows of a load are.
const NEW: f64 = 0.85;

impl<'a> Writer<'a> {
    /// A writer that has seen the set-up. Also returns the set-up's rows.
    pub fn new(catalog: &'a Catalog, setup: &[Row]) -> (Self, Rows) {
        let mut writer = Writer { catalog, keys: vec![Vec::new(); catalog.types().len()], serial: 1_000, door: None };
        let changes: Vec<Change> = setup.iter().filter_map(|row| writer.seen(row)).map(Change::Put).collect();
        let (rows, _) = Rows::none(catalog).after(&changes);
        (writer, rows)
    }

    fn place(&self, type_name: &str) -> Option<usize> {
        self.catalog.types().iter().position(|def| def.name == type_name)
    }

    fn def(&self, ty: usize) -> &'a TypeDef {
        &self.catalog.types()[ty]
    }

    /// The row of a set-up.
    fn seen(&mut self, row: &Row) -> Option<Id> {
        let ty = self.place(&row.type_name)?;
        match self.def(ty).endpoints() {
            None => {
                let key = row.data.get(&self.def(ty).key()?.name)?.clone();
                Some(Id { ty, a: self.number(ty, key), b: 0 })
            }
            Some((from, to)) => {
                let (from, to) = (self.place(from)?, self.place(to)?);
                let a = self.number(from, row.from.clone()?);
                let b = self.number(to, row.to.clone()?);
                Some(Id { ty, a, b })
            }
        }
    }

    fn number(&mut self, ty: usize, key: Value) -> usize {
        let keys = &mut self.keys[ty];
        keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            keys.push(key);
            keys.len() - 1
        })
    }

    /// A node that nothing has named before.
    fn new_node(&mut self, ty: usize) -> Id {
        let def = self.def(ty);
        let numbers = self.keys[ty].len()..;
        let key = numbers.filter_map(|number| Some(value::key(&def.name, def.key()?, number)));
        let key = key.into_iter().find(|key| !self.keys[ty].contains(key)).unwrap_or_default();
        Id { ty, a: self.number(ty, key), b: 0 }
    }

    fn types(&self, nodes: bool) -> Vec<usize> {
        let of_kind = |(ty, def): (usize, &TypeDef)| (def.is_node() == nodes).then_some(ty);
        self.catalog.types().iter().enumerate().filter_map(of_kind).collect()
    }

    /// What `deed` says this time; none for a deed that is no write, or where there is nothing to say.
    pub fn draw(&mut self, deed: Deed, hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        match deed {
            Deed::LoadAppend => Some(self.load(LoadMode::Append, NEW, hoped, draw)),
            Deed::LoadMerge => Some(self.load(LoadMode::Merge, 1.0 - NEW, hoped, draw)),
            Deed::LoadOverwrite => Some(self.overwrite(hoped, draw)),
            Deed::Insert | Deed::Update | Deed::Delete => self.statements(&[deed], hoped, draw),
            Deed::Mixed => {
                let count = draw.between(2, 3);
                let deeds: Vec<Deed> = (0..count)
                    .filter_map(|_| draw.one_of(&[Deed::Insert, Deed::Update, Deed::Delete]).copied())
                    .collect();
                self.statements(&deeds, hoped, draw)
            }
            deed => self.draw_broad(deed, hoped, draw),
        }
    }

    fn load(&mut self, mode: LoadMode, new: f64, hoped: &Rows, draw: &mut Draw) -> Write {
        let mut ids = BTreeSet::new();
        for _ in 0..draw.between(1, 3) {
            ids.extend(self.node(new, hoped, draw));
        }
        let (with_nodes, _) = hoped.after(&ids.iter().copied().map(Change::Put).collect::<Vec<_>>());
        for _ in 0..draw.below(3) {
            ids.extend(self.edge(&with_nodes, draw));
        }
        let change = if mode == LoadMode::Append { Change::Add } else { Change::Put };
        self.rows(mode, &ids, ids.iter().copied().map(change).collect(), draw)
    }

    /// A node that is new, or one that is hoped to be there.
    fn node(&mut self, new: f64, hoped: &Rows, draw: &mut Draw) -> Option<Id> {
        let ty = *draw.one_of(&self.types(true))?;
        let known = draw.one_of(&hoped.there(ty)).copied();
        Some(if draw.chance(new) { self.new_node(ty) } else { known.unwrap_or_else(|| self.new_node(ty)) })
    }

    /// An edge between nodes that are hoped to be there, and once in a while one that leads nowhere.
    fn edge(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<Id> {
        let ty = *draw.one_of(&self.types(false))?;
        let (from, to) = hoped.ends(ty)?;
        let a = draw.one_of(&hoped.there(from)).copied()?;
        let mut b = draw.one_of(&hoped.there(to)).copied()?;
        if draw.chance(0.04) {
            b = self.new_node(to);
        }
        Some(Id { ty, a: a.a, b: b.a })
    }

    fn overwrite(&mut self, hoped: &Rows, draw: &mut Draw) -> Write {
        let edges = draw.chance(0.6).then(|| self.edge(hoped, draw)).flatten();
        let mut ids = BTreeSet::new();
        let ty = match edges {
            Some(edge) => {
                ids.insert(edge);
                for _ in 0..draw.below(3) {
                    ids.extend(self.edge(hoped, draw).filter(|other| other.ty == edge.ty));
                }
                edge.ty
            }
            None => {
                let ty = draw.one_of(&self.types(true)).copied().unwrap_or_default();
                // Most of them stay, or edges would lose their ends nearly every time.
                let keep = if draw.chance(0.7) { 1.0 } else { 0.8 };
                ids.extend(hoped.there(ty).into_iter().filter(|_| draw.chance(keep)));
                ids.insert(self.new_node(ty));
                ty
            }
        };
        let changes = std::iter::once(Change::Clear(ty)).chain(ids.iter().copied().map(Change::Put));
        self.rows(LoadMode::Overwrite, &ids, changes.collect(), draw)
    }

    fn rows(&mut self, mode: LoadMode, ids: &BTreeSet<Id>, changes: Vec<Change>, draw: &mut Draw) -> Write {
        let rows = ids.iter().map(|id| self.row(*id, draw)).collect();
        Write { action: Action::Load(Load { mode, rows, generate: None }), changes, moves: true }
    }

    fn row(&mut self, id: Id, draw: &mut Draw) -> Row {
        let def = self.def(id.ty);
        let mut data = Map::new();
        for property in &def.properties {
            if property.key {
                data.insert(property.name.clone(), self.keys[id.ty][id.a].clone());
            } else if !property.optional || draw.chance(0.7) {
                data.insert(property.name.clone(), self.value(property, draw));
            }
        }
        let (from, to) = self.end_keys(id).map_or((None, None), |(from, to)| (Some(from), Some(to)));
        Row { type_name: def.name.clone(), from, to, data }
    }

    fn end_keys(&self, id: Id) -> Option<(Value, Value)> {
        let (from, to) = self.def(id.ty).endpoints()?;
        let (from, to) = (self.place(from)?, self.place(to)?);
        Some((self.keys[from].get(id.a)?.clone(), self.keys[to].get(id.b)?.clone()))
    }

    fn value(&mut self, property: &Property, draw: &mut Draw) -> Value {
        self.serial += 1;
        match self.door {
            Some(door) => value::broad::of(&property.ty, door, draw, property.is_unique().then_some(self.serial)),
            None => value::of(property, draw, self.serial),
        }
    }

    fn statements(&mut self, deeds: &[Deed], hoped: &Rows, draw: &mut Draw) -> Option<Write> {
        let mut rows = hoped.clone();
        let (mut texts, mut all, mut moves) = (Vec::new(), Vec::new(), deeds.len() == 1);
        for deed in deeds {
            let drawn = match deed {
                // Checked is what all statements leave together: one that adds what is there already is no mistake if a
                // later one takes it away. So among several, only what is new is added.
                Deed::Insert => self
                    .insert(if deeds.len() > 1 { 1.0 } else { NEW }, &rows, draw)
                    .map(|(text, changes)| (text, changes, true)),
                Deed::Update => self.update(&rows, draw).map(|text| (text, Vec::new(), false)),
                _ => self.delete(&rows, draw).map(|(text, changes)| (text, changes, false)),
            };
            let Some((text, changes, certain)) = drawn else { continue };
            rows = rows.after(&changes).0;
            texts.push(text);
            all.extend(changes);
            moves &= certain;
        }
        let sql = texts.join("; ");
        (!texts.is_empty()).then_some(Write { action: Action::Mutate(sql), changes: all, moves })
    }

    /// Whether every property that a row must have can be written in SQL.
    fn can_be_inserted(def: &TypeDef) -> bool {
        def.properties.iter().all(|property| property.optional || value::has_a_literal(&property.ty))
    }

    fn insert(&mut self, new: f64, hoped: &Rows, draw: &mut Draw) -> Option<(String, Vec<Change>)> {
        let edge = draw.chance(0.35).then(|| self.edge(hoped, draw)).flatten();
        let id = match edge {
            Some(edge) if new < 1.0 || hoped.of(edge) == Presence::Absent => edge,
            _ => self.node(new, hoped, draw)?,
        };
        let def = self.def(id.ty);
        if !Self::can_be_inserted(def) {
            return None;
        }
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        if let Some((from, to)) = self.end_keys(id) {
            columns.extend(["src".to_owned(), "dst".to_owned()]);
            values.extend([value::literal(&from), value::literal(&to)]);
        }
        for property in def.properties.iter().filter(|property| value::has_a_literal(&property.ty)) {
            let given = if property.key {
                self.keys[id.ty][id.a].clone()
            } else if !property.optional || draw.chance(0.7) {
                self.value(property, draw)
            } else {
                continue;
            };
            columns.push(property.name.clone());
            values.push(value::literal(&given));
        }
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", def.name, columns.join(", "), values.join(", "));
        Some((sql, vec![Change::Add(id)]))
    }

    fn update(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<String> {
        let can_change = |property: &&Property| !property.key && value::has_a_literal(&property.ty);
        let types: Vec<usize> =
            (0..self.keys.len()).filter(|ty| self.def(*ty).properties.iter().any(|p| can_change(&p))).collect();
        let ty = *draw.one_of(&types)?;
        let def = self.def(ty);
        let properties: Vec<&Property> = def.properties.iter().filter(can_change).collect();
        let property = *draw.one_of(&properties)?;
        let name = &property.name;
        let one = draw.one_of(&hoped.there(ty)).copied();
        let counts_up = value::is_a_number(&property.ty) && !property.unique && draw.chance(0.3);
        let given = self.value(property, draw);
        let set =
            if counts_up { format!("{name} = {name} + 1") } else { format!("{name} = {}", value::literal(&given)) };
        let which = match one {
            Some(id) if property.unique || draw.chance(0.75) => format!(" WHERE {}", self.identity(id)),
            // A value that has to be unique is given to one row at the most.
            _ if property.unique => return None,
            _ if value::is_a_number(&property.ty) => format!(" WHERE {name} >= {}", draw.below(100)),
            _ => String::new(),
        };
        Some(format!("UPDATE {} SET {set}{which}", def.name))
    }

    fn delete(&mut self, hoped: &Rows, draw: &mut Draw) -> Option<(String, Vec<Change>)> {
        let edges = draw.chance(0.4);
        let ty = *draw.one_of(&self.types(!edges)).or(self.types(true).first())?;
        let name = &self.def(ty).name;
        if draw.chance(if edges { 0.1 } else { 0.03 }) {
            return Some((format!("DELETE FROM {name}"), vec![Change::RemoveAll(ty)]));
        }
        let id = draw.one_of(&hoped.there(ty)).copied()?;
        Some((format!("DELETE FROM {name} WHERE {}", self.identity(id)), vec![Change::Remove(id)]))
    }

    fn identity(&self, id: Id) -> String {
        let column = |name: &str, value: &Value| format!("{name} = {}", value::literal(value));
        match self.end_keys(id) {
            Some((from, to)) => format!("{} AND {}", column("src", &from), column("dst", &to)),
            None => {
                let key = self.def(id.ty).key().map(|key| key.name.as_str()).unwrap_or_default();
                column(key, &self.keys[id.ty][id.a])
            }
        }
    }

    /// What a stranger commits to a table: for nodes mostly a row as well, which nobody else writes. What it says is not
    /// remembered, so that it moves no write.
    pub fn moved_head(&self, operation: u32, draw: &mut Draw) -> MoveHead {
        let all: Vec<usize> = (0..self.keys.len()).collect();
        let ty = draw.one_of(&all).copied().unwrap_or_default();
        let def = self.def(ty);
        let commits = draw.between(1, 3) as u32;
        let has_row = draw.chance(0.7) && def.is_node();
        let row = has_row.then(|| {
            let needed = def.properties.iter().filter(|property| !property.optional || draw.chance(0.5));
            let needed: Vec<&Property> = needed.collect();
            let value = |property: &&Property| match property.key {
                true => value::strangers_key(property, operation),
                false => value::of(property, draw, STRANGERS + u64::from(operation)),
            };
            let values: Vec<Value> = needed.iter().map(value).collect();
            needed.iter().map(|property| property.name.clone()).zip(values).collect()
        });
        MoveHead { type_name: def.name.clone(), commits, row }
    }

    /// A query that reads a whole type.
    pub fn query(&self, draw: &mut Draw) -> String {
        let names: Vec<&str> = self.catalog.types().iter().map(|def| def.name.as_str()).collect();
        format!("SELECT * FROM {}", draw.one_of(&names).copied().unwrap_or_default())
    }
}
