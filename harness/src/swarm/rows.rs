//! Which rows are there, as far as whoever writes the script can be certain of it.

use std::collections::BTreeMap;

use omnigraph::schema::Catalog;

/// A row: its type, and the numbers of its key or of its two ends among the keys of their types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Place of the type in the catalogue.
    pub ty: usize,
    /// Number of a node's key, or of the key of an edge's start.
    pub a: usize,
    /// Number of the key of an edge's end; 0 for a node.
    pub b: usize,
}

/// Whether a row is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    There,
    /// It is not.
    Absent,
    /// A write that may or may not have been done decides it.
    Unsure,
}

/// Whether a write can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fits {
    /// It can.
    Yes,
    /// It cannot: something that it says is wrong.
    No,
    /// That depends on writes that may or may not have been done.
    Unsure,
}

/// What a write does to rows, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The row is there then. It must not be there twice in the end.
    Add(Id),
    /// The row is there then.
    Put(Id),
    /// The row is not there then, and a node's edges neither.
    Remove(Id),
    /// No row of the type is there then, and no edge at one.
    RemoveAll(usize),
    /// No row of the type is there then; the edges stay, and must find their ends afterwards.
    Clear(usize),
}

/// Which rows are there.
#[derive(Clone, Debug)]
pub struct Rows {
    presence: BTreeMap<Id, Presence>,
    /// The types of the ends of each edge type; none for node types.
    ends: Vec<Option<(usize, usize)>>,
}

impl Rows {
    /// No rows.
    pub fn none(catalog: &Catalog) -> Self {
        let place = |name: &str| catalog.types().iter().position(|def| def.name == name);
        let ends = catalog.types().iter().map(|def| {
            let (from, to) = def.endpoints()?;
            Some((place(from)?, place(to)?))
        });
        Rows { presence: BTreeMap::new(), ends: ends.collect() }
    }

    /// Whether a row is there.
    pub fn of(&self, id: Id) -> Presence {
        self.presence.get(&id).copied().unwrap_or(Presence::Absent)
    }

    /// The types of the ends of an edge type.
    pub fn ends(&self, ty: usize) -> Option<(usize, usize)> {
        self.ends.get(ty).copied().flatten()
    }

    /// The rows of a type that are certainly there.
    pub fn there(&self, ty: usize) -> Vec<Id> {
        self.of_type(ty).filter(|(_, presence)| *presence == Presence::There).map(|(id, _)| id).collect()
    }

    fn of_type(&self, ty: usize) -> impl Iterator<Item = (Id, Presence)> + '_ {
        let (from, to) = (Id { ty, a: 0, b: 0 }, Id { ty: ty + 1, a: 0, b: 0 });
        self.presence.range(from..to).map(|(id, presence)| (*id, *presence))
    }

    /// The rows after a write that is done, and whether it can be.
    pub fn after(&self, changes: &[Change]) -> (Rows, Fits) {
        let mut after = self.clone();
        let mut fits = Fits::Yes;
        // Rows that are there a second time; what counts is what all changes leave together.
        let mut twice: BTreeMap<Id, Fits> = BTreeMap::new();
        for change in changes {
            match *change {
                Change::Add(id) => {
                    match after.of(id) {
                        Presence::Absent => {}
                        Presence::There => drop(twice.insert(id, Fits::No)),
                        Presence::Unsure => drop(twice.insert(id, Fits::Unsure)),
                    }
                    after.presence.insert(id, Presence::There);
                }
                Change::Put(id) => drop(after.presence.insert(id, Presence::There)),
                Change::Remove(id) => fits = fits.and(after.remove(id)),
                Change::RemoveAll(ty) => {
                    let all: Vec<Id> = after.of_type(ty).map(|(id, _)| id).collect();
                    fits = all.into_iter().fold(fits, |fits, id| fits.and(after.remove(id)));
                }
                Change::Clear(ty) => after.presence.retain(|id, _| id.ty != ty),
            }
            twice.retain(|id, _| after.of(*id) != Presence::Absent);
        }
        let ends = after.edges_find_their_ends();
        (after, twice.into_values().fold(fits.and(ends), Fits::and))
    }

    /// Takes a row away, and the edges at it. Where no node is, nothing is taken away: an edge that this write has put there
    /// before keeps an end that does not exist.
    fn remove(&mut self, id: Id) -> Fits {
        let was = self.of(id);
        self.presence.remove(&id);
        if self.ends(id.ty).is_some() {
            return Fits::Yes;
        }
        let ends = self.ends.clone();
        let at = |edge: &Id| {
            ends[edge.ty].is_some_and(|(from, to)| (from == id.ty && edge.a == id.a) || (to == id.ty && edge.b == id.a))
        };
        let has_edge = self.presence.iter().any(|(edge, presence)| at(edge) && *presence == Presence::There);
        if was == Presence::Absent {
            return if has_edge { Fits::No } else { Fits::Yes };
        }
        self.presence.retain(|edge, _| !at(edge));
        if was == Presence::Unsure && has_edge { Fits::Unsure } else { Fits::Yes }
    }

    fn edges_find_their_ends(&self) -> Fits {
        self.presence.iter().fold(Fits::Yes, |fits, (id, presence)| {
            let Some((from, to)) = self.ends(id.ty) else { return fits };
            let ends = [self.of(Id { ty: from, a: id.a, b: 0 }), self.of(Id { ty: to, a: id.b, b: 0 })];
            fits.and(match presence {
                Presence::Absent => Fits::Yes,
                Presence::There if ends.contains(&Presence::Absent) => Fits::No,
                _ if ends == [Presence::There; 2] => Fits::Yes,
                _ => Fits::Unsure,
            })
        })
    }

    /// What is certain when either of two things may have come true.
    #[must_use]
    pub fn or(&self, other: &Rows) -> Rows {
        let mut either = self.clone();
        for id in self.presence.keys().chain(other.presence.keys()) {
            if self.of(*id) != other.of(*id) {
                either.presence.insert(*id, Presence::Unsure);
            }
        }
        either
    }
}

