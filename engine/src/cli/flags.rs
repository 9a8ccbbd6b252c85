//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use omnigraph::LoadMode;
use omnigraph::id::OperationId;

use super::{exit, quantity};

/// A typed property graph on Lance.
///
/// A graph lies at a path, at file:///PATH or at s3://BUCKET/PREFIX. S3 is reached by the usual AWS_* variables.
#[derive(Debug, Parser)]
#[command(version, about, after_long_help = exit::help())]
pub struct Cli {
    /// Where the graph lies.
    // A password in it must not stand in the help.
    #[arg(long, short, global = true, env = "OMNIGRAPH_URI", hide_env_values = true)]
    pub uri: Option<String>,
    /// Write for programs: JSON, one object a line, errors on standard error included.
    #[arg(long, global = true)]
    pub json: bool,
    /// How long a write of another process is taken to be under way, from when it began: 30, 500ms, 2m, 0.
    ///
    /// Commands that write leave such a write alone, and wait for it where it stands in their way. `recover` does not.
    #[arg(long, global = true, value_name = "TIME", default_value = "60s", value_parser = quantity::grace)]
    pub grace: Duration,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a graph with the schema in a file.
    Create {
        /// The schema's text; `-` for standard input.
        #[arg(value_hint = ValueHint::FilePath)]
        schema: PathBuf,
    },
    /// Load JSON lines: {"type": "Person", "data": {…}} or {"type": "WorksAt", "from": …, "to": …, "data": {…}}.
    Load {
        /// The lines; `-` for standard input.
        #[arg(default_value = "-", value_name = "FILE", value_hint = ValueHint::FilePath)]
        lines: PathBuf,
        /// What becomes of rows that are there.
        #[arg(long, value_enum, default_value = "append")]
        mode: Mode,
        #[command(flatten)]
        actor: Actor,
        #[command(flatten)]
        operation: Operation,
    },
    /// Run SQL INSERT, UPDATE and DELETE statements as one write.
    Mutate {
        #[command(flatten)]
        sql: Sql,
        #[command(flatten)]
        bounds: Bounds,
        #[command(flatten)]
        actor: Actor,
        #[command(flatten)]
        operation: Operation,
    },
    /// Run a SQL query.
    Query(Query),
    /// Show commits, newest first.
    Commits {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Only the commit that says what became of this operation.
        #[arg(long, value_name = "ID", conflicts_with = "limit")]
        operation: Option<OperationId>,
    },
    /// Show what recovery has done.
    Recoveries,
    /// Show pending sidecars, quarantined files and drift. Changes nothing.
    Inspect,
    /// Finish or undo whatever a crash left, at once: a write that is under way in another process is begun anew by it.
    Recover,
    /// Look at drift that no pending operation explains; publish it or move an unreadable sidecar away on your word.
    Repair {
        /// Publish every table's newest version as the visible one.
        /// With --manifest: move its broken versions away.
        #[arg(long, conflicts_with_all = ["quarantine", "audit"])]
        confirm: bool,
        /// Move this unreadable sidecar into quarantine. This gives up finishing or undoing its write.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["audit", "manifest"])]
        quarantine: Option<String>,
        /// Set a recovery audit aside that cannot be read, and write again what the history knows of it.
        #[arg(long, conflicts_with = "manifest")]
        audit: bool,
        /// Look for the newest whole version of a graph manifest that cannot be read.
        #[arg(long)]
        manifest: bool,
        #[command(flatten)]
        actor: Actor,
    },
    /// Print what completes commands in a shell: `source <(omnigraph completions bash)`.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Whose name a write carries.
#[derive(Debug, Args)]
pub struct Actor {
    /// Who writes.
    #[arg(long = "actor", value_name = "NAME")]
    pub name: Option<String>,
}

/// What a write is called.
#[derive(Debug, Args)]
pub struct Operation {
    /// A ULID that names this write. Called again with the same one, it does nothing and reports the commit that is there.
    #[arg(long = "operation-id", value_name = "ID")]
    pub id: Option<OperationId>,
}

/// What SQL may take.
#[derive(Debug, Args)]
pub struct Bounds {
    /// Give up after this time: seconds, or such as 500ms, 2m. [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    pub timeout: Option<Duration>,
    /// Memory for sorting, grouping and joining, such as 512M or 2G; what does not fit goes to temporary files.
    #[arg(long = "memory", value_name = "SIZE", value_parser = quantity::bytes)]
    pub memory_bytes: Option<u64>,
}

/// Where SQL comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Sql {
    /// The SQL; several statements are separated by semicolons. `-` for standard input.
    #[arg(value_name = "SQL", allow_hyphen_values = true, value_parser = sql)]
    pub sql: Option<String>,
    /// Read the SQL from this file; `-` for standard input.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Query {
    #[command(flatten)]
    pub sql: Sql,
    /// Read the graph as it was at this version.
    #[arg(long)]
    pub version: Option<u64>,
    /// In what form rows are written. [default: table on a terminal, json elsewhere and with --json]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    #[command(flatten)]
    pub bounds: Bounds,
}

/// In what form rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people; long values are shortened.
    Table,
    /// JSON lines: what `load` takes for a row's data.
    Json,
    /// CSV with a line of names; a missing value is nothing, an empty text is "".
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Mode {
    /// They are kept; a row that is there already is a mistake.
    Append,
    /// They are replaced, whole, by rows with the same key.
    Merge,
    /// They go, all of them, of every type that is loaded.
    Overwrite,
}

impl From<Mode> for LoadMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Append => LoadMode::Append,
            Mode::Merge => LoadMode::Merge,
            Mode::Overwrite => LoadMode::Overwrite,
        }
    }
}

/// What is wrong with an option that is none, and which one may be meant. Where SQL may begin with a hyphen, such an option is taken
/// for SQL, and what is said to be too much is then the SQL itself; so this asks again as if it might not.
pub fn mistyped_option() -> Option<clap::Error> {
    let strict = |command: clap::Command| command.mut_arg("sql", |sql| sql.allow_hyphen_values(false));
    let command = Cli::command().mut_subcommand("query", strict).mut_subcommand("mutate", strict);
    let error = command.try_get_matches().err()?;
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(typed)) if typed.starts_with('-') && !typed.contains(char::is_whitespace) => {
            Some(error)
        }
        _ => None,
    }
}

/// SQL may begin with a comment, `-- so`; an option that is none must not pass for one.
fn sql(text: &str) -> Result<String, String> {
    if text.len() > 1 && text.starts_with('-') && !text.contains(char::is_whitespace) {
        return Err("it is no option of this command, and no SQL".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_typed_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_comment_is_sql_and_a_mistyped_option_is_not() {
        for text in ["-- nightly\nDELETE FROM Person WHERE age = 3", "--json is\nSELECT 1", "-", "SELECT 1"] {
            let cli = Cli::try_parse_from(["omnigraph", "mutate", text, "--actor", "ann"]).expect(text);
            let Command::Mutate { sql, actor, .. } = cli.command else { panic!("{text}") };
            assert_eq!((sql.sql.as_deref(), actor.name.as_deref()), (Some(text), Some("ann")));
        }
        for args in
            [&["query", "--verison=3"][..], &["query", "--verison", "3"], &["query"], &["query", "SELECT 1", "-f", "x"]]
        {
            assert!(Cli::try_parse_from([&["omnigraph"], args].concat()).is_err(), "{args:?}");
        }
    }
}
