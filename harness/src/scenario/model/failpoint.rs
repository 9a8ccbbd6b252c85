//! Failpoints and what they do: the grammar of the `fail` crate, and `crash`.
//!
//! `[p%][n*]task[(argument)]`, several joined by `->`: with probability p per cent, at most n times, then the next.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::scenario::catalogue;

/// Longest delay that an action may ask for.
pub const DELAY_MAX: Duration = Duration::from_secs(10);

/// The name of a failpoint of the engine's catalogue, such as `sidecar.write` or `load:sidecar.write`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FailpointName(String);

impl FailpointName {
    /// The name as the engine spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The scope in front of the colon, if the name has one.
    pub fn scope(&self) -> Option<&str> {
        self.0.split_once(':').map(|(scope, _)| scope)
    }

    /// The window, without the scope.
    pub fn window(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(_, window)| window)
    }
}

impl fmt::Display for FailpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FailpointName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if catalogue::failpoints().iter().any(|known| known == name) {
            Ok(FailpointName(name.to_owned()))
        } else {
            Err(format!("there is no failpoint '{name}'"))
        }
    }
}

impl JsonSchema for FailpointName {
    fn schema_name() -> Cow<'static, str> {
        "FailpointName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A failpoint of the engine's catalogue; `load:` and the like narrow it to one that acts.",
            "x-noun": "failpoint",
            "enum": catalogue::failpoints(),
        })
    }
}

/// What a failpoint does, time after time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Actions {
    text: String,
    terms: Vec<Term>,
}

/// One term of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// How likely it is to act when its turn comes, above 0 and up to 1.
    pub probability: f64,
    /// How often it acts before the next term's turn; without end, if not said.
    pub count: Option<u64>,
    /// What it does.
    pub task: Task,
}

/// What a firing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Nothing; it lets the engine pass.
    Off,
    /// The window fails with an error.
    Return,
    /// The window takes that long.
    Delay(Duration),
    /// The window waits until the step is released or the fault is lifted.
    Pause,
    /// The window panics.
    Panic,
    /// The text goes to the engine's log, and the engine passes.
    Print(String),
    /// Other tasks run first, and the engine passes.
    Yield,
    /// The process dies here (SIGKILL).
    Crash,
}

impl Task {
    /// Its word in a scenario.
    pub fn as_str(&self) -> &'static str {
        match self {
            Task::Off => "off",
            Task::Return => "return",
            Task::Delay(_) => "delay",
            Task::Pause => "pause",
            Task::Panic => "panic",
            Task::Print(_) => "print",
            Task::Yield => "yield",
            Task::Crash => "crash",
        }
    }
}

impl Actions {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The terms, in order; at least one.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether one of the terms does `task`.
    pub fn can(&self, task: &Task) -> bool {
        self.terms.iter().any(|term| term.task == *task)
    }
}

/// The term as it is written in a scenario.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.probability < 1.0 {
            write!(f, "{}%", self.probability * 100.0)?;
        }
        if let Some(count) = self.count {
            write!(f, "{count}*")?;
        }
        match &self.task {
            Task::Off => f.write_str("off"),
            Task::Return => f.write_str("return"),
            Task::Delay(time) => write!(f, "delay({})", time.as_millis()),
            Task::Pause => f.write_str("pause"),
            Task::Panic => f.write_str("panic"),
            Task::Print(text) => write!(f, "print({text})"),
            Task::Yield => f.write_str("yield"),
            Task::Crash => f.write_str("crash"),
        }
    }
}

