//! The schema of the graph, with fewer types and properties.

use std::fmt::Write;
use std::ops::Range;

use omnigraph::schema::{Catalog, Property, TypeDef};

use crate::scenario::Scenario;

pub fn types(scenario: &Scenario) -> usize {
    with(scenario, |catalog| catalog.types().len())
}

pub fn without_types(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let kept = |catalog: &Catalog| {
        let kept = catalog.types().iter().enumerate().filter(|(at, _)| !taken.contains(at));
        kept.map(|(_, ty)| type_text(ty, &mut |_| true)).collect::<String>()
    };
    rewritten(scenario, kept)
}

/// Properties that are no keys, type by type.
pub fn properties(scenario: &Scenario) -> usize {
    with(scenario, |catalog| {
        catalog.types().iter().flat_map(|ty| &ty.properties).filter(|property| !property.key).count()
    })
}

pub fn without_properties(scenario: &Scenario, taken: Range<usize>) -> Scenario {
    let mut place = 0;
    rewritten(scenario, |catalog| {
        let mut is_kept = |property: &Property| {
            place += usize::from(!property.key);
            property.key || !taken.contains(&(place - 1))
        };
        catalog.types().iter().map(|ty| type_text(ty, &mut is_kept)).collect()
    })
}

fn with(scenario: &Scenario, count: impl FnOnce(&Catalog) -> usize) -> usize {
    match Catalog::parse(&scenario.graph.schema) {
        // A schema that this module cannot write again is left alone.
        Ok(catalog) if Catalog::parse(&text(&catalog)).is_ok_and(|again| again == catalog) => count(&catalog),
        _ => 0,
    }
}

fn rewritten(scenario: &Scenario, rewrite: impl FnOnce(&Catalog) -> String) -> Scenario {
    let mut scenario = scenario.clone();
    if let Ok(catalog) = Catalog::parse(&scenario.graph.schema) {
        scenario.graph.schema = rewrite(&catalog);
    }
    scenario
}

fn text(catalog: &Catalog) -> String {
    catalog.types().iter().map(|ty| type_text(ty, &mut |_| true)).collect()
}

fn type_text(ty: &TypeDef, is_kept: &mut dyn FnMut(&Property) -> bool) -> String {
    let mut text = match ty.endpoints() {
        None => format!("node {}", ty.name),
        Some((from, to)) => format!("edge {}: {from} -> {to}", ty.name),
    };
    let properties: Vec<String> =
        ty.properties.iter().filter(|property| is_kept(property)).map(property_text).collect();
    if !properties.is_empty() || ty.is_node() {
        let _ = write!(text, " {{ {} }}", properties.join("  "));
    }
    text.push('\n');
    text
}

fn property_text(property: &Property) -> String {
    let mut text = format!("{}: {}", property.name, property.ty);
    if property.optional {
        text.push('?');
    }
    for (has, word) in [(property.key, "key"), (property.unique, "unique"), (property.index, "index")] {
        if has {
            let _ = write!(text, " @{word}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "
node Person { name: String @key  age: I32? @index  mail: String? @unique  mood: enum(good, bad)  tags: [String]? }
node Company { id: I64 @key  at: Vector(3)? }
edge WorksAt: Person -> Company { since: Date? }
edge Knows: Person -> Person
";

    fn scenario() -> Scenario {
        let text = format!(
            "summary: a\nwhy: b\ngraph: {{schema: {SCHEMA:?}}}\nsteps: [{{mutate: DELETE FROM Person, expect: any}}]\n"
        );
        crate::scenario::parse("a", "a", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"))
    }

    #[test]
    fn a_schema_is_written_so_that_it_reads_back() {
        let catalog = Catalog::parse(SCHEMA).unwrap();
        assert_eq!(Catalog::parse(&text(&catalog)).unwrap(), catalog);
    }

    #[test]
    fn types_and_properties_that_are_no_keys_can_be_taken_out() {
        assert_eq!((types(&scenario()), properties(&scenario())), (4, 6));
        let fewer = without_properties(&scenario(), 0..5);
        assert_eq!(
            fewer.graph.schema,
            "node Person { name: String @key }\nnode Company { id: I64 @key }\nedge WorksAt: Person -> Company { since: Date? }\n\
             edge Knows: Person -> Person\n"
        );
        let fewer = without_types(&fewer, 1..3);
        assert_eq!(fewer.graph.schema, "node Person { name: String @key }\nedge Knows: Person -> Person\n");
    }
}
