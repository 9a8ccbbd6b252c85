//! What the engine knows about the types of a graph.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::diagnose::{Diagnostics, SchemaErrors, Span};
use super::language::{self, AttributeKind, KindDecl, TypeDecl};
use super::scalar::ScalarType;
use super::validate::{self, Place};
use super::{DST, SRC};

/// Identifies a type for as long as the graph lives, across renames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeId(pub u32);

/// Identifies a property within its type for as long as the type lives, across renames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PropertyId(pub u32);

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PropertyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Node or edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// Rows are addressed by the value of their key property.
    Node,
    /// Rows are addressed by the keys of their endpoints.
    Edge {
        /// Name of the node type that edges of this type start at.
        from: String,
        /// Name of the node type that edges of this type end at.
        to: String,
    },
}

/// A named, typed value that rows of a type carry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Property {
    /// Stays the same across renames.
    pub id: PropertyId,
    /// Name of the property and of its column.
    pub name: String,
    /// Type of its values.
    pub ty: ScalarType,
    /// Whether a row may lack it.
    pub optional: bool,
    /// Whether rows are addressed by it.
    pub key: bool,
    /// Whether no two rows may have the same value; a missing value collides with nothing.
    pub unique: bool,
    /// Whether an index is wanted on it.
    pub index: bool,
}

impl Property {
    /// Whether two rows with the same value are a mistake.
    pub fn is_unique(&self) -> bool {
        self.key || self.unique
    }
}

/// A node type or an edge type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeDef {
    /// Stays the same across renames.
    pub id: TypeId,
    /// Name of the type and of its SQL table.
    pub name: String,
    /// Node, or edge with its endpoints.
    pub kind: TypeKind,
    /// In the order of the schema text. An edge's endpoints are columns, but not properties.
    pub properties: Vec<Property>,
    pub(super) arrow_schema: SchemaRef,
}

impl TypeDef {
    /// Whether this is a node type.
    pub fn is_node(&self) -> bool {
        self.kind == TypeKind::Node
    }

    /// The endpoints of an edge type, start first.
    pub fn endpoints(&self) -> Option<(&str, &str)> {
        match &self.kind {
            TypeKind::Node => None,
            TypeKind::Edge { from, to } => Some((from, to)),
        }
    }

    /// The property that rows of a node type are addressed by.
    pub fn key(&self) -> Option<&Property> {
        self.properties.iter().find(|property| property.key)
    }

    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The columns that a row is addressed by: a node's key, an edge's two endpoints.
    pub fn identity_columns(&self) -> Vec<&str> {
        match self.kind {
            TypeKind::Node => self.key().map(|key| key.name.as_str()).into_iter().collect(),
            TypeKind::Edge { .. } => vec![SRC, DST],
        }
    }

    /// The columns of the type's table: `src` and `dst` for an edge, then the properties in order.
    pub fn arrow_schema(&self) -> SchemaRef {
        self.arrow_schema.clone()
    }
}

/// Every type of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    types: Vec<TypeDef>,
    by_name: BTreeMap<String, usize>,
}

impl Catalog {
    /// Reads a schema text and gives every type and property a fresh id.
    ///
    /// # Errors
    /// Every mistake of the text at once, with line, column and excerpt.
    pub fn parse(text: &str) -> Result<Catalog, SchemaErrors> {
        // What some editors put before a text in UTF-8 says nothing.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut diagnostics = Diagnostics::new(text);
        let declarations = language::parse(text, &mut diagnostics);
        let types: Vec<TypeDef> = declarations.iter().zip(1..).map(|(ty, id)| lower(ty, TypeId(id))).collect();
        if !diagnostics.is_full() {
            for violation in validate::violations(&types) {
                let span = span_of(&declarations, violation.place, text);
                match violation.advice {
                    Some(advice) => diagnostics.push_with_advice(span, violation.message, advice),
                    None => diagnostics.push(span, violation.message),
                }
            }
        }
        diagnostics.finish()?;
        Ok(Catalog::assemble(types))
    }

