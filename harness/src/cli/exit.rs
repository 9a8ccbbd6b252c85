//! Exit codes: what a script can rely on.

use std::process::ExitCode;

use crate::event::{Summary, VerdictName};
use crate::runner::supervisor::RunResult;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was run held.
    Held = 0,
    /// An invariant was broken, an armed fault did not fire, or a canary passed.
    Broken = 1,
    /// The command line or a scenario is wrong.
    Usage = 2,
    /// The harness or a backend is in trouble, or a limit was hit: nothing is said about the engine.
    Trouble = 3,
    /// Nothing was selected, or nothing of what was selected could be run.
    Nothing = 4,
}

/// The table of exit codes of what runs cells, for `--help`.
pub const TABLE: &str = "\
Exit codes of a run:
  0  everything that was run held, or broke exactly as a known issue says
  1  an invariant was broken, an armed fault did not fire, or a canary did not break exactly what it names
  2  bad usage, or an invalid scenario
  3  trouble with the harness or a backend, or a limit was hit
  4  nothing was selected, or nothing of it could be run";

/// The table of `list`, `check`, `failpoints` and `explain`.
pub const LIST_TABLE: &str = "\
Exit codes:
  0  done, and every scenario file is valid
  2  bad usage, or an invalid scenario
  4  there is nothing that was asked for";

/// The table of `replay`, which is a run of one cell.
pub const REPLAY_TABLE: &str = "\
Exit codes:
  0  not reproduced: it held
  1  it failed again, in the same way or in another one
  2  bad usage, or a bundle that cannot be read
  3  trouble with the harness or a backend, or a limit was hit
  4  it could not be run here";

/// The table of `judge`, which runs nothing.
pub const JUDGE_TABLE: &str = "\
Exit codes:
  0  by what was recorded, everything held, or broke exactly as a known issue says
  1  by what was recorded, an invariant was broken or an armed fault did not fire
  2  bad usage, or a bundle that cannot be read or holds no evidence
  3  the run ended in trouble or at a limit, or nothing could be judged";

/// The table of `coverage`.
pub const COVERAGE_TABLE: &str = "\
Exit codes:
  0  every dark window has its reason, and the page says what this run says
  1  a window is dark without a reason, a reason is about none that is dark, or the page is old
  2  bad usage, or a file that cannot be read";

/// The table of `reap`.
pub const REAP_TABLE: &str = "\
Exit codes:
  0  what dead runs left is removed
  2  bad usage
  3  Docker does not answer";

/// The table of `inspect`.
pub const INSPECT_TABLE: &str = "\
Exit codes:
  0  nothing is pending and nothing has drifted
  1  a sidecar is pending, or a table has drifted
  2  there is no graph, or it cannot be read";

/// The table of `shrink`, which is not a run: it is done when there is a file.
pub const SHRINK_TABLE: &str = "\
Exit codes:
  0  the failure was made as small as it gets, and the file was written
  1  the file was written, but it does not fail every time
  2  bad usage, or a bundle that cannot be read
  3  trouble with the harness or a backend, or the search was ended before it was through; the file is what it had
  4  there is nothing to shrink: the failure does not happen again, or it says nothing about the engine";

impl Exit {
    /// What a run comes to. A broken promise outweighs trouble, and trouble outweighs that nothing was run.
    pub fn of(result: &RunResult) -> Exit {
        let counts = &result.summary.totals;
        let any = |names: &[VerdictName]| names.iter().any(|name| counts.of(*name) > 0);
        if any(&[VerdictName::Broken, VerdictName::NotExercised]) {
            Exit::Broken
        } else if any(&[VerdictName::Invalid]) {
            Exit::Usage
        } else if any(&[VerdictName::Infrastructure, VerdictName::Inconclusive]) || !result.trouble.is_empty() {
            Exit::Trouble
        } else if !any(&[VerdictName::Held, VerdictName::Known]) {
            Exit::Nothing
        } else {
            Exit::Held
        }
    }
}

impl Exit {
    /// What one verdict comes to.
    pub fn of_one(verdict: VerdictName) -> Exit {
        let mut summary = Summary::default();
        summary.totals.add(verdict);
        Exit::of(&RunResult { summary, trouble: Vec::new(), interrupted: false })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(verdicts: &[VerdictName], trouble: &[&str]) -> Exit {
        let mut summary = Summary::default();
        verdicts.iter().for_each(|verdict| summary.totals.add(*verdict));
        let trouble = trouble.iter().map(|text| (*text).to_owned()).collect();
        Exit::of(&RunResult { summary, trouble, interrupted: false })
    }

    #[test]
    fn the_worst_that_happened_decides() {
        use VerdictName::*;
        assert_eq!(exit(&[Held, Skipped, NotApplicable], &[]), Exit::Held);
        assert_eq!(exit(&[Held, Infrastructure, Broken], &["no docker"]), Exit::Broken);
        assert_eq!(exit(&[Held, NotExercised], &[]), Exit::Broken);
        assert_eq!(exit(&[Held, Inconclusive], &[]), Exit::Trouble);
        assert_eq!(exit(&[Held], &["no docker"]), Exit::Trouble);
    }

    #[test]
    fn nothing_that_was_run_is_not_success() {
        assert_eq!(exit(&[], &[]), Exit::Nothing);
        assert_eq!(exit(&[VerdictName::Skipped], &[]), Exit::Nothing);
    }
}
