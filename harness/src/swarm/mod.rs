//! Universes: ordinary scenarios that a seed draws from a swarm file.
//!
//! A pure function of the file, the root seed and the universe's number. What comes out is a case like any other, with
//! explicit steps and explicit faults, so that a bundle holds it whole and a shrunk one outlives every change of what is
//! drawn here.
//!
//! - [`stream`]: a stream of random numbers for every consumer and operation, so that none moves another.
//! - [`rows`]: which rows are there, as far as that is certain; [`value`]: what stands in them; [`write`](mod@write): what a
//!   write says and what it does to them.
//! - [`weather`]: the faults of one step. [`place`]: processes and handles, and how sure it is that they are there.
//! - [`script`]: all of that, operation by operation.

mod place;
mod rows;
mod script;
mod stream;
#[cfg(test)]
mod tests;
mod value;
mod weather;
mod write;

use omnigraph::schema::Catalog;

use self::script::Script;
use self::stream::{Consumer, Streams};
use crate::scenario::Scenario;
use crate::scenario::model::{Kind, Swarm};
use crate::seed::Seed;

/// A swarm file, ready to draw from.
#[derive(Clone, Debug)]
pub struct Universes {
    file: Scenario,
    swarm: Swarm,
    catalog: Catalog,
    root: Seed,
}

impl Universes {
    /// Universes of a swarm file below a root seed. `operations` stands in for the number that the file says.
    ///
    /// # Errors
    /// The scenario is no swarm, or its schema cannot be read.
    pub fn new(file: &Scenario, root: Seed, operations: Option<u32>) -> Result<Self, String> {
        let Some(mut swarm) = file.swarm.clone() else {
            let kind: Kind = file.kind();
            return Err(format!("{} is a {}, not a swarm", file.name, kind.as_str()));
        };
        swarm.operations = operations.unwrap_or(swarm.operations);
        let catalog = Catalog::parse(&file.graph.schema).map_err(|errors| format!("{}: {errors}", file.name))?;
        Ok(Universes { file: file.clone(), swarm, catalog, root: root.stream("swarm").stream(&file.name) })
    }

    /// The file that they are drawn from.
    pub fn file(&self) -> &Scenario {
        &self.file
    }

    /// The universe of this number.
    pub fn universe(&self, number: u64) -> Scenario {
        let seed = self.root.stream(&format!("universe {number}"));
        let script = Script::new(&self.catalog, &self.file.graph.setup, &self.swarm, Streams::new(seed));
        let mut universe = self.file.clone();
        universe.name = format!("{}/{number}", self.file.name);
        universe.summary = format!("universe {number} of: {}", self.file.summary);
        universe.seed = Some(seed.0);
        // Of the universe as a whole, so of no operation.
        let is_read = Streams::new(seed).of(Consumer::Readers, 0).chance(self.swarm.read_beside);
        universe.readers = if is_read { self.file.readers } else { 0 };
        universe.steps = script.steps();
        universe.swarm = None;
        universe.may_miss = Some(format!("universe {number} of {} was drawn from a seed", self.file.name));
        universe
    }
}
