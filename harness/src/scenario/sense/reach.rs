//! Faults that nothing can reach: they would never fire, and the run would only say so at its end.

use std::collections::BTreeMap;

use omnigraph::failpoint::{Scope, Window};
use omnigraph::storage::{Operation, PathClass, Realm};

use super::super::model::{
    Action, Actions, Effect, FailpointName, Matcher, OpenMode, Repair, Step, StoreFault, When, WireEffect, WireFault,
};
use super::super::tree::Node;
use super::{Seen, contradiction, key_span};
use crate::diagnostic::{Code, Diagnostic, Span};

pub(super) fn judge(seen: &Seen<'_>, mistakes: &mut Vec<Diagnostic>) {
    for (at, (node, step)) in seen.sound().enumerate() {
        match &step.action {
            Action::Arm(arm) => {
                if arm.failpoints.is_empty() && arm.faults.is_empty() && arm.wire.is_empty() {
                    mistakes.push(contradiction(key_span(node, "arm"), format!("'{}' arms nothing", arm.name)));
                }
                let Some(steps) = seen.all() else { continue };
                let beside = in_background(&steps[..at]);
                let mut later = while_armed(&steps[at + 1..], step.process(), &arm.name);
                later.extend(beside.iter().filter(|started| started.process() == step.process()));
                let armed = node.nearest(&["arm"]);
                let site = Site { node: armed, steps: &later, armed_across: true };
                site.judge(&arm.failpoints, &arm.faults, mistakes);
                let mut later = while_wired(&steps[at + 1..], step.process(), &arm.name);
                later.extend(beside);
                Site { node: armed, steps: &later, armed_across: true }.wire(&arm.wire, mistakes);
            }
            action if action.runs_the_engine() => {
                let site = Site { node, steps: &[step], armed_across: false };
                site.judge(&step.failpoints, &step.faults, mistakes);
                site.wire(&step.wire, mistakes);
                if let Some(hold) = &step.hold {
                    site.failpoint(hold, node.nearest(&["hold"]).span, mistakes);
                }
            }
            _ => {}
        }
    }
}

/// The steps that were started and not joined so far, which may go on while something is armed.
fn in_background<'a>(earlier: &[(&Node, &'a Step)]) -> Vec<&'a Step> {
    let mut going_on: BTreeMap<&str, &Step> = BTreeMap::new();
    for (_, step) in earlier {
        match (&step.action, &step.start) {
            (Action::Join(name), _) => drop(going_on.remove(name.as_str())),
            (_, Some(name)) => drop(going_on.insert(name, step)),
            _ => {}
        }
    }
    going_on.into_values().collect()
}

/// The steps of a process that run the engine until what was armed under `name` is lifted.
fn while_armed<'a>(later: &[(&Node, &'a Step)], process: &str, name: &str) -> Vec<&'a Step> {
    let lifted = |step: &Step| match &step.action {
        Action::Lift(lifted) => step.process() == process && (lifted == name || lifted == "all"),
        // A process that is started anew has no fault armed.
        Action::Restart(_) => step.process() == process,
        _ => false,
    };
    later
        .iter()
        .map(|(_, step)| *step)
        .take_while(|step| !lifted(step))
        .filter(|step| step.process() == process && step.action.runs_the_engine())
        .collect()
}

/// The steps until the wire faults are lifted that were armed under `name`. Every process uses the same wire, and a process
/// that is started anew changes nothing about it.
fn while_wired<'a>(later: &[(&Node, &'a Step)], process: &str, name: &str) -> Vec<&'a Step> {
    let lifted = |step: &Step| match &step.action {
        Action::Lift(lifted) => step.process() == process && (lifted == name || lifted == "all"),
        _ => false,
    };
    let steps = later.iter().map(|(_, step)| *step).take_while(|step| !lifted(step));
    steps.filter(|step| step.action.runs_the_engine()).collect()
}

