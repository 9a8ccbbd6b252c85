//! Everything that a worker says goes through here, a line a message, written out at once: a process that dies has said
//! what it said.

use std::io::Write;
use std::sync::{Arc, Mutex};

use omnigraph::storage::LateCall;

use crate::event::{FaultId, Firing};
use crate::fault::FaultWatch;
use crate::runner::protocol::{Note, Reply, Report, Ticket};
use crate::simulation;

/// The way to the supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    sink: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Outbox {
    /// Writes to `sink`.
    pub fn new(sink: impl Write + Send + 'static) -> Self {
        Outbox { sink: Arc::new(Mutex::new(Box::new(sink))) }
    }

    /// Answers an order.
    pub fn done(&self, ticket: Ticket, report: Report) {
        self.send(&Reply::Done { ticket, report: Box::new(report) });
    }

    /// Tells of something in between.
    pub fn note(&self, note: Note) {
        self.send(&Reply::Note(note));
    }

    fn send(&self, reply: &Reply) {
        let mut line = match serde_json::to_vec(reply) {
            Ok(line) => line,
            Err(error) => {
                eprintln!("a reply cannot be written: {error}");
                return;
            }
        };
        line.push(b'\n');
        simulation::tell();
        let mut sink = self.sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if sink.write_all(&line).and_then(|()| sink.flush()).is_err() {
            // The supervisor is gone, and with it everybody who would want the result.
            std::process::exit(0);
        }
    }
}

impl FaultWatch for Outbox {
    fn reached(&self, fault: &FaultId) {
        self.note(Note::Reached { fault: fault.clone() });
    }

    fn fired(&self, fault: &FaultId, firing: &Firing) {
        self.note(Note::Fired { fault: fault.clone(), firing: firing.clone() });
    }

    fn held(&self, fault: &FaultId) {
        self.note(Note::Held { fault: fault.clone() });
    }

    fn late(&self, name: &str, call: LateCall) {
        self.note(Note::Late { name: name.to_owned(), call: Box::new(call) });
    }
}
