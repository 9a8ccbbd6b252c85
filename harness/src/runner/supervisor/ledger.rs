//! The evidence of one cell as it comes in, in the cell's own order of events.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{FaultTally, Outcome};
use crate::oracle::evidence::{
    Damage, Evidence, LoadMode, OUTSIDE, OperationCall, OperationRecord, ReaderFailure, Reading, SidecarSighting,
    Taken, Tick,
};
use crate::runner::protocol::{Report, Saw};
use crate::scenario::model::{self, Action, OpenMode, Repair, Step};

/// Collects the evidence.
#[derive(Debug, Default)]
pub struct Ledger {
    evidence: Evidence,
    tick: Tick,
    tallies: BTreeMap<(u64, u64), FaultTally>,
    in_flight: BTreeSet<usize>,
}

/// A call that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    index: Option<usize>,
    started: Tick,
}

impl Ledger {
    fn next_tick(&mut self) -> Tick {
        self.tick += 1;
        self.tick
    }

    /// A step begins.
    pub fn begin(&mut self, number: u64, step: &Step) -> Begun {
        let started = self.next_tick();
        let call = call_of(&step.action);
        let index = call.map(|call| {
            let index = self.push(Some(number), started, step.process(), step.handle(), call);
            let operation = &mut self.evidence.operations[index];
            (operation.actor, operation.name) = (step.actor.clone(), step.operation.clone());
            index
        });
        Begun { index, started }
    }

    /// A call begins that is no step of its own: set-up, or the opening of a handle after a crash.
    pub fn begin_call(&mut self, process: &str, handle: &str, call: OperationCall) -> Begun {
        let started = self.next_tick();
        Begun { index: Some(self.push(None, started, process, handle, call)), started }
    }

    fn push(&mut self, step: Option<u64>, started: Tick, process: &str, handle: &str, call: OperationCall) -> usize {
        let index = self.evidence.operations.len();
        self.evidence.operations.push(OperationRecord {
            step,
            started,
            ended: None,
            handle: handle.to_owned(),
            process: process.to_owned(),
            actor: None,
            name: None,
            calls: Vec::new(),
            call,
            // Until it is heard of again.
            outcome: Outcome::Hung { doing: "running".to_owned() },
        });
        self.in_flight.insert(index);
        index
    }

    /// A call ended.
    pub fn end(&mut self, begun: Begun, outcome: &Outcome) -> Tick {
        let ended = self.next_tick();
        if let Some(index) = begun.index {
            self.in_flight.remove(&index);
            let operation = &mut self.evidence.operations[index];
            operation.outcome = outcome.clone();
            operation.ended = match outcome {
                Outcome::Hung { .. } => None,
                _ => Some(ended),
            };
        }
        ended
    }

    /// Takes what a report tells of a step.
    pub fn take(&mut self, number: u64, step: &Step, begun: Begun, ended: Tick, report: &Report) {
        if let Some(read) = &report.read {
            self.evidence.readings.push(Reading {
                step: Some(number),
                handle: if step.action.runs_the_engine() { step.handle().to_owned() } else { OUTSIDE.to_owned() },
                process: step.process().to_owned(),
                started: begun.started,
                ended,
                graph_version: read.graph_version,
                // A check opens the graph for itself; a query takes the handle as it is.
                taken: if matches!(step.action, Action::Check(_)) { Taken::Fetched } else { Taken::Held },
                rows: read.rows.clone(),
            });
        }
        if let (Some(drift), Some(index)) = (&report.drift, begun.index)
            && let OperationCall::Repair { confirmed: true, published } = &mut self.evidence.operations[index].call
        {
            *published = Some(drift.clone());
        }
        if let Some(damaged) = &report.damaged {
            self.evidence.damage.push(Damage {
                step: number,
                at: ended,
                description: damaged.description.clone(),
                paths: damaged.paths.clone(),
                may_change_rows: damaged.may_change_rows,
                moved: damaged.moved.clone(),
            });
        }
        self.evidence.read_only_opens.extend(report.read_only_open.clone());
    }

    /// Where the order of events stands; whatever happens later has a place after it.
    pub fn now(&mut self) -> Tick {
        self.next_tick()
    }

    /// Takes what a reader beside the steps saw.
    pub fn saw(&mut self, saw: Saw) {
        let ended = self.next_tick();
        self.evidence.readings.push(Reading {
            step: None,
            handle: reader_name(saw.reader),
            process: OUTSIDE.to_owned(),
            started: saw.since,
            ended,
            graph_version: saw.read.graph_version,
            taken: saw.taken,
            rows: saw.read.rows,
        });
    }

    /// A reader beside the steps could not go on.
    pub fn reader_failed(&mut self, number: u64, why: String) {
        let at = self.next_tick();
        self.evidence.reader_failures.push(ReaderFailure { reader: reader_name(number), at, why });
    }