    /// From types that are known to be valid: works out what follows from all of them together.
    pub(super) fn assemble(mut types: Vec<TypeDef>) -> Catalog {
        let keys: BTreeMap<String, ScalarType> =
            types.iter().filter_map(|ty| Some((ty.name.clone(), ty.key()?.ty.clone()))).collect();
        for ty in &mut types {
            ty.arrow_schema = arrow_schema(ty, &keys);
        }
        let by_name = types.iter().enumerate().map(|(at, ty)| (ty.name.clone(), at)).collect();
        Catalog { types, by_name }
    }

    /// All types, in the order of the schema text.
    pub fn types(&self) -> &[TypeDef] {
        &self.types
    }

    /// The node types, in the order of the schema text.
    pub fn nodes(&self) -> impl Iterator<Item = &TypeDef> {
        self.types.iter().filter(|ty| ty.is_node())
    }

    /// The edge types, in the order of the schema text.
    pub fn edges(&self) -> impl Iterator<Item = &TypeDef> {
        self.types.iter().filter(|ty| !ty.is_node())
    }

    /// The type of that name.
    pub fn get(&self, name: &str) -> Option<&TypeDef> {
        self.by_name.get(name).map(|at| &self.types[*at])
    }

    /// Where the type of that name stands among [`types`](Self::types).
    pub fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The type with that id.
    pub fn by_id(&self, id: TypeId) -> Option<&TypeDef> {
        self.types.iter().find(|ty| ty.id == id)
    }

    /// The node type of that name.
    pub fn node(&self, name: &str) -> Option<&TypeDef> {
        self.get(name).filter(|ty| ty.is_node())
    }

    /// The edge type of that name.
    pub fn edge(&self, name: &str) -> Option<&TypeDef> {
        self.get(name).filter(|ty| !ty.is_node())
    }

    /// The edge types that start or end at a node type.
    pub fn edges_of<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a TypeDef> {
        self.edges().filter(move |edge| edge.endpoints().is_some_and(|(from, to)| from == node || to == node))
    }
}

fn lower(declaration: &TypeDecl, id: TypeId) -> TypeDef {
    let kind = match &declaration.kind {
        KindDecl::Node => TypeKind::Node,
        KindDecl::Edge { from, to } => TypeKind::Edge { from: from.text.clone(), to: to.text.clone() },
    };
    let properties = declaration.properties.iter().zip(1..).map(|(property, id)| Property {
        id: PropertyId(id),
        name: property.name.text.clone(),
        ty: property.ty.clone(),
        optional: property.optional,
        key: property.has(AttributeKind::Key),
        unique: property.has(AttributeKind::Unique),
        index: property.has(AttributeKind::Index),
    });
    let properties = properties.collect();
    TypeDef { id, name: declaration.name.text.clone(), kind, properties, arrow_schema: Arc::new(Schema::empty()) }
}

fn arrow_schema(ty: &TypeDef, keys: &BTreeMap<String, ScalarType>) -> SchemaRef {
    let endpoint = |column: &str, node: &str| {
        let key = keys.get(node).unwrap_or(&ScalarType::String);
        Field::new(column, key.arrow_type(), false)
    };
    let mut fields = Vec::with_capacity(ty.properties.len() + 2);
    if let Some((from, to)) = ty.endpoints() {
        fields.push(endpoint(SRC, from));
        fields.push(endpoint(DST, to));
    }
    fields.extend(ty.properties.iter().map(|p| Field::new(&p.name, p.ty.arrow_type(), p.optional)));
    Arc::new(Schema::new(fields))
}

/// Where in the text the thing stands that a rule is about.
fn span_of(declarations: &[TypeDecl], place: Place, text: &str) -> Span {
    let property = |ty: usize, at: usize| &declarations[ty].properties[at];
    match place {
        Place::Schema => 0..text.len().min(1),
        Place::Type(ty) => declarations[ty].name.span.clone(),
        Place::From(ty) | Place::To(ty) => match (&declarations[ty].kind, place) {
            (KindDecl::Edge { from, .. }, Place::From(_)) => from.span.clone(),
            (KindDecl::Edge { to, .. }, _) => to.span.clone(),
            (KindDecl::Node, _) => declarations[ty].name.span.clone(),
        },
        Place::Property(ty, at) => property(ty, at).name.span.clone(),
        Place::PropertyType(ty, at) => property(ty, at).ty_span.clone(),
    }
}
