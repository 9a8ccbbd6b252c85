//! The backends of one run: each is brought up once, when the run begins, and asked for its promises.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::RunOptions;
use super::log::Bus;
use crate::backend::{Availability, Backend, BackendConfig, BackendKind, PreflightOutcome, RunContext, available};
use crate::event::{Event, PreflightAnswer};

/// How long a backend may take to start and to pass its preflight.
const START_MAX: Duration = Duration::from_secs(180);

/// Whether a backend takes cells.
#[derive(Clone)]
pub enum Standing {
    /// It does.
    Ready(Arc<dyn Backend>),
    /// It is not there.
    Skipped(String),
    /// It should be there and is in trouble.
    Failed(String),
}

/// The backends of one run.
pub struct Backends {
    standings: BTreeMap<BackendKind, watch::Receiver<Option<Standing>>>,
}

impl Backends {
    /// Brings every backend up, all at the same time. A required one that is not there is trouble, not a skip.
    pub fn start(kinds: &[BackendKind], options: &RunOptions, bus: &Arc<Bus>) -> Self {
        let mut standings = BTreeMap::new();
        for &kind in kinds {
            let (sender, receiver) = watch::channel(None);
            let wanted = Wanted {
                kind,
                required: options.required.contains(&kind),
                preflight: options.preflight,
                config: options.backends.clone(),
                context: options.context.clone(),
            };
            let bus = Arc::clone(bus);
            tokio::spawn(async move {
                let standing = bring_up(&wanted, &bus).await;
                let _ = sender.send(Some(standing));
            });
            standings.insert(kind, receiver);
        }
        Backends { standings }
    }

    /// How a backend stands, once that is known.
    pub async fn standing(&self, kind: BackendKind) -> Standing {
        let Some(receiver) = self.standings.get(&kind) else {
            return Standing::Failed(format!("{kind} is not part of this run"));
        };
        let mut receiver = receiver.clone();
        match receiver.wait_for(Option::is_some).await {
            Ok(standing) => standing.clone().unwrap_or_else(|| Standing::Failed(format!("{kind} was not started"))),
            Err(_) => Standing::Failed(format!("{kind} could not be started: its start panicked")),
        }
    }

    /// Takes every backend down. Says what went wrong.
    pub async fn stop(&self) -> Vec<String> {
        let mut trouble = Vec::new();
        for &kind in self.standings.keys() {
            if let Standing::Ready(backend) = self.standing(kind).await
                && let Err(error) = backend.stop().await
            {
                trouble.push(error.to_string());
            }
        }
        trouble
    }
}

/// A backend that takes part in the run.
struct Wanted {
    kind: BackendKind,
    required: bool,
    preflight: bool,
    config: BackendConfig,
    context: RunContext,
}

async fn bring_up(wanted: &Wanted, bus: &Bus) -> Standing {
    let kind = wanted.kind;
    let name = kind.as_str().to_owned();
    let started = Instant::now();
    let failed = |reason: String, preflight: Vec<PreflightAnswer>| {
        bus.emit(Event::BackendFailed { backend: name.clone(), reason: reason.clone(), preflight });
        Standing::Failed(reason)
    };
    let backend: Arc<dyn Backend> = match available(kind, &wanted.config).await {
        Availability::Ready(backend) => Arc::from(backend),
        Availability::Absent { reason } if wanted.required => {
            return failed(format!("{kind} is required and not there: {reason}"), Vec::new());
        }
        Availability::Absent { reason } => {
            bus.emit(Event::BackendSkipped { backend: name.clone(), reason: reason.clone() });
            return Standing::Skipped(reason);
        }
    };
    let answers = async {
        backend.start(&wanted.context).await?;
        if wanted.preflight { backend.preflight().await } else { Ok(Vec::new()) }
    };
    let answers = match tokio::time::timeout(START_MAX, answers).await {
        Ok(Ok(answers)) => answers,
        Ok(Err(error)) => {
            let _ = backend.stop().await;
            return failed(error.to_string(), Vec::new());
        }
        Err(_) => {
            let _ = backend.stop().await;
            return failed(format!("{kind} was not ready within {} s", START_MAX.as_secs()), Vec::new());
        }
    };
    let preflight: Vec<PreflightAnswer> = answers.iter().map(answer).collect();
    // A promise that could not be put to the test says nothing against the backend; it stands in the report.
    let is_broken = |answer: &&crate::backend::PreflightAnswer| matches!(answer.outcome, PreflightOutcome::Broken(_));
    let broken: Vec<&str> = answers.iter().filter(is_broken).map(|answer| answer.check.as_str()).collect();
    if !broken.is_empty() {
        let reason = format!("{kind} does not keep what the engine builds on: {}", broken.join("; "));
        let _ = backend.stop().await;
        return failed(reason, preflight);
    }
    let start_ms = started.elapsed().as_millis() as u64;
    bus.emit(Event::BackendReady { backend: name.clone(), start_ms, preflight, details: BTreeMap::new() });
    Standing::Ready(backend)
}

fn answer(asked: &crate::backend::PreflightAnswer) -> PreflightAnswer {
    let detail = match &asked.outcome {
        PreflightOutcome::Kept => None,
        PreflightOutcome::Broken(seen) | PreflightOutcome::NotAsked(seen) => Some(seen.clone()),
    };
    PreflightAnswer { check: asked.check.clone(), held: asked.is_kept(), detail }
}
