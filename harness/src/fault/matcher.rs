//! Which store calls a fault meets.

use globset::{GlobBuilder, GlobMatcher};
use omnigraph::storage::{Call, Operation, PathClass, Realm};

use crate::scenario::model::Matcher;

/// A [`Matcher`] with its glob compiled.
#[derive(Debug)]
pub struct CallMatcher {
    operation: Option<Operation>,
    class: Option<PathClass>,
    realm: Option<Realm>,
    path: Option<GlobMatcher>,
    durable: bool,
}

impl CallMatcher {
    /// Compiles.
    ///
    /// # Errors
    /// A glob that cannot be read.
    pub fn new(matcher: &Matcher) -> Result<Self, String> {
        let path = match &matcher.path {
            None => None,
            Some(glob) => {
                let compiled = GlobBuilder::new(glob).literal_separator(true).build();
                Some(compiled.map_err(|error| format!("'{glob}' is not a glob: {error}"))?.compile_matcher())
            }
        };
        Ok(CallMatcher {
            operation: matcher.operation.map(|operation| operation.0),
            class: matcher.class.map(|class| class.0),
            realm: matcher.realm.map(|realm| realm.0),
            path,
            durable: matcher.durable,
        })
    }

    /// Whether `call` fits everything that is said.
    pub fn meets(&self, call: &Call) -> bool {
        self.operation.is_none_or(|operation| operation == call.operation)
            && self.class.is_none_or(|class| class == call.class)
            && self.realm.is_none_or(|realm| realm == call.realm)
            && (!self.durable || call.operation.is_visible_write())
            && self.path.as_ref().is_none_or(|glob| glob.is_match(&call.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Named;
    use object_store::path::Path;

    fn sidecar_put() -> Call {
        Call::new(Realm::Control, Operation::PutIfAbsent, &Path::from("__recovery/01J.json"), 10)
    }

    #[test]
    fn a_call_has_to_fit_everything_that_is_said() {
        let all = Matcher {
            operation: Some(Named(Operation::PutIfAbsent)),
            class: Some(Named(PathClass::Sidecar)),
            path: Some("__recovery/*.json".into()),
            realm: Some(Named(Realm::Control)),
            durable: true,
        };
        assert!(CallMatcher::new(&all).expect("valid").meets(&sidecar_put()));
        assert!(CallMatcher::new(&Matcher::default()).expect("valid").meets(&sidecar_put()));
        for other in [
            Matcher { operation: Some(Named(Operation::Delete)), ..all.clone() },
            Matcher { class: Some(Named(PathClass::Manifest)), ..all.clone() },
            Matcher { path: Some("*.json".into()), ..all.clone() },
            Matcher { realm: Some(Named(Realm::Table)), ..all.clone() },
        ] {
            assert!(!CallMatcher::new(&other).expect("valid").meets(&sidecar_put()), "{other:?}");
        }
    }

    #[test]
    fn a_durable_call_changes_the_store_for_good() {
        let durable = CallMatcher::new(&Matcher { durable: true, ..Matcher::default() }).expect("valid");
        let meets = |operation| durable.meets(&Call::new(Realm::Table, operation, &Path::from("a"), 1));
        let met: Vec<Operation> = Operation::ALL.iter().copied().filter(|operation| meets(*operation)).collect();
        use Operation::*;
        assert_eq!(met, [Put, PutIfAbsent, PutIfMatch, MultipartComplete, Delete, Copy, Rename]);
    }
}
