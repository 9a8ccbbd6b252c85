//! One page that stands on its own: it asks for nothing from anywhere, so that it can be kept with a build, sent, and read
//! years later.
//!
//! - [`markup`]: the only way in which text gets into the page.
//! - [`look`]: how a verdict is shown, never by its colour alone.
//! - [`headline`], [`failures`] with [`timeline`], [`failpoints`], [`scenarios`], [`sweeps`], [`swarms`], [`unrun`]: the parts, in the
//!   order of the page.
//!
//! The page works without its script, which only filters, folds and copies.

mod failpoints;
mod failures;
mod headline;
mod look;
mod markup;
mod scenarios;
mod swarms;
mod sweeps;
mod timeline;
mod unrun;

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use self::markup::Markup;
use super::collected::Collected;
use crate::event::{Record, Sink, VerdictName};

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/page.js");

/// Writes the page when the run is over.
#[derive(Debug)]
pub struct Html<W> {
    out: W,
    run: Collected,
}

impl<W: Write> Html<W> {
    /// To this output, which should be empty.
    pub fn new(out: W) -> Self {
        Html { out, run: Collected::default() }
    }
}

impl<W: Write + Send> Sink for Html<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.run.take(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(page(&self.run).as_bytes())?;
        self.out.flush()
    }
}

fn page(run: &Collected) -> String {
    let mut page = Markup::default();
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    // Should a text ever become markup in spite of everything: nothing runs but this script, nothing is fetched.
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ");
    page.raw("script-src 'sha256-")
        .text(base64(&Sha256::digest(SCRIPT)))
        .raw("'; base-uri 'none'; form-action 'none'\">\n");
    page.raw("<title>")
        .text(headline::title(run))
        .raw("</title>\n<style>\n")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n");
    let parts = parts(run);
    headline::write(&mut page, run, &parts);
    page.raw("<main>\n");
    parts.into_iter().for_each(|part| page.append(part.markup));
    page.raw("</main>\n");
    headline::foot(&mut page, run);
    page.raw("<script>").raw(SCRIPT).raw("</script>\n</body>\n</html>\n");
    page.into_string()
}

/// A part of the page, to which its head links.
struct Part {
    anchor: &'static str,
    name: &'static str,
    /// How many things it tells of; 0 to say nothing about that.
    count: u64,
    markup: Markup,
}

/// The parts of the page, in order.
fn parts(run: &Collected) -> Vec<Part> {
    let totals = run.summary().totals;
    let not_run = totals.of(VerdictName::Skipped) + totals.of(VerdictName::NotApplicable);
    let part = |anchor, name, count, write: fn(&mut Markup, &Collected)| {
        let mut markup = Markup::default();
        write(&mut markup, run);
        Part { anchor, name, count, markup }
    };
    vec![
        part("#failures", "Failures", run.failures().len() as u64, failures::write),
        part("#scenarios", "Scenarios", totals.total(), scenarios::write),
        part("#failpoints", "Failpoints", 0, failpoints::write),
        part("#sweeps", "Sweeps", run.sweeps.len() as u64, sweeps::write),
        part("#swarms", "Swarms", run.swarms.len() as u64, swarms::write),
        part("#unrun", "Not run", not_run, unrun::write),
    ]
}

/// As a content security policy writes a digest.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests;
