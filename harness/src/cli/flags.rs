//! What can be typed.

use std::path::PathBuf;

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::exit::{
    COVERAGE_TABLE, INSPECT_TABLE, JUDGE_TABLE, LIST_TABLE, REAP_TABLE, REPLAY_TABLE, SHRINK_TABLE, TABLE,
};
use crate::backend::BackendKind;
use crate::runner::Shard;
use crate::seed::Seed;

/// Storage faults against a real engine, on every backend.
///
/// A scenario says what breaks, what it forgives and what must hold. It runs on every backend that is there, its
/// processes are real ones, and a crash is SIGKILL.
#[derive(Debug, Parser)]
#[command(name = "chaos", version, after_help = TABLE)]
pub struct Flags {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios; by default all of them on every backend that is there.
    #[command(after_help = TABLE)]
    Run(Box<RunArgs>),
    /// Kill operations at every one of their durable writes, and their recoveries too.
    ///
    /// Runs the scenario files that are sweeps, which `run` leaves out: by default all of them on every backend that is
    /// there.
    #[command(after_help = TABLE)]
    Sweep(Box<SweepArgs>),
    /// Draw universes from swarm files and run them; by default from all of them, on every backend that is there.
    #[command(after_help = TABLE)]
    Swarm(Box<SwarmArgs>),
    /// List scenarios, and on which backends they run.
    #[command(after_help = LIST_TABLE)]
    List(ListArgs),
    /// Validate scenarios without running them.
    #[command(after_help = LIST_TABLE)]
    Check(CheckArgs),
    /// List the engine's failpoints: what a hit means, and which scenarios arm it.
    #[command(after_help = LIST_TABLE)]
    Failpoints(FailpointsArgs),
    /// Print the JSON Schema of a scenario file.
    Schema(SchemaArgs),
    /// Run a failure again from its bundle alone.
    #[command(after_help = REPLAY_TABLE)]
    Replay(Box<ReplayArgs>),
    /// Judge a failure again over what its bundle recorded, without running anything.
    #[command(after_help = JUDGE_TABLE)]
    Judge(JudgeArgs),
    /// Make a failure small, and write it as a scenario file that stands on its own.
    #[command(after_help = SHRINK_TABLE)]
    Shrink(Box<ShrinkArgs>),
    /// Say what scenarios will do, step by step and fault by fault.
    #[command(after_help = LIST_TABLE)]
    Explain(ExplainArgs),
    /// Show sidecars, drift, audit and history of a graph. Never writes.
    #[command(after_help = INSPECT_TABLE)]
    Inspect(InspectArgs),
    /// Serve the embedded S3 endpoint by itself, on 127.0.0.1, until it is interrupted.
    ServeS3(ServeS3Args),
    /// Remove containers that killed runs have left.
    #[command(after_help = REAP_TABLE)]
    Reap(ReapArgs),
    /// Print the matrix of a CI run, balanced by recorded durations; or record them.
    Matrix(MatrixArgs),
    /// Say which windows a run struck, by whom they were crossed, on which backend, and why the others stayed dark.
    #[command(after_help = COVERAGE_TABLE)]
    Coverage(CoverageArgs),
    /// List the backends, and whether they are there.
    Backends(BackendsArgs),
    /// Carry out what a supervisor says on standard input.
    #[command(hide = true)]
    Worker,
}

/// Which scenarios.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectArgs {
    /// Scenario files, folders of them, or names below the folder of all scenarios, such as `recovery`.
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Only scenarios with this tag; repeat it to ask for several at once.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only scenarios without this tag.
    #[arg(long, value_name = "TAG")]
    pub without_tag: Vec<String>,
    /// Only scenarios that arm this failpoint.
    #[arg(long, value_name = "NAME")]
    pub failpoint: Vec<String>,
    /// The folder of all scenarios.
    #[arg(long, value_name = "FOLDER", default_value = crate::scenario::FOLDER)]
    pub scenarios: PathBuf,
}

/// On which backends.
#[derive(Clone, Debug, Default, Args)]
pub struct BackendArgs {
    /// Only this backend; repeat it for several. `service` is any S3 service, from the usual AWS_* variables.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Vec<BackendKind>,
    /// A backend that must be there: without it the run fails instead of skipping.
    #[arg(long, value_name = "BACKEND")]
    pub require: Vec<BackendKind>,
}

/// Flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
    /// On which backends.
    #[command(flatten)]
    pub on: BackendArgs,
    /// Run only the k-th of n parts of the cells, counted from 1.
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// How it is done.
    #[command(flatten)]
    pub how: HowArgs,
}

