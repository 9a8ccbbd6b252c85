//! The catalog as it is stored: JSON with a format version, stable ids, and a hash over its bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow_schema::Schema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalog::{Catalog, Property, PropertyId, TypeDef, TypeId, TypeKind};
use super::scalar::ScalarType;
use super::validate;

/// The format that this build writes, and the only one that it reads.
pub const CONTRACT_FORMAT: u32 = 1;

/// A stored contract that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError(String);

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stored schema contract cannot be read: {}", self.0)
    }
}

impl std::error::Error for ContractError {}

impl Catalog {
    /// The contract as canonical JSON: the same catalog gives the same bytes.
    pub fn to_contract_json(&self) -> String {
        let ids: BTreeMap<&str, TypeId> = self.types().iter().map(|ty| (ty.name.as_str(), ty.id)).collect();
        let types = self.types().iter().map(|ty| StoredType {
            id: ty.id,
            name: ty.name.clone(),
            // Endpoints are stored by id, so that renaming a node type does not touch its edges.
            endpoints: ty.endpoints().and_then(|(from, to)| Some([*ids.get(from)?, *ids.get(to)?])),
            properties: ty.properties.iter().map(StoredProperty::from).collect(),
        });
        let contract = Contract { format: CONTRACT_FORMAT, types: types.collect() };
        // Plain data with string keys always serialises.
        serde_json::to_string(&contract).unwrap_or_default()
    }

    /// SHA-256 of [`to_contract_json`](Self::to_contract_json), in lower-case hex: the contract's name in storage.
    pub fn contract_hash(&self) -> String {
        hash_of(&self.to_contract_json())
    }

    /// Reads a contract back, strictly.
    ///
    /// # Errors
    /// Bad JSON, a format that this build does not know, an unknown field, or types that break a rule.
    pub fn from_contract_json(json: &str) -> Result<Catalog, ContractError> {
        let format: Format = serde_json::from_str(json).map_err(|error| ContractError(error.to_string()))?;
        if format.format != CONTRACT_FORMAT {
            let (found, known) = (format.format, CONTRACT_FORMAT);
            return Err(ContractError(format!("it has format {found}, this build reads format {known}")));
        }
        let contract: Contract = serde_json::from_str(json).map_err(|error| ContractError(error.to_string()))?;
        let names: BTreeMap<TypeId, &str> = contract.types.iter().map(|ty| (ty.id, ty.name.as_str())).collect();
        if names.len() != contract.types.len() {
            return Err(ContractError("two types have the same id".to_owned()));
        }
        let types = contract.types.iter().map(|ty| ty.read(&names)).collect::<Result<Vec<_>, _>>()?;
        if let Some(violation) = validate::violations(&types).first() {
            return Err(ContractError(violation.message.clone()));
        }
        Ok(Catalog::assemble(types))
    }
}

/// SHA-256 of a contract's JSON, in lower-case hex.
pub fn hash_of(contract_json: &str) -> String {
    let digest = Sha256::digest(contract_json.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Read first, so that a later format is told apart from a broken one.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contract {
    format: u32,
    types: Vec<StoredType>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredType {
    id: TypeId,
    name: String,
    /// Start and end; absent for a node type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoints: Option<[TypeId; 2]>,
    properties: Vec<StoredProperty>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredProperty {
    id: PropertyId,
    name: String,
    #[serde(rename = "type")]
    ty: ScalarType,
    #[serde(default, skip_serializing_if = "is_false")]
    optional: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    key: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    unique: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    index: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl From<&Property> for StoredProperty {
    fn from(property: &Property) -> Self {
        let Property { id, name, ty, optional, key, unique, index } = property.clone();
        StoredProperty { id, name, ty, optional, key, unique, index }
    }
}

impl StoredType {
    fn read(&self, names: &BTreeMap<TypeId, &str>) -> Result<TypeDef, ContractError> {
        let name_of = |id: TypeId| {
            let missing = || ContractError(format!("edge type `{}` names type {id}, which is not there", self.name));
            names.get(&id).map(|name| (*name).to_owned()).ok_or_else(missing)
        };
        let kind = match self.endpoints {
            None => TypeKind::Node,
            Some([from, to]) => TypeKind::Edge { from: name_of(from)?, to: name_of(to)? },
        };
        let mut ids: Vec<_> = self.properties.iter().map(|property| property.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ContractError(format!("two properties of `{}` have the same id", self.name)));
        }
        let properties = self.properties.iter().map(|stored| Property {
            id: stored.id,
            name: stored.name.clone(),
            ty: stored.ty.clone(),
            optional: stored.optional,
            key: stored.key,
            unique: stored.unique,
            index: stored.index,
        });
        let properties = properties.collect();
        Ok(TypeDef { id: self.id, name: self.name.clone(), kind, properties, arrow_schema: Arc::new(Schema::empty()) })
    }
}
