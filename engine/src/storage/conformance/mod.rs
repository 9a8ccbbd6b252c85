//! What a store must promise, as named checks that run on any stack.
//!
//! Every backend and every stack of layers has to pass the same suite. It reports instead of panicking, so that a test
//! can assert on it and a program can print it:
//!
//! ```no_run
//! # use omnigraph::storage::{Stack, StorageOptions, conformance::{Conformance, Scope}};
//! # async fn example() -> omnigraph::Result<()> {
//! let uri = "memory://conformance".parse()?;
//! let options = StorageOptions::default();
//! let first = Stack::open(&uri, &options, &[]).await?;
//! let second = Stack::open(&uri, &options, &[]).await?;
//! for result in Conformance::new(first).with_other(second).run(Scope::Everything).await {
//!     println!("{result}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The checks work below `__conformance/` and leave nothing there.

mod content;
mod moves;
mod names;
mod parts;
mod race;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::error::{StorageError, StorageErrorKind};
use super::stack::Stack;

const PREFIX: &str = "__conformance";
/// A check that takes longer is broken.
const CHECK_TIME_MAX: Duration = Duration::from_secs(120);

/// One promise and what shows whether it is kept.
#[derive(Clone, Copy)]
pub struct Check {
    /// The name, in kebab case.
    pub name: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// Whether a backend must show this before anything else is run on it.
    pub is_preflight: bool,
    run: fn(Ground) -> Boxed,
}

type Boxed = Pin<Box<dyn Future<Output = Result<(), Breach>> + Send>>;

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

macro_rules! checks {
    ($($stage:ident $name:literal $run:path, $promise:literal;)*) => {
        &[$(Check {
            name: $name,
            promise: $promise,
            is_preflight: checks!(@$stage),
            run: |ground| Box::pin($run(ground)),
        }),*]
    };
    (@preflight) => { true };
    (@full) => { false };
}

/// Every check, in the order in which they run.
pub const CHECKS: &[Check] = checks! {
    full "put-is-readable-when-acknowledged"
        content::put_is_readable_when_acknowledged, "what was acknowledged is read, by every handle and in both realms";
    full "put-is-visible-whole-or-not-at-all"
        content::put_is_visible_whole_or_not_at_all, "a reader sees the old or the new content, never a part";
    full "created-content-is-complete-when-visible"
        content::created_content_is_complete_when_visible, "a created object is complete the instant it is visible";
    full "absence-is-not-found"
        content::absence_is_not_found, "what is not there is `not found`, in so many types";
    full "denial-is-an-error-and-never-absence"
        content::denial_is_an_error_and_never_absence, "trouble with permissions is an error, never `absent`";
    preflight "create-if-absent-has-one-winner"
        race::create_if_absent_has_one_winner, "of racing creators exactly one wins, and its content stays";
    full "create-over-an-object-fails"
        race::create_over_an_object_fails, "a create never replaces what is there";
    full "update-at-the-current-version-succeeds"
        race::update_at_the_current_version_succeeds, "a versioned read and a conditional update go together";
    preflight "update-at-an-old-version-fails"
        race::update_at_an_old_version_fails, "a conditional update at an old version fails and changes nothing";
    preflight "racing-updates-have-one-winner"
        race::racing_updates_have_one_winner, "of racing conditional updates exactly one wins, and its content stays";
    full "every-content-has-its-own-version"
        race::every_content_has_its_own_version, "two contents never share a version, however fast they follow each other";
    full "only-objects-and-non-empty-prefixes-exist"
        names::only_objects_and_non_empty_prefixes_exist, "there are no empty directories and no placeholders";
    full "a-directory-is-not-an-object"
        names::a_directory_is_not_an_object, "where an object is asked for, a directory is `not found`";
    preflight "list-shows-every-finished-write"
        names::list_shows_every_finished_write, "a listing shows at once what was written and deleted before it";
    full "list-is-flat"
        names::list_is_flat, "a listing shows the objects directly below a prefix";
    full "list-does-not-bleed-into-siblings"
        names::list_does_not_bleed_into_siblings, "a prefix that begins like another has nothing of the other";
    full "list-returns-what-get-accepts"
        names::list_returns_what_get_accepts, "listed names are read byte for byte, whatever characters they have";
    full "list-is-in-lexical-order"
        names::list_is_in_lexical_order, "listings of the table realm are in the order of the names, from any offset";
    full "missing-prefix-lists-as-empty"
        names::missing_prefix_lists_as_empty, "a prefix that does not exist lists as empty";
    full "names-stay-below-the-root"
        names::names_stay_below_the_root, "no name leads out of the graph: dot and empty segments and urls are refused";
    full "rename-replaces-and-creates-parents"
        moves::rename_replaces_and_creates_parents, "a rename replaces its target and creates what stands above it";
    full "rename-keeps-an-object-that-keeps-its-name"
        moves::rename_keeps_an_object_that_keeps_its_name, "a rename to the same name changes nothing";
    preflight "delete-is-idempotent"
        moves::delete_is_idempotent, "deleting what is not there succeeds";
    full "delete-prefix-is-idempotent-and-exact"
        moves::delete_prefix_is_idempotent_and_exact, "a prefix is deleted with all below it and nothing beside it";
    preflight "multipart-is-visible-when-complete"
        parts::multipart_is_visible_when_complete, "an upload in parts is visible when it is complete, and whole";
    full "multipart-abort-leaves-nothing"
        parts::multipart_abort_leaves_nothing, "an upload that is given up leaves no object";
    full "ranges-are-exact"
        parts::ranges_are_exact, "reads of ranges return exactly these bytes";
};

