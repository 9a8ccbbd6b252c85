//! No drift is left: every HEAD, read off the store's own listing, is the pin.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct HeadEqualsPin;

impl Invariant for HeadEqualsPin {
    fn name(&self) -> &'static str {
        "head-equals-pin"
    }

    fn property(&self) -> &'static str {
        "after recovery no table's newest Lance version differs from the version that the manifest makes visible"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let world = &closing.world;
        let lines = world.tables.iter().filter_map(|table| match layout::head(&world.objects, &table.path) {
            Some(head) if head == table.pin => None,
            Some(head) => Some(format!("{} ({}): pin {}, HEAD {head}", table.type_name, table.path, table.pin)),
            None => {
                Some(format!("{} ({}): pin {}, and no version in the store", table.type_name, table.path, table.pin))
            }
        });
        Breach::unless_empty(lines.collect())
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect { what: "HEAD is past the pin", plant: |e| sound::add_version(e, sound::PERSON, 8) },
            Defect { what: "HEAD is behind the pin", plant: |e| sound::world(e).tables[0].pin += 1 },
            Defect {
                what: "a pinned table is not in the store",
                plant: |e| sound::world(e).objects.retain(|object| !object.path.starts_with(sound::EDGE)),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&HeadEqualsPin);
    }
}
