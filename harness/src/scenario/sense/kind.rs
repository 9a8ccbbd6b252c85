//! What kind of scenario it is, and that it says what its kind needs.

use omnigraph::schema::ScalarType;

use super::super::model::{Deed, Swarm};
use super::{Seen, contradiction, first_key, key_span};
use crate::diagnostic::{Code, Diagnostic};

pub(super) fn judge(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    let has = |key: &str| seen.root.get(key).is_some();
    match (has("steps") || has("sweep"), has("swarm")) {
        (false, false) => {
            let mistake = Diagnostic::new(Code::MissingKey, first_key(seen.root), "'steps' is missing here");
            mistakes.push(mistake);
        }
        (true, true) => {
            let mistake = contradiction(key_span(seen.root, "swarm"), "a swarm draws its steps, and here are some");
            mistakes.push(mistake.suggest("leave the steps or the sweep out, or the swarm"));
        }
        _ => {}
    }
    if let Some(swarm) = seen.whole.and_then(|scenario| scenario.swarm.as_ref()) {
        self::swarm(seen, swarm, mistakes);
    }
}

fn swarm(seen: &Seen<'_>, swarm: &Swarm, mistakes: &mut Vec<Diagnostic>) {
    if Deed::ALL.iter().all(|deed| swarm.weights.of(*deed) == 0) {
        mistakes.push(contradiction(key_span(seen.root, "swarm"), "every weight is 0, so no operation can be drawn"));
    }
    for key in ["may-miss", "canary", "known"] {
        if seen.root.get(key).is_some() {
            let message = format!("'{key}' is for what is run, and a swarm is not run itself");
            mistakes.push(contradiction(key_span(seen.root, key), message));
        }
    }
    let span = seen.root.nearest(&["graph", "schema"]).span;
    let types = seen.catalog.iter().flat_map(|catalog| catalog.types());
    for def in types.clone() {
        if let Some(key) = def.key().filter(|key| !can_be_drawn(&key.ty)) {
            let message = format!("a swarm cannot draw keys of {}: {} is {}", def.name, key.name, key.ty);
            mistakes.push(contradiction(span, message).suggest("take a text, a day or an integer of 16 bits or more"));
        }
    }
    if seen.catalog.is_some() && !types.clone().any(|def| def.is_node()) {
        mistakes.push(contradiction(span, "a swarm needs a type of nodes"));
    }
}

/// Whether there are enough values of the type, and plain ones.
fn can_be_drawn(ty: &ScalarType) -> bool {
    use ScalarType::{Date, I16, I32, I64, String, U16, U32, U64};
    matches!(ty, String | Date | I16 | I32 | I64 | U16 | U32 | U64)
}
