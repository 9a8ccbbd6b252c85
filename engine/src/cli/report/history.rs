//! Commits, and what recovery has done.

use omnigraph::history;
use omnigraph::recovery;
use serde::Serialize;

use super::{at, done};
use crate::cli::output::table::{Column, TooWide, render, shown};

/// One commit.
#[derive(Serialize)]
pub struct Commit {
    graph_version: u64,
    commit_id: String,
    at: String,
    kind: history::CommitKind,
    writer: Option<&'static str>,
    actor: String,
    operation_id: Option<String>,
}

impl Commit {
    pub fn of(commit: &history::Commit) -> Commit {
        Commit {
            graph_version: commit.graph_version,
            commit_id: commit.id.to_string(),
            at: at(commit.at),
            kind: commit.kind,
            writer: commit.writer.map(|writer| writer.as_str()),
            actor: commit.actor.clone(),
            operation_id: commit.operation_id.map(|id| id.to_string()),
        }
    }

    fn what(&self) -> &'static str {
        match self.kind {
            history::CommitKind::Created => "created",
            history::CommitKind::Written => "written",
            history::CommitKind::RolledForward => "rolled forward",
            history::CommitKind::RolledBack => "rolled back",
            history::CommitKind::Repaired => "repaired",
        }
    }
}

/// Commits as a table.
pub fn commits(commits: &[Commit], width: Option<usize>) -> String {
    let columns = [
        Column::number("version"),
        Column::text("commit"),
        Column::text("at"),
        Column::text("what"),
        Column::text("by"),
        Column::text("operation"),
    ];
    let rows: Vec<Vec<String>> = commits
        .iter()
        .map(|commit| {
            vec![
                commit.graph_version.to_string(),
                commit.commit_id.clone(),
                commit.at.clone(),
                commit.what().to_owned(),
                shown(&commit.actor),
                commit.operation_id.clone().unwrap_or_default(),
            ]
        })
        .collect();
    render(&columns, &rows, width, TooWide::Listed)
}

/// One recovery.
#[derive(Serialize)]
pub struct Recovery {
    operation_id: String,
    kind: &'static str,
    writer: &'static str,
    actor: String,
    at: String,
    commit_id: Option<String>,
    tables: Vec<recovery::TableOutcome>,
}

impl Recovery {
    pub fn of(row: &recovery::Recovery) -> Recovery {
        Recovery {
            operation_id: row.operation_id.to_string(),
            kind: done(row.kind),
            writer: row.writer.as_str(),
            actor: row.actor.clone(),
            at: at(row.at),
            commit_id: row.commit.map(|id| id.to_string()),
            tables: row.tables.clone(),
        }
    }
}

/// Recoveries as a table.
pub fn recoveries(found: &[Recovery], width: Option<usize>) -> String {
    if found.is_empty() {
        return "nothing has been recovered yet\n".to_owned();
    }
    let names = ["operation", "what", "of a", "by", "at", "tables"];
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|row| {
            let tables: Vec<String> =
                row.tables.iter().map(|table| format!("{} {}→{}", table.path, table.from, table.to)).collect();
            vec![
                row.operation_id.clone(),
                row.kind.replace('-', " "),
                row.writer.to_owned(),
                shown(&row.actor),
                row.at.clone(),
                if tables.is_empty() { "none moved".to_owned() } else { shown(&tables.join(", ")) },
            ]
        })
        .collect();
    render(&names.map(Column::text), &rows, width, TooWide::Listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_of_an_old_graph_forges_no_line_and_drives_no_terminal() {
        // Nobody can write under such a name any more; somebody may have.
        let actor = "ann\n     9 01J00000000000000000000000 written by admin\u{1b}[2J\u{202e}";
        let at = "2026-11-30T12:00:00.250Z".parse().unwrap();
        let commit = history::Commit {
            id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            parents: Vec::new(),
            kind: history::CommitKind::Written,
            writer: None,
            actor: actor.into(),
            operation_id: None,
            graph_version: 7,
            at,
        };
        for width in [None, Some(40), Some(200)] {
            let text = commits(&[Commit::of(&commit)], width);
            let naming: Vec<&str> = text.lines().filter(|line| line.contains("admin")).collect();
            assert!(naming.len() == 1 && naming[0].contains("ann\\n"), "{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
        let shape = serde_json::to_value(Commit::of(&commit)).unwrap();
        assert_eq!(shape["actor"], actor, "a program gets it exactly");
        assert_eq!((&shape["at"], &shape["kind"]), (&"2026-11-30T12:00:00.250Z".into(), &"written".into()));
    }
}
