//! Pairs of faults of a sweep's operation: first a window fails or kills, then a call to the store fails, in the same
//! operation or in the recovery that follows.

use std::collections::BTreeMap;
use std::fmt;

use omnigraph::storage::{Operation, PathClass};

use super::cuts::{Case, checked, may_die, restart};
use super::model::{
    Effect, Expect, FailpointName, InvariantName, Matcher, Named, Scenario, Step, StoreFault, Waiver, When,
};
use super::sense::scopes;
use super::{catalogue, model};

/// The first fault of a pair: a crossing of a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct First {
    /// The window, with who crosses it, such as `load:sidecar.written`.
    pub window: FailpointName,
    /// Which crossing, counted from 1.
    pub crossing: u64,
    /// Whether the process dies there, or the window fails.
    pub dies: bool,
}

/// The second fault of a pair: one call to the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Second {
    /// The step of the recovery in which the call is made, counted from 0; none for the operation itself.
    pub recovery: Option<usize>,
    /// What is called.
    pub operation: Operation,
    /// What kind of object it is about.
    pub class: PathClass,
    /// Which of such calls of the step, counted from 1.
    pub nth: u64,
    /// What becomes of it.
    pub effect: Effect,
}

impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = if self.dies { "crash" } else { "error" };
        write!(f, "{}-{}-{did}", self.window, self.crossing)
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.recovery {
            None => f.write_str("operation-")?,
            Some(step) => write!(f, "recovery-{}-", step + 1)?,
        }
        write!(f, "{}-{}-{}-{}", self.operation, self.class, self.nth, name_of(&self.effect))
    }
}

/// The case that shows which windows the operation crosses, and how often: nothing happens there.
pub fn probe(scenario: &Scenario) -> Option<Case> {
    let sweep = scenario.sweep.as_ref()?;
    let mut operation = sweep.operation.clone();
    let acting = scopes(&operation.action);
    let names = catalogue::failpoints().iter().filter_map(|name| name.parse::<FailpointName>().ok());
    let crossed = names.filter(|name| acting.iter().any(|scope| name.scope() == Some(scope.as_str())));
    let nothing: model::Actions = "yield".parse().ok()?;
    operation.failpoints = crossed.map(|name| (name, nothing.clone())).collect();
    let mut case =
        built(scenario, operation, Vec::new(), "windows".to_owned(), "no fault, to see its windows".to_owned());
    let reason = "it asks which windows are crossed, and that one is not is an answer".to_owned();
    case.scenario.waive.push(Waiver { invariant: InvariantName::EveryArmedFaultFired, reason });
    Some(case)
}

/// The case with the first fault alone: it shows which calls come after it.
pub fn first(scenario: &Scenario, first: &First) -> Option<Case> {
    let sweep = scenario.sweep.as_ref()?;
    let mut after = if first.dies { vec![restart(&sweep.operation)] } else { Vec::new() };
    let begins = after.len() as u64 + scenario.steps.len() as u64 + 2;
    after.extend(sweep.recovery.iter().cloned());
    let words = format!("{} at {}, crossing {}", did(first), first.window, first.crossing);
    let mut case = built(scenario, struck(&sweep.operation, first)?, after, first.to_string(), words);
    case.recovery = (begins..).take(sweep.recovery.len()).collect();
    Some(case)
}

/// The case with both faults.
pub fn pair(scenario: &Scenario, first: &First, second: &Second) -> Option<Case> {
    let sweep = scenario.sweep.as_ref()?;
    let mut operation = struck(&sweep.operation, first)?;
    let mut after = if first.dies { vec![restart(&sweep.operation)] } else { Vec::new() };
    match second.recovery {
        None => {
            operation.faults.push(fault_of(second));
            if second.effect.crashes() {
                operation = may_die(operation);
                after.push(restart(&operation));
            }
            after.extend(sweep.recovery.iter().cloned());
        }
        Some(at) => {
            let dying = sweep.recovery.get(at)?;
            after.extend(sweep.recovery[..at].iter().cloned());
            let crashes = second.effect.crashes();
            let struck = Step { faults: vec![fault_of(second)], expect: Expect::Any, ..dying.clone() };
            after.push(if crashes { may_die(struck) } else { struck });
            if crashes {
                after.push(restart(dying));
                after.extend(super::cuts::without_the_dead(sweep, dying));
            } else {
                after.extend(sweep.recovery.iter().cloned());
            }
        }
    }
    let within = second.recovery.map_or("the operation", |_| "the recovery");
    let words = format!(
        "{} at {}, crossing {}, and in {within} {} for {} of {}",
        did(first),
        first.window,
        first.crossing,
        name_of(&second.effect),
        second.operation,
        second.class
    );
    Some(built(scenario, operation, after, format!("{first}/{second}"), words))
}

