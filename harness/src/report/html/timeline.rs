//! What happened in one cell, in order: steps, the faults that struck in them, what was recovered, and the store calls.

use super::look;
use super::markup::Markup;
use crate::event::{Event, FaultId, Outcome, StepRef, StoreCall, VerdictName};
use crate::report::collected::duration;
use crate::report::trail::Trail;

/// Store calls shown for one step; of more, the last ones, since what went wrong is at the end.
const CALLS_MAX: usize = 80;
/// The process and the handle that nobody names because there is no other.
const DEFAULT: &str = "main";

/// The cell's events as a list.
pub fn write(page: &mut Markup, trail: &Trail) {
    if trail.events().next().is_none() {
        return;
    }
    let (calls_of_steps, calls_after) = trail.calls_of_steps();
    page.raw("<h3>What happened</h3>\n<ol class=\"timeline\">\n");
    for (index, record) in trail.events() {
        if trail.gap() == Some(index) {
            page.raw("<li><span class=\"event\">").text(trail.events_dropped);
            page.raw(" events in between are in the bundle alone</span></li>\n");
        }
        let at_ms = record.elapsed_ms.saturating_sub(trail.started_ms);
        match &record.event {
            Event::StepStarted { step, .. } => {
                item(page, at_ms, "step");
                one_step(page, step);
            }
            Event::FaultArmed { fault, .. } => fault_line(page, at_ms, "armed", "◇", fault),
            Event::FaultReached { fault, .. } => fault_line(page, at_ms, "reached", "◈", fault),
            Event::FaultFired { fault, firing, .. } => {
                fault_line(page, at_ms, "fired", "◆", fault);
                if !firing.at.is_empty() {
                    page.raw(" <span class=\"firing\">at <code>").text(&firing.at).raw("</code></span>");
                }
            }
            Event::StepFinished { step, outcome, as_expected, duration_ms, .. } => {
                let calls = calls_of_steps.get(&index).map_or(&[][..], Vec::as_slice);
                item(page, at_ms, if *as_expected { "end" } else { "end wrong" });
                finished(page, step, outcome, *as_expected, *duration_ms);
                store_calls(page, calls);
            }
            Event::RecoveryObserved { step, rolled_forward, rolled_back, deferred, .. } => {
                item(page, at_ms, "recovery");
                page.raw("<span aria-hidden=\"true\">↻</span> ");
                page.raw(if step.is_some() { "recovery" } else { "the open at the end" });
                recovered(
                    page,
                    [("rolled forward", rolled_forward), ("rolled back", rolled_back), ("deferred", deferred)],
                );
            }
            _ => continue,
        }
        page.raw("</li>\n");
    }
    if !calls_after.is_empty() {
        let at_ms = trail.calls.back().map_or(0, |(at_ms, _)| at_ms.saturating_sub(trail.started_ms));
        item(page, at_ms, "end");
        page.raw("after the last step");
        store_calls(page, &calls_after);
        page.raw("</li>\n");
    }
    page.raw("</ol>\n");
    if trail.calls_dropped > 0 {
        page.raw("<p class=\"where\">")
            .text(trail.calls_dropped)
            .raw(" earlier store calls are in the bundle alone.</p>\n");
    }
}

fn item(page: &mut Markup, at_ms: u64, class: &'static str) {
    page.raw("<li class=\"").raw(class).raw("\"><span class=\"at\">+").text(duration(at_ms)).raw("</span> ");
}

fn one_step(page: &mut Markup, step: &StepRef) {
    page.raw("<strong>step ").text(step.number).raw("</strong> <code>").text(&step.kind).raw("</code>");
    if step.process != DEFAULT {
        page.raw(" in process ").text(&step.process);
    }
    if step.handle != DEFAULT {
        page.raw(" through handle ").text(&step.handle);
    }
    if let Some(line) = step.line {
        page.raw(" <small>line ").text(line).raw("</small>");
    }
}

fn fault_line(page: &mut Markup, at_ms: u64, state: &'static str, sign: &'static str, fault: &FaultId) {
    item(page, at_ms, "fault");
    page.raw("<span class=\"").raw(state).raw("\"><span aria-hidden=\"true\">").raw(sign).raw("</span> ").raw(state);
    page.raw("</span> ").raw(fault.family.as_str()).raw(" <code>").text(&fault.site).raw("</code> → <code>");
    page.text(&fault.action).raw("</code>");
}

fn finished(page: &mut Markup, step: &StepRef, outcome: &Outcome, as_expected: bool, duration_ms: u64) {
    let name = if as_expected { VerdictName::Held } else { VerdictName::Broken };
    page.raw("<span class=\"outcome v-").raw(look::of(name).class).raw("\">");
    look::sign(page, &look::of(name), if as_expected { "as expected" } else { "not as expected" });
    page.raw("</span> step ")
        .text(step.number)
        .raw(": ")
        .text(outcome)
        .raw(" <small>after ")
        .text(duration(duration_ms));
    page.raw("</small>");
    if let Outcome::Refused { error } | Outcome::InDoubt { error } = outcome
        && !error.causes.is_empty()
    {
        page.raw("<span class=\"causes\">because ").text(error.causes.join(", because ")).raw("</span>");
    }
}

fn recovered(page: &mut Markup, kinds: [(&'static str, &Vec<String>); 3]) {
    let mut anything = false;
    for (what, operations) in kinds.into_iter().filter(|(_, operations)| !operations.is_empty()) {
        page.raw(if anything { "; " } else { " " }).raw(what).raw(" <code>").text(operations.join(", ")).raw("</code>");
        anything = true;
    }
    if !anything {
        page.raw(" found nothing to do");
    }
}

fn store_calls(page: &mut Markup, calls: &[&StoreCall]) {
    if calls.is_empty() {
        return;
    }
    let went_wrong = calls.iter().filter(|call| call.outcome != "ok").count();
    page.raw("<details class=\"calls\"><summary>").text(calls.len()).raw(" store calls");
    if went_wrong > 0 {
        page.raw(", ").text(went_wrong).raw(" not ok");
    }
    page.raw("</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"store calls\"><table>");
    page.raw("<thead><tr><th>#</th><th>call</th><th>object</th><th>bytes</th><th>outcome</th></tr></thead><tbody>\n");
    if calls.len() > CALLS_MAX {
        page.raw("<tr><td colspan=\"5\">")
            .text(calls.len() - CALLS_MAX)
            .raw(" earlier ones are in the bundle</td></tr>\n");
    }
    for call in &calls[calls.len().saturating_sub(CALLS_MAX)..] {
        page.raw(if call.outcome == "ok" { "<tr>" } else { "<tr class=\"wrong\">" });
        page.raw("<td>");
        if call.process != DEFAULT {
            page.text(&call.process).raw(" ");
        }
        page.text(call.sequence).raw("</td><td>").text(&call.realm).raw(" ").text(&call.operation).raw("</td><td>");
        page.text(&call.class).raw(" <small>").text(&call.path).raw("</small></td><td>").text(call.bytes);
        page.raw("</td><td>").text(&call.outcome).raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div></details>");
}
