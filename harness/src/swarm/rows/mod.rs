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
    /// Each of the rows may be gone then, with a node's edges.
    MayRemove(Vec<Id>),
    /// What is copied from rows that are all there is there then. It must not be there twice in the end.
    Copy {
        /// The rows that the choice is made from.
        from: Vec<Id>,
        /// What comes of those that are chosen if all of them are there.
        to: Vec<Id>,
        /// What may come of it otherwise.
        else_some_of: Vec<Id>,
    },
    /// The node has the key of another one then, which must not be there, and its edges follow.
    Rename(Id, Id),
    /// Whether it can be done depends on what stands in the rows.
    Perhaps,
    /// It cannot be done where the row is there. Where it is not, that is open.
    Misfit(Id),
    /// It cannot be done.
    Never,
}

/// Which rows are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    presence: BTreeMap<Id, Presence>,
    /// The types of the ends of each edge type; none for node types.
    ends: Vec<Option<(usize, usize)>>,
    /// Whether conditions on values have decided about rows. A node and the edges at it are then unsure together, so that an edge that
    /// a write has no part in finds its ends as it did before.
    by_condition: bool,
}

impl Rows {
    /// No rows.
    pub fn none(catalog: &Catalog) -> Self {
        let place = |name: &str| catalog.types().iter().position(|def| def.name == name);
        let ends = catalog.types().iter().map(|def| {
            let (from, to) = def.endpoints()?;
            Some((place(from)?, place(to)?))
        });
        Rows { presence: BTreeMap::new(), ends: ends.collect(), by_condition: false }
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

    /// The rows of a type that may be there.
    pub fn all(&self, ty: usize) -> Vec<Id> {
        self.of_type(ty).map(|(id, _)| id).collect()
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
            match change {
                Change::Add(id) => after.add(*id, &mut twice),
                Change::Put(id) => drop(after.presence.insert(*id, Presence::There)),
                Change::Remove(id) => fits = fits.and(after.remove(*id)),
                Change::RemoveAll(ty) => {
                    let all: Vec<Id> = after.of_type(*ty).map(|(id, _)| id).collect();
                    fits = all.into_iter().fold(fits, |fits, id| fits.and(after.remove(id)));
                }
                Change::Clear(ty) => after.presence.retain(|id, _| id.ty != *ty),
                Change::MayRemove(ids) => {
                    after.by_condition = true;
                    ids.iter().for_each(|id| after.may_remove(*id));
                }
                Change::Copy { from, to, else_some_of } => {
                    if from.iter().all(|id| after.of(*id) == Presence::There) {
                        to.iter().for_each(|id| after.add(*id, &mut twice));
                    } else {
                        fits = fits.and(Fits::Unsure);
                        let new: Vec<Id> =
                            else_some_of.iter().copied().filter(|id| after.of(*id) == Presence::Absent).collect();
                        after.presence.extend(new.into_iter().map(|id| (id, Presence::Unsure)));
                    }
                }
                Change::Rename(from, to) => fits = fits.and(after.rename(*from, *to)),
                Change::Perhaps => fits = fits.and(Fits::Unsure),
                Change::Misfit(id) => {
                    fits = fits.and(if after.of(*id) == Presence::There { Fits::No } else { Fits::Unsure });
                }
                Change::Never => fits = Fits::No,
            }
            twice.retain(|id, _| after.of(*id) != Presence::Absent);
        }
        let ends = after.edges_find_their_ends(self);
        (after, twice.into_values().fold(fits.and(ends), Fits::and))
    }

    /// The rows after a write that is hoped to be done, whose conditions are hoped to take nothing away; none if it cannot be.
    pub fn hoped_after(&self, changes: &[Change]) -> Option<Rows> {
        let firm: Vec<Change> =
            changes.iter().filter(|change| !matches!(change, Change::MayRemove(_))).cloned().collect();
        let (after, fits) = self.after(&firm);
        (fits != Fits::No).then_some(after)
    }

    fn add(&mut self, id: Id, twice: &mut BTreeMap<Id, Fits>) {
        match self.of(id) {
            Presence::Absent => {}
            Presence::There => drop(twice.insert(id, Fits::No)),
            Presence::Unsure => drop(twice.insert(id, Fits::Unsure)),
        }
        self.presence.insert(id, Presence::There);
    }

    /// Whether the edge starts or ends at the node.
    fn is_at(&self, edge: Id, node: Id) -> bool {
        let ends = self.ends(edge.ty);
        ends.is_some_and(|(from, to)| (from == node.ty && edge.a == node.a) || (to == node.ty && edge.b == node.a))
    }

    /// A row that may be gone, and with it the edges at it.
    fn may_remove(&mut self, id: Id) {
        let ids: Vec<Id> = self.presence.keys().copied().filter(|edge| *edge == id || self.is_at(*edge, id)).collect();
        for id in ids {
            if self.of(id) == Presence::There {
                self.presence.insert(id, Presence::Unsure);
            }
        }
    }

    /// A node with another key, and its edges with it.
    fn rename(&mut self, from: Id, to: Id) -> Fits {
        let (was, is) = (self.of(from), self.of(to));
        if from == to || was == Presence::Absent {
            return Fits::Yes;
        }
        let renamed = |ty: usize, end: usize| if ty == from.ty && end == from.a { to.a } else { end };
        let moved: Vec<(Id, Presence)> =
            self.presence.iter().map(|(id, p)| (*id, *p)).filter(|(id, _)| self.is_at(*id, from)).collect();
        let unsure_before = self.clone();
        self.presence.remove(&from);
        self.presence.insert(to, Presence::There);
        for (edge, presence) in moved {
            let Some((start, end)) = self.ends(edge.ty) else { continue };
            self.presence.remove(&edge);
            let edge = Id { ty: edge.ty, a: renamed(start, edge.a), b: renamed(end, edge.b) };
            let known = self.of(edge);
            self.presence.insert(edge, if known == Presence::Absent { presence } else { Presence::Unsure });
        }
        if was == Presence::Unsure {
            *self = self.or(&unsure_before);
        }
        match (was, is) {
            (_, Presence::Absent) => Fits::Yes,
            (Presence::There, Presence::There) => Fits::No,
            _ => Fits::Unsure,
        }
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

    fn edges_find_their_ends(&self, before: &Rows) -> Fits {
        self.presence.iter().fold(Fits::Yes, |fits, (id, presence)| {
            let Some((from, to)) = self.ends(id.ty) else { return fits };
            let nodes = [Id { ty: from, a: id.a, b: 0 }, Id { ty: to, a: id.b, b: 0 }];
            let ends = nodes.map(|node| self.of(node));
            // What a condition takes away, it takes with its edges.
            let is_as_before = |id: &Id| match (before.of(*id), self.of(*id)) {
                (Presence::There, Presence::Unsure) => true,
                (then, now) => then == now,
            };
            if self.by_condition && [*id, nodes[0], nodes[1]].iter().all(is_as_before) {
                return fits;
            }
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
mod tests;