/// What can become of such a call: every effect that the format lets strike it, with the argument against trying it where
/// there is one. `after_death` says that the first fault of the pair has killed the process already.
pub fn effects(operation: Operation, class: PathClass, after_death: bool) -> Vec<(Effect, Option<&'static str>)> {
    let striking = every_effect().into_iter().filter(|effect| effect.misfit(operation).is_none());
    striking
        .map(|effect| {
            let argument = argument(&effect, operation, class, after_death);
            (effect, argument)
        })
        .collect()
}

/// Every effect once; those that take an argument with one.
fn every_effect() -> [Effect; 15] {
    [
        Effect::Throttled,
        Effect::Timeout,
        Effect::PermissionDenied,
        Effect::ConnectionLost,
        Effect::NotFound,
        Effect::AckLost,
        Effect::LostWrite,
        Effect::Latency(1),
        Effect::Late("later".to_owned()),
        Effect::Torn(1),
        Effect::Corrupt(0),
        Effect::Stale,
        Effect::Misdirect("elsewhere".to_owned()),
        Effect::CrashBefore,
        Effect::CrashAfter,
    ]
}

/// Why an effect is not tried, if it is not.
///
/// Of a death at a read: nothing durable happens between the last write before it and itself, so the store is left as by a
/// death right after that write. Also in the path of an error every write is struck so: the first of its kind after the first
/// fault is tried, a later one is counted as not tried, like every effect on a later call. Where nothing was written since the first
/// fault, the store is left as by the first fault alone, which is tried as a death as well.
fn argument(effect: &Effect, operation: Operation, class: PathClass, after_death: bool) -> Option<&'static str> {
    // A sidecar carries a checksum, so that reading it wrong is a failure like any other.
    let is_noticed = operation == Operation::Get && class == PathClass::Sidecar;
    match effect {
        Effect::Throttled
        | Effect::Timeout
        | Effect::PermissionDenied
        | Effect::ConnectionLost
        | Effect::AckLost
        | Effect::Late(_) => None,
        Effect::Torn(_) | Effect::Corrupt(_) if is_noticed => None,
        Effect::NotFound
        | Effect::LostWrite
        | Effect::Torn(_)
        | Effect::Corrupt(_)
        | Effect::Stale
        | Effect::Misdirect(_) => {
            Some("a store that loses, bends, hides or misplaces what it has acknowledged keeps no promise to build on")
        }
        Effect::Latency(_) => Some("a delay changes no answer while nobody else acts"),
        Effect::CrashBefore | Effect::CrashAfter if !operation.is_write() => Some(
            "a death at a read leaves what the last write before it left, or the first fault where nothing was written \
             since; a death right there is tried or counted in its place",
        ),
        Effect::CrashBefore | Effect::CrashAfter => {
            after_death.then_some("two deaths are tried cut by cut by the sweep itself")
        }
    }
}

/// How often each kind of call is made.
pub type CallCounts = BTreeMap<(Operation, PathClass), u64>;

fn built(scenario: &Scenario, operation: Step, after: Vec<Step>, label: String, words: String) -> Case {
    let number = scenario.steps.len() as u64 + 1;
    let steps: Vec<Step> = scenario.steps.iter().cloned().chain([operation]).chain(after).collect();
    let scenario = checked(scenario, steps, &label, &words);
    Case { scenario, operation: number, recovery: Vec::new() }
}

fn struck(operation: &Step, first: &First) -> Option<Step> {
    let task = if first.dies { "crash" } else { "return" };
    let actions = match first.crossing {
        0 | 1 => format!("1*{task}"),
        crossing => format!("{}*off->1*{task}", crossing - 1),
    };
    let mut step = operation.clone();
    step.failpoints.insert(first.window.clone(), actions.parse().ok()?);
    if first.dies {
        return Some(may_die(step));
    }
    step.expect = Expect::Any;
    Some(step)
}

fn did(first: &First) -> &'static str {
    if first.dies { "killed" } else { "failed" }
}

fn fault_of(second: &Second) -> StoreFault {
    let on =
        Matcher { operation: Some(Named(second.operation)), class: Some(Named(second.class)), ..Matcher::default() };
    StoreFault { on, effect: second.effect.clone(), when: When::Nth(second.nth) }
}

fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Throttled => "throttled",
        Effect::Timeout => "timeout",
        Effect::PermissionDenied => "permission-denied",
        Effect::ConnectionLost => "connection-lost",
        Effect::NotFound => "not-found",
        Effect::AckLost => "ack-lost",
        Effect::LostWrite => "lost-write",
        Effect::Latency(_) => "latency",
        Effect::Late(_) => "late",
        Effect::Torn(_) => "torn",
        Effect::Corrupt(_) => "corrupt",
        Effect::Stale => "stale",
        Effect::Misdirect(_) => "misdirect",
        Effect::CrashBefore => "crash-before",
        Effect::CrashAfter => "crash-after",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::parse;

    fn sweep() -> Scenario {
        let text = "
summary: a load
why: because
graph: {schema: 'node Person { name: String @key }'}
steps: []
sweep:
  operation:
    load: {rows: [{type: Person, data: {name: a}}]}
";
        parse("sweep/a", "a.yaml", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"))
    }

    fn window(dies: bool, crossing: u64) -> First {
        First { window: "load:table.commit".parse().expect("it is in the catalogue"), crossing, dies }
    }

    #[test]
    fn every_pair_is_a_scenario_file_by_itself() {
        for dies in [false, true] {
            let first_fault = window(dies, 2);
            let alone = first(&sweep(), &first_fault).expect("it is a sweep");
            let mut cases = vec![alone];
            for recovery in [None, Some(0)].into_iter().filter(|recovery| !dies || recovery.is_some()) {
                for effect in [Effect::Timeout, Effect::AckLost, Effect::CrashBefore] {
                    let (operation, class) = (Operation::PutIfAbsent, PathClass::Manifest);
                    let second = Second { recovery, operation, class, nth: 1, effect };
                    cases.push(pair(&sweep(), &first_fault, &second).expect("it is a sweep"));
                }
            }
            for case in cases {
                let text = case.scenario.to_yaml();
                parse("x", "x", text.as_bytes()).unwrap_or_else(|report| panic!("{report}\n{text}"));
            }
        }
    }

    #[test]
    fn the_numbers_of_a_case_are_those_of_its_steps() {
        for (dies, kinds) in [(false, vec!["load", "open", "check"]), (true, vec!["load", "restart", "open", "check"])]
        {
            let case = first(&sweep(), &window(dies, 1)).expect("it is a sweep");
            let found: Vec<&str> = case.scenario.steps.iter().map(|step| step.action.name()).collect();
            assert_eq!(found, kinds);
            assert_eq!((case.operation, case.recovery), (1, vec![kinds.len() as u64 - 1]));
        }
    }

    #[test]
    fn what_is_left_out_is_left_out_for_a_reason() {
        for (class, operation) in
            PathClass::ALL.iter().flat_map(|class| Operation::ALL.iter().map(move |op| (class, op)))
        {
            for after_death in [false, true] {
                let effects = effects(*operation, *class, after_death);
                let tried =
                    |effect: &Effect| effects.iter().any(|(other, argument)| other == effect && argument.is_none());
                assert!(tried(&Effect::Timeout), "{operation} of {class}");
                assert_eq!(tried(&Effect::AckLost), operation.is_write());
                assert_eq!(tried(&Effect::CrashBefore), operation.is_write() && !after_death);
                let bent = *operation == Operation::Get && *class == PathClass::Sidecar;
                assert_eq!(tried(&Effect::Corrupt(0)), bent, "only a sidecar has a checksum");
            }
        }
    }

    #[test]
    fn every_effect_that_the_format_has_is_tried_or_counted_wherever_it_may_strike() {
        // What the format has, in the words of whoever reads it.
        let refused = serde_json::from_value::<Effect>("no-such-effect".into()).expect_err("there is none").to_string();
        let known: BTreeSet<&str> = refused.split('`').skip(3).step_by(2).collect();
        let listed: BTreeSet<&str> = every_effect().iter().map(name_of).collect();
        assert_eq!(listed, known, "{refused}");
        for operation in Operation::ALL {
            for class in PathClass::ALL {
                let effects = effects(*operation, *class, false);
                let found: Vec<&Effect> = effects.iter().map(|(effect, _)| effect).collect();
                let every = every_effect();
                let striking: Vec<&Effect> =
                    every.iter().filter(|effect| effect.misfit(*operation).is_none()).collect();
                assert_eq!(found, striking, "{operation} of {class}");
            }
        }
        let names = |operation| -> Vec<&str> {
            effects(operation, PathClass::TableData, false).iter().map(|(effect, _)| name_of(effect)).collect()
        };
        assert!(names(Operation::List).contains(&"torn"));
        assert!(names(Operation::MultipartPart).contains(&"corrupt"));
    }
}
