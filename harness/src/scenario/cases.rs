//! One file that says several scenarios: `for` names what differs, and each choice, with each of every other axis, is a case.
//!
//! ```yaml
//! for:
//!   window: [sidecar.written, table.commit]      # an axis of plain choices: ${window}
//!   writer:                                      # choices with values of their own: ${writer}, ${writer.step}
//!     append: {step: {load: {rows: [{type: Person, data: {name: bob}}]}}}
//!     update: {step: {mutate: UPDATE Person SET age = 31}}
//! steps:
//!   - <<: ${writer.step}
//!     hold: ${window}
//! ```
//!
//! The cases are made from the tree, before anything is validated, so that each is a scenario like any other and every value
//! keeps the place where it was written. A placeholder that is a whole value becomes what it stands for, whatever that is;
//! within a text it becomes text. In a list it is spliced where it stands for a list. Where it stands for nothing, it goes,
//! together with its key. `<<` takes over the keys of a map; those beside it win.

use super::limit;
use super::nearest::{list, nearest};
use super::tree::{Entry, Kind, Node, depth as depth_of, size};
use crate::diagnostic::{Code, Diagnostic, Span};

/// The key.
pub const KEY: &str = "for";
const MERGE: &str = "<<";

/// One case of a file.
#[derive(Debug)]
pub struct Case {
    /// The choices, one for each axis; none for a file that is one scenario.
    pub choices: Vec<String>,
    /// The scenario.
    pub root: Node,
}

/// Every case of a file, in the order of its axes. What is wrong with the cases themselves is added to `mistakes`; there is
/// no case then.
pub fn expand(root: Node, mistakes: &mut Vec<Diagnostic>) -> Vec<Case> {
    let Some(entry) = root.entry(KEY) else { return vec![Case { choices: Vec::new(), root }] };
    let before = mistakes.len();
    let axes = axes(entry, mistakes);
    let count = axes.iter().try_fold(1_usize, |count, axis| count.checked_mul(axis.choices.len()));
    if count.is_none_or(|count| count > limit::CASES_MAX) {
        let message = format!("more than {} cases", limit::CASES_MAX);
        mistakes.push(Diagnostic::new(Code::Limit, entry.key_span, message).suggest("split the file"));
    }
    if mistakes.len() > before {
        return Vec::new();
    }
    let mut cases = Vec::new();
    let mut budget = limit::CASES_VALUES_MAX;
    for picks in product(&axes) {
        let mut filling = Filling { picks: &picks, mistakes, budget: &mut budget };
        let Some(root) = filling.node(&without_axes(&root), 0).one() else { continue };
        let choices = picks.iter().map(|pick| pick.choice.name().to_owned()).collect();
        cases.push(Case { choices, root });
    }
    if mistakes.len() > before {
        // Most of them are in every case.
        let new = mistakes.split_off(before);
        for mistake in new {
            if !mistakes.contains(&mistake) {
                mistakes.push(mistake);
            }
        }
        cases.clear();
    }
    cases
}

fn without_axes(root: &Node) -> Node {
    let kind = match &root.kind {
        Kind::Map(entries) => Kind::Map(entries.iter().filter(|entry| entry.key != KEY).cloned().collect()),
        other => other.clone(),
    };
    Node { kind, ..root.clone() }
}

struct Axis<'a> {
    name: &'a str,
    choices: Vec<Choice<'a>>,
}

struct Choice<'a> {
    /// The word that it is called by, as a value with its place.
    word: Node,
    values: &'a [Entry],
}

impl<'a> Choice<'a> {
    fn new(name: &str, span: Span, values: &'a [Entry]) -> Self {
        Choice { word: Node { span, kind: Kind::Text(name.to_owned()), literal: false }, values }
    }

    fn name(&self) -> &str {
        match &self.word.kind {
            Kind::Text(name) => name,
            _ => "",
        }
    }
}

#[derive(Clone, Copy)]
struct Pick<'a> {
    axis: &'a str,
    choice: &'a Choice<'a>,
}

fn axes<'a>(entry: &'a Entry, mistakes: &mut Vec<Diagnostic>) -> Vec<Axis<'a>> {
    let Kind::Map(entries) = &entry.value.kind else {
        let mistake = Diagnostic::new(Code::WrongType, entry.value.span, "'for' is a map from a name to its choices");
        mistakes.push(mistake.suggest("write, for one, 'for: {window: [table.commit, table.committed]}'"));
        return Vec::new();
    };
    entries
        .iter()
        .map(|axis| {
            name(&axis.key, axis.key_span, mistakes);
            let choices = choices(axis, mistakes);
            if choices.is_empty() {
                let message = format!("'{}' has no choice, so there is no case", axis.key);
                mistakes.push(Diagnostic::new(Code::WrongType, axis.value.span, message));
            }
            Axis { name: &axis.key, choices }
        })
        .collect()
}

