//! How a step has to end.

use omnigraph::ErrorKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Named;

/// How a step has to end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub enum Expect {
    /// It is done.
    #[default]
    Ok,
    /// It is done, and reports this.
    OkWith(OkExpectation),
    /// It fails with an error of this kind.
    Error(ErrorExpectation),
    /// It fails with any error but one that is in doubt or internal: nothing of it will ever be visible.
    Refused,
    /// It fails, and it is open whether it was done.
    InDoubt,
    /// Its process dies in it.
    Crash,
    /// It panics, and its process lives.
    Panic,
    /// One of these.
    OneOf(Vec<Expect>),
    /// Anything but the death of its process, a panic or an internal error.
    Any,
}

impl Expect {
    /// Whether the step may end with success.
    pub fn allows_ok(&self) -> bool {
        match self {
            Expect::Ok | Expect::OkWith(_) | Expect::Any => true,
            Expect::OneOf(list) => list.iter().any(Expect::allows_ok),
            _ => false,
        }
    }

    /// Whether the step may end with an error, in doubt or not.
    pub fn allows_error(&self) -> bool {
        match self {
            Expect::Error(_) | Expect::Refused | Expect::InDoubt | Expect::Any => true,
            Expect::OneOf(list) => list.iter().any(Expect::allows_error),
            _ => false,
        }
    }

    /// Whether the step may end with the death of its process.
    pub fn allows_crash(&self) -> bool {
        match self {
            Expect::Crash => true,
            Expect::OneOf(list) => list.iter().any(Expect::allows_crash),
            _ => false,
        }
    }

    /// Whether the step may panic.
    pub fn allows_panic(&self) -> bool {
        match self {
            Expect::Panic => true,
            Expect::OneOf(list) => list.iter().any(Expect::allows_panic),
            _ => false,
        }
    }

    pub(super) fn is_plain_ok(&self) -> bool {
        *self == Expect::Ok
    }
}

/// How it is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, rename_all = "kebab-case")]
#[schemars(rename = "Expect")]
enum Form {
    /// One word.
    Word(Word),
    /// An error, with what its words have to be.
    Error(ErrorExpectation),
    /// Success, with what it has to report.
    Ok {
        /// What it has to report.
        ok: OkExpectation,
    },
    /// Several ways to end, each as good as the others.
    OneOf {
        /// The ways.
        #[serde(rename = "one-of")]
        one_of: Vec<Expect>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// It is done.
    Ok,
    /// It fails with any error but one that is in doubt or internal: nothing of it will ever be visible.
    Refused,
    /// It fails, and it is open whether it was done.
    InDoubt,
    /// Its process dies in it.
    Crash,
    /// It panics, and its process lives.
    Panic,
    /// Anything but the death of its process, a panic or an internal error.
    Any,
}

impl From<Form> for Expect {
    fn from(form: Form) -> Self {
        match form {
            Form::Word(Word::Ok) => Expect::Ok,
            Form::Word(Word::Refused) => Expect::Refused,
            Form::Word(Word::InDoubt) => Expect::InDoubt,
            Form::Word(Word::Crash) => Expect::Crash,
            Form::Word(Word::Panic) => Expect::Panic,
            Form::Word(Word::Any) => Expect::Any,
            Form::Error(error) => Expect::Error(error),
            Form::Ok { ok } => Expect::OkWith(ok),
            Form::OneOf { one_of } => Expect::OneOf(one_of),
        }
    }
}

impl From<Expect> for Form {
    fn from(expect: Expect) -> Self {
        match expect {
            Expect::Ok => Form::Word(Word::Ok),
            Expect::Refused => Form::Word(Word::Refused),
            Expect::InDoubt => Form::Word(Word::InDoubt),
            Expect::Crash => Form::Word(Word::Crash),
            Expect::Panic => Form::Word(Word::Panic),
            Expect::Any => Form::Word(Word::Any),
            Expect::Error(error) => Form::Error(error),
            Expect::OkWith(ok) => Form::Ok { ok },
            Expect::OneOf(one_of) => Form::OneOf { one_of },
        }
    }
}

impl JsonSchema for Expect {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Form::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Form::json_schema(generator)
    }
}

/// An error, with what its words have to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ErrorExpectation {
    /// Its kind.
    pub error: Named<ErrorKind>,
    /// What its message says; case does not count.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub message: Words,
    /// What its advice says; case does not count.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub advice: Words,
    /// Whether trying again can help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
}

/// Words that a text must and must not contain. Case does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Words {
    /// Each of these stands in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub has: Vec<String>,
    /// None of these stands in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

impl Words {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.has.is_empty() && self.lacks.is_empty()
    }

    /// What is wrong with `text`, a sentence for each word; empty where it is as it has to be.
    pub fn judge(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let missing = self.has.iter().filter(|word| !text.contains(&word.to_lowercase()));
        let unwanted = self.lacks.iter().filter(|word| text.contains(&word.to_lowercase()));
        missing
            .map(|word| format!("it does not say '{word}'"))
            .chain(unwanted.map(|word| format!("it says '{word}'")))
            .collect()
    }
}

/// What a step that is done has to report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OkExpectation {
    /// What it recovered on its way: a load, a mutation and a refresh heal, a read-write open sweeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<RecoveredCounts>,
    /// Types whose uncovered drift a repair shows or published, sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Vec<String>>,
    /// Rows that a write inserted, updated and deleted together, by type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<std::collections::BTreeMap<String, u64>>,
    /// Whether the write had been done before, under the name that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<bool>,
}

/// How many operations a recovery pass dealt with; what is not named is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecoveredCounts {
    /// Finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_forward: Option<u64>,
    /// Undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<u64>,
    /// Left alone: within its grace, or because a table has lost versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred: Option<u64>,
}
