//! A read-write open consumes every sidecar.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct NoSidecarOutlivesRecovery;

impl Invariant for NoSidecarOutlivesRecovery {
    fn name(&self) -> &'static str {
        "no-sidecar-outlives-recovery"
    }

    fn property(&self) -> &'static str {
        "a full recovery leaves no sidecar"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let left = closing.world.objects.iter().filter(|object| layout::sidecar(&object.path).is_some());
        Breach::unless_empty(
            left.map(|object| format!("{} is still there ({} bytes)", object.path, object.bytes)).collect(),
        )
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![Defect { what: "a sidecar is left", plant: |e| sound::add_object(e, "__recovery/OP5.json") }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&NoSidecarOutlivesRecovery);
    }
}
