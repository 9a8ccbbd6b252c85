//! Carrying an order out.

use std::sync::Arc;

use super::host::Host;
use super::{closing, facts, observe, probe, reader, step};
use crate::event::Outcome;
use crate::runner::protocol::{Order, Report};
use crate::scenario::model::{Load, LoadMode, OpenMode};
use crate::workload::{self, Done};

/// Carries `order` out.
pub async fn carry_out(host: &Arc<Host>, order: Order) -> Report {
    match order {
        Order::SetUp { process, handle, load } => set_up(host, &process, &handle, &load).await,
        Order::Step(order) => step::run(host, &order).await,
        Order::Reopen { process, handle, mode } => {
            let process = host.process(&process);
            step::report(&process, step::open(&process, &handle, mode).await)
        }
        Order::Kill { process } => {
            if let Some(process) = host.living(&process) {
                process.board.life().die("the step itself");
                host.bury(&process);
            }
            Report::of(Outcome::done())
        }
        Order::LiftAll { process } => {
            let Some(process) = host.living(&process) else { return Report::of(Outcome::done()) };
            process.lift_all();
            step::report(&process, Done::of(Outcome::done()))
        }
        Order::Read { reader } => reader::read(host, reader).await,
        Order::Observe => observe::observe(host).await,
        Order::Close { versions, or_create } => closing::close(host, versions, or_create).await,
        Order::Objects { bytes_max } => {
            let objects = workload::damage::saved(host.site.bare(), bytes_max).await;
            Report { objects: Some(objects), ..Report::of(Outcome::done()) }
        }
        Order::Probe { process } => probe::probe(host, &process).await,
    }
}

/// Creates the graph and loads its set-up as one append. No fault is armed yet.
async fn set_up(host: &Arc<Host>, process: &str, handle: &str, load: &Load) -> Report {
    let process = host.process(process);
    let schema = match facts::facts_of(&host.begin.schema) {
        Ok(schema) => schema,
        Err(reason) => return Report::of(Outcome::Trouble { reason }),
    };
    let graph = match workload::open::create(process.stack.clone(), &process.given, &host.begin.schema).await {
        Ok(graph) => graph,
        Err(error) => return step::report(&process, Done::failed(&error)),
    };
    process.put_handle(handle, super::process::OpenHandle { graph: graph.clone(), mode: OpenMode::ReadWrite });
    debug_assert_eq!(load.mode, LoadMode::Append);
    let mut commits = 1;
    if !load.rows.is_empty() {
        let done = workload::load::load(&graph, load, None).await;
        if !matches!(done.outcome, Outcome::Acknowledged { .. }) {
            return step::report(&process, done);
        }
        commits += 1;
    }
    Report { commits: Some(commits), schema: Some(schema), ..step::report(&process, Done::of(Outcome::done())) }
}
