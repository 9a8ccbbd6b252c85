//! Carrying an order out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;

use super::host::Host;
use super::{closing, facts, late, observe, probe, reader, step};
use crate::event::Outcome;
use crate::runner::protocol::{Order, Report};
use crate::scenario::model::{Load, LoadMode, OpenMode};
use crate::workload::{self, Done};

/// Carries `order` out. A panic in it is an answer, too: nobody hears of a task that ends without one, and the supervisor
/// would wait for it until its bound.
pub async fn carry_out(host: &Arc<Host>, order: Order) -> Report {
    match AssertUnwindSafe(obey(host, order)).catch_unwind().await {
        Ok(report) => report,
        Err(panic) => Report::of(Outcome::Panicked { message: step::message_of(panic.as_ref()) }),
    }
}

async fn obey(host: &Arc<Host>, order: Order) -> Report {
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
        Order::Observe { drift } => observe::observe(host, drift).await,
        Order::Close { versions, or_create } => closing::close(host, versions, or_create).await,
        Order::Arrive { calls } => late::arrive(host, calls).await,
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
        let done = workload::load::load(&graph, load, workload::Called::default()).await;
        if !matches!(done.outcome, Outcome::Acknowledged { .. }) {
            return step::report(&process, done);
        }
        commits += 1;
    }
    Report { commits: Some(commits), schema: Some(schema), ..step::report(&process, Done::of(Outcome::done())) }
}

#[cfg(test)]
mod tests {
    use omnigraph::storage::StorageOptions;

    use super::super::outbox::Outbox;
    use super::*;
    use crate::backend::CellAddress;
    use crate::event::CellId;
    use crate::runner::limits::Limits;
    use crate::runner::protocol::Begin;
    use crate::seed::Seed;

    /// Crossed by every read-write open, the one that converges included.
    const WINDOW: &str = "sweep:sidecar.list";

    async fn host() -> Arc<Host> {
        let begin = Begin {
            cell: CellId::new("area/a", "memory"),
            address: CellAddress { uri: "memory://a".to_owned(), storage: StorageOptions::default() },
            seed: Seed(1),
            simulated: false,
            schema: "node Person { name: String @key }".to_owned(),
            limits: Limits::default().worker,
            worker: 1,
        };
        Host::begin(begin, Outbox::new(std::io::sink())).await.expect("memory can be opened")
    }

    fn close() -> Order {
        Order::Close { versions: Vec::new(), or_create: false }
    }

    #[tokio::test]
    async fn a_panic_of_the_engine_is_an_answer_and_one_while_it_converges_is_evidence() {
        let host = host().await;
        let (process, handle) = ("main".to_owned(), "main".to_owned());
        let load = Box::new(Load { mode: LoadMode::Append, rows: Vec::new(), generate: None });
        let set_up = Order::SetUp { process: process.clone(), handle: handle.clone(), load };
        let report = carry_out(&host, set_up).await;
        assert!(matches!(report.outcome, Some(Outcome::Acknowledged { .. })), "{report:?}");

        fail::cfg(WINDOW, "panic").expect("it is a failpoint's name");
        let report = carry_out(&host, Order::Reopen { process, handle, mode: OpenMode::ReadWrite }).await;
        assert!(matches!(report.outcome, Some(Outcome::Panicked { .. })), "{report:?}");
        let report = carry_out(&host, close()).await;
        assert!(report.closing.is_none(), "{report:?}");
        let failed = report.closing_failed.expect("why there are no closing observations");
        assert!(failed.contains("panicked") && failed.contains(WINDOW), "{failed}");

        fail::remove(WINDOW);
        let report = carry_out(&host, close()).await;
        assert!(report.closing.is_some() && report.closing_failed.is_none(), "{report:?}");
    }
}
