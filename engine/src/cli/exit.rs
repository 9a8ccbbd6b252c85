//! What the program ends with: one code for each kind of error, and the table of them that `--help` shows.

use std::fmt::Write;

/// A code, the kind of error that ends with it as `--json` spells it, and what it says.
pub struct Code {
    pub code: u8,
    pub kind: &'static str,
    pub says: &'static str,
}

/// Every code. A code that has been given once never gets another meaning.
pub const CODES: [Code; 19] = [
    Code { code: 0, kind: "done", says: "what was asked for is done; also when a reader of the output went away" },
    Code { code: 1, kind: "internal", says: "a mistake of the engine; please report it" },
    Code { code: 2, kind: "usage", says: "what was typed cannot be carried out; nothing was begun" },
    Code { code: 3, kind: "invalid", says: "schema, rows, SQL or settings are wrong; nothing changed" },
    Code { code: 4, kind: "not-found", says: "there is no such graph, version or object" },
    Code { code: 5, kind: "already-exists", says: "there is a graph already" },
    Code { code: 6, kind: "conflict", says: "another writer was faster; nothing changed, try again" },
    Code { code: 7, kind: "drift", says: "a table has moved past what is visible: recover, or repair" },
    Code { code: 8, kind: "in-doubt", says: "the write may have happened; never assume that it failed" },
    Code { code: 9, kind: "corrupt", says: "an object of the graph cannot be read for what it is" },
    Code { code: 10, kind: "read-only", says: "the graph was opened read-only" },
    Code { code: 11, kind: "refused", says: "the state of the graph does not allow it now" },
    Code { code: 12, kind: "storage", says: "the store failed; nothing of this will become visible" },
    Code { code: 13, kind: "timeout", says: "a bound on time was reached" },
    Code { code: 14, kind: "output", says: "what was read could not be written out; a write never ends with this" },
    Code { code: 15, kind: "input", says: "a file or standard input could not be read; nothing changed" },
    Code { code: 16, kind: "permission-denied", says: "the store denies it; nothing of this will become visible" },
    Code { code: 17, kind: "no-space", says: "the store is full; nothing of this will become visible" },
    Code { code: 130, kind: "interrupted", says: "it was interrupted, and nothing changed" },
];

/// The code of a kind of error.
pub fn of(kind: &str) -> u8 {
    CODES.iter().find(|known| known.kind == kind).map_or(1, |known| known.code)
}

/// What `--help` says of them.
pub fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for Code { code, kind, says } in CODES {
        let _ = writeln!(text, "  {code:>3}  {kind:<17} {says}");
    }
    text.push_str("\nWith --json an error is one JSON object on standard error, and its `kind` is the word above.");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use omnigraph::ErrorKind;

    use super::*;

    #[test]
    fn every_kind_of_error_has_a_code_of_its_own() {
        let codes: BTreeSet<u8> = CODES.iter().map(|known| known.code).collect();
        assert_eq!(codes.len(), CODES.len());
        for kind in ErrorKind::ALL {
            assert!(CODES.iter().any(|known| known.kind == kind.as_str()), "{kind} has no code");
        }
    }

    #[test]
    fn the_page_on_the_program_has_the_same_table() {
        let page = include_str!("../../../docs/program.md");
        for Code { code, kind, says } in CODES {
            let row = format!("| {code} | `{kind}` | {says} |");
            assert!(page.contains(&row), "docs/program.md lacks: {row}");
        }
    }
}
