//! Failpoints: the closed list of places where a fault can be made to strike.
//!
//! A failpoint is a [`Window`] of the write protocol or of recovery, optionally narrowed to the [`Scope`] that crosses
//! it. The catalogue is a product of the two enums, so that a new writer has every crash window on the day it is
//! written. `sidecar.write` names the window in every scope, `load:sidecar.write` names it in a load alone.
//!
//! The windows are compiled in only with the cargo feature `failpoints`; without it [`hit`] is an empty function and no
//! name of a failpoint is in the program. With it, actions are configured through the `fail` crate, and each firing is
//! handed to the installed [`FailpointEffects`].

use crate::error::Result;
use crate::writer::WriterKind;

/// Who acts when a window is crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Creating a graph.
    Create,
    /// A load.
    Load,
    /// A mutation.
    Mutate,
    /// Recovery at write entry or refresh.
    Heal,
    /// Recovery at a read-write open.
    Sweep,
    /// The operator's repair.
    Repair,
}

impl From<WriterKind> for Scope {
    fn from(writer: WriterKind) -> Self {
        match writer {
            WriterKind::Load => Scope::Load,
            WriterKind::Mutate => Scope::Mutate,
            WriterKind::Repair => Scope::Repair,
        }
    }
}

/// Where a fault can strike. "Before" windows are crossed before the effect, "after" windows when it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// Before a writer reads its view.
    PrepareRead,
    /// Before a writer stages its first file.
    PrepareStage,
    /// Before the sidecar is put.
    SidecarWrite,
    /// After the sidecar is durable, before any HEAD moves.
    SidecarWritten,
    /// Before each table commit.
    TableCommit,
    /// After each table commit.
    TableCommitted,
    /// Before the compare-and-swap on the graph manifest.
    ManifestPublish,
    /// After the graph manifest made the write visible.
    ManifestPublished,
    /// Before the sidecar is deleted.
    SidecarDelete,
    /// After the sidecar is gone.
    SidecarDeleted,
    /// Before the sidecars are listed.
    SidecarList,
    /// Before a listed sidecar is read.
    SidecarRead,
    /// Before recovery reads the world for one sidecar.
    RecoveryObserve,
    /// After recovery decided, before it acts.
    RecoveryDecided,
    /// Before a table is restored to its pin.
    TableRestore,
    /// After a table was restored to its pin.
    TableRestored,
    /// Before the audit row is appended.
    AuditAppend,
    /// After the audit row is durable.
    AuditAppended,
    /// Before the datasets of a new graph are created.
    CreateTables,
    /// After the datasets of a new graph exist, before its manifest does.
    CreateManifest,
    /// After the manifest of a new graph exists.
    CreateManifested,
}

#[cfg(feature = "failpoints")]
pub use enabled::{Failpoint, FailpointEffects, injected, install, with_effects};
#[cfg(feature = "failpoints")]
pub(crate) use enabled::{hit, inherit};

/// Crosses a window: does what is configured there, or nothing.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) async fn hit(_scope: Scope, _window: Window) -> Result<()> {
    Ok(())
}

/// Gives `future` the effects that the current task has, for when it is spawned as another task.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn inherit<F: Future>(future: F) -> impl Future<Output = F::Output> {
    future
}

#[cfg(feature = "failpoints")]
mod enabled {
    use std::fmt;
    use std::str::FromStr;
    use std::sync::{Arc, RwLock};

    use futures::future::BoxFuture;

    use super::{Result, Scope, Window};
    use crate::error::{Error, ErrorKind};

    impl Scope {
        /// Every scope.
        pub const ALL: &'static [Scope] =
            &[Scope::Create, Scope::Load, Scope::Mutate, Scope::Heal, Scope::Sweep, Scope::Repair];

        /// The scope's name in front of the colon.
        pub fn as_str(self) -> &'static str {
            match self {
                Scope::Create => "create",
                Scope::Load => "load",
                Scope::Mutate => "mutate",
                Scope::Heal => "heal",
                Scope::Sweep => "sweep",
                Scope::Repair => "repair",
            }
        }