    /// Takes what was seen from outside after a step, by a look that was asked for at `asked`: readers beside the steps may
    /// have been heard of since.
    pub fn observe(&mut self, after_step: u64, asked: Tick, report: Report) {
        let at = self.next_tick();
        if let Some(operation_ids) = report.sidecars {
            let (writers_in_flight, drift) = (!self.in_flight.is_empty(), report.drifted);
            let sighting = SidecarSighting { at, after_step, writers_in_flight, operation_ids, drift };
            self.evidence.sightings.push(sighting);
        }
        self.evidence.version_readings.extend(report.versions);
        if let Some(read) = report.read {
            let ended = self.next_tick();
            self.evidence.readings.push(Reading {
                step: Some(after_step).filter(|step| *step > 0),
                handle: OUTSIDE.to_owned(),
                process: OUTSIDE.to_owned(),
                started: asked,
                ended,
                graph_version: read.graph_version,
                taken: Taken::Fetched,
                rows: read.rows,
            });
        }
    }

    /// Takes the counts of faults; counts never go down.
    pub fn count(&mut self, tallies: &[FaultTally]) {
        for tally in tallies {
            let key = (tally.fault.step, tally.fault.ordinal);
            self.tallies.entry(key).or_insert_with(|| FaultTally::armed(tally.fault.clone())).merge(tally);
        }
    }

    /// Every fault that was armed, with its counts, in the order of the steps.
    pub fn tallies(&self) -> Vec<FaultTally> {
        self.tallies.values().cloned().collect()
    }

    /// Whether a call is in flight.
    pub fn is_busy(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Whether there may be a graph: one was set up, or a step has tried to create one.
    pub fn may_have_graph(&self) -> bool {
        let tried = |operation: &OperationRecord| operation.step.is_some() && is_creation(operation);
        self.evidence.schema.is_some() || self.evidence.operations.iter().any(tried)
    }

    /// Whether there may be none: nothing that needs one was ever acknowledged, and nobody has seen one.
    pub fn may_lack_graph(&self) -> bool {
        let shows_one = |operation: &OperationRecord| match &operation.outcome {
            Outcome::Acknowledged { .. } => true,
            Outcome::Refused { error } => is_creation(operation) && error.kind == "already-exists",
            _ => false,
        };
        self.evidence.readings.is_empty() && !self.evidence.operations.iter().any(shows_one)
    }

    /// Takes what set-up created.
    pub fn created(&mut self, report: &Report) {
        self.evidence.schema.clone_from(&report.schema);
    }

    /// The versions that were read when they were new.
    pub fn versions(&self) -> Vec<crate::oracle::evidence::VersionReading> {
        self.evidence.version_readings.clone()
    }

    /// Takes the closing observations.
    pub fn close(&mut self, report: Report) {
        if !report.versions_again.is_empty() {
            self.evidence.version_readings = report.versions_again;
        }
        if report.schema.is_some() {
            self.evidence.schema = report.schema;
        }
        self.evidence.read_only_opens.extend(report.closing_open);
        self.evidence.closing = report.closing;
        self.evidence.closing_failed = report.closing_failed;
    }

    /// Takes the writes through handles that were still open.
    pub fn probe(&mut self, report: Report) {
        if let Some(closing) = &mut self.evidence.closing {
            closing.probes.extend(report.probes);
        }
    }

    /// Everything that was seen.
    pub fn into_evidence(mut self) -> Evidence {
        self.evidence.faults = self.tallies();
        self.evidence
    }
}

fn is_creation(operation: &OperationRecord) -> bool {
    matches!(operation.call, OperationCall::Create)
}

fn call_of(action: &Action) -> Option<OperationCall> {
    Some(match action {
        Action::Create(_) => OperationCall::Create,
        Action::Load(load) => load_call(load),
        Action::Mutate(sql) => OperationCall::Mutate { sql: sql.clone() },
        Action::Open(mode) => OperationCall::Open { read_only: *mode == OpenMode::ReadOnly },
        Action::Refresh(_) => OperationCall::Refresh,
        Action::Repair(repair) => OperationCall::Repair { confirmed: *repair == Repair::Confirm, published: None },
        _ => return None,
    })
}

fn reader_name(number: u64) -> String {
    format!("reader {number}")
}

/// A load as the oracle wants it.
pub fn load_call(load: &model::Load) -> OperationCall {
    let mode = match load.mode {
        model::LoadMode::Append => LoadMode::Append,
        model::LoadMode::Merge => LoadMode::Merge,
        model::LoadMode::Overwrite => LoadMode::Overwrite,
    };
    OperationCall::Load { mode, rows: load.lines().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::WholeTypes;

    fn at_version(graph_version: u64) -> WholeTypes {
        WholeTypes { graph_version, rows: BTreeMap::new() }
    }

    #[test]
    fn what_is_heard_of_while_a_look_from_outside_is_under_way_was_not_over_before_it() {
        let mut ledger = Ledger::default();
        let since = ledger.now();
        let asked = ledger.now();
        ledger.saw(Saw { reader: 1, since, taken: Taken::Fetched, read: at_version(4) });
        ledger.observe(2, asked, Report { read: Some(at_version(3)), ..Report::default() });
        let evidence = ledger.into_evidence();
        let [reader, look] = &evidence.readings[..] else { panic!("{:?}", evidence.readings) };
        assert!(look.started < reader.ended, "{look:?} {reader:?}");
    }
}
