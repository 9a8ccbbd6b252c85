//! What the form of a file cannot say: whether its parts make sense together.
//!
//! [`kind`] asks what kind of scenario it is, [`content`] looks at the scenario as a whole, [`types`] compares what is named with the scenario's own graph schema,
//! [`reach`] asks of each fault whether anything can reach it, and [`flow`] follows handles, processes and background
//! steps from one step to the next. [`sweep`] asks the same of every kind of case that a sweep is made into.

mod content;
mod flow;
mod kind;
mod reach;
mod sweep;
mod types;

pub(in crate::scenario) use self::reach::scopes;
use omnigraph::schema::Catalog;
pub use reach::{can_strike, crossed_by};

use super::model::{Scenario, Step};
use super::tree::Node;
use crate::diagnostic::{Code, Diagnostic, Span};

/// What was read of a file: its steps as far as each is sound by itself, and the scenario where all of it is.
pub struct Seen<'a> {
    root: &'a Node,
    nodes: &'a [Node],
    steps: &'a [Option<Step>],
    whole: Option<&'a Scenario>,
    catalog: Option<Catalog>,
}

impl<'a> Seen<'a> {
    /// What was read.
    pub fn new(root: &'a Node, nodes: &'a [Node], steps: &'a [Option<Step>], whole: Option<&'a Scenario>) -> Self {
        let schema = root.get("graph").and_then(|graph| graph.get("schema")).and_then(|schema| match &schema.kind {
            super::tree::Kind::Text(text) => Some(text),
            _ => None,
        });
        let catalog = schema.and_then(|text| Catalog::parse(text).ok());
        Seen { root, nodes, steps, whole, catalog }
    }

    /// The steps that are sound by themselves, with their values' places.
    fn sound(&self) -> impl Iterator<Item = (&'a Node, &'a Step)> {
        self.nodes.iter().zip(self.steps).filter_map(|(node, step)| Some((node, step.as_ref()?)))
    }

    /// Every step, or none where one of them is not sound.
    fn all(&self) -> Option<Vec<(&'a Node, &'a Step)>> {
        self.nodes.iter().zip(self.steps).map(|(node, step)| Some((node, step.as_ref()?))).collect()
    }
}

/// Adds what makes no sense to `mistakes`.
pub fn judge(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    kind::judge(seen, mistakes);
    content::judge(seen, mistakes);
    types::judge(seen, mistakes);
    reach::judge(seen, mistakes);
    // What one step leaves behind is unknown when it could not be read.
    if let Some(steps) = seen.all() {
        flow::judge(&steps, mistakes);
    }
    sweep::judge(seen, mistakes);
}

/// Where a key of a step stands, or the step itself.
fn key_span(node: &Node, key: &str) -> Span {
    node.entry(key).map_or_else(|| first_key(node), |entry| entry.key_span)
}

/// Where a map begins to speak: its first key.
fn first_key(node: &Node) -> Span {
    match &node.kind {
        super::tree::Kind::Map(entries) => entries.first().map_or(node.span, |entry| entry.key_span),
        _ => node.span,
    }
}

fn contradiction(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::Contradiction, span, message)
}