        /// Whether `window` can be crossed in this scope.
        pub fn crosses(self, window: Window) -> bool {
            use Window::*;
            let protocol = matches!(
                window,
                PrepareRead
                    | PrepareStage
                    | SidecarWrite
                    | SidecarWritten
                    | TableCommit
                    | TableCommitted
                    | ManifestPublish
                    | ManifestPublished
                    | SidecarDelete
                    | SidecarDeleted
            );
            let recovery = matches!(
                window,
                SidecarList
                    | SidecarRead
                    | RecoveryObserve
                    | RecoveryDecided
                    | TableRestore
                    | TableRestored
                    | ManifestPublish
                    | ManifestPublished
                    | AuditAppend
                    | AuditAppended
                    | SidecarDelete
                    | SidecarDeleted
            );
            match self {
                Scope::Load | Scope::Mutate => protocol,
                Scope::Heal | Scope::Sweep => recovery,
                // A repair publishes drift that is already in the tables: it stages nothing and arms nothing.
                Scope::Repair => matches!(window, SidecarList | SidecarRead | ManifestPublish | ManifestPublished),
                Scope::Create => matches!(window, CreateTables | CreateManifest | CreateManifested),
            }
        }
    }

    impl Window {
        /// Every window, in the order in which a write and then a recovery crosses them.
        pub const ALL: &'static [Window] = &[
            Window::PrepareRead,
            Window::PrepareStage,
            Window::SidecarWrite,
            Window::SidecarWritten,
            Window::TableCommit,
            Window::TableCommitted,
            Window::ManifestPublish,
            Window::ManifestPublished,
            Window::SidecarDelete,
            Window::SidecarDeleted,
            Window::SidecarList,
            Window::SidecarRead,
            Window::RecoveryObserve,
            Window::RecoveryDecided,
            Window::TableRestore,
            Window::TableRestored,
            Window::AuditAppend,
            Window::AuditAppended,
            Window::CreateTables,
            Window::CreateManifest,
            Window::CreateManifested,
        ];

        /// The window's name.
        pub fn as_str(self) -> &'static str {
            match self {
                Window::PrepareRead => "prepare.read",
                Window::PrepareStage => "prepare.stage",
                Window::SidecarWrite => "sidecar.write",
                Window::SidecarWritten => "sidecar.written",
                Window::TableCommit => "table.commit",
                Window::TableCommitted => "table.committed",
                Window::ManifestPublish => "manifest.publish",
                Window::ManifestPublished => "manifest.published",
                Window::SidecarDelete => "sidecar.delete",
                Window::SidecarDeleted => "sidecar.deleted",
                Window::SidecarList => "sidecar.list",
                Window::SidecarRead => "sidecar.read",
                Window::RecoveryObserve => "recovery.observe",
                Window::RecoveryDecided => "recovery.decided",
                Window::TableRestore => "table.restore",
                Window::TableRestored => "table.restored",
                Window::AuditAppend => "audit.append",
                Window::AuditAppended => "audit.appended",
                Window::CreateTables => "create.tables",
                Window::CreateManifest => "create.manifest",
                Window::CreateManifested => "create.manifested",
            }
        }

        /// What a hit means, in one sentence.
        pub fn meaning(self) -> &'static str {
            match self {
                Window::PrepareRead => "a writer is about to read its view; a failure here leaves nothing",
                Window::PrepareStage => {
                    "a writer is about to stage files; a failure here leaves only unreferenced files"
                }
                Window::SidecarWrite => {
                    "the sidecar is about to be put; a failure here fails the write and leaves nothing"
                }
                Window::SidecarWritten => "the sidecar is durable and no table has moved",
                Window::TableCommit => {
                    "a table commit is about to land; earlier tables of the same write may have moved"
                }
                Window::TableCommitted => "a table has moved past its pin and the manifest does not know yet",
                Window::ManifestPublish => "every table has moved and the manifest is about to be swapped",
                Window::ManifestPublished => "the write is durable and visible, and its sidecar is still there",
                Window::SidecarDelete => {
                    "the sidecar is about to be deleted; a failure here never fails a caller's write"
                }
                Window::SidecarDeleted => "the sidecar is gone and the caller has not been told yet",
                Window::SidecarList => {
                    "the sidecars are about to be listed; a failure here fails whoever needs the list"
                }
                Window::SidecarRead => "a listed sidecar is about to be read",
                Window::RecoveryObserve => "recovery is about to read the world for one sidecar",
                Window::RecoveryDecided => "recovery has decided and has not acted",
                Window::TableRestore => "recovery is about to restore a table to its pin",
                Window::TableRestored => "recovery has restored a table and has not published that",
                Window::AuditAppend => "recovery is about to append its audit row; a failure here keeps the sidecar",
                Window::AuditAppended => "the audit row is durable and the sidecar is still there",
                Window::CreateTables => "a new graph's datasets are about to be created",
                Window::CreateManifest => "a new graph's datasets exist and its manifest does not",
                Window::CreateManifested => "a new graph is complete and its creator has not been told yet",
            }
        }
    }

    impl Window {
        /// Where it stands: the step of the protocol, and the place in it.
        pub fn place(self) -> &'static str {
            match self {
                Window::PrepareRead => "prepare, before the view is read",
                Window::PrepareStage => "prepare, before the first file is staged",
                Window::SidecarWrite => "arm, before the sidecar is put",
                Window::SidecarWritten => "arm, after the sidecar is put",
                Window::TableCommit => "commit, before each table",
                Window::TableCommitted => "commit, after each table",
                Window::ManifestPublish => "publish, before the compare-and-swap",
                Window::ManifestPublished => "publish, after the compare-and-swap",
                Window::SidecarDelete => "disarm, before the sidecar is deleted",
                Window::SidecarDeleted => "disarm, after the sidecar is deleted",
                Window::SidecarList => "look for what others left, before the list",
                Window::SidecarRead => "look for what others left, before each sidecar that was listed",
                Window::RecoveryObserve => "recovery of one sidecar, before it observes",
                Window::RecoveryDecided => "recovery of one sidecar, between decide and act",
                Window::TableRestore => "recovery of one sidecar, act: before each table that is restored",
                Window::TableRestored => "recovery of one sidecar, act: after each table that is restored",
                Window::AuditAppend => "recovery of one sidecar, audit: before the row is appended",
                Window::AuditAppended => "recovery of one sidecar, audit: after the row is appended",
                Window::CreateTables => "creation, before the datasets",
                Window::CreateManifest => "creation, between the datasets and the manifest",
                Window::CreateManifested => "creation, after the manifest",
            }
        }
    }

    /// One entry of the catalogue: a window, in one scope or in every scope that crosses it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct Failpoint {
        /// Who must be acting; `None` for anybody.
        pub scope: Option<Scope>,
        /// Where.
        pub window: Window,
    }

    impl Failpoint {
        /// Every failpoint there is: each window by itself, then each (scope, window) that can be crossed.
        pub fn catalogue() -> Vec<Failpoint> {
            let any = Window::ALL.iter().map(|&window| Failpoint { scope: None, window });
            let scoped = Scope::ALL.iter().flat_map(|&scope| {
                Window::ALL
                    .iter()
                    .filter(move |&&window| scope.crosses(window))
                    .map(move |&window| Failpoint { scope: Some(scope), window })
            });
            any.chain(scoped).collect()
        }

        /// What a hit means, in one sentence.
        pub fn meaning(self) -> &'static str {
            self.window.meaning()
        }

        /// Who crosses it.
        pub fn crossed_by(self) -> impl Iterator<Item = Scope> {
            let all = Scope::ALL.iter().copied().filter(move |scope| scope.crosses(self.window));
            all.filter(move |scope| self.scope.is_none_or(|only| only == *scope))
        }
    }

    impl fmt::Display for Failpoint {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if let Some(scope) = self.scope {
                write!(f, "{}:", scope.as_str())?;
            }
            f.write_str(self.window.as_str())
        }
    }

    impl FromStr for Failpoint {
        type Err = Error;

        fn from_str(name: &str) -> Result<Self> {
            Failpoint::catalogue().into_iter().find(|point| point.to_string() == name).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no failpoint `{name}`"))
                    .with_advice("the catalogue lists every name")
            })
        }
    }

    /// What the windows tell, and what a firing does. A harness installs one for its process.
    pub trait FailpointEffects: Send + Sync {
        /// A window was crossed, armed or not.
        fn reached(&self, scope: Scope, window: Window);
        /// An armed failpoint fired while `scope` acted; `argument` is what stands in `return(..)`. What this returns, the
        /// window returns.
        fn fired<'a>(&'a self, point: Failpoint, scope: Scope, argument: Option<String>) -> BoxFuture<'a, Result<()>>;
    }

    static EFFECTS: RwLock<Option<Arc<dyn FailpointEffects>>> = RwLock::new(None);

    /// Installs what every window of this process tells from now on, instead of what was there.
    pub fn install(effects: Arc<dyn FailpointEffects>) {
        *EFFECTS.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(effects);
    }

    tokio::task_local! {
        static LOCAL_EFFECTS: Arc<dyn FailpointEffects>;
    }

    /// Runs `future` with effects of its own, so that several simulated processes can share one real one.
    pub async fn with_effects<F: Future>(effects: Arc<dyn FailpointEffects>, future: F) -> F::Output {
        LOCAL_EFFECTS.scope(effects, future).await
    }

    /// Gives `future` the effects that the current task has, for when it is spawned as another task.
    pub(crate) fn inherit<F: Future>(future: F) -> impl Future<Output = F::Output> {
        let effects = LOCAL_EFFECTS.try_with(Arc::clone).ok();
        async move {
            match effects {
                Some(effects) => with_effects(effects, future).await,
                None => future.await,
            }
        }
    }

    /// The error that a firing gives where nothing else was asked for.
    pub fn injected(point: Failpoint) -> Error {
        Error::new(ErrorKind::Storage, format!("failpoint `{point}` returned an error"))
    }

    pub(crate) async fn hit(scope: Scope, window: Window) -> Result<()> {
        let effects = LOCAL_EFFECTS
            .try_with(Arc::clone)
            .ok()
            .or_else(|| EFFECTS.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone());
        if let Some(effects) = &effects {
            effects.reached(scope, window);
        }
        for point in [Failpoint { scope: Some(scope), window }, Failpoint { scope: None, window }] {
            if let Some(argument) = fail::eval(&point.to_string(), |argument| argument) {
                match &effects {
                    Some(effects) => effects.fired(point, scope, argument).await?,
                    None => return Err(injected(point)),
                }
            }
        }
        Ok(())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_five_that_the_product_is_named_for_are_in_the_catalogue() {
            for name in ["sidecar.write", "sidecar.delete", "sidecar.list", "audit.append", "manifest.publish"] {
                assert_eq!(name.parse::<Failpoint>().unwrap().to_string(), name);
            }
        }

        #[test]
        fn names_are_unique_and_every_window_is_crossed_by_somebody() {
            let catalogue = Failpoint::catalogue();
            let names: std::collections::BTreeSet<_> = catalogue.iter().map(Failpoint::to_string).collect();
            assert_eq!(names.len(), catalogue.len());
            let places: std::collections::BTreeSet<_> = Window::ALL.iter().map(|window| window.place()).collect();
            assert_eq!(places.len(), Window::ALL.len());
            for &window in Window::ALL {
                assert!(Scope::ALL.iter().any(|scope| scope.crosses(window)), "nobody crosses {}", window.as_str());
            }
        }
    }
}
