//! The history is a chain without gaps.

use std::collections::BTreeSet;

use crate::oracle::evidence::{CommitFact, Evidence};
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
use crate::oracle::layout;
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct HistoryIsSound;

impl Invariant for HistoryIsSound {
    fn name(&self) -> &'static str {
        "history-is-sound"
    }

    fn property(&self) -> &'static str {
        "commit ids are unique, every parent exists, and every published version has its commit"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        super::without_closing(evidence)
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let Some(closing) = &evidence.closing else { return Ok(()) };
        let world = &closing.world;
        let (mut ids, mut versions, mut lines) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for commit in &world.commits {
            if !ids.insert(commit.id.as_str()) {
                lines.push(format!("commit id {} is there more than once", commit.id));
            }
            if !versions.insert(commit.graph_version) {
                lines.push(format!("version {} has more than one commit", commit.graph_version));
            }
        }
        for commit in &world.commits {
            lines.extend(parents_trouble(&world.commits, commit));
        }
        // The store's own listing is the witness of what was published.
        for version in layout::versions(&world.objects, layout::MANIFEST) {
            if !versions.contains(&version) {
                lines.push(format!("version {version} was published and has no commit"));
            }
        }
        if versions.last() != Some(&world.graph_version) {
            lines.push(format!(
                "the snapshot has version {}, the newest commit {:?}",
                world.graph_version,
                versions.last()
            ));
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect { what: "a commit id is there twice", plant: |e| sound::commit(e, "C3").id = "C2".into() },
            Defect { what: "a parent does not exist", plant: |e| sound::commit(e, "C3").parents = vec!["C99".into()] },
            Defect { what: "a commit in the middle has no parent", plant: |e| sound::commit(e, "C3").parents.clear() },
            Defect {
                what: "the first commit has a parent",
                plant: |e| sound::commit(e, "C1").parents = vec!["C2".into()],
            },
            Defect {
                what: "a parent is younger than its child",
                plant: |e| sound::commit(e, "C3").parents = vec!["C5".into()],
            },
            Defect { what: "a published version has no commit", plant: |e| sound::add_version(e, "__manifest", 7) },
            Defect { what: "two commits have one version", plant: |e| sound::commit(e, "C3").graph_version = 2 },
            Defect { what: "the snapshot is newer than the history", plant: |e| sound::world(e).graph_version += 1 },
        ]
    }
}

fn parents_trouble(commits: &[CommitFact], commit: &CommitFact) -> Vec<String> {
    let is_first = commits.iter().all(|other| other.graph_version >= commit.graph_version);
    if commit.parents.is_empty() != is_first {
        let what = if is_first { "is the first and has parents" } else { "is not the first and has no parent" };
        return vec![format!("commit {} at version {} {what}", commit.id, commit.graph_version)];
    }
    let trouble = |parent: &String| match commits.iter().find(|other| other.id == *parent) {
        None => Some(format!("commit {} names the parent {parent}, which does not exist", commit.id)),
        Some(other) if other.graph_version >= commit.graph_version => Some(format!(
            "commit {} at version {} names a parent at version {}",
            commit.id, commit.graph_version, other.graph_version
        )),
        Some(_) => None,
    };
    commit.parents.iter().filter_map(trouble).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&HistoryIsSound);
    }
}
