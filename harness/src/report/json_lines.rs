//! The stream itself: one JSON object a line, each as soon as it happens.

use std::io::{self, Write};

use crate::event::{Event, Record, Sink};

/// Writes records as JSON lines.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
    store_calls: bool,
}

impl<W: Write> JsonLines<W> {
    /// Every record but store calls, which outnumber the rest a hundredfold.
    pub fn new(out: W) -> Self {
        JsonLines { out, store_calls: false }
    }

    /// Store calls, too.
    #[must_use]
    pub fn with_store_calls(mut self) -> Self {
        self.store_calls = true;
        self
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if matches!(record.event, Event::StoreCall { .. }) && !self.store_calls {
            return Ok(());
        }
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")?;
        // A reader follows the file, and a killed run must leave whole lines.
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn lines(sink: impl FnOnce(&mut Vec<u8>) -> Box<dyn Sink + '_>) -> Vec<Record> {
        lines_of(&samples::run(), sink)
    }

    fn lines_of(records: &[Record], sink: impl FnOnce(&mut Vec<u8>) -> Box<dyn Sink + '_>) -> Vec<Record> {
        let mut out = Vec::new();
        {
            let mut sink = sink(&mut out);
            records.iter().for_each(|record| sink.record(record).expect("memory"));
        }
        let text = String::from_utf8(out).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a record a line")).collect()
    }

    #[test]
    fn the_file_reads_back_as_the_stream() {
        assert_eq!(lines(|out| Box::new(JsonLines::new(out).with_store_calls())), samples::run());
    }

    #[test]
    fn what_sweeps_and_swarms_came_to_reads_back() {
        let records = samples::with_a_sweep_and_a_swarm();
        assert_eq!(lines_of(&records, |out| Box::new(JsonLines::new(out))), records);
    }

    #[test]
    fn store_calls_are_left_out_unless_asked_for() {
        let is_call = |record: &Record| matches!(record.event, Event::StoreCall { .. });
        assert!(samples::run().iter().any(is_call));
        assert!(!lines(|out| Box::new(JsonLines::new(out))).iter().any(is_call));
    }
}
