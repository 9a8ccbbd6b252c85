//! What the engine logs, on standard error: without passwords, and without anything that drives a terminal.

use std::io::{self, Write};

use omnigraph::error::without_user_info;
use omnigraph::printable::escaped_lines;
use tracing_subscriber::EnvFilter;

use super::failure::say;

/// Begins to log what `RUST_LOG` asks for; for a program one JSON object a line.
pub fn begin(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|error| {
        if std::env::var_os(EnvFilter::DEFAULT_ENV).is_some_and(|asked| !asked.is_empty()) {
            say(&escaped_lines(&format!("warning: {} is not understood: {error}\n", EnvFilter::DEFAULT_ENV)));
        }
        // Who waits for another process is told, since nothing else would say why nothing happens.
        EnvFilter::new("error,omnigraph::waiting=warn")
    });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Clean).with_ansi(false);
    if json {
        log.json().init();
    } else {
        log.init();
    }
}

/// Standard error; each event arrives in one piece. It never fails: who logs would tell of that on standard error, and panic.
struct Clean;

impl Write for Clean {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        say(&escaped_lines(&without_user_info(&text)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
