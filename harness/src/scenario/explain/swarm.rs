//! A swarm: what its universes are drawn from, and what is judged in them.

use std::fmt::Write;

use super::super::model::{Concurrency, Deed, StoreTrouble, Swarm, Weather, Weights, WireTrouble};
use super::counted;

/// What is drawn, and from which streams, and how it is judged.
pub fn told(swarm: &Swarm) -> String {
    let mut told = format!(
        "\nThen the swarm: universes, each of them an ordinary scenario of {} by {} with {} each ('chaos swarm'). Universe \
         n is drawn from the run's seed, this file and n, and from nothing else.\n",
        counted(swarm.operations as usize, "operation"),
        match swarm.processes {
            1 => "1 process".to_owned(),
            count => format!("{count} processes"),
        },
        counted(swarm.handles as usize, "handle"),
    );
    told.push_str(
        "For each operation of it there is one stream of random numbers for each of: deeds, rows, places, reads, \
         concurrency, windows, weather, wire, calm, recovery, recovery-wire, drift, read-only, readers, opens, crowd, late, grace, again. None moves another, so that the same writes come under every \
         weather.\n",
    );
    told.push_str(&deeds(&swarm.weights));
    told.push_str(&drift_and_reading(swarm));
    told.push_str(&beside(&swarm.concurrency));
    told.push_str(&weather(&swarm.weather));
    told.push_str(&judged(swarm.weather.lies()));
    told
}

/// The part of its universes that is read beside the steps.
pub fn read(swarm: &Swarm) -> String {
    format!(" of {} of the universes", percent(swarm.read_beside))
}

fn deeds(weights: &Weights) -> String {
    let all: u32 = Deed::ALL.iter().map(|deed| weights.of(*deed)).sum();
    let mut told = String::from("An operation is one of these, as often as it says:\n");
    for deed in Deed::ALL.iter().filter(|deed| weights.of(**deed) > 0) {
        let share = f64::from(weights.of(*deed)) / f64::from(all.max(1));
        let _ = writeln!(told, "  - {}: {}", percent(share), small(deed.meaning()));
    }
    told
}

fn drift_and_reading(swarm: &Swarm) -> String {
    let mut told = String::new();
    if swarm.drift > 0.0 && !swarm.weather.lies() && swarm.weights.of(Deed::RepairConfirm) > 0 {
        let _ = writeln!(
            told,
            "Before {} of the repairs that are confirmed a stranger moves the HEAD of a table, so that they publish it.",
            percent(swarm.drift)
        );
    }
    if swarm.read_only > 0.0 {
        let _ = writeln!(
            told,
            "Of the handles that are opened {} are first opened read-only, and read through.",
            percent(swarm.read_only)
        );
    }
    told
}

fn beside(concurrency: &Concurrency) -> String {
    let Concurrency { held, beside, killed, opened, crowded, grace, again } = concurrency;
    let mut told = String::new();
    if *again > 0.0 {
        let _ = writeln!(told, "Of the writes that run alone {} are called again under their name.", percent(*again));
    }
    if *held == 0.0 && *beside == 0.0 {
        return told + "Nothing goes on at the same time.\n";
    }
    let _ = writeln!(
        told,
        "Of the writes {} are held in one of their windows while up to two other operations go on, and then released, or \
         killed with their process ({}); {} run beside the next operation.",
        percent(*held),
        percent(*killed),
        percent(*beside)
    );
    if *opened > 0.0 {
        let _ = writeln!(
            told,
            "Before {} of the operations beside it another process opens the graph read-write.",
            percent(*opened)
        );
    }
    if *crowded > 0.0 {
        let _ = writeln!(told, "Of the writes beside it {} run in the background as well.", percent(*crowded));
    }
    if *grace > 0.0 {
        let _ = writeln!(
            told,
            "In {} of the universes handles give the writers of other processes grace.",
            percent(*grace)
        );
    }
    told
}

fn weather(weather: &Weather) -> String {
    let mut chances: Vec<(f64, String)> = vec![
        (weather.failpoint_error, "one of its windows fails".to_owned()),
        (weather.failpoint_delay, "one of its windows takes some milliseconds".to_owned()),
        (weather.failpoint_crash, "its process dies in one of its windows".to_owned()),
    ];
    let call = |trouble: &StoreTrouble| format!("a call to the store: {}", small(trouble.meaning()));
    chances.extend(StoreTrouble::ALL.iter().map(|trouble| (weather.store.of(*trouble), call(trouble))));
    let request = |trouble: &WireTrouble| format!("a request on the wire: {}", small(trouble.meaning()));
    chances.extend(WireTrouble::ALL.iter().map(|trouble| (weather.wire.of(*trouble), request(trouble))));
    chances.retain(|(chance, _)| *chance > 0.0);
    if chances.is_empty() {
        return "Nothing breaks.\n".to_owned();
    }
    let mut told = String::from("A fault is armed for an operation with these chances, and need not fire:\n");
    for (chance, meaning) in chances {
        let _ = writeln!(told, "  - {}: {meaning}", percent(chance));
    }
    let _ = writeln!(
        told,
        "After an operation under weather a handle is opened read-write without any in {} of the cases.",
        percent(weather.calm)
    );
    told
}

fn judged(lies: bool) -> String {
    let certain = if lies {
        "The store says what is not so, so nothing about an operation is certain: the standing invariants alone judge."
    } else {
        "A write on which no fault lies, with nothing pending and every row known, has to do exactly what it says. Under \
         faults it may be done, refused or in doubt, and is never an internal error, a panic or a hang."
    };
    format!(
        "{certain} After each step the whole graph is read from outside, and has to be what the reference model allows, \
         whichever way the writes in doubt have gone. A swarm in which no fault at all fired is not green."
    )
}

fn percent(chance: f64) -> String {
    let percent = (chance * 1000.0).round() / 10.0;
    format!("{percent} %")
}

/// A sentence of a doc comment in the middle of another.
fn small(sentence: &str) -> String {
    let sentence = sentence.trim().trim_end_matches('.');
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_lowercase().collect::<String>() + characters.as_str()).unwrap_or_default()
}