impl Fits {
    fn and(self, other: Fits) -> Fits {
        match (self, other) {
            (Fits::No, _) | (_, Fits::No) => Fits::No,
            (Fits::Yes, Fits::Yes) => Fits::Yes,
            _ => Fits::Unsure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let catalog =
            Catalog::parse("node A { k: String @key }\nnode B { k: String @key }\nedge E: A -> B").expect("valid");
        Rows::none(&catalog)
    }

    const A0: Id = Id { ty: 0, a: 0, b: 0 };
    const B0: Id = Id { ty: 1, a: 0, b: 0 };
    const E00: Id = Id { ty: 2, a: 0, b: 0 };

    #[test]
    fn an_edge_needs_both_of_its_ends() {
        let (rows, _) = rows().after(&[Change::Add(A0)]);
        assert_eq!(rows.after(&[Change::Add(E00)]).1, Fits::No);
        assert_eq!(rows.after(&[Change::Add(E00), Change::Add(B0)]).1, Fits::Yes);
    }

    #[test]
    fn what_is_there_cannot_be_added_and_what_may_be_there_perhaps() {
        let (with, _) = rows().after(&[Change::Add(A0)]);
        assert_eq!(with.after(&[Change::Add(A0)]).1, Fits::No);
        assert_eq!(with.or(&rows()).after(&[Change::Add(A0)]).1, Fits::Unsure);
        assert_eq!(with.or(&rows()).after(&[Change::Put(A0)]).1, Fits::Yes);
    }

    #[test]
    fn what_is_added_twice_and_taken_away_is_gone() {
        let (with, _) = rows().after(&[Change::Add(A0)]);
        let (after, fits) = with.after(&[Change::Add(A0), Change::Remove(A0)]);
        assert_eq!((after.of(A0), fits), (Presence::Absent, Fits::Yes));
        assert_eq!(with.after(&[Change::Add(A0), Change::Remove(A0), Change::Add(A0)]).1, Fits::Yes);
        assert_eq!(with.or(&rows()).after(&[Change::Add(A0), Change::RemoveAll(0)]).1, Fits::Yes);
    }

    #[test]
    fn a_deleted_node_takes_its_edges_along_and_an_overwritten_one_does_not() {
        let (rows, _) = rows().after(&[Change::Add(A0), Change::Add(B0), Change::Add(E00)]);
        let (after, fits) = rows.after(&[Change::Remove(B0)]);
        assert_eq!((after.of(E00), fits), (Presence::Absent, Fits::Yes));
        assert_eq!(rows.after(&[Change::Clear(1)]).1, Fits::No);
        assert_eq!(rows.after(&[Change::Clear(1), Change::Put(B0)]).1, Fits::Yes);
    }

    /// Universe 713 of `swarm/crashes` with the seed 20261122: an edge to a node that a dead writer may have left, and then the
    /// deletion of that node.
    #[test]
    fn a_node_that_is_not_there_takes_no_edge_along() {
        let (without, _) = rows().after(&[Change::Add(A0)]);
        let (with, _) = without.after(&[Change::Add(B0)]);
        let write = [Change::Add(E00), Change::Remove(B0)];
        assert_eq!(with.after(&write).1, Fits::Yes);
        assert_eq!(without.after(&write).1, Fits::No);
        assert_eq!(with.or(&without).after(&write).1, Fits::Unsure);
        let all = [Change::Add(E00), Change::RemoveAll(1)];
        assert_eq!(with.or(&without).after(&all).1, Fits::Unsure);
        assert_eq!(without.after(&all).1, Fits::No);
    }
}
