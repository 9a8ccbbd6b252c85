//! What each mode asks of committed rows.

use std::collections::BTreeSet;

use super::LoadMode;
use crate::schema::{Catalog, TypeDef};
use crate::write::check::Lookups;

/// The node types at the ends of an edge type.
fn endpoints<'a>(catalog: &'a Catalog, edge: &'a TypeDef) -> impl Iterator<Item = usize> + 'a {
    let names = edge.endpoints().into_iter().flat_map(|(from, to)| [from, to]);
    names.filter_map(|name| catalog.position(name))
}

/// What to read of committed rows, when the input has rows of the types in `present`.
pub(super) fn lookups(catalog: &Catalog, mode: LoadMode, present: &BTreeSet<usize>) -> Lookups {
    let mut lookups = Lookups::default();
    let overwritten = |ty: usize| mode == LoadMode::Overwrite && present.contains(&ty);
    for &ty in present {
        if mode != LoadMode::Overwrite {
            lookups.identities(ty);
            lookups.uniques(ty, catalog);
        }
        for node in endpoints(catalog, &catalog.types()[ty]).filter(|node| !overwritten(*node)) {
            lookups.identities(node);
        }
    }
    if mode == LoadMode::Overwrite {
        for (ty, edge) in catalog.types().iter().enumerate().filter(|(ty, _)| !present.contains(ty)) {
            let Some((from, to)) = edge.endpoints() else { continue };
            let gone = [from, to].map(|node| catalog.position(node).is_some_and(overwritten));
            if gone != [false, false] {
                lookups.held(ty, gone);
            }
        }
    }
    lookups
}

/// The types whose committed rows the outcome depends on, apart from those that the load itself changes.
pub(super) fn looked_at(catalog: &Catalog, mode: LoadMode, present: &BTreeSet<usize>) -> BTreeSet<usize> {
    let lookups = lookups(catalog, mode, present);
    lookups.into_list().into_iter().map(|lookup| lookup.ty).filter(|ty| !present.contains(ty)).collect()
}