fn choices<'a>(axis: &'a Entry, mistakes: &mut Vec<Diagnostic>) -> Vec<Choice<'a>> {
    let mut choices: Vec<Choice<'a>> = Vec::new();
    match &axis.value.kind {
        Kind::List(items) => {
            for item in items {
                let Kind::Text(text) = &item.kind else {
                    let mistake = Diagnostic::new(Code::WrongType, item.span, "a choice in a list is a word");
                    mistakes.push(mistake.suggest("write a map to give a choice values of its own"));
                    continue;
                };
                name(text, item.span, mistakes);
                if let Some(first) = choices.iter().find(|choice| choice.name() == text) {
                    let mistake = Diagnostic::new(Code::DuplicateKey, item.span, format!("'{text}' is there twice"));
                    mistakes.push(mistake.relate(first.word.span, "the first time"));
                }
                choices.push(Choice::new(text, item.span, &[]));
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                name(&entry.key, entry.key_span, mistakes);
                let values = match &entry.value.kind {
                    Kind::Map(values) => &values[..],
                    _ => {
                        let message = "the values of a choice are a map from a name to a value";
                        mistakes.push(Diagnostic::new(Code::WrongType, entry.value.span, message));
                        &[]
                    }
                };
                choices.push(Choice::new(&entry.key, entry.key_span, values));
            }
        }
        _ => {}
    }
    choices
}

/// Axes and choices are parts of names: of scenarios, and of files.
fn name(text: &str, span: Span, mistakes: &mut Vec<Diagnostic>) {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !starts || text.len() > limit::NAME_CHARS_MAX || !text.chars().all(sound) {
        let message = format!("'{text}' cannot be part of a scenario's name");
        let help = format!(
            "use up to {} lower-case letters, digits, dots and dashes, beginning with a letter or a digit",
            limit::NAME_CHARS_MAX
        );
        mistakes.push(Diagnostic::new(Code::BadFormat, span, message).suggest(help));
    }
}

/// Every choice of the first axis with every choice of the others. The axes have at most [`limit::CASES_MAX`] together.
fn product<'a>(axes: &'a [Axis<'a>]) -> Vec<Vec<Pick<'a>>> {
    axes.iter().fold(vec![Vec::new()], |cases, axis| {
        let with = |case: &Vec<Pick<'a>>| {
            let picks = axis.choices.iter().map(|choice| Pick { axis: axis.name, choice });
            picks.map(|pick| [&case[..], &[pick]].concat()).collect::<Vec<_>>()
        };
        cases.iter().flat_map(with).collect()
    })
}

/// What became of a value.
enum Filled {
    /// It is there, perhaps changed.
    There(Node),
    /// Several values take its place in a list.
    Several(Vec<Node>),
    /// It is left out.
    Gone,
}

impl Filled {
    fn one(self) -> Option<Node> {
        match self {
            Filled::There(node) => Some(node),
            Filled::Several(_) | Filled::Gone => None,
        }
    }
}

/// Puts the values of one case into a tree.
struct Filling<'a, 'm> {
    picks: &'a [Pick<'a>],
    mistakes: &'m mut Vec<Diagnostic>,
    /// Values that all cases together may still have.
    budget: &'m mut usize,
}

impl Filling<'_, '_> {
    fn node(&mut self, node: &Node, depth: usize) -> Filled {
        let Some(left) = self.budget.checked_sub(1) else {
            // Said once: what follows is nothing.
            return Filled::Gone;
        };
        *self.budget = left;
        if left == 0 {
            let message = format!("the cases have more than {} values together", limit::CASES_VALUES_MAX);
            self.mistakes.push(Diagnostic::new(Code::Limit, node.span, message).suggest("split the file"));
            return Filled::Gone;
        }
        if depth > limit::DEPTH_MAX {
            let message = format!("nested deeper than {} levels", limit::DEPTH_MAX);
            self.mistakes.push(Diagnostic::new(Code::Limit, node.span, message));
            return Filled::Gone;
        }
        let kind = match &node.kind {
            Kind::Text(text) => return self.text(text, node, depth),
            Kind::List(items) => {
                let mut filled = Vec::with_capacity(items.len());
                for item in items {
                    match self.node(item, depth + 1) {
                        Filled::There(item) => filled.push(item),
                        Filled::Several(items) => filled.extend(items),
                        Filled::Gone => {}
                    }
                }
                Kind::List(filled)
            }
            Kind::Map(entries) => Kind::Map(self.map(entries, depth)),
            other => other.clone(),
        };
        Filled::There(Node { kind, ..node.clone() })
    }

