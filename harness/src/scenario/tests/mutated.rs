//! Real scenario files, damaged in the ways in which files are damaged: by people, by tools, by malice.
//!
//! An ordinary run tries a few thousand; `CHAOS_FUZZ_INPUTS` asks for more, and `ci/fuzz` for very many. Input `n` is the
//! same on every machine, so that what a long run finds can be tried alone with `CHAOS_FUZZ_FIRST`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::diagnostic::{github, json, terminal};
use crate::scenario::{Scenario, discover, explain, limit, parse, parse_cases};
use crate::seed::Seed;

const INPUTS: u64 = 1_500;
/// Longest time for one input, on a machine that is busy with everything else.
const INPUT_MAX: Duration = Duration::from_secs(20);

/// What is put where it does not belong.
const FOREIGN: &[&str] = &[
    "&a ",
    "*a",
    "<<: *a",
    "!!binary ",
    "!!str ",
    "!<tag:x> ",
    "? ",
    ": ",
    "- ",
    "\t",
    "\r",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\u{202e}",
    "é",
    "𝒳",
    "\u{301}",
    "'",
    "\"",
    "\\",
    "|+2\n",
    ">-\n",
    "{",
    "}",
    "[",
    "]",
    "#",
    "%",
    "--- \n",
    "...\n",
    "@",
    "`",
    "~",
    "null",
    "true",
    "0x10",
    "1e400",
    "-1",
    "18446744073709551616",
    ".nan",
    "../",
    "/etc/passwd",
    "s3://b/k",
    "a//b",
    "**",
    "{a,b",
    "[a-",
    "the ",
    "sidecar 0",
    "->",
    "101%return",
    "1*",
    "crash",
    "sleep(99999999999)",
    "2026-13-40",
];

fn files() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let found = discover(&root, &root).expect("the scenarios can be listed");
    let mut texts: Vec<String> =
        found.iter().map(|found| fs::read_to_string(&found.path).expect("a scenario can be read")).collect();
    texts.push(super::GOOD.to_owned());
    texts
}

fn mutated(files: &[String], rng: &mut StdRng) -> Vec<u8> {
    let mut text = files.choose(rng).expect("there are scenarios").clone().into_bytes();
    for _ in 0..rng.random_range(1..=6) {
        text = once(text, files, rng);
    }
    text
}

fn once(text: Vec<u8>, files: &[String], rng: &mut StdRng) -> Vec<u8> {
    match rng.random_range(0..9) {
        0 => in_words(&text, rng),
        1..=3 => in_lines(&text, files, rng),
        4 => {
            let mut text = text;
            let at = rng.random_range(0..=text.len());
            let foreign = FOREIGN.choose(rng).expect("there are some");
            let times = if rng.random_bool(0.05) { rng.random_range(2..5_000) } else { 1 };
            text.splice(at..at, foreign.repeat(times).into_bytes());
            text
        }
        5 => {
            let mut text = text;
            if !text.is_empty() {
                let at = rng.random_range(0..text.len());
                text[at] = rng.random();
            }
            text
        }
        6 => {
            let cut = rng.random_range(0..=text.len());
            text[..cut].to_vec()
        }
        7 => anchored(&text, rng),
        _ => {
            let (mut from, mut to) = (rng.random_range(0..=text.len()), rng.random_range(0..=text.len()));
            if from > to {
                std::mem::swap(&mut from, &mut to);
            }
            let to = to.min(from + 200);
            [&text[..from], &text[to..]].concat()
        }
    }
}

/// Swaps two words, or puts one in the place of another.
fn in_words(text: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).into_owned();
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_word(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    let (Some(one), Some(other)) = (words.choose(rng), words.choose(rng)) else { return text.into_bytes() };
    format!("{}{}{}", &text[..one.0], &text[other.0..other.1], &text[one.1..]).into_bytes()
}

fn in_lines(text: &[u8], files: &[String], rng: &mut StdRng) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).into_owned();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return text.into_bytes();
    }
    let at = rng.random_range(0..lines.len());
    match rng.random_range(0..6) {
        0 => drop(lines.remove(at)),
        1 => {
            let copy = lines[at].clone();
            lines.insert(at, copy);
        }
        2 => {
            let other = rng.random_range(0..lines.len());
            lines.swap(at, other);
        }
        3 => lines[at] = format!("{}{}", " ".repeat(rng.random_range(1..9)), lines[at]),
        4 => lines[at] = lines[at].trim_start().to_owned(),
        _ => {
            let donor: Vec<&str> = files.choose(rng).expect("there are scenarios").lines().collect();
            let from = rng.random_range(0..donor.len());
            let to = (from + rng.random_range(1..12)).min(donor.len());
            lines.splice(at..at, donor[from..to].iter().map(|line| (*line).to_owned()));
        }
    }
    lines.join("\n").into_bytes()
}

/// A value is given a name, and the name is used in other places.
fn anchored(text: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).into_owned();
    let places: Vec<usize> = text.match_indices(": ").map(|(at, _)| at + 2).collect();
    let Some(&named) = places.choose(rng) else { return text.into_bytes() };
    let mut out = String::new();
    let mut last = 0;
    for place in places {
        out.push_str(&text[last..place]);
        last = place;
        if place == named {
            out.push_str("&it ");
        } else if place > named && rng.random_bool(0.1) {
            out.push_str("*it #");
        }
    }
    out.push_str(&text[last..]);
    out.into_bytes()
}

/// Reads the bytes and does everything with what comes of it that does not run it.
fn ends_well(bytes: &[u8]) {
    match parse_cases("fuzz/input", "fuzz/input.yaml", bytes) {
        Err(report) => {
            assert!(!report.diagnostics.is_empty() && report.diagnostics.len() <= limit::DIAGNOSTICS_MAX);
            let _ = (terminal::render(&report, true), json::render(&report), github::render(&report));
        }
        Ok(scenarios) => scenarios.iter().for_each(|scenario| {
            let _ = explain(scenario, &Default::default());
            within_limits(scenario);
            let file = scenario.to_yaml();
            let again = parse("fuzz/input", "fuzz/input.yaml", file.as_bytes());
            let again =
                again.unwrap_or_else(|report| panic!("what was read is not written so that it reads back: {report}"));
            assert_eq!(again.to_yaml(), file);
        }),
    }
}

fn within_limits(scenario: &Scenario) {
    assert!(scenario.steps.len() <= limit::STEPS_MAX && scenario.graph.setup.len() <= limit::ROWS_MAX);
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn a_damaged_file_is_a_scenario_or_a_report() {
    let files = files();
    let (first, count) = (number("CHAOS_FUZZ_FIRST", 0), number("CHAOS_FUZZ_INPUTS", INPUTS));
    let mut valid = 0_u64;
    let mut slowest = Duration::ZERO;
    for n in first..first + count {
        let bytes = mutated(&files, &mut Seed(n).stream("fuzz").rng());
        let begun = Instant::now();
        let ended = std::panic::catch_unwind(|| ends_well(&bytes));
        let took = begun.elapsed();
        slowest = slowest.max(took);
        assert!(ended.is_ok() && took < INPUT_MAX, "input {n} after {took:?}:\n{}", String::from_utf8_lossy(&bytes));
        valid += u64::from(parse_cases("fuzz/input", "fuzz/input.yaml", &bytes).is_ok());
    }
    println!("{count} inputs from {first}: {valid} are still scenarios; the slowest took {slowest:?}");
    assert!(count < 1_000 || (valid > 0 && valid < count), "the damage is too small or too great to find anything");
}
