//! What is tried, and in which order: operations, then faults, then values.

use std::ops::Range;

use super::{faults, schema, steps, values};
use crate::scenario::Scenario;

/// A way to make scenarios smaller.
pub enum Pass {
    /// Things in a row, of which any stretch can be taken out.
    Removal {
        /// What they are, in the plural.
        what: &'static str,
        /// How many there are.
        count: fn(&Scenario) -> usize,
        /// The scenario without a stretch of them.
        without: fn(&Scenario, Range<usize>) -> Scenario,
    },
    /// Things that can be put more simply, each in a few ways. None of them may lead back.
    Simplification {
        /// What they are, in the plural.
        what: &'static str,
        /// The scenarios with one of them put more simply, the simplest first.
        alternatives: fn(&Scenario) -> Vec<Scenario>,
    },
}

/// Every pass, in order.
pub const PASSES: &[Pass] = &[
    Pass::Removal { what: "steps", count: steps::count, without: steps::without },
    Pass::Simplification { what: "background steps", alternatives: steps::in_the_foreground },
    Pass::Removal { what: "failpoints", count: faults::failpoints, without: faults::without_failpoints },
    Pass::Removal { what: "store faults", count: faults::store_faults, without: faults::without_store_faults },
    Pass::Removal { what: "wire faults", count: faults::wire_faults, without: faults::without_wire_faults },
    Pass::Simplification { what: "schedules", alternatives: faults::struck_once },
    Pass::Removal { what: "handles, processes and actors", count: steps::names, without: steps::without_names },
    Pass::Simplification { what: "generated rows", alternatives: values::fewer_generated },
    Pass::Removal { what: "rows", count: values::rows, without: values::without_rows },
    Pass::Removal { what: "rows of the setup", count: values::setup, without: values::without_setup },
    Pass::Removal { what: "statements", count: values::statements, without: values::without_statements },
    Pass::Removal { what: "properties of rows", count: values::cells, without: values::without_cells },
    Pass::Removal { what: "properties of types", count: schema::properties, without: schema::without_properties },
    Pass::Removal { what: "types", count: schema::types, without: schema::without_types },
    Pass::Removal { what: "waivers", count: values::waivers, without: values::without_waivers },
];

/// Takes the items out of `items` whose place in a longer row, which goes on at `*place`, lies in `taken`.
pub fn take_out<T>(items: &mut Vec<T>, place: &mut usize, taken: &Range<usize>) {
    items.retain(|_| {
        let here = *place;
        *place += 1;
        !taken.contains(&here)
    });
}
