//! What is drawn is always a scenario that can be run, and drawing one thing never moves another.

mod values;

use omnigraph::writer::WriterKind;
use proptest::prelude::*;

use super::*;
use crate::scenario::model::{
    Action, Concurrency, Deed, Expect, OpenMode, Repair, Step, StoreTrouble, StoreWeather, Weather, Weights,
    WireWeather,
};
use crate::scenario::parse;

const FILE: &str = "
summary: everything that a schema can say
why: because
graph:
  schema: |
    node Person { name: String @key  age: I32?  email: String? @unique  tags: [String]  born: DateTime? }
    node Place { id: I64 @key  level: enum(low, high)  at: Vector(3)?  open: Bool }
    edge Knows: Person -> Person { since: Date? }
    edge LivesIn: Person -> Place
  setup:
    - {type: Person, data: {name: ann, tags: []}}
    - {type: Person, data: {name: p1, tags: [a]}}
    - {type: Place, data: {id: 7, level: low, open: true}}
    - {type: LivesIn, from: ann, to: 7}
swarm: {}
";

fn file(swarm: Swarm) -> Scenario {
    let mut file = parse("swarm/x", "x.yaml", FILE.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
    file.swarm = Some(swarm);
    file
}

fn universe(swarm: Swarm, root: u64, number: u64) -> Scenario {
    Universes::new(&file(swarm), Seed(root), None).expect("a swarm").universe(number)
}

/// Weather in which everything happens all the time, lies included.
fn foul() -> Weather {
    weather(0.2, 0.3)
}

fn clear() -> Weather {
    weather(0.0, 0.0)
}

/// Everything to a call of the store is as probable as all else, and everything at a window as all else there.
fn weather(to_a_call: f64, at_a_window: f64) -> Weather {
    let store = StoreWeather {
        throttled: to_a_call,
        timeout: to_a_call,
        permission_denied: to_a_call,
        connection_lost: to_a_call,
        ack_lost: to_a_call,
        latency: to_a_call,
        crash_before: to_a_call,
        crash_after: to_a_call,
        late: to_a_call,
        ..StoreWeather::default()
    };
    let wire = WireWeather {
        slow_down: to_a_call,
        internal_error_after: to_a_call,
        reset_request: to_a_call,
        reset_response: to_a_call,
        latency: to_a_call,
        black_hole: to_a_call,
        truncated: to_a_call,
        half_closed: to_a_call,
        response_lost: to_a_call,
        late: to_a_call,
    };
    let (failpoint_error, failpoint_delay, failpoint_crash) = (at_a_window, at_a_window, at_a_window);
    Weather { failpoint_error, failpoint_delay, failpoint_crash, store, wire, calm: at_a_window }
}

fn alone() -> Concurrency {
    Concurrency { held: 0.0, beside: 0.0, killed: 0.0, opened: 0.0, crowded: 0.0, grace: 0.0, again: 0.0 }
}

/// What steps do to rows, in order.
/// The writes, each once.
fn writes(steps: &[Step]) -> Vec<&Action> {
    let mut names = std::collections::BTreeSet::new();
    steps
        .iter()
        .filter(|step| step.operation.as_ref().is_none_or(|name| names.insert(name)))
        .map(|step| &step.action)
        .filter(|action| matches!(action, Action::Load(_) | Action::Mutate(_)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn every_universe_is_a_valid_scenario_that_reads_back(root: u64, number in 0u64..1_000, is_foul: bool, lies: bool, processes in 1u32..5, handles in 1u32..4, grace: bool) {
        let mut weather = if is_foul { foul() } else { Weather::default() };
        if lies {
            weather.store = StoreWeather { not_found: 0.2, lost_write: 0.2, torn: 0.2, corrupt: 0.2, stale: 0.2, ..weather.store };
        }
        let grace = if grace { 1.0 } else { 0.0 };
        let concurrency = Concurrency { held: 0.3, beside: 0.3, killed: 0.3, opened: 0.3, crowded: 0.5, grace, again: 0.3 };
        let universe = universe(Swarm { weather, concurrency, processes, handles, ..Swarm::default() }, root, number);
        let written = universe.to_yaml();
        let mut read = match parse(&universe.name, &universe.path, written.as_bytes()) {
            Ok(read) => read,
            Err(report) => return Err(TestCaseError::fail(format!("{report}\n{written}"))),
        };
        read.steps.iter_mut().for_each(|step| step.span = None);
        prop_assert_eq!(read, universe);
    }

    #[test]
    fn a_universe_is_a_function_of_file_seed_and_number(root: u64, number in 0u64..1_000) {
        prop_assert_eq!(universe(Swarm::default(), root, number), universe(Swarm::default(), root, number));
        prop_assert_ne!(universe(Swarm::default(), root, number).steps, universe(Swarm::default(), root, number + 1).steps);
    }

    #[test]
    fn the_same_writes_come_under_every_weather(root: u64, number in 0u64..1_000) {
        let under = |weather: Weather, concurrency: Concurrency| universe(Swarm { weather, concurrency, ..Swarm::default() }, root, number);
        let (fine, bad) = (under(clear(), alone()), under(foul(), Concurrency { held: 0.3, beside: 0.3, killed: 0.3, opened: 0.3, crowded: 0.3, grace: 0.3, again: 0.3 }));
        prop_assert_eq!(writes(&fine.steps), writes(&bad.steps));
    }

    #[test]
    fn weather_on_the_wire_moves_no_other(root: u64, number in 0u64..1_000) {
        let under = |wire: WireWeather| universe(Swarm { weather: Weather { wire, ..foul() }, concurrency: alone(), ..Swarm::default() }, root, number).steps;
        let (without, with) = (under(WireWeather::default()), under(foul().wire));
        // What it leaves pending is another matter: the recovery of it has weather of its own.
        let first = with.iter().position(|step| !step.wire.is_empty()).map_or(with.len(), |at| at + 1);
        let inside = |steps: &[Step]| steps[..first].iter().map(|step| (step.action.clone(), step.faults.clone(), step.failpoints.clone())).collect::<Vec<_>>();
        prop_assert_eq!(inside(&without), inside(&with));
    }

    #[test]
    fn what_a_stranger_does_and_what_is_only_read_move_nothing_else(root: u64, number in 0u64..1_000) {
        let of = |chance: f64| {
            let swarm = Swarm { drift: chance, read_only: chance, weather: clear(), concurrency: alone(), ..Swarm::default() };
            universe(swarm, root, number).steps
        };
        let (without, mut with) = (of(0.0), of(1.0));
        // A handle is read-only, something is read through it, and then it is opened as it would have been.
        while let Some(at) = with.iter().position(|step| matches!(step.action, Action::Open(OpenMode::ReadOnly))) {
            with.drain(at..at + 2);
        }
        // A table is moved, the drift is looked at, and the repair publishes it.
        while let Some(at) = with.iter().position(|step| matches!(step.action, Action::MoveHead(_))) {
            with.drain(at..at + 2);
        }
        let actions = |steps: &[Step]| steps.iter().map(|step| (step.action.clone(), step.handle.clone(), step.process.clone())).collect::<Vec<_>>();
        prop_assert_eq!(actions(&without), actions(&with));
    }

    #[test]
    fn no_drift_outlives_the_repair_that_publishes_it(root: u64, number in 0u64..1_000) {
        let steps = universe(Swarm { drift: 1.0, weather: foul(), ..Swarm::default() }, root, number).steps;
        for at in (0..steps.len()).filter(|at| matches!(steps[*at].action, Action::MoveHead(_))) {
            let is_calm = |step: &Step| step.faults.is_empty() && step.failpoints.is_empty() && step.wire.is_empty();
            let repaired = steps[at..].iter().position(|step| matches!(step.action, Action::Repair(Repair::Confirm)) && is_calm(step));
            let write = steps[at..].iter().position(|step| matches!(step.action, Action::Load(_) | Action::Mutate(_)));
            prop_assert!(repaired.is_some_and(|repaired| write.is_none_or(|write| repaired < write)), "step {at}");
        }
    }

    #[test]
    fn a_later_operation_does_not_change_an_earlier_one(root: u64, number in 0u64..1_000) {
        let weights = Weights { kill: 0, ..Weights::default() };
        let swarm = |operations| Swarm { operations, weights: weights.clone(), concurrency: alone(), ..Swarm::default() };
        let (short, long) = (universe(swarm(10), root, number).steps, universe(swarm(20), root, number).steps);
        // The last two steps look at the end, through a handle that nothing has killed.
        prop_assert_eq!(&short[..short.len() - 2], &long[..short.len() - 2]);
    }

    #[test]
    fn in_fine_weather_nothing_is_left_open(root: u64, number in 0u64..1_000) {
        let universe = universe(Swarm { weather: clear(), concurrency: alone(), ..Swarm::default() }, root, number);
        let certain = |expect: &Expect| matches!(expect, Expect::Ok | Expect::OkWith(_) | Expect::Refused);
        let loose: Vec<_> = universe.steps.iter().filter(|step| !certain(&step.expect)).collect();
        prop_assert!(loose.is_empty(), "{loose:?}");
    }
}

#[test]
fn another_process_opens_beside_a_write_whether_it_is_killed_or_not() {
    let concurrency = Concurrency { held: 0.5, beside: 0.2, killed: 0.5, opened: 1.0, ..Concurrency::default() };
    let swarm = Swarm { concurrency, weather: clear(), ..Swarm::default() };
    let (mut beside, mut opened_and_killed) = (0, 0);
    for number in 0..100 {
        let steps = universe(swarm.clone(), 1, number).steps;
        let mut background: Option<(&Step, bool)> = None;
        for step in &steps {
            match (&step.action, background) {
                _ if step.start.is_some() => background = Some((step, false)),
                (Action::Join(_), Some((write, was_opened))) => {
                    let wide = matches!(&write.expect, Expect::OneOf(ways) if ways.contains(&Expect::Refused));
                    let killed = write.expect == Expect::Crash;
                    assert!(!was_opened || wide || killed, "universe {number}: it may have been undone");
                    opened_and_killed += usize::from(was_opened && killed);
                    background = None;
                }
                (Action::Open(OpenMode::ReadWrite), Some((write, _))) => {
                    assert_ne!(step.process, write.process, "universe {number}: the own process waits for it");
                    beside += 1;
                    background = Some((write, true));
                }
                _ => {}
            }
        }
    }
    assert!(beside > 50 && opened_and_killed > 10, "{beside} {opened_and_killed}");
}

#[test]
fn writes_run_in_a_crowd_and_whole_universes_give_grace() {
    let concurrency = Concurrency { held: 0.5, beside: 0.5, crowded: 1.0, grace: 0.5, ..Concurrency::default() };
    let swarm = Swarm { concurrency, weather: clear(), processes: 4, ..Swarm::default() };
    let (mut crowded, mut with_grace) = (0, 0);
    for number in 0..100 {
        let steps = universe(swarm.clone(), 1, number).steps;
        let mut running = 0;
        for step in &steps {
            running += usize::from(step.start.is_some());
            running -= usize::from(matches!(step.action, Action::Join(_)));
            crowded += usize::from(running > 1);
        }
        assert_eq!(running, 0, "universe {number}: every one is joined");
        with_grace += usize::from(steps.iter().any(|step| step.action == Action::Open(OpenMode::ReadWriteWithGrace)));
    }
    assert!(crowded > 50 && (20..80).contains(&with_grace), "{crowded} {with_grace}");
}

#[test]
fn what_is_late_arrives_at_a_later_step_or_not_before_the_end() {
    let weather = Weather { store: StoreWeather { late: 0.5, ..StoreWeather::default() }, ..clear() };
    let swarm = Swarm { weather, concurrency: alone(), ..Swarm::default() };
    let (mut late, mut arrived) = (0, 0);
    for number in 0..50 {
        let mut pending = std::collections::BTreeSet::new();
        for step in universe(swarm.clone(), 1, number).steps {
            if let Action::Arrive(name) = &step.action {
                assert!(pending.remove(name), "universe {number}: {name} was late before");
                arrived += 1;
            }
            let names = step.faults.iter().filter_map(|fault| fault.effect.late());
            late += names.map(|name| pending.insert(name.to_owned())).filter(|is_new| *is_new).count();
        }
    }
    assert!(arrived > 20 && late > arrived, "{late} {arrived}");
}

/// The deeds that bring a kind of writer about. A writer that joins the engine has to be named here before this compiles.
fn deeds_of(writer: WriterKind) -> &'static [Deed] {
    match writer {
        WriterKind::Load => &[Deed::LoadAppend, Deed::LoadMerge, Deed::LoadOverwrite],
        WriterKind::Mutate => &[Deed::Insert, Deed::Update, Deed::Delete, Deed::Mixed],
        WriterKind::Repair => &[Deed::RepairConfirm],
    }
}

#[test]
fn every_writer_of_the_engine_is_drawn() {
    for writer in [WriterKind::Load, WriterKind::Mutate, WriterKind::Repair] {
        for deed in deeds_of(writer) {
            assert!(Deed::ALL.contains(deed) && Swarm::default().weights.of(*deed) > 0, "{writer} by {deed:?}");
        }
    }
}

#[test]
fn everything_that_can_be_said_is_drawn_sooner_or_later() {
    let mut words = std::collections::BTreeSet::new();
    for number in 0..200 {
        for step in universe(Swarm { weather: foul(), ..Swarm::default() }, 1, number).steps {
            words.insert(step.action.name());
            words.extend(matches!(step.action, Action::Open(OpenMode::ReadOnly)).then_some("read-only"));
            words.extend(step.start.is_some().then_some("start"));
            words.extend(step.hold.is_some().then_some("hold"));
            words.extend((!step.faults.is_empty()).then_some("faults"));
            words.extend((!step.wire.is_empty()).then_some("wire"));
            words.extend((!step.failpoints.is_empty()).then_some("failpoints"));
            words.extend(step.process.is_some().then_some("process"));
            words.extend(step.handle.is_some().then_some("handle"));
        }
    }
    let all = [
        "load",
        "mutate",
        "repair",
        "query",
        "refresh",
        "open",
        "read-only",
        "move-head",
        "restart",
        "kill",
        "start",
        "hold",
        "release",
        "join",
        "arrive",
        "check",
        "faults",
        "wire",
        "failpoints",
        "process",
        "handle",
    ];
    assert_eq!(words, all.into_iter().collect());
}

#[test]
fn a_part_of_the_universes_has_the_readers_of_the_file() {
    let file = Scenario { readers: 2, ..file(Swarm { read_beside: 0.3, ..Swarm::default() }) };
    let universes = Universes::new(&file, Seed(1), Some(1)).expect("a swarm");
    let readers: Vec<u64> = (0..100).map(|number| universes.universe(number).readers).collect();
    assert!(readers.iter().all(|readers| [0, 2].contains(readers)), "{readers:?}");
    let read = readers.iter().filter(|readers| **readers == 2).count();
    assert!((15..45).contains(&read), "{read} of 100");
}

#[test]
fn over_a_store_that_lies_nothing_is_certain() {
    for trouble in StoreTrouble::ALL.iter().filter(|trouble| trouble.is_a_lie()) {
        let mut weather = clear();
        match trouble {
            StoreTrouble::NotFound => weather.store.not_found = 0.1,
            StoreTrouble::LostWrite => weather.store.lost_write = 0.1,
            StoreTrouble::Torn => weather.store.torn = 0.1,
            StoreTrouble::Corrupt => weather.store.corrupt = 0.1,
            _ => weather.store.stale = 0.1,
        }
        assert!(weather.lies(), "{trouble:?}");
        let steps = universe(Swarm { weather, ..Swarm::default() }, 1, 1).steps;
        let writes = steps.iter().filter(|step| matches!(step.action, Action::Load(_) | Action::Mutate(_)));
        assert!(writes.into_iter().all(|step| matches!(step.expect, Expect::OneOf(_))), "{trouble:?}");
    }
}

#[test]
fn a_write_is_called_again_under_its_name_and_ends_as_it_surely_ended() {
    let concurrency = Concurrency { again: 1.0, ..alone() };
    let swarm = Swarm { concurrency, weather: clear(), processes: 2, ..Swarm::default() };
    let steps = universe(swarm, 1, 1).steps;
    let mut first: std::collections::BTreeMap<&str, &Step> = std::collections::BTreeMap::new();
    let mut again = 0;
    for step in steps.iter().filter(|step| step.operation.is_some()) {
        let Some(first) = first.insert(step.operation.as_deref().unwrap_or_default(), step) else { continue };
        assert_eq!((&first.action, &first.actor, &first.expect), (&step.action, &step.actor, &step.expect));
        again += 1;
    }
    assert!(again > 5 && again == first.len(), "{again} of {}", first.len());
}

#[test]
fn explaining_a_swarm_names_every_stream() {
    let file = include_str!("../../../../scenarios/swarm/crashes.yaml");
    let file = parse("swarm/crashes", "scenarios/swarm/crashes.yaml", file.as_bytes()).expect("a swarm");
    let told = crate::scenario::explain(&file, &Default::default());
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let names: Vec<&str> = super::stream::Consumer::ALL.iter().map(|consumer| consumer.name()).collect();
    assert!(told.contains(&format!("for each of: {}.", names.join(", "))), "{told}");
}