/// Flags of `sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Which scenario files; those that are no sweeps are left out.
    #[command(flatten)]
    pub select: SelectArgs,
    /// On which backends.
    #[command(flatten)]
    pub on: BackendArgs,
    /// Also try pairs of faults: first a window of the operation fails or kills, then a call to the store fails, in the
    /// same operation or in the recovery that follows. Of each kind of call, the first one after the first fault is struck;
    /// what strikes a later one is counted as not tried, and what an argument leaves out is counted under it.
    #[arg(long)]
    pub pairs: bool,
    /// Run only the k-th of n parts of the sweeps, counted from 1.
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Once the run is over, shrink so many of the cells that failed first, each for five minutes at the most. What is left
    /// of each stands beside its bundle.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub shrink: usize,
    /// How it is done.
    #[command(flatten)]
    pub how: HowArgs,
}

/// Flags of `swarm`.
#[derive(Debug, Args)]
pub struct SwarmArgs {
    /// Which swarm files.
    #[command(flatten)]
    pub select: SelectArgs,
    /// On which backends.
    #[command(flatten)]
    pub on: BackendArgs,
    /// Universes on each backend; 100, if neither this nor `--minutes` is given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub universes: Option<u64>,
    /// Minutes after which no universe is begun; every backend gets its share.
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Only the universe of this number, of each file.
    #[arg(long, value_name = "N", conflicts_with = "universes")]
    pub universe: Option<u64>,
    /// Operations of a universe, in place of what the file says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200))]
    pub operations: Option<u32>,
    /// Universes that may fail before no more are begun.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub failures: u64,
    /// Once the run is over, shrink so many of the universes that failed first, each for five minutes at the most. What is
    /// left of each stands beside its bundle.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub shrink: usize,
    /// How it is done.
    #[command(flatten)]
    pub how: HowArgs,
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 10_000.0 => Ok(minutes),
        _ => Err("it must be a number above 0 and at most 10000".to_owned()),
    }
}

/// How a run is done and told.
#[derive(Clone, Debug, Args)]
pub struct HowArgs {
    /// Cells that run at the same time; by default two for each core.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Begin no more cells once this many have failed; those are skipped, and counted as such.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fail: Option<u32>,
    /// Where every random stream starts; drawn and printed, if not given.
    #[arg(long, value_name = "SEED")]
    pub seed: Option<Seed>,
    /// Keep the bytes of every cell, not only of those that fail.
    #[arg(long)]
    pub keep: bool,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Also write JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Also write one self-contained HTML page to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Also write every event as a line of JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub json_lines: Option<PathBuf>,
    /// Also write GitHub annotations, and a job summary where GITHUB_STEP_SUMMARY names a file.
    #[arg(long)]
    pub github: bool,
    /// Whether to use colour.
    #[arg(long, value_enum, default_value_t)]
    pub color: Color,
    /// Take backends as they are, without asking them for their promises first: for many small runs in a row.
    #[arg(long)]
    pub no_preflight: bool,
    /// Where failure bundles go.
    #[arg(long, value_name = "FOLDER", default_value = "target/chaos")]
    pub bundle_dir: PathBuf,
    /// Leave a bundle of every cell, not only of those that fail: to compare two runs, or to look at one that is green.
    #[arg(long)]
    pub bundle_all: bool,
    /// Milliseconds that one step may take.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub step_max_ms: u64,
    /// Milliseconds that one cell may take.
    #[arg(long, value_name = "MS", default_value_t = 120_000)]
    pub cell_max_ms: u64,
    /// Megabytes of memory that one worker may take; it is killed then.
    #[arg(long, value_name = "MB", default_value_t = 4_096, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub memory_max_mb: u64,
    /// Kilobytes that the processes of a cell may write to its store together, restarts included; whoever writes on is killed.
    #[arg(long, value_name = "KB", default_value_t = 1_048_576, value_parser = clap::value_parser!(u64).range(1..=1_073_741_824))]
    pub store_max_kb: u64,
}

/// As if nothing had been typed.
impl Default for HowArgs {
    fn default() -> Self {
        let matches = HowArgs::augment_args(clap::Command::new("how")).get_matches_from(["how"]);
        HowArgs::from_arg_matches(&matches).expect("every flag of a run has a default")
    }
}

/// What goes to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    #[default]
    Human,
    /// Every event as a line of JSON.
    JsonLines,
    /// Nothing but the exit code.
    Quiet,
}

/// Whether to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Flags of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Also print what each shows and why it matters.
    #[arg(long, short)]
    pub long: bool,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Which scenarios.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How mistakes are written.
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,
    /// Whether to use colour.
    #[arg(long, value_enum, default_value_t)]
    pub color: Color,
}

