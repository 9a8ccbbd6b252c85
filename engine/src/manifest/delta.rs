//! What a publish changes.

use std::collections::BTreeMap;

use super::chunk;
use super::{GraphState, SchemaPointer, TableEntry};
use crate::history::Commit;

/// Where a publish moves the pin of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The version that becomes visible.
    pub version: u64,
    /// Whether it has other rows than the one that was visible. An undoing and maintenance leave them as they were.
    pub changes_rows: bool,
}

/// The difference that one publish makes to the manifest.
#[derive(Clone, Debug)]
pub struct Delta {
    /// New pins, by table path. A table that is not, or no longer, part of the graph has none to move.
    pub pins: BTreeMap<String, Pin>,
    /// Tables that become part of the graph.
    pub registrations: Vec<TableEntry>,
    /// Paths of tables that leave the graph.
    pub retirements: Vec<String>,
    /// A new active schema, if it changes.
    pub schema: Option<SchemaPointer>,
    /// The commits that the new version is, oldest first; at least one. Their versions are that of the base that the delta is applied
    /// to and one more; each has what stands before it as its first parent, and then the parents that it names here, such as
    /// the one that a merge brings in.
    pub commits: Vec<Commit>,
}

impl Delta {
    /// A delta that moves pins alone, to versions with other rows.
    pub fn of_pins(pins: BTreeMap<String, u64>, commit: Commit) -> Self {
        Self::moving(pins, true, commit)
    }

    /// A delta that moves pins alone, to versions with the rows that are visible already.
    pub fn of_same_rows(pins: BTreeMap<String, u64>, commit: Commit) -> Self {
        Self::moving(pins, false, commit)
    }

    fn moving(pins: BTreeMap<String, u64>, changes_rows: bool, commit: Commit) -> Self {
        let pins = pins.into_iter().map(|(path, version)| (path, Pin { version, changes_rows })).collect();
        Delta { pins, registrations: Vec::new(), retirements: Vec::new(), schema: None, commits: vec![commit] }
    }

    /// The state after this delta, as the version after `base`.
    pub fn apply(&self, base: &GraphState) -> GraphState {
        let mut next = base.clone();
        next.version = base.version + 1;
        if chunk::begins(next.version) {
            next.recent.clear();
        }
        for commit in &self.commits {
            let mut commit = commit.clone();
            // A publish that is tried again stands on another version than it was first meant for.
            commit.graph_version = next.version;
            commit.parents.insert(0, next.commit.id);
            next.commit = commit.clone();
            next.recent.push(commit);
        }
        if let Some(schema) = &self.schema {
            next.schema = schema.clone();
        }
        for path in &self.retirements {
            next.tables.remove(path);
        }
        for entry in &self.registrations {
            next.tables.insert(entry.path.clone(), entry.clone());
        }
        for (path, pin) in &self.pins {
            if let Some(entry) = next.tables.get_mut(path) {
                entry.version = pin.version;
                if pin.changes_rows {
                    entry.rows_version = pin.version;
                }
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> GraphState {
        let table = TableEntry::new("Person", "nodes/Person-1.lance", 3);
        let tables = BTreeMap::from([(table.path.clone(), table)]);
        let incarnation = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let first = Commit { graph_version: 1, ..Commit::example() };
        GraphState::created(incarnation, SchemaPointer { hash: "abc".into() }, tables, first)
    }

    fn pins() -> BTreeMap<String, u64> {
        BTreeMap::from([("nodes/Person-1.lance".to_owned(), 5), ("nodes/Gone-1.lance".to_owned(), 2)])
    }

    #[test]
    fn a_pin_that_moves_to_the_same_rows_leaves_the_version_of_the_rows() {
        let moved = |delta: Delta| {
            let next = delta.apply(&base());
            let entry = next.tables.values().next().unwrap().clone();
            (next.tables.len(), entry.version, entry.rows_version)
        };
        assert_eq!(moved(Delta::of_pins(pins(), Commit::example())), (1, 5, 5));
        assert_eq!(moved(Delta::of_same_rows(pins(), Commit::example())), (1, 5, 3));
    }

    #[test]
    fn the_first_parent_is_what_stands_before_and_others_follow() {
        let base = base();
        let mut merge = Commit { id: "01ARZ3NDEKTSV4RRFFQ69G5FAW".parse().unwrap(), ..Commit::example() };
        let source = "01ARZ3NDEKTSV4RRFFQ69G5FAX".parse().unwrap();
        merge.parents = vec![source];
        let after = Commit { id: "01ARZ3NDEKTSV4RRFFQ69G5FAY".parse().unwrap(), ..Commit::example() };
        let mut delta = Delta::of_pins(pins(), merge.clone());
        delta.commits.push(after);
        let next = delta.apply(&base);
        let [first, second] = next.commits() else { panic!("{:?}", next.commits()) };
        assert_eq!((first.graph_version, &first.parents), (2, &vec![base.commit.id, source]));
        assert_eq!((second.graph_version, &second.parents), (2, &vec![merge.id]));
        assert_eq!((&next.commit, next.recent.len()), (second, 3));
    }
}
