//! `chaos shrink`: makes a failure small, and writes it as a scenario file; also of the first failures of a sweep or a swarm, when
//! it is over.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::exit::Exit;
use super::flags::{Color, HowArgs, ShrinkArgs};
use super::replay::load;
use super::run::{Prepared, prepare, runtime, told};
use crate::backend::BackendKind;
use crate::event::{Event, FinishedCell, Record, Selection, Sink, VerdictName};
use crate::repro::shrink::bench::Supervised;
use crate::repro::shrink::{self, Bounds, Origin, Progress, Shrunk, Trial, Why, file_of, name_of};
use crate::runner::run_as_they_come;
use crate::runner::supervisor::RunResult;
use crate::scenario;

/// Runs of candidates for one failure of a run, and minutes for it. That bounds what a night takes longer.
const AFTER_A_RUN: (u64, u64) = (1_000, 5);
/// Files of one name below `regression` at the most.
const FILES_MAX: usize = 1000;

/// Shrinks a bundle.
///
/// # Errors
/// The bundle cannot be read, the file cannot be written, or this machine cannot run it.
pub fn command(args: &ShrinkArgs) -> Result<Exit, String> {
    shrunk(args, &mut io::stdout())
}

/// Shrinks a bundle, and tells `out` what came of it.
fn shrunk(args: &ShrinkArgs, out: &mut dyn Write) -> Result<Exit, String> {
    let Some(replay) = load(&args.bundle, Color::Auto)? else { return Ok(Exit::Usage) };
    let events = replay.bundle.events().map_err(|error| error.to_string())?;
    let recorded = Trial::recorded(&replay.recorded, &events);
    if let Err(reason) = shrink::Failure::of(&recorded) {
        eprintln!("there is nothing to shrink: {reason}");
        return Ok(Exit::Nothing);
    }
    let backend: BackendKind = replay.cell.backend.parse().map_err(|error| format!("{error}"))?;
    let how = how(args);
    let selection = Selection { backends: vec![replay.cell.backend.clone()], ..Selection::default() };
    let Prepared { scratch: _scratch, redactor, options } = prepare(selection, &how, vec![backend], replay.seed)?;
    let bounds = Bounds {
        candidates_max: args.candidates,
        time_max: Duration::from_secs(60 * args.minutes),
        batch: options.jobs,
    };
    let (mut bench, mut planned, listener) = Supervised::new(backend);
    let plans = futures::stream::poll_fn(move |context| planned.poll_recv(context));
    let (result, ran) = runtime()?.block_on(async {
        let searching = async {
            let scenario = &replay.scenario;
            let result = shrink::shrink(&mut bench, scenario, replay.seed, &recorded, bounds, &mut tell).await;
            // The supervisor ends with its bench.
            drop(bench);
            result
        };
        tokio::join!(searching, run_as_they_come(vec![backend], plans, options, vec![listener]))
    });
    let ran = told(ran, &redactor);
    let shrunk = match result {
        Ok(shrunk) => shrunk,
        Err(reason) => {
            eprintln!("{}", redactor.redact(&reason));
            return Ok(if ran.trouble.is_empty() { Exit::Nothing } else { Exit::Trouble });
        }
    };
    let origin = Origin { cell: replay.cell.clone(), seed: replay.seed.0 };
    let text = file_of(&shrunk, &origin, &|text| redactor.redact(text));
    let place = write(args, &name_of(&shrunk), &text)?;
    // Nothing depends on whether somebody reads along.
    let _ = conclude(&shrunk, &place, out);
    Ok(exit(&shrunk))
}

/// Remembers the bundles of the first cells that failed. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct FirstFailed {
    max: usize,
    bundles: Arc<Mutex<Vec<PathBuf>>>,
}

impl FirstFailed {
    /// Of so many.
    pub fn new(max: usize) -> Self {
        FirstFailed { max, bundles: Arc::default() }
    }

    /// Shrinks them, if the run came to its end. What is left of each stands beside its bundle. Says to standard error what came
    /// of it, and changes nothing about what the run came to: who cannot be shrunk has failed all the same.
    pub fn shrink(&self, ended: &RunResult, how: &HowArgs) {
        let bundles = std::mem::take(&mut *self.bundles.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        for bundle in bundles.iter().filter(|_| !ended.interrupted) {
            eprintln!("shrinking {}", bundle.display());
            if let Err(reason) = shrunk(&beside(bundle, how), &mut io::stderr()) {
                eprintln!("{} is not shrunk: {reason}", bundle.display());
            }
        }
    }
}

impl Sink for FirstFailed {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let Event::CellFinished(FinishedCell { bundle: Some(bundle), verdict, .. }) = &record.event else {
            return Ok(());
        };
        let mut bundles = self.bundles.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // What says nothing about the engine has nothing to shrink.
        let says = matches!(verdict.name(), VerdictName::Broken | VerdictName::Inconclusive);
        if says && bundles.len() < self.max {
            bundles.push(PathBuf::from(bundle));
        }
        Ok(())
    }
}

