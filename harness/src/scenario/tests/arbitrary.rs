//! Whatever the bytes are, reading them ends in a scenario or in diagnostics that can be shown.

use proptest::prelude::*;

use super::GOOD;
use crate::diagnostic::{github, json, terminal};
use crate::scenario::parse;

fn ends_well(bytes: &[u8]) {
    if let Err(report) = parse("x", "x.yaml", bytes) {
        assert!(!report.diagnostics.is_empty());
        let _ = terminal::render(&report, true);
        let _ = json::render(&report);
        let _ = github::render(&report);
    }
}

/// Pieces that mean something to a YAML reader or to a scenario, so that nonsense gets far.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "steps:",
        "\n  - ",
        "load: ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "\n",
        "  ",
        "\t",
        "&a ",
        "*a",
        "!!str ",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "# ",
        "--- ",
        "...\n",
        "? ",
        "<<: ",
        "%YAML 1.2\n",
        "failpoints",
        "crash",
        "the sidecar",
        "0x",
        "1e999",
        "-0",
        "é",
        "\u{2028}",
        "\r",
        "\u{feff}",
        "graph: {schema: |\n   node",
        "expect: ",
        "check",
        "null",
        "~",
        "when: {nth: ",
        "../",
    ];
    prop_oneof![prop::sample::select(words.to_vec()).prop_map(str::to_owned), ".{0,3}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn arbitrary_bytes_end_well(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        ends_well(&bytes);
    }

    #[test]
    fn nonsense_made_of_yaml_ends_well(pieces in prop::collection::vec(piece(), 0..40)) {
        ends_well(pieces.concat().as_bytes());
    }

    #[test]
    fn a_good_file_with_a_part_replaced_ends_well(at in 0..GOOD.len(), length in 0usize..24, new in prop::collection::vec(piece(), 0..4)) {
        let mut bytes = GOOD.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, new.concat().into_bytes());
        ends_well(&bytes);
    }

    #[test]
    fn a_good_file_with_two_lines_swapped_or_dropped_ends_well(first in 0usize..40, second in 0usize..40, swap in any::<bool>()) {
        let mut lines: Vec<&str> = GOOD.lines().collect();
        let (first, second) = (first % lines.len(), second % lines.len());
        if swap { lines.swap(first, second); } else { lines.remove(first); }
        ends_well(lines.join("\n").as_bytes());
    }
}
