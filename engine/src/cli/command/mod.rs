//! What each command does: it calls the library and shows what came of it.

mod care;
mod read;
mod write;

use std::time::Duration;

use clap::CommandFactory;
use omnigraph::{Graph, GraphBuilder, Repair, StorageOptions};

use super::failure::Failure;
use super::flags::{Cli, Command, Sql};
use super::input;
use super::output::Output;

/// Does what was typed.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { uri, json, grace, command } = cli;
    let output = Output::open(json);
    if let Command::Completions { shell } = command {
        return completions(shell, output);
    }
    let place = Place { uri: place(uri)?, grace };
    match command {
        Command::Create { schema } => write::create(&place, &schema, output).await,
        Command::Load { lines, mode, actor, operation } => {
            write::load(&place, &lines, write::as_typed(mode, actor, operation), output).await
        }
        Command::Mutate { sql, bounds, actor, operation } => {
            write::mutate(&place, sql, bounds, actor, operation, output).await
        }
        Command::Query(query) => read::query(&place, query, output).await,
        Command::Commits { limit, operation } => read::commits(&place, limit, operation, output).await,
        Command::Recoveries => read::recoveries(&place, output).await,
        Command::Inspect => care::inspect(&place, output).await,
        Command::Recover => care::recover(&place, output).await,
        Command::Repair { confirm, manifest: true, .. } => care::repair_manifest(&place, confirm, output).await,
        Command::Repair { audit: true, .. } => care::repair(&place, Repair::Audit, output).await,
        Command::Repair { quarantine: Some(file), .. } => care::repair(&place, Repair::Quarantine(file), output).await,
        Command::Repair { confirm: true, actor, .. } => {
            care::repair(&place, Repair::Confirm { actor: actor.name }, output).await
        }
        Command::Repair { .. } => care::repair(&place, Repair::Preview, output).await,
        Command::Completions { .. } => Ok(()),
    }
}

/// What a command waits beyond the grace that it gives, in which the next heal settles what has none any more.
const PATIENCE_BEYOND_GRACE: Duration = Duration::from_secs(10);

/// Where the graph lies, and how writers of other processes are treated there.
struct Place {
    uri: String,
    grace: Duration,
}

impl Place {
    fn graph(&self) -> GraphBuilder {
        Graph::builder(&self.uri).storage_options(StorageOptions::from_env())
    }

    /// For one write beside a server that is at work: its writes are left alone while they are young, and waited for.
    async fn open_beside_others(&self) -> omnigraph::Result<Graph> {
        let patience = self.grace.saturating_add(PATIENCE_BEYOND_GRACE);
        self.graph().grace(self.grace).grace_at_open(true).patience(patience).open().await
    }
}

/// The address as it was typed, with the home directory where a shell would have put it.
fn place(uri: Option<String>) -> Result<String, Failure> {
    let uri = uri.filter(|uri| !uri.is_empty());
    let missing = || Failure::Usage("where does the graph lie? give it with --uri, or in OMNIGRAPH_URI".to_owned());
    let uri = uri.ok_or_else(missing)?;
    let home = std::env::var("HOME").ok().filter(|home| home.starts_with('/'));
    Ok(match (uri.strip_prefix('~'), home) {
        (Some(below), Some(home)) if below.is_empty() || below.starts_with('/') => format!("{home}{below}"),
        _ => uri,
    })
}

impl Sql {
    /// The SQL itself. Only one of the two is there.
    fn text(self) -> Result<String, Failure> {
        match (self.sql, self.file) {
            (Some(sql), _) if sql == "-" => input::text("-".as_ref()),
            (Some(sql), _) => Ok(sql),
            (None, Some(file)) => input::text(&file),
            (None, None) => Err(Failure::Usage("which SQL?".to_owned())),
        }
    }
}

fn completions(shell: clap_complete::Shell, mut output: Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "omnigraph", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    output.json = false;
    Ok(output.show(|_| script, String::new)?)
}
