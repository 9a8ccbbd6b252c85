//! What can be typed, and what is done then.

mod show;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use omnigraph::error::without_user_info;
use omnigraph::{Graph, Load, LoadMode, Mutate, Repair, StorageOptions};
use tokio::io::{AsyncBufRead, BufReader};

/// A typed property graph on Lance.
///
/// A graph lies at a path, at file:///PATH or at s3://BUCKET/PREFIX. S3 is reached by the usual AWS_* variables.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// Where the graph lies.
    #[arg(long, short, env = "OMNIGRAPH_URI")]
    uri: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a graph with the schema in a file.
    Create {
        /// The schema's text; `-` for standard input.
        schema: PathBuf,
    },
    /// Load JSON lines: {"type": "Person", "data": {…}} or {"type": "WorksAt", "from": …, "to": …, "data": {…}}.
    Load {
        /// The lines; `-` for standard input.
        #[arg(default_value = "-")]
        lines: PathBuf,
        /// What becomes of rows that are there.
        #[arg(long, value_enum, default_value = "append")]
        mode: Mode,
        /// Who writes.
        #[arg(long)]
        actor: Option<String>,
    },
    /// Run SQL INSERT, UPDATE and DELETE statements as one write.
    Mutate {
        /// The statements, separated by semicolons.
        sql: String,
        /// Who writes.
        #[arg(long)]
        actor: Option<String>,
    },
    /// Run a SQL query.
    Query {
        /// The query.
        sql: String,
        /// Read the graph as it was at this version.
        #[arg(long)]
        version: Option<u64>,
    },
    /// Show commits, newest first.
    Commits {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show what recovery has done.
    Recoveries,
    /// Show pending sidecars, quarantined files and drift. Changes nothing.
    Inspect,
    /// Finish or undo whatever a crash left, by opening the graph read-write.
    Recover,
    /// Look at drift that no pending operation explains; publish it or move an unreadable sidecar away on your word.
    Repair {
        /// Publish every table's newest version as the visible one.
        #[arg(long, conflicts_with = "quarantine")]
        confirm: bool,
        /// Move this unreadable sidecar into quarantine. This gives up finishing or undoing its write.
        #[arg(long, value_name = "FILE")]
        quarantine: Option<String>,
        /// Who repairs.
        #[arg(long)]
        actor: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Append,
    Merge,
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

type Failure = Box<dyn std::error::Error>;

/// What to tell a person of a failure.
pub fn told(failure: &(dyn std::error::Error + 'static)) -> String {
    match failure.downcast_ref::<omnigraph::Error>() {
        Some(error) => error.told(),
        None => without_user_info(&failure.to_string()),
    }
}

/// Does what was typed.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let at = || Graph::builder(&cli.uri).storage_options(StorageOptions::from_env());
    match cli.command {
        Command::Create { schema } => {
            let text = read_text(&schema)?;
            let graph = at().create(&text).await?;
            println!("created a graph of {} types", graph.snapshot().tables().count());
        }
        Command::Load { lines, mode, actor } => {
            let graph = at().open().await?;
            show::write(&graph.load(Load { mode: mode.into(), actor }, open_lines(lines).await?).await?);
        }
        Command::Mutate { sql, actor } => {
            let graph = at().open().await?;
            show::write(&graph.mutate(Mutate { sql, actor }).await?);
        }
        Command::Query { sql, version } => {
            let graph = at().open_read_only().await?;
            let snapshot = match version {
                Some(version) => graph.at(version).await?,
                None => graph.snapshot(),
            };
            show::rows(&snapshot.query(&sql).await?)?;
        }
        Command::Commits { limit } => show::commits(&at().open_read_only().await?.commits(limit).await?),
        Command::Recoveries => show::recoveries(&at().open_read_only().await?.recoveries().await?),
        Command::Inspect => show::inspection(&at().open_read_only().await?.inspect().await?),
        Command::Recover => {
            let graph = at().open().await?;
            println!("the graph stands at version {}; nothing is pending", graph.snapshot().version());
        }
        Command::Repair { confirm, quarantine, actor } => {
            let (graph, repair) = match (confirm, quarantine) {
                (true, _) => (at().open().await?, Repair::Confirm { actor }),
                (false, Some(file)) => (at().open_read_only().await?, Repair::Quarantine(file)),
                (false, None) => (at().open_read_only().await?, Repair::Preview),
            };
            show::repair(&graph.repair(repair).await?);
        }
    }
    Ok(())
}

fn read_text(path: &PathBuf) -> Result<String, Failure> {
    let text =
        if path.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    text.map_err(|e| format!("cannot read {}: {e}", path.display()).into())
}

async fn open_lines(path: PathBuf) -> Result<Box<dyn AsyncBufRead + Send + Unpin>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(tokio::io::stdin())));
    }
    let file = tokio::fs::File::open(&path).await;
    let file = file.map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}