/// Faults, and the steps in which they can strike.
struct Site<'a> {
    node: &'a Node,
    steps: &'a [&'a Step],
    /// Whether they stay armed across steps, or are of one step alone.
    armed_across: bool,
}

impl Site<'_> {
    fn judge(
        &self,
        failpoints: &BTreeMap<FailpointName, Actions>,
        faults: &[StoreFault],
        mistakes: &mut Vec<Diagnostic>,
    ) {
        for name in failpoints.keys() {
            let span = key_span(self.node.nearest(&["failpoints"]), name.as_str());
            self.failpoint(name, span, mistakes);
        }
        for (fault, node) in faults.iter().zip(self.node.nearest(&["faults"]).items()) {
            self.store(fault, node, mistakes);
        }
    }

    fn failpoint(&self, name: &FailpointName, span: Span, mistakes: &mut Vec<Diagnostic>) {
        let acting: Vec<Scope> = self.steps.iter().flat_map(|step| scopes(&step.action)).copied().collect();
        let crossed = acting.iter().any(|scope| {
            let scope_fits = name.scope().is_none_or(|wanted| scope.as_str() == wanted);
            scope_fits && Window::ALL.iter().any(|window| window.as_str() == name.window() && scope.crosses(*window))
        });
        if !crossed {
            let who = if self.armed_across { "no step while it is armed can" } else { "this step cannot" };
            let message = format!("{who} cross '{name}', so it would never fire");
            let others: Vec<&str> =
                Scope::ALL.iter().filter(|scope| crosses(**scope, name.window())).map(|scope| scope.as_str()).collect();
            let who = format!("it is crossed by {}", others.join(", "));
            mistakes.push(Diagnostic::new(Code::Unreachable, span, message).suggest(who));
        }
    }

    fn store(&self, fault: &StoreFault, node: &Node, mistakes: &mut Vec<Diagnostic>) {
        self.calls(&fault.on, node.nearest(&["on"]), mistakes);
        let contradictions = fault.on.operation.and_then(|named| fault.effect.misfit(named.0));
        mistakes.extend(contradictions.map(|reason| contradiction(node.nearest(&["do"]).span, reason)));
        never(fault.when, node, mistakes);
    }

    fn wire(&self, faults: &[WireFault], mistakes: &mut Vec<Diagnostic>) {
        for (fault, node) in faults.iter().zip(self.node.nearest(&["wire"]).items()) {
            self.calls(&fault.on.as_matcher(), node.nearest(&["on"]), mistakes);
            let operation = fault.on.operation.map(|named| named.0);
            if let (WireEffect::Truncated(_), Some(operation)) = (&fault.effect, operation)
                && !WireEffect::has_answer_with_body(operation)
            {
                let message = format!("the answer to a '{}' has no body that could be cut off", operation.as_str());
                let mistake = contradiction(node.nearest(&["do"]).span, message);
                mistakes.push(mistake.suggest("cut the answer itself with 'reset-response'"));
            }
            if fault.effect.late().is_some() {
                let misfit = operation.and_then(|operation| Effect::Late(String::new()).misfit(operation));
                mistakes.extend(misfit.map(|reason| contradiction(node.nearest(&["do"]).span, reason)));
            }
            never(fault.when, node, mistakes);
        }
    }

    /// Whether any call of the steps can fit what the fault waits for.
    fn calls(&self, matcher: &Matcher, on: &Node, mistakes: &mut Vec<Diagnostic>) {
        let mut unreachable = |span: Span, message: String, suggestion: Option<String>| {
            mistakes.push(Diagnostic::new(Code::Unreachable, span, message).suggest_maybe(suggestion));
        };
        if self.steps.is_empty() {
            return unreachable(on.span, "nothing follows that could meet it while it is armed".to_owned(), None);
        }
        let class = matcher.class.map(|named| named.0);
        let realm = matcher.realm.map(|named| named.0);
        if let (Some(class), Some(realm)) = (class, realm)
            && let Some(only) = realm_of(class).filter(|only| *only != realm)
        {
            let message =
                format!("the realm '{}' never touches objects of the class '{}'", realm.as_str(), class.as_str());
            let suggestion = format!("leave it out, or write '{}'", only.as_str());
            unreachable(on.nearest(&["realm"]).span, message, Some(suggestion));
        }
        let who = if self.armed_across { "no step while it is armed" } else { "nothing in this step" };
        if let Some(class) = class.filter(|class| !self.any(|action| touches(action, *class))) {
            let message = format!("{who} touches objects of the class '{}'", class.as_str());
            unreachable(on.nearest(&["class"]).span, message, None);
        }
        if let Some(operation) = matcher.operation.map(|named| named.0)
            && operation.is_write()
            && !self.any(writes_objects)
        {
            let message = format!("{who} writes, so no '{}' can be struck", operation.as_str());
            unreachable(on.nearest(&["operation"]).span, message, None);
        }
    }

    fn any(&self, holds: impl Fn(&Action) -> bool) -> bool {
        self.steps.iter().any(|step| holds(&step.action))
    }
}