/// Which checks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Everything,
    /// Those that a backend must pass before anything else is run on it.
    Preflight,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum CheckOutcome {
    /// The promise is kept.
    Held,
    /// The promise is broken.
    Broken {
        /// What was seen instead.
        why: String,
    },
    /// The check needs something that was not given.
    NotApplicable {
        /// What it needs.
        why: String,
    },
}

/// A check and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// The check's name.
    pub check: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub outcome: CheckOutcome,
}

impl CheckResult {
    /// Whether the promise is broken.
    pub fn is_broken(&self) -> bool {
        matches!(self.outcome, CheckOutcome::Broken { .. })
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            CheckOutcome::Held => write!(f, "held            {}", self.check),
            CheckOutcome::Broken { why } => write!(f, "broken          {}: {why}", self.check),
            CheckOutcome::NotApplicable { why } => write!(f, "not applicable  {}: {why}", self.check),
        }
    }
}

/// A run of the suite on one place.
#[derive(Clone, Debug)]
pub struct Conformance {
    stack: Stack,
    other: Option<Stack>,
    denied: Option<Stack>,
}

impl Conformance {
    /// A run on the place that `stack` is a handle to.
    pub fn new(stack: Stack) -> Self {
        Conformance { stack, other: None, denied: None }
    }

    /// Uses a second handle to the same place wherever two parties take part.
    pub fn with_other(mut self, other: Stack) -> Self {
        self.other = Some(other);
        self
    }

    /// Uses a handle to the same place that is denied every call, such as one with wrong credentials.
    pub fn with_denied(mut self, denied: Stack) -> Self {
        self.denied = Some(denied);
        self
    }

    /// Runs the checks one after the other.
    pub async fn run(&self, scope: Scope) -> Vec<CheckResult> {
        let mut results = Vec::new();
        for check in CHECKS.iter().filter(|check| scope == Scope::Everything || check.is_preflight) {
            let outcome = self.run_one(check).await;
            results.push(CheckResult { check: check.name, promise: check.promise, outcome });
        }
        results
    }

    async fn run_one(&self, check: &Check) -> CheckOutcome {
        let ground = Ground {
            prefix: format!("{PREFIX}/{}", check.name),
            a: self.stack.clone(),
            b: self.other.clone().unwrap_or_else(|| self.stack.clone()),
            denied: self.denied.clone(),
        };
        let run = async {
            ground.clear().await?;
            (check.run)(ground.clone()).await?;
            ground.clear().await
        };
        match tokio::time::timeout(CHECK_TIME_MAX, run).await {
            Ok(Ok(())) => CheckOutcome::Held,
            Ok(Err(Breach::Broken(why))) => CheckOutcome::Broken { why },
            Ok(Err(Breach::Lacks(why))) => CheckOutcome::NotApplicable { why: why.to_owned() },
            Err(_) => CheckOutcome::Broken { why: format!("no answer within {} seconds", CHECK_TIME_MAX.as_secs()) },
        }
    }
}

/// What a check stands on: two handles and a prefix of its own.
#[derive(Clone, Debug)]
struct Ground {
    prefix: String,
    a: Stack,
    b: Stack,
    denied: Option<Stack>,
}

impl Ground {
    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    fn path(&self, name: &str) -> Path {
        Path::from_iter(self.name(name).split('/'))
    }

    async fn clear(&self) -> Result<(), Breach> {
        Ok(self.a.objects().delete_prefix(&self.prefix).await?)
    }
}

/// Why a check did not hold.
#[derive(Debug)]
enum Breach {
    Broken(String),
    Lacks(&'static str),
}

impl From<StorageError> for Breach {
    fn from(cause: StorageError) -> Self {
        Breach::Broken(format!("a call failed: {}", with_causes(&cause)))
    }
}

impl From<object_store::Error> for Breach {
    fn from(cause: object_store::Error) -> Self {
        Breach::Broken(format!("a call of the table realm failed: {}", with_causes(&cause)))
    }
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}

/// Fails the check with `why` unless `held`.
fn ensure(held: bool, why: impl FnOnce() -> String) -> Result<(), Breach> {
    if held { Ok(()) } else { Err(Breach::Broken(why())) }
}

/// Fails the check unless `outcome` is an error of this kind.
fn ensure_fails<T>(outcome: Result<T, StorageError>, kind: StorageErrorKind, doing: &str) -> Result<(), Breach> {
    match outcome {
        Ok(_) => Err(Breach::Broken(format!("{doing} succeeded instead of failing as `{kind}`"))),
        Err(error) => ensure(error.kind() == kind, || {
            format!("{doing} failed as `{}` instead of `{kind}`: {}", error.kind(), with_causes(&error))
        }),
    }
}

#[cfg(test)]
mod tests;
