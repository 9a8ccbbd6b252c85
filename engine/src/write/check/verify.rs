//! Records → mistakes.

use std::collections::BTreeMap;

use arrow_array::Array;
use roaring::RoaringTreemap;

use super::cell::{Cells, show};
use super::record::{Kind, Record};
use super::{Gatherer, Mistakes, Space, excerpt};
use crate::error::Result;
use crate::schema::{Catalog, ScalarType, TypeDef};

/// What it means that a committed row has the identity of a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflicts {
    /// A mistake, and what to do about it.
    Refuse(&'static str),
    /// The new row takes its place.
    Replace,
}

/// Row addresses by type.
pub(crate) type AddressesByType = BTreeMap<usize, RoaringTreemap>;

/// What verification found out beside mistakes.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Committed rows whose place new rows take.
    pub(crate) replaced: AddressesByType,
}

/// Reads every space once. `removed`: committed rows that the write takes away, which count as absent.
pub(crate) fn verify(
    gatherer: Gatherer,
    conflicts: Conflicts,
    removed: &AddressesByType,
    mistakes: &mut Mistakes,
) -> Result<Verdict> {
    let (catalog, spaces) = gatherer.into_spaces();
    let mut replaced = AddressesByType::new();
    // Identities stand before unique values in the order of spaces, and those need to know which rows are replaced.
    for (space, spill) in spaces {
        match space {
            Space::Identity(ty) => {
                let gone = removed.get(&ty);
                let mut check =
                    IdentityCheck { catalog: &catalog, ty, conflicts, gone, replaced: RoaringTreemap::new(), mistakes };
                spill.for_each_group(|group| check.group(group))?;
                if !check.replaced.is_empty() {
                    replaced.insert(ty, check.replaced);
                }
            }
            Space::Unique(ty, property) => {
                let absent = [removed.get(&ty), replaced.get(&ty)];
                let is_absent = |address: u64| absent.iter().flatten().any(|list| list.contains(address));
                let def = &catalog.types()[ty];
                spill.for_each_group(|group| check_unique(def, property, group, is_absent, mistakes))?;
            }
        }
    }
    Ok(Verdict { replaced })
}

struct IdentityCheck<'a> {
    catalog: &'a Catalog,
    ty: usize,
    conflicts: Conflicts,
    gone: Option<&'a RoaringTreemap>,
    replaced: RoaringTreemap,
    mistakes: &'a mut Mistakes,
}

impl IdentityCheck<'_> {
    /// All records of one identity.
    fn group(&mut self, group: &[Record]) {
        let def = &self.catalog.types()[self.ty];
        let inputs = group.iter().take_while(|record| record.kind == Kind::Input).count();
        let (inputs, rest) = group.split_at(inputs);
        if let [first, others @ ..] = inputs {
            for other in others {
                let text = format!("{} is in the input already{}", self.name(first), on(self.mistakes, first.place));
                self.mistakes.push(other.place, text);
            }
        }
        let mut exists = !inputs.is_empty();
        for record in rest {
            match record.kind {
                Kind::Input => {}
                Kind::Committed if self.gone.is_some_and(|gone| gone.contains(record.place)) => {}
                Kind::Committed => {
                    exists = true;
                    match (inputs.first(), self.conflicts) {
                        (None, _) => {}
                        (Some(_), Conflicts::Replace) => {
                            self.replaced.insert(record.place);
                        }
                        (Some(input), Conflicts::Refuse(advice)) => {
                            let text = format!("{} exists already", self.name(input));
                            self.mistakes.push(input.place, text);
                            self.mistakes.advise(advice);
                        }
                    }
                }
                Kind::NeededFrom | Kind::NeededTo if !exists => {
                    let end = if record.kind == Kind::NeededFrom { "starts" } else { "ends" };
                    let (edge, node) = (self.edge(record), self.value(def, record));
                    let text = format!("{edge} {end} at {} {node}, which does not exist", def.name);
                    self.mistakes.push(record.place, text);
                }
                Kind::HeldFrom | Kind::HeldTo if !exists => {
                    let end = if record.kind == Kind::HeldFrom { "starts" } else { "ends" };
                    let (edge, node) = (self.edge(record), self.value(def, record));
                    let text = format!("{edge} has an edge that {end} at {} {node}, which would be gone", def.name);
                    self.mistakes.push(record.place, text);
                    self.mistakes.advise("overwrite the edge type in the same load, or delete the edges first");
                }
                Kind::NeededFrom | Kind::NeededTo | Kind::HeldFrom | Kind::HeldTo => {}
            }
        }
    }

    fn edge(&self, record: &Record) -> &str {
        self.catalog.types().get(usize::from(record.edge)).map_or("an edge type", |ty| ty.name.as_str())
    }

    fn value(&self, def: &TypeDef, record: &Record) -> String {
        let key = def.key().map_or(&ScalarType::String, |key| &key.ty);
        let (bytes, whole) = record.shown(0, 1);
        quoted(key, bytes, whole)
    }

    /// `Person "alice"`, `WorksAt from "alice" to "acme"`.
    fn name(&self, record: &Record) -> String {
        let def = &self.catalog.types()[self.ty];
        let Some((from, to)) = def.endpoints() else { return format!("{} {}", def.name, self.value(def, record)) };
        let shown = |nth: usize, node: &str| {
            let key = self.catalog.node(node).and_then(TypeDef::key).map_or(&ScalarType::String, |key| &key.ty);
            let (bytes, whole) = record.shown(nth, 2);
            quoted(key, bytes, whole)
        };
        format!("{} from {} to {}", def.name, shown(0, from), shown(1, to))
    }
}

fn check_unique(
    def: &TypeDef,
    property: usize,
    group: &[Record],
    is_absent: impl Fn(u64) -> bool,
    mistakes: &mut Mistakes,
) {
    let inputs = group.iter().take_while(|record| record.kind == Kind::Input).count();
    let ([first, others @ ..], rest) = group.split_at(inputs) else { return };
    let property = &def.properties[property];
    let (bytes, whole) = first.shown(0, 1);
    let value = format!("{}.{} {}", def.name, property.name, quoted(&property.ty, bytes, whole));
    for other in others {
        let text = format!("{value} is in the input already{}", on(mistakes, first.place));
        mistakes.push(other.place, text);
    }
    if rest.iter().any(|record| record.kind == Kind::Committed && !is_absent(record.place)) {
        mistakes.push(first.place, format!("{value} is taken by another row"));
        mistakes.advise("values of a `@unique` property occur once");
    }
}

fn on(mistakes: &Mistakes, place: u64) -> String {
    format!(", in {} {place}", mistakes.origin())
}

fn quoted(ty: &ScalarType, bytes: &[u8], whole: bool) -> String {
    match ty {
        ScalarType::String | ScalarType::Enum(_) => excerpt(&show(ty, bytes, whole)),
        _ => show(ty, bytes, whole),
    }
}

/// One value of a column that rows are addressed by, as errors show it.
pub(crate) fn shown(ty: &ScalarType, column: &dyn Array, row: usize) -> Result<String> {
    let cell = Cells::of(column)?.get(row);
    Ok(cell.map_or_else(|| "nothing".to_owned(), |cell| quoted(ty, cell.bytes(), true)))
}
