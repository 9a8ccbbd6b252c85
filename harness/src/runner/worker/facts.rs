//! The graph's types, as the oracle wants them.

use omnigraph::schema::{Catalog, Property, TypeDef, TypeKind as EngineKind};

use crate::oracle::facts::{PropertyFacts, SchemaFacts, TypeFacts, TypeKind};

/// The types that a schema text declares.
///
/// # Errors
/// The text has mistakes.
pub fn facts_of(schema: &str) -> Result<SchemaFacts, String> {
    let catalog = Catalog::parse(schema).map_err(|errors| errors.to_string())?;
    let types = catalog.types().iter().map(|def| (def.name.clone(), type_facts(def)));
    Ok(SchemaFacts { types: types.collect() })
}

fn type_facts(def: &TypeDef) -> TypeFacts {
    let kind = match &def.kind {
        EngineKind::Node => TypeKind::Node { key: def.key().map(|key| key.name.clone()).unwrap_or_default() },
        EngineKind::Edge { from, to } => TypeKind::Edge { from: from.clone(), to: to.clone() },
    };
    let properties = def.properties.iter().map(|property| (property.name.clone(), property_facts(property)));
    TypeFacts { kind, properties: properties.collect() }
}

fn property_facts(property: &Property) -> PropertyFacts {
    PropertyFacts { value: property.ty.to_string(), optional: property.optional, unique: property.is_unique() }
}
