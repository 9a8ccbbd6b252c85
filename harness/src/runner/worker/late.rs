//! Calls that reach the store after whoever made them has given up.

use std::sync::Arc;

use omnigraph::storage::LateCall;

use super::host::Host;
use crate::event::{Outcome, StoreCall};
use crate::runner::protocol::Report;

/// Who a late call belongs to in a trace: its process may be dead.
const LATE: &str = "(late)";

/// Lets the calls arrive, one after the other. What comes too late for what it asked for loses quietly.
pub async fn arrive(host: &Arc<Host>, calls: Vec<LateCall>) -> Report {
    let mut report = Report::of(Outcome::done());
    for (late, sequence) in calls.into_iter().zip(1..) {
        let call = late.call.clone();
        let store = host.site.bare().raw(call.realm);
        let arrived = late.arrive(&store).await;
        let outcome = match &arrived {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        let (operation, class) = (call.operation.as_str().to_owned(), call.class.as_str().to_owned());
        let (realm, path, bytes) = (call.realm.as_str().to_owned(), call.path.clone(), call.bytes);
        report.calls.push(StoreCall {
            process: LATE.to_owned(),
            sequence,
            realm,
            operation,
            class,
            path,
            bytes,
            outcome,
        });
        if let Err(error) = arrived
            && !LateCall::is_quiet(&error)
        {
            let reason = format!("the late call {call} failed when it arrived: {error}");
            report.outcome = Some(Outcome::Trouble { reason });
            return report;
        }
    }
    report
}
