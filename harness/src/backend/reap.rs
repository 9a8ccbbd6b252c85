//! `chaos reap`: removes what killed runs left with a Docker engine.
//!
//! A run is dead when the process on its label is gone, or is another process under the same number. Where that cannot
//! be told (another machine, another set of process numbers) its containers stay, unless they do not even run.

use std::fmt;
use std::str::FromStr;

use super::docker::{Engine, LABEL_OWNER, LABEL_RUN, Labelled};
use super::error::BackendError;

/// One process on one machine since its last start, written into a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pid: u32,
    /// When the process started, in ticks since boot: a number that is used again starts later.
    started: u64,
    /// The boot of the machine, and the set of process numbers that `pid` belongs to.
    world: String,
}

impl Owner {
    /// The process that calls this.
    pub fn of_this_process() -> Self {
        let pid = std::process::id();
        Self { pid, started: start_of(pid).unwrap_or(0), world: world() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (pid, started) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { pid, started, world: parts.next()?.to_owned() })
    }

    /// Whether it is still there; `None` where that cannot be told from here.
    fn is_alive(&self) -> Option<bool> {
        let world = world();
        if world.is_empty() || self.world != world {
            return None;
        }
        Some(start_of(self.pid) == Some(self.started))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.pid, self.started, self.world)
    }
}

impl FromStr for Owner {
    type Err = BackendError;

    fn from_str(text: &str) -> Result<Self, BackendError> {
        Self::parse(text)
            .ok_or_else(|| BackendError::new("reap", format!("the label {LABEL_OWNER}={text} names no process")))
    }
}

/// What a pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Runs whose containers or networks were removed, one entry for each of those.
    pub removed: Vec<Leftover>,
    /// What was left alone.
    pub kept: Vec<Leftover>,
}

/// A container or a network of some run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The engine's id.
    pub id: String,
    /// The id of the run on its label.
    pub run: String,
    /// Why it was removed or kept.
    pub why: String,
}

/// Removes the containers and networks of dead runs; with `all`, also of those that nothing can be told about. A living
/// run is never touched.
pub async fn reap(all: bool) -> Result<Reaped, BackendError> {
    let engine = Engine::connect("reap").await?;
    let mut reaped = Reaped::default();
    for found in engine.containers().await? {
        let (remove, leftover) = judge(found, all);
        if remove {
            engine.remove_container(&leftover.id).await?;
            reaped.removed.push(leftover);
        } else {
            reaped.kept.push(leftover);
        }
    }
    for found in engine.networks().await? {
        let (remove, leftover) = judge(found, all);
        if remove {
            engine.remove_network(&leftover.id).await?;
            reaped.removed.push(leftover);
        } else {
            reaped.kept.push(leftover);
        }
    }
    Ok(reaped)
}

fn judge(found: Labelled, all: bool) -> (bool, Leftover) {
    let label = |name: &str| found.labels.get(name).cloned().unwrap_or_default();
    let alive = label(LABEL_OWNER).parse::<Owner>().ok().and_then(|owner| owner.is_alive());
    let (remove, why) = match alive {
        Some(true) => (false, "its run is alive"),
        Some(false) => (true, "its run is dead"),
        None if all => (true, "its run cannot be seen from here, and all were asked for"),
        None if found.is_running => (false, "its run cannot be seen from here"),
        None => (true, "its run cannot be seen from here, and it does not run"),
    };
    (remove, Leftover { run: label(LABEL_RUN), why: why.to_owned(), id: found.id })
}

/// When the process started, in ticks since boot; `None` when there is no such process, or no way to know.
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces and parentheses itself; what follows its end is plain.
    let after_name = stat.rsplit_once(") ")?.1;
    let mut fields = after_name.split(' ');
    let state = fields.next()?;
    // A zombie is a dead process whose parent has not looked yet.
    if state == "Z" || state == "X" {
        return None;
    }
    // Fields are counted from one in proc(5): the state is the third, the start the 22nd.
    fields.nth(18)?.parse().ok()
}

/// Empty where there is no `/proc`; then nothing can be told, and only containers that do not run are removed.
fn world() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let numbers = std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
    match (boot.trim(), numbers.as_str()) {
        ("", _) | (_, "") => String::new(),
        (boot, numbers) => format!("{boot}/{numbers}"),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn labelled(owner: &str, is_running: bool) -> Labelled {
        let labels =
            HashMap::from([(LABEL_OWNER.to_owned(), owner.to_owned()), (LABEL_RUN.to_owned(), "run".to_owned())]);
        Labelled { id: "id".into(), labels, is_running }
    }

    #[test]
    fn a_living_run_is_never_touched() {
        let me = Owner::of_this_process();
        assert_eq!(me.to_string().parse::<Owner>().ok(), Some(me.clone()));
        for all in [false, true] {
            assert!(!judge(labelled(&me.to_string(), true), all).0);
        }
    }

    #[test]
    fn a_run_whose_number_belongs_to_another_process_now_is_dead() {
        let mut me = Owner::of_this_process();
        me.started += 1;
        assert!(judge(labelled(&me.to_string(), true), false).0);
    }

    #[test]
    fn a_process_that_ended_is_dead() {
        let mut child = std::process::Command::new("true").spawn().expect("`true` starts");
        let pid = child.id();
        child.wait().expect("`true` ends");
        assert_eq!(start_of(pid), None);
    }

    #[test]
    fn what_cannot_be_seen_from_here_is_kept_while_it_runs_unless_all_is_asked() {
        let mut elsewhere = Owner::of_this_process();
        elsewhere.world = "another".into();
        for owner in [elsewhere.to_string(), "nonsense".to_owned(), String::new()] {
            assert!(!judge(labelled(&owner, true), false).0, "{owner}");
            assert!(judge(labelled(&owner, false), false).0, "{owner}");
            assert!(judge(labelled(&owner, true), true).0, "{owner}");
        }
    }
}
