//! What a step does, and how it has to end.

use std::collections::BTreeMap;

use super::super::model::{
    Action, Check, CommitRow, Count, CountOrRows, DEFAULT_HANDLE, DEFAULT_PROCESS, Damage, Expect, Load, LoadMode,
    ObjectRef, OkExpectation, OpenMode, Repair, Step, Words,
};
use super::{counted, listed};

/// What it does.
pub fn told(step: &Step) -> String {
    let mut told = action(step);
    let (handle, process) = (step.handle(), step.process());
    if handle != DEFAULT_HANDLE && !matches!(step.action, Action::Open(_) | Action::Close(_)) {
        told.push_str(&format!(", through handle '{handle}'"));
    }
    let names_its_process =
        matches!(step.action, Action::Restart(_) | Action::Kill(_) | Action::Pause(_) | Action::Continue(_));
    if process != DEFAULT_PROCESS && !names_its_process {
        told.push_str(&format!(", in process '{process}'"));
    }
    if let Some(actor) = &step.actor {
        told.push_str(&format!(", on behalf of '{actor}'"));
    }
    if let Some(operation) = &step.operation {
        told.push_str(&format!(", as the write that is called '{operation}'"));
    }
    if let Some(name) = &step.start {
        told.push_str(&format!("; it runs in the background as '{name}'"));
        if let Some(hold) = &step.hold {
            told.push_str(&format!(" and is held at {hold} until it is released"));
        }
    }
    told
}

fn action(step: &Step) -> String {
    match &step.action {
        Action::Create(_) => "create the graph".to_owned(),
        Action::Load(load) => loaded(load),
        Action::Mutate(sql) => format!("mutate: {}", flat(sql)),
        Action::Query(query) => match &query.rows {
            Some(rows) => format!("query, which has to give {}: {}", rows_told(rows), flat(&query.sql)),
            None => format!("query: {}", flat(&query.sql)),
        },
        Action::Refresh(_) => "refresh, which heals".to_owned(),
        Action::Repair(Repair::Preview) => "look at drift that nothing explains, and change nothing".to_owned(),
        Action::Repair(Repair::Confirm) => "publish drift that nothing explains, on the operator's word".to_owned(),
        Action::Repair(Repair::Audit) => {
            "set a damaged audit aside, and write anew what the history knows of it".to_owned()
        }
        Action::Repair(Repair::Manifest) => {
            "make the newest whole version of the graph manifest the newest one, on the operator's word".to_owned()
        }
        Action::Repair(Repair::Quarantine(object)) => format!("move {} into quarantine", object_told(object)),
        Action::Open(mode) => {
            let how = match mode {
                OpenMode::ReadWrite => "read-write, which sweeps what a crash left",
                OpenMode::ReadWriteWithGrace => "read-write, with grace for writers of other processes",
                OpenMode::ReadOnly => "read-only, which touches nothing",
            };
            format!("open handle '{}' {how}", step.handle())
        }
        Action::Close(_) => format!("close handle '{}'", step.handle()),
        Action::Restart(_) => {
            format!("kill process '{}' if it lives, and start it anew with no handle open", step.process())
        }
        Action::Kill(_) => format!("kill process '{}' and leave it dead", step.process()),
        Action::Pause(_) => format!("stop process '{}' where it stands (SIGSTOP)", step.process()),
        Action::Continue(_) => format!("let process '{}' go on (SIGCONT)", step.process()),
        Action::Container(call) => format!("{} the container that the store runs in", call.as_str()),
        Action::Check(check) => format!("look from outside: {}", checked(check)),
        Action::Damage(damage) => damaged(damage),
        Action::Undo(name) => format!("put back what the damage '{name}' took or changed"),
        Action::MoveHead(moved) => {
            let row = if moved.row.is_some() { ", the first of which appends a row" } else { "" };
            let commits = counted(moved.commits as usize, "commit");
            format!("make {commits} to the table of {} behind the engine's back{row}", moved.type_name)
        }
        Action::PlantSidecar(planted) => {
            let tables: Vec<&str> = planted.tables.iter().map(|table| table.type_name.as_str()).collect();
            let wrong = if planted.but.is_none() { "" } else { ", which is wrong in what the step says" };
            format!("plant a sidecar of a {} over {}{wrong}", planted.writer, listed(&tables))
        }
        Action::Arm(arm) => format!("arm faults, as '{}', until they are lifted", arm.name),
        Action::Lift(name) if name == "all" => "lift every fault of the process".to_owned(),
        Action::Lift(name) => format!("lift the faults '{name}'"),
        Action::Arrive(name) => format!("let what is late as '{name}' reach the store"),
        Action::Release(name) => format!("let '{name}' go on"),
        Action::Join(name) => format!("wait until '{name}' ends"),
    }
}

fn loaded(load: &Load) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    load.rows.iter().for_each(|row| *counts.entry(&row.type_name).or_default() += 1);
    if let Some(generate) = &load.generate {
        *counts.entry(&generate.type_name).or_default() += generate.count as usize;
    }
    let rows: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let mode = match load.mode {
        LoadMode::Append => "which must be new",
        LoadMode::Merge => "replacing rows of the same key",
        LoadMode::Overwrite => "in place of every row of their types",
    };
    format!("load {}, {mode}", listed(&rows))
}

