//! Types that the scenario names, against the graph schema that it gives.

use super::super::model::{Action, Check, Step};
use super::super::nearest::{list, nearest};
use super::super::tree::{Entry, Kind, Node};
use super::Seen;
use crate::diagnostic::{Code, Diagnostic, Span};

pub(super) fn judge(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    let Some(catalog) = &seen.catalog else { return };
    let names: Vec<&str> = catalog.types().iter().map(|known| known.name.as_str()).collect();
    let mut judge = |name: &str, span: Span| {
        if !names.contains(&name) {
            let near = nearest(name, &names);
            let suggestion =
                near.map_or_else(|| format!("there are {}", list(&names)), |near| format!("did you mean '{near}'?"));
            mistakes.push(
                Diagnostic::new(Code::UnknownType, span, format!("the schema has no type '{name}'"))
                    .suggest(suggestion),
            );
        }
    };
    let setup = seen.root.nearest(&["graph", "setup"]);
    setup.items().iter().for_each(|row| text_at(row, &["type"], &mut judge));
    for (node, step) in seen.sound() {
        of_step(node, step, &mut judge);
    }
}

fn of_step(node: &Node, step: &Step, judge: &mut dyn FnMut(&str, Span)) {
    match &step.action {
        // A load that is to be refused may name what is not there.
        Action::Load(_) if !step.expect.allows_error() => {
            let load = node.nearest(&["load"]);
            load.nearest(&["rows"]).items().iter().for_each(|row| text_at(row, &["type"], judge));
            text_at(load, &["generate", "type"], judge);
        }
        Action::Check(check) => of_check(node.nearest(&["check"]), check, judge),
        Action::MoveHead(_) => text_at(node, &["move-head", "type"], judge),
        Action::PlantSidecar(_) => {
            node.nearest(&["plant-sidecar", "tables"])
                .items()
                .iter()
                .for_each(|table| text_at(table, &["type"], judge));
        }
        Action::Damage(damage) => {
            if let super::super::model::ObjectRef::HeadManifest(name) = damage.object() {
                judge(name, node.nearest(&["damage", damage.verb()]).span);
            }
        }
        _ => {}
    }
}

fn of_check(node: &Node, check: &Check, judge: &mut dyn FnMut(&str, Span)) {
    for name in check.rows.keys() {
        let span = node.nearest(&["rows"]).entry(name).map_or(node.span, |Entry { key_span, .. }| *key_span);
        judge(name, span);
    }
    let drift = node.get("drift").map_or(&[][..], Node::items);
    let audited = node.get("audit").map_or(&[][..], Node::items).iter();
    let tables = audited.filter_map(|row| row.get("tables")).flat_map(Node::items);
    for item in drift.iter().chain(tables) {
        text_at(item, &[], judge);
    }
}

fn text_at(node: &Node, path: &[&str], judge: &mut dyn FnMut(&str, Span)) {
    let value = path.iter().try_fold(node, |node, key| node.get(key));
    if let Some(Node { kind: Kind::Text(text), span, .. }) = value {
        judge(text, *span);
    }
}
