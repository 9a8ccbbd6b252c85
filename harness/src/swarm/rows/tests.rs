//! What is known of rows after a write.

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

#[test]
fn a_renamed_node_takes_its_edges_along_and_meets_no_other() {
    let (rows, _) = rows().after(&[Change::Add(A0), Change::Add(B0), Change::Add(E00)]);
    let a1 = Id { a: 1, ..A0 };
    let (after, fits) = rows.after(&[Change::Rename(A0, a1)]);
    let presences = [A0, a1, E00, Id { a: 1, ..E00 }].map(|id| after.of(id));
    assert_eq!(fits, Fits::Yes);
    assert_eq!(presences, [Presence::Absent, Presence::There, Presence::Absent, Presence::There]);
    let (both, _) = rows.after(&[Change::Add(a1)]);
    assert_eq!(both.after(&[Change::Rename(A0, a1)]).1, Fits::No);
    assert_eq!(both.or(&rows).after(&[Change::Rename(A0, a1)]).1, Fits::Unsure);
    let nobody = Id { a: 7, ..A0 };
    assert_eq!(rows.after(&[Change::Rename(nobody, a1)]), (rows.clone(), Fits::Yes));
    let (perhaps, _) = rows.or(&self::rows()).after(&[Change::Rename(A0, a1)]);
    assert_eq!((perhaps.of(A0), perhaps.of(a1)), (Presence::Unsure, Presence::Unsure));
}

#[test]
fn what_a_condition_may_take_away_is_unsure_with_its_edges() {
    let (rows, _) = rows().after(&[Change::Add(A0), Change::Add(B0), Change::Add(E00)]);
    let (after, fits) = rows.after(&[Change::MayRemove(vec![A0])]);
    assert_eq!(
        (after.of(A0), after.of(E00), after.of(B0), fits),
        (Presence::Unsure, Presence::Unsure, Presence::There, Fits::Yes)
    );
    assert_eq!(rows.hoped_after(&[Change::MayRemove(vec![A0])]), Some(rows.clone()));
}

#[test]
fn a_copy_is_known_where_what_it_is_chosen_from_is() {
    let (rows, _) = rows().after(&[Change::Add(A0)]);
    let a1 = Id { a: 1, ..A0 };
    let copy = Change::Copy { from: vec![A0], to: vec![a1], else_some_of: vec![a1] };
    assert_eq!(rows.after(std::slice::from_ref(&copy)).0.of(a1), Presence::There);
    assert_eq!(rows.after(&[copy.clone(), copy.clone()]).1, Fits::No);
    let (after, fits) = rows.or(&self::rows()).after(&[copy]);
    assert_eq!((after.of(a1), fits), (Presence::Unsure, Fits::Unsure));
}

#[test]
fn what_no_column_holds_is_refused_where_it_would_stand() {
    let (with, _) = rows().after(&[Change::Add(A0)]);
    assert_eq!(with.after(&[Change::Misfit(A0)]).1, Fits::No);
    assert_eq!(rows().after(&[Change::Misfit(A0)]).1, Fits::Unsure);
    assert_eq!(rows().after(&[Change::Never]).1, Fits::No);
    assert_eq!(rows().after(&[Change::Perhaps]), (rows(), Fits::Unsure));
}