/// The failpoints, each narrowed to who crosses it, that a step with this action can cross.
pub fn crossed_by(action: &Action) -> impl Iterator<Item = FailpointName> + use<> {
    let names = scopes(action).iter().flat_map(|scope| {
        let windows = Window::ALL.iter().filter(|window| scope.crosses(**window));
        windows.map(|window| format!("{}:{}", scope.as_str(), window.as_str()))
    });
    names.filter_map(|name| name.parse().ok())
}

/// Whether a step with this action can make such a call, and the effect can strike it.
pub fn can_strike(action: &Action, operation: Operation, class: PathClass, effect: &Effect) -> bool {
    action.runs_the_engine()
        && touches(action, class)
        && (writes_objects(action) || !operation.is_write())
        && effect.misfit(operation).is_none()
}

/// Who acts while a step runs.
pub(in crate::scenario) fn scopes(action: &Action) -> &'static [Scope] {
    match action {
        Action::Create(_) => &[Scope::Create],
        Action::Load(_) => &[Scope::Load, Scope::Heal],
        Action::Mutate(_) => &[Scope::Mutate, Scope::Heal],
        Action::Refresh(_) => &[Scope::Heal],
        Action::Repair(_) => &[Scope::Repair],
        Action::Open(OpenMode::ReadWrite) => &[Scope::Sweep],
        _ => &[],
    }
}

fn crosses(scope: Scope, window: &str) -> bool {
    Window::ALL.iter().any(|known| known.as_str() == window && scope.crosses(*known))
}

fn writes_objects(action: &Action) -> bool {
    !matches!(action, Action::Query(_) | Action::Open(OpenMode::ReadOnly) | Action::Repair(Repair::Preview))
}

/// Whether the calls of an action can be about objects of a class.
fn touches(action: &Action, class: PathClass) -> bool {
    let recovers =
        matches!(action, Action::Load(_) | Action::Mutate(_) | Action::Refresh(_) | Action::Open(OpenMode::ReadWrite));
    match class {
        PathClass::Sidecar => recovers || matches!(action, Action::Repair(_)),
        PathClass::Audit => recovers || matches!(action, Action::Repair(Repair::Audit)),
        PathClass::Quarantine => {
            matches!(action, Action::Repair(Repair::Quarantine(_) | Repair::Audit | Repair::Manifest))
        }
        _ => true,
    }
}

/// The only realm that touches a class, where there is one.
fn realm_of(class: PathClass) -> Option<Realm> {
    match class {
        PathClass::Sidecar | PathClass::Quarantine | PathClass::SchemaObject => Some(Realm::Control),
        PathClass::Other => None,
        _ => Some(Realm::Table),
    }
}

fn never(when: When, node: &Node, mistakes: &mut Vec<Diagnostic>) {
    if when == When::Probability(0.0) {
        let span = node.nearest(&["when"]).span;
        mistakes.push(Diagnostic::new(Code::Unreachable, span, "a fault with the probability 0 never fires"));
    }
}