    fn map(&mut self, entries: &[Entry], depth: usize) -> Vec<Entry> {
        let mut filled: Vec<Entry> = Vec::with_capacity(entries.len());
        let mut merged = Vec::new();
        for entry in entries {
            // A list as the value of a key is a list.
            let value = match self.node(&entry.value, depth + 1) {
                Filled::There(value) => value,
                Filled::Several(items) => Node { kind: Kind::List(items), ..entry.value.clone() },
                Filled::Gone => continue,
            };
            if entry.key == MERGE {
                match value.kind {
                    Kind::Map(entries) => merged.extend(entries),
                    _ => self.mistakes.push(Diagnostic::new(Code::WrongType, value.span, "'<<' takes over a map")),
                }
                continue;
            }
            let Some(key) = self.words(&entry.key, entry.key_span) else { continue };
            if let Some(first) = filled.iter().find(|known| known.key == key) {
                let mistake =
                    Diagnostic::new(Code::DuplicateKey, entry.key_span, format!("'{key}' stands here a second time"));
                self.mistakes.push(mistake.relate(first.key_span, "the first time"));
                continue;
            }
            filled.push(Entry { key, key_span: entry.key_span, value });
        }
        let own = filled.len();
        for entry in merged {
            if !filled[..own].iter().any(|known| known.key == entry.key) {
                filled.push(entry);
            }
        }
        filled
    }

    fn text(&mut self, text: &str, node: &Node, depth: usize) -> Filled {
        let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('}'));
        let Some(name) = whole else {
            return match self.words(text, node.span) {
                Some(text) => Filled::There(Node { kind: Kind::Text(text), ..node.clone() }),
                None => Filled::Gone,
            };
        };
        let Some(value) = self.value(name, node.span) else { return Filled::Gone };
        // The value itself is copied, not filled: placeholders do not stand for placeholders.
        *self.budget = self.budget.saturating_sub(size(&value)).max(1);
        if depth + depth_of(&value) > limit::DEPTH_MAX {
            let message = format!("nested deeper than {} levels", limit::DEPTH_MAX);
            self.mistakes.push(Diagnostic::new(Code::Limit, node.span, message));
            return Filled::Gone;
        }
        match value.kind {
            Kind::Null => Filled::Gone,
            Kind::List(items) => Filled::Several(items),
            _ => Filled::There(value),
        }
    }

    /// A text with every placeholder in it filled.
    fn words(&mut self, text: &str, span: Span) -> Option<String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            filled.push_str(before);
            match &self.value(name, span)?.kind {
                Kind::Text(text) => filled.push_str(text),
                Kind::Number(number) => filled.push_str(&number.to_string()),
                Kind::Bool(flag) => filled.push_str(&flag.to_string()),
                Kind::Null => {}
                Kind::List(_) | Kind::Map(_) => {
                    let message = format!("'{name}' is a list or a map, and stands within a text");
                    self.mistakes.push(Diagnostic::new(Code::WrongType, span, message));
                    return None;
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }

    /// What a placeholder stands for.
    fn value(&mut self, name: &str, span: Span) -> Option<Node> {
        let (axis, value) = name.split_once('.').map_or((name, None), |(axis, value)| (axis, Some(value)));
        let Some(pick) = self.picks.iter().find(|pick| pick.axis == axis) else {
            let names: Vec<&str> = self.picks.iter().map(|pick| pick.axis).collect();
            return self.unknown(format!("'for' names no '{axis}'"), axis, &names, span);
        };
        let Some(value) = value else { return Some(Node { span, ..pick.choice.word.clone() }) };
        match pick.choice.values.iter().find(|entry| entry.key == value) {
            Some(entry) => Some(entry.value.clone()),
            None => {
                let names: Vec<&str> = pick.choice.values.iter().map(|entry| entry.key.as_str()).collect();
                let message = format!("'{}' of '{axis}' has no value '{value}'", pick.choice.name());
                self.unknown(message, value, &names, span)
            }
        }
    }

    fn unknown(&mut self, message: String, name: &str, names: &[&str], span: Span) -> Option<Node> {
        let suggestion = match (nearest(name, names), names) {
            (Some(near), _) => Some(format!("did you mean '{near}'?")),
            (None, []) => None,
            (None, names) => Some(format!("there are {}", list(names))),
        };
        self.mistakes.push(Diagnostic::new(Code::UnknownWord, span, message).suggest_maybe(suggestion));
        None
    }
}
