//! `chaos run`: from what was typed to a run.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::Utc;
use tempfile::TempDir;
use ulid::Ulid;

use super::bundles::BundleFolder;
use super::exit::Exit;
use super::flags::{BackendArgs, Color, Format, HowArgs, RunArgs};
use super::select::{Selected, durations, select};
use super::settings;
use crate::backend::{BackendKind, RunContext};
use crate::diagnostic;
use crate::event::{Event, Record, RunStarted, Selection, Sink, Verdict};
use crate::report::{Github, Html, JsonLines, Junit, Progress, Redacting, Redactor, Terminal};
use crate::runner::protocol::WorkerLimits;
use crate::runner::supervisor::RunResult;
use crate::runner::{CellPlan, Derive, Durations, Limits, RunOptions, Shard, plan, run};
use crate::scenario::catalogue;
use crate::seed::Seed;

/// Backends of a run that names none.
const DEFAULT_BACKENDS: [BackendKind; 4] =
    [BackendKind::Memory, BackendKind::Local, BackendKind::S3, BackendKind::Rustfs];

/// Runs what was typed.
///
/// # Errors
/// What is wrong with what was typed, or with this machine.
pub fn command(args: &RunArgs) -> Result<Exit, String> {
    let selected = select(&args.select)?;
    if !selected.invalid.is_empty() {
        show_invalid(&selected, colored(args.how.color, io::stderr().is_terminal()));
        return Ok(Exit::Usage);
    }
    let backends = backends(&args.on);
    let plans = plan(&selected.scenarios, &backends, args.shard, &durations(&args.select.scenarios)?);
    let selection = Selection {
        paths: args.select.paths.clone(),
        tags: args.select.tag.clone(),
        backends: backends.iter().map(|kind| kind.as_str().to_owned()).collect(),
        shard: args.shard.map(|shard| (shard.k, shard.n)),
        scenarios: selected.scenarios.len() as u64,
        cells: plans.iter().map(|plan| plan.id.clone()).collect(),
        jobs: 0,
    };
    if let Some(shard) = args.shard {
        eprintln!("shard {}/{} takes {} cells:", shard.k, shard.n, plans.len());
        plans.iter().for_each(|plan| eprintln!("  {}", plan.id));
    }
    if plans.is_empty() {
        let is_selected = !plan(&selected.scenarios, &backends, None, &Durations::default()).is_empty();
        if let (Some(shard), true) = (args.shard, is_selected) {
            return Ok(nothing_to_do(shard));
        }
        eprintln!("nothing is selected: {} scenario files were read; 'chaos list' shows them", selected.files);
        return Ok(Exit::Nothing);
    }
    let seed = args.how.seed.unwrap_or_else(Seed::fresh);
    let (result, _) = start(plans, selection, &args.how, args.on.require.clone(), seed, None)?;
    match (Exit::of(&result), args.shard) {
        (Exit::Nothing, Some(shard)) => Ok(nothing_to_do(shard)),
        (exit, _) => Ok(exit),
    }
}

/// How a shard ends in which no cell can be run: others have them, so it is as green as they are.
pub fn nothing_to_do(shard: Shard) -> Exit {
    eprintln!("shard {}/{} of the selection has nothing to do", shard.k, shard.n);
    Exit::Held
}

/// The backends that are meant.
pub fn backends(typed: &BackendArgs) -> Vec<BackendKind> {
    let mut backends = Vec::new();
    for &kind in if typed.backend.is_empty() { &DEFAULT_BACKENDS[..] } else { &typed.backend } {
        if !backends.contains(&kind) {
            backends.push(kind);
        }
    }
    backends
}

/// Runs a plan and what `derive` says that follows from it, with every report that was asked for. Also returns the verdict
/// of the last cell that finished.
///
/// # Errors
/// A report that cannot be opened, or a machine that cannot run it.
pub fn start(
    plans: Vec<CellPlan>,
    selection: Selection,
    how: &HowArgs,
    required: Vec<BackendKind>,
    seed: Seed,
    derive: Option<Arc<dyn Derive>>,
) -> Result<(RunResult, Option<Verdict>), String> {
    start_with(plans, selection, how, required, seed, derive, Reports { progress: true, own: Vec::new() })
}

/// Who is told of a run beside those that were typed.
pub struct Reports {
    /// Whether every cell has a line of its own when it ends.
    pub progress: bool,
    /// Reports of the command itself.
    pub own: Vec<Box<dyn Sink>>,
}

/// As [`start`], with reports of the command's own.
///
/// # Errors
/// As [`start`].
pub fn start_with(
    plans: Vec<CellPlan>,
    selection: Selection,
    how: &HowArgs,
    required: Vec<BackendKind>,
    seed: Seed,
    derive: Option<Arc<dyn Derive>>,
    reports: Reports,
) -> Result<(RunResult, Option<Verdict>), String> {
    let Prepared { scratch, redactor, mut options } = prepare(selection, how, required, seed)?;
    options.bundles = Some(Arc::new(BundleFolder::new(how.bundle_dir.clone(), &options.started, redactor.clone())));
    options.derive = derive;
    let last = LastVerdict::default();
    let mut sinks = sinks(how, &redactor, reports.progress)?;
    sinks.extend(reports.own.into_iter().map(|own| redacted(own, &redactor)));
    sinks.push(redacted(last.clone(), &redactor));
    let result = told(runtime()?.block_on(run(plans, options, sinks)), &redactor);
    if holds_anything(scratch.path()) {
        eprintln!("bytes of cells are kept in {}", scratch.keep().display());
    }
    Ok((result, last.take()))
}