impl FromStr for Actions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let terms = text.split("->").map(|term| term.trim().parse()).collect::<Result<Vec<Term>, String>>()?;
        if let Some(endless) = terms.iter().rev().skip(1).find(|term| term.count.is_none() && term.probability >= 1.0) {
            return Err(format!(
                "'{}' never ends, so what follows it is never reached; put a count in front, as in 1*return",
                endless
            ));
        }
        if terms.iter().all(|term| term.task == Task::Off) {
            return Err("it does nothing: every term is off".to_owned());
        }
        Ok(Actions { text: text.to_owned(), terms })
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (head, argument) = match text.split_once('(') {
            Some((head, rest)) => match rest.strip_suffix(')') {
                Some(argument) => (head, Some(argument)),
                None => return Err(format!("'{text}' has a parenthesis that is never closed")),
            },
            None => (text, None),
        };
        let (probability, head) = match head.split_once('%') {
            Some((percent, rest)) => (probability(percent)?, rest),
            None => (1.0, head),
        };
        let (count, task) = match head.split_once('*') {
            Some((count, rest)) => (Some(positive(count)?), rest),
            None => (None, head),
        };
        let task = task_of(task.trim(), argument)?;
        Ok(Term { probability, count, task })
    }
}

fn probability(percent: &str) -> Result<f64, String> {
    match percent.trim().parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err(format!("'{percent}%' is not a probability; it must be above 0 and at most 100 per cent")),
    }
}

fn positive(count: &str) -> Result<u64, String> {
    match count.trim().parse::<u64>() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("'{count}*' is not a count; it must be a whole number from 1")),
    }
}

fn task_of(task: &str, argument: Option<&str>) -> Result<Task, String> {
    let plain = |done: Task| match argument {
        None => Ok(done),
        Some(_) => Err(format!("'{task}' takes no argument")),
    };
    match task {
        "off" => plain(Task::Off),
        "return" => plain(Task::Return),
        "pause" => plain(Task::Pause),
        "panic" => plain(Task::Panic),
        "crash" => plain(Task::Crash),
        "yield" => plain(Task::Yield),
        "print" => Ok(Task::Print(argument.unwrap_or_default().to_owned())),
        "delay" | "sleep" => match argument.map(|millis| millis.trim().parse::<u64>().map(Duration::from_millis)) {
            Some(Ok(time)) if time <= DELAY_MAX => Ok(Task::Delay(time)),
            _ => Err(format!("'{task}' takes milliseconds, at most {}, as in {task}(50)", DELAY_MAX.as_millis())),
        },
        _ => Err(format!("there is no action '{task}'; there are {}", Task::NAMES.join(", "))),
    }
}

impl Task {
    /// The names of the tasks, for suggestions.
    pub const NAMES: &'static [&'static str] =
        &["off", "return", "delay", "sleep", "pause", "panic", "print", "yield", "crash"];
}

impl TryFrom<String> for Actions {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Actions> for String {
    fn from(actions: Actions) -> Self {
        actions.text
    }
}

impl JsonSchema for Actions {
    fn schema_name() -> Cow<'static, str> {
        "Actions".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "failpoint-actions",
            "description": "What the failpoint does: `[p%][n*]task`, several joined by `->`; a task is `return` (an error), \
                            `delay(milliseconds)` or `sleep(…)`, `pause` (until released), `panic`, `print(text)` (to the engine's log), \
                            `yield`, `crash` (SIGKILL) or `off`.",
            "examples": ["return", "1*return", "1*off->1*crash", "delay(50)", "crash"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_of_the_fail_crate_is_read_and_so_is_crash() {
        let text = "1*off->2*sleep(50)->50%3*pause->1*print(here)->1*yield->1*panic->1*return->crash";
        let actions: Actions = text.parse().unwrap();
        let terms: Vec<String> = actions.terms().iter().map(Term::to_string).collect();
        assert_eq!(terms.join("->"), text.replace("sleep", "delay"));
    }

    #[test]
    fn what_cannot_fire_is_refused() {
        for text in
            ["", "off", "returm", "return(", "0*return", "101%return", "return->crash", "delay", "delay(x)", "crash(1)"]
        {
            assert!(text.parse::<Actions>().is_err(), "{text} was taken");
        }
    }
}
