//! What is going on meanwhile: a bar on a terminal, a line for each finished cell elsewhere.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::collected::{duration, swept};
use super::swarm::swarmed;
use crate::event::{Event, Record, Sink};

/// Shows progress.
#[derive(Debug)]
pub enum Progress<W> {
    /// A bar, redrawn in place.
    Bar(ProgressBar),
    /// Lines.
    Lines {
        /// Where they go.
        out: W,
        /// Cells of the run.
        total: usize,
        /// Cells that are finished.
        finished: usize,
    },
}

impl<W: Write> Progress<W> {
    /// A bar on standard error.
    pub fn bar() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:32}] {pos}/{len} {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Progress::Bar(bar)
    }

    /// Lines to this output.
    pub fn lines(out: W) -> Self {
        Progress::Lines { out, total: 0, finished: 0 }
    }
}

impl<W: Write + Send> Sink for Progress<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        match self {
            Progress::Bar(bar) => {
                on_bar(bar, &record.event);
                Ok(())
            }
            Progress::Lines { out, total, finished } => on_lines(out, total, finished, &record.event),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
        Ok(())
    }
}

fn on_bar(bar: &ProgressBar, event: &Event) {
    match event {
        Event::RunStarted(started) => bar.set_length(started.selection.cells.len() as u64),
        Event::BackendReady { backend, start_ms, .. } => {
            bar.set_message(format!("{backend} ready in {}", duration(*start_ms)))
        }
        Event::BackendSkipped { backend, reason } => bar.println(format!("backend {backend} skipped: {reason}")),
        Event::BackendFailed { backend, reason, .. } => bar.println(format!("backend {backend} failed: {reason}")),
        Event::CellStarted { cell, .. } => bar.set_message(cell.to_string()),
        Event::CellsDerived { cells, .. } => bar.inc_length(cells.len() as u64),
        Event::CellFinished(finished) => {
            bar.inc(1);
            if finished.verdict.is_failure() {
                bar.println(format!("{} {}", finished.verdict.name(), finished.cell));
            }
        }
        _ => {}
    }
}

fn on_lines(out: &mut impl Write, total: &mut usize, finished: &mut usize, event: &Event) -> io::Result<()> {
    match event {
        Event::RunStarted(started) => {
            *total = started.selection.cells.len();
            writeln!(out, "run {} with seed {}: {total} cells", started.run, started.seed)
        }
        Event::BackendReady { backend, start_ms, .. } => {
            writeln!(out, "backend {backend} ready in {}", duration(*start_ms))
        }
        Event::BackendSkipped { backend, reason } => writeln!(out, "backend {backend} skipped: {reason}"),
        Event::BackendFailed { backend, reason, .. } => writeln!(out, "backend {backend} failed: {reason}"),
        Event::CellsDerived { cells, .. } => {
            *total += cells.len();
            Ok(())
        }
        Event::CellFinished(cell) => {
            *finished += 1;
            // There are thousands of cases; each sweep has a line of its own at its end.
            if cell.cell.scenario.contains('#') && !cell.verdict.is_failure() {
                return Ok(());
            }
            let name = cell.verdict.name();
            writeln!(out, "{finished:>4}/{total} {name:<14} {} ({})", cell.cell, duration(cell.duration_ms))
        }
        Event::SweepFinished(report) => {
            writeln!(out, "{finished:>4}/{total} {}@{}  {}", report.sweep, report.backend, swept(report))
        }
        Event::SwarmFinished(report) => {
            writeln!(out, "{finished:>4}/{total} swarm@{}  {}", report.backend, swarmed(report))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn lines_of_a_run_with_every_verdict() {
        let mut out = Vec::new();
        let mut progress = Progress::lines(&mut out);
        samples::run().iter().for_each(|record| progress.record(record).expect("memory"));
        progress.finish().expect("memory");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"));
    }
}