fn damaged(damage: &Damage) -> String {
    let object = object_told(damage.object());
    match damage {
        Damage::Write { text, .. } => format!("write {} over {object}", counted(text.len(), "byte")),
        Damage::Truncate { to, .. } => format!("cut {object} off after {}", counted(*to as usize, "byte")),
        Damage::Corrupt { at: Some(at), .. } => format!("change the byte at {at} of {object}"),
        Damage::Corrupt { at: None, .. } => format!("change the byte in the middle of {object}"),
        Damage::Rename { to, .. } => format!("move {object} to {to}"),
        Damage::Delete { .. } => format!("delete {object}"),
    }
}

fn object_told(object: &ObjectRef) -> String {
    match object {
        ObjectRef::Path(path) => format!("whatever fits {path}"),
        ObjectRef::Sidecar(number) => format!("sidecar {number} from the oldest"),
        other => other.to_string(),
    }
}

fn checked(check: &Check) -> String {
    let mut told: Vec<String> = Vec::new();
    for (name, rows) in &check.rows {
        told.push(match rows {
            Count::Number(count) => format!("{} of {name}", counted(*count as usize, "row")),
            Count::List(rows) => format!("exactly {} of {name}, one by one", counted(rows.len(), "row")),
        });
    }
    told.extend(check.sidecars.map(|count| counted(count as usize, "sidecar")));
    told.extend(check.unreadable_sidecars.map(|count| counted(count as usize, "unreadable sidecar")));
    told.extend(check.quarantined.map(|count| format!("{} in quarantine", counted(count as usize, "file"))));
    if let Some(audit) = &check.audit {
        let kinds: Vec<&str> = audit.iter().map(|row| row.kind.as_str()).collect();
        told.push(if kinds.is_empty() {
            "no audit row".to_owned()
        } else {
            format!("the audit rows {}", listed(&kinds))
        });
    }
    told.extend(check.commits.as_ref().map(commits_told));
    if let Some(drift) = &check.drift {
        let names: Vec<&str> = drift.iter().map(String::as_str).collect();
        told.push(if names.is_empty() { "no drift".to_owned() } else { format!("drift of {}", listed(&names)) });
    }
    for (glob, count) in &check.objects {
        told.push(format!("{} like {glob}", counted(*count as usize, "object")));
    }
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    listed(&told)
}

fn commits_told(commits: &Count<CommitRow>) -> String {
    let count = match commits {
        Count::Number(count) => *count as usize,
        Count::List(commits) => commits.len(),
    };
    format!("{} since the first step", counted(count, "commit"))
}

fn rows_told(rows: &CountOrRows) -> String {
    match rows {
        Count::Number(count) => counted(*count as usize, "row"),
        Count::List(rows) => format!("exactly {}", counted(rows.len(), "row")),
    }
}

fn flat(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How it has to end; none where there is nothing to say.
pub fn expected(step: &Step) -> Option<String> {
    if !step.action.runs_the_engine() {
        return None;
    }
    Some(match (&step.expect, &step.start) {
        (expect, None) => end(expect),
        (expect, Some(_)) => format!("when it is joined, {}", end(expect)),
    })
}

fn end(expect: &Expect) -> String {
    match expect {
        Expect::Ok => "it is done".to_owned(),
        Expect::OkWith(wanted) => format!("it is done{}", reported(wanted)),
        Expect::Error(wanted) => {
            let words = [("message", &wanted.message), ("advice", &wanted.advice)];
            let words: String = words.iter().map(|(what, words)| words_told(what, words)).collect();
            let retry = match wanted.retryable {
                Some(true) => ", and can be retried",
                Some(false) => ", and cannot be retried",
                None => "",
            };
            format!("it fails with an error of kind '{}'{words}{retry}", wanted.error.0.as_str())
        }
        Expect::Refused => "it fails, and nothing of it will ever be visible".to_owned(),
        Expect::InDoubt => "it fails, and it is open whether it was done".to_owned(),
        Expect::Crash => "its process dies in it".to_owned(),
        Expect::Panic => "it panics, and its process lives".to_owned(),
        Expect::OneOf(ways) => {
            let ways: Vec<String> = ways.iter().map(end).collect();
            ways.join("; or ")
        }
        Expect::Any => "anything but the death of its process, a panic or an internal error".to_owned(),
    }
}

fn words_told(what: &str, words: &Words) -> String {
    let quoted = |words: &[String]| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    let mut told = String::new();
    if !words.has.is_empty() {
        told.push_str(&format!(", whose {what} says {}", quoted(&words.has)));
    }
    if !words.lacks.is_empty() {
        told.push_str(&format!(", whose {what} does not say {}", quoted(&words.lacks)));
    }
    told
}

fn reported(wanted: &OkExpectation) -> String {
    let mut told: Vec<String> = Vec::new();
    if let Some(counts) = &wanted.recovered {
        let pairs = [
            ("rolled forward", counts.rolled_forward),
            ("rolled back", counts.rolled_back),
            ("deferred", counts.deferred),
        ];
        let named = pairs.into_iter().filter_map(|(what, count)| Some(format!("{} {what}", count?)));
        told.push(format!("recovers {}", named.collect::<Vec<_>>().join(", ")));
    }
    if let Some(drift) = &wanted.drift {
        let names: Vec<&str> = drift.iter().map(String::as_str).collect();
        told.push(format!("reports drift of {}", listed(&names)));
    }
    if let Some(rows) = &wanted.rows {
        let rows: Vec<String> = rows.iter().map(|(name, count)| format!("{count} {name}")).collect();
        told.push(format!("writes {}", rows.join(", ")));
    }
    told.iter().map(|what| format!(", and {what}")).collect()
}