/// How a bundle is shrunk into a file beside it, under the bounds of the run that left it.
fn beside(bundle: &Path, how: &HowArgs) -> ShrinkArgs {
    let (candidates, minutes) = AFTER_A_RUN;
    let mut output = bundle.as_os_str().to_owned();
    output.push(".shrunk.yaml");
    ShrinkArgs {
        bundle: bundle.to_owned(),
        output: Some(output.into()),
        scenarios: PathBuf::from(scenario::FOLDER),
        candidates,
        minutes,
        jobs: how.jobs,
        step_max_ms: how.step_max_ms,
        cell_max_ms: how.cell_max_ms,
    }
}

fn how(args: &ShrinkArgs) -> HowArgs {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    HowArgs {
        // The first success of a batch makes the rest of it void, so more than one a core is waste.
        jobs: Some(args.jobs.unwrap_or(cores as u16)),
        no_preflight: true,
        step_max_ms: args.step_max_ms,
        cell_max_ms: args.cell_max_ms,
        ..HowArgs::default()
    }
}

fn tell(progress: &Progress) {
    let mut err = io::stderr().lock();
    // Nothing depends on whether somebody reads along.
    let _ = match progress {
        Progress::Reproduced { failure, failed, runs, size } => {
            writeln!(err, "it fails again in {failed} of {runs} runs: {failure}\n  {size}")
        }
        Progress::Smaller { what, size, candidates } => {
            writeln!(err, "  {size} (fewer {what}, after {candidates} runs)")
        }
        Progress::Proving => writeln!(err, "running the result again"),
    };
}

fn write(args: &ShrinkArgs, name: &str, text: &str) -> Result<PathBuf, String> {
    let place = match &args.output {
        Some(file) => file.clone(),
        None => free_place(&args.scenarios.join("regression"), name)?,
    };
    let cannot = |error: io::Error| format!("{} cannot be written: {error}", place.display());
    // What is written is what will be read.
    if let Err(report) = scenario::parse(name, &place.to_string_lossy(), text.as_bytes()) {
        return Err(format!("the shrunk scenario is not valid, which is a mistake of this program:\n{report}"));
    }
    if let Some(folder) = place.parent().filter(|folder| *folder != Path::new("")) {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    File::create(&place).and_then(|mut file| file.write_all(text.as_bytes())).map_err(cannot)?;
    Ok(place)
}

fn free_place(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let numbered = (2..FILES_MAX).map(|number| format!("{name}-{number}"));
    let mut places = std::iter::once(name.to_owned()).chain(numbered).map(|name| folder.join(format!("{name}.yaml")));
    places
        .find(|place| place.symlink_metadata().is_err())
        .ok_or_else(|| format!("there are {FILES_MAX} files like {name} in {}; name one with -o", folder.display()))
}

fn conclude(shrunk: &Shrunk, place: &Path, out: &mut dyn Write) -> io::Result<()> {
    let why = match shrunk.why {
        Why::Smallest => "nothing more can be left out",
        Why::Candidates => "as many candidates as allowed were run; --candidates allows more",
        Why::Time => "the time is up; --minutes allows more",
        Why::Interrupted => "it was interrupted",
    };
    writeln!(out, "{} → {}: {why} ({} runs)", shrunk.before, shrunk.after, shrunk.candidates)?;
    match (shrunk.failed, shrunk.runs) {
        (_, 0) => writeln!(out, "the result was not run again")?,
        (failed, runs) if failed == runs => writeln!(out, "the result failed in each of {runs} more runs")?,
        (failed, runs) => writeln!(out, "the result is a race: it failed in {failed} of {runs} more runs")?,
    }
    if shrunk.scenario.seed.is_some() {
        writeln!(out, "it still needs its seed, which stands in the file")?;
    }
    writeln!(out, "{}", place.display())
}

fn exit(shrunk: &Shrunk) -> Exit {
    match shrunk.why {
        Why::Smallest if shrunk.failed == shrunk.runs => Exit::Held,
        Why::Smallest => Exit::Broken,
        Why::Candidates | Why::Time | Why::Interrupted => Exit::Trouble,
    }
}