/// How mistakes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// Excerpts for people.
    #[default]
    Human,
    /// JSON, a line for each file.
    JsonLines,
    /// GitHub annotations.
    Github,
}

/// Flags of `failpoints`.
#[derive(Debug, Args)]
pub struct FailpointsArgs {
    /// Only those whose name contains this.
    pub name: Option<String>,
    /// The folder of all scenarios.
    #[arg(long, value_name = "FOLDER", default_value = crate::scenario::FOLDER)]
    pub scenarios: PathBuf,
}

/// Flags of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Print the reference page instead.
    #[arg(long)]
    pub markdown: bool,
}

/// Flags of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The bundle's folder.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// How it is done; the seed is the bundle's own.
    #[command(flatten)]
    pub how: HowArgs,
}

/// Flags of `judge`.
#[derive(Debug, Args)]
pub struct JudgeArgs {
    /// The bundle's folder.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Scenario files, folders of them, or names below the folder of all scenarios.
    #[arg(value_name = "SCENARIO", required = true)]
    pub paths: Vec<String>,
    /// The folder of all scenarios.
    #[arg(long, value_name = "FOLDER", default_value = crate::scenario::FOLDER)]
    pub scenarios: PathBuf,
    /// Whether to use colour where a scenario is invalid.
    #[arg(long, value_enum, default_value_t)]
    pub color: Color,
}

/// Flags of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Where the graph lies: a path, file:///PATH or s3://BUCKET/PREFIX. S3 is reached by the usual AWS_* variables.
    #[arg(value_name = "URI")]
    pub uri: String,
    /// Commits to show, the newest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub commits: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `serve-s3`.
#[derive(Debug, Args)]
pub struct ServeS3Args {
    /// The port of 127.0.0.1; a free one, if not said.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// A bucket to make; repeat it for several.
    #[arg(long, value_name = "NAME", default_value = "graphs")]
    pub bucket: Vec<String>,
}

/// Flags of `shrink`.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// The bundle's folder.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// The file to write; by default one below `regression` that is named for what was broken.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The folder of all scenarios.
    #[arg(long, value_name = "FOLDER", default_value = crate::scenario::FOLDER)]
    pub scenarios: PathBuf,
    /// Most runs of candidates.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub candidates: u64,
    /// Minutes after which no new candidate is tried.
    #[arg(long, value_name = "MIN", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    pub minutes: u64,
    /// Candidates that run at the same time; by default one for each core.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Milliseconds that one step may take.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub step_max_ms: u64,
    /// Milliseconds that one cell may take.
    #[arg(long, value_name = "MS", default_value_t = 120_000)]
    pub cell_max_ms: u64,
}

/// Flags of `reap`.
#[derive(Debug, Args)]
pub struct ReapArgs {
    /// Also remove what belongs to runs that nothing can be told about from here.
    #[arg(long)]
    pub all: bool,
}

/// Flags of `matrix`.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// As the JSON that a GitHub job matrix reads.
    #[arg(long, required_unless_present = "record")]
    pub github: bool,
    /// Print instead how long the cells of this run took, from the file that --json-lines wrote; repeat it for several. What
    /// is printed belongs into durations.json in the folder of all scenarios.
    #[arg(long, value_name = "FILE", conflicts_with = "github")]
    pub record: Vec<PathBuf>,
    /// Backends of the matrix.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Vec<BackendKind>,
    /// Parts that the cells of the backend that takes longest are divided into; the others as many as take no longer.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub shards: u32,
    /// The folder of all scenarios.
    #[arg(long, value_name = "FOLDER", default_value = crate::scenario::FOLDER)]
    pub scenarios: PathBuf,
}

/// Flags of `coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// What --json-lines wrote of a run; several files for the shards of one.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Why windows stay dark.
    #[arg(long, value_name = "FILE", default_value = "ci/dark.yaml")]
    pub dark: PathBuf,
    /// Compare with this page instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

/// Flags of `backends`.
#[derive(Debug, Args)]
pub struct BackendsArgs {
    /// Print only the reference of the RustFS image.
    #[arg(long)]
    pub image: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn only_what_runs_cells_says_that_it_ends_as_a_run_does() {
        let command = Flags::command();
        let says = |command: &&clap::Command| command.get_after_help().is_some_and(|help| help.to_string() == TABLE);
        let names: Vec<&str> = command.get_subcommands().filter(says).map(clap::Command::get_name).collect();
        assert_eq!(names, ["run", "sweep", "swarm"]);
    }
}