/// What a run came to, without secrets. Its trouble, which stands in no report, is told here and nowhere else.
pub fn told(ran: RunResult, redactor: &Redactor) -> RunResult {
    let trouble: Vec<String> = ran.trouble.iter().map(|trouble| redactor.redact(trouble)).collect();
    trouble.iter().for_each(|trouble| eprintln!("trouble: {trouble}"));
    RunResult { trouble, ..ran }
}

/// Whether a backend has left anything in its folder: it does where a cell is kept.
fn holds_anything(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// What a run needs of this machine.
pub struct Prepared {
    /// Where cells put their bytes; removed when it is dropped.
    pub scratch: TempDir,
    /// Takes secrets out of what is shown.
    pub redactor: Redactor,
    /// How the run is done. Nobody keeps bundles yet.
    pub options: RunOptions,
}

/// Makes a run ready, as it was asked for.
///
/// # Errors
/// A machine that cannot run it.
pub fn prepare(
    selection: Selection,
    how: &HowArgs,
    required: Vec<BackendKind>,
    seed: Seed,
) -> Result<Prepared, String> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    // A cell waits as often as it computes: for the store, for the death of a process.
    let jobs = how.jobs.map_or(2 * cores, usize::from);
    let run_id = Ulid::new().to_string().to_lowercase();
    let scratch = tempfile::Builder::new().prefix("chaos-").tempdir();
    let scratch = scratch.map_err(|error| format!("there is no temporary folder: {error}"))?;
    let program = std::env::current_exe().map_err(|error| format!("the program does not find itself: {error}"))?;
    let redactor = super::redactor();
    let started = RunStarted {
        run: run_id.clone(),
        seed: seed.0,
        started_at: Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        versions: settings::versions(),
        selection: Selection { jobs: jobs as u64, ..selection },
        failpoints: catalogue::crossings().to_vec(),
    };
    let options = RunOptions {
        jobs,
        failed_max: how.max_fail.map(u64::from),
        required,
        preflight: !how.no_preflight,
        backends: settings::backends(),
        context: RunContext { run_id, scratch: scratch.path().to_owned(), keep: how.keep },
        limits: Limits {
            step_max_ms: how.step_max_ms,
            cell_max_ms: how.cell_max_ms,
            memory_max_bytes: how.memory_max_mb << 20,
            worker: WorkerLimits {
                step_max_ms: how.step_max_ms,
                hold_max_ms: how.step_max_ms * 2 / 3,
                store_max_bytes: how.store_max_kb << 10,
                ..Limits::default().worker
            },
            ..Limits::default()
        },
        program,
        called: settings::called(),
        bundles: None,
        derive: None,
        bundle_all: how.bundle_all,
        today: Utc::now().format("%Y-%m-%d").to_string(),
        started,
    };
    Ok(Prepared { scratch, redactor, options })
}

/// Where a supervisor runs.
///
/// # Errors
/// This machine has none.
pub fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| format!("there is no runtime: {error}"))
}

/// Remembers the last verdict.
#[derive(Clone, Default)]
struct LastVerdict(Arc<Mutex<Option<Verdict>>>);

impl LastVerdict {
    fn take(&self) -> Option<Verdict> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}

impl Sink for LastVerdict {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if let Event::CellFinished(finished) = &record.event {
            *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(finished.verdict.clone());
        }
        Ok(())
    }
}

fn sinks(how: &HowArgs, redactor: &Redactor, progress: bool) -> Result<Vec<Box<dyn Sink>>, String> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    match how.format {
        Format::Human => {
            if progress && io::stderr().is_terminal() {
                sinks.push(redacted(Progress::<io::Stderr>::bar(), redactor));
            } else if progress {
                sinks.push(redacted(Progress::lines(io::stdout()), redactor));
            }
            let color = colored(how.color, io::stdout().is_terminal());
            sinks.push(redacted(Terminal::new(io::stdout()).with_color(color), redactor));
        }
        Format::JsonLines => sinks.push(redacted(JsonLines::new(io::stdout()), redactor)),
        Format::Quiet => {}
    }
    if let Some(path) = &how.junit {
        sinks.push(redacted(Junit::new(create(path)?), redactor));
    }
    if let Some(path) = &how.html {
        sinks.push(redacted(Html::new(create(path)?), redactor));
    }
    if let Some(path) = &how.json_lines {
        sinks.push(redacted(JsonLines::new(create(path)?), redactor));
    }
    if how.github {
        sinks.push(redacted(Github::new(io::stdout(), settings::step_summary()?), redactor));
    }
    Ok(sinks)
}

fn redacted(sink: impl Sink + 'static, redactor: &Redactor) -> Box<dyn Sink> {
    Box::new(Redacting::new(sink, redactor.clone()))
}

fn create(path: &Path) -> Result<BufWriter<File>, String> {
    let cannot = |error: io::Error| format!("{} cannot be written: {error}", path.display());
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    File::create(path).map(BufWriter::new).map_err(cannot)
}

/// Whether to use colour on an output that is, or is not, a terminal.
pub fn colored(color: Color, is_terminal: bool) -> bool {
    match color {
        Color::Auto => is_terminal && !settings::no_color(),
        Color::Always => true,
        Color::Never => false,
    }
}

/// Every mistake of every file, to standard error.
pub fn show_invalid(selected: &Selected, color: bool) {
    let mut err = io::stderr().lock();
    for (_, report) in &selected.invalid {
        let _ = write!(err, "{}", diagnostic::terminal::render(report, color));
    }
    let mistakes: usize = selected.invalid.iter().map(|(_, report)| report.diagnostics.len()).sum();
    let (mistakes, files) = (counted(mistakes, "mistake"), counted(selected.files, "file"));
    let _ = writeln!(err, "{mistakes} in {} of {files}", selected.invalid.len());
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
