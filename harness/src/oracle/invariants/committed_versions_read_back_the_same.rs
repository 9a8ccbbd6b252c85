//! What was visible once stays readable and unchanged.

use crate::oracle::evidence::Evidence;
#[cfg(test)]
use crate::oracle::evidence::VersionReading;
#[cfg(test)]
use crate::oracle::invariant::Defect;
use crate::oracle::invariant::{Breach, Invariant};
#[cfg(test)]
use crate::oracle::sound;

/// See the module.
#[derive(Debug)]
pub struct CommittedVersionsReadBackTheSame;

impl Invariant for CommittedVersionsReadBackTheSame {
    fn name(&self) -> &'static str {
        "committed-versions-read-back-the-same"
    }

    fn property(&self) -> &'static str {
        "a committed version reads back later exactly as it read when it was new"
    }

    fn missing(&self, evidence: &Evidence) -> Option<String> {
        let is_read_again = evidence.version_readings.iter().any(|reading| reading.again.is_some());
        (!is_read_again).then(|| "no version was read a second time".to_owned())
    }

    fn check(&self, evidence: &Evidence) -> Result<(), Breach> {
        let mut lines = Vec::new();
        for reading in &evidence.version_readings {
            let name = format!(
                "{} version {} (graph version {})",
                reading.type_name, reading.table_version, reading.graph_version
            );
            match &reading.again {
                Some(Ok(digest)) if *digest != reading.digest => {
                    lines.push(format!("{name}: {} rows with digest {}, now {digest}", reading.rows, reading.digest));
                }
                Some(Err(error)) => lines.push(format!("{name}: cannot be read any more: {error}")),
                Some(Ok(_)) | None => {}
            }
        }
        for (at, reading) in evidence.version_readings.iter().enumerate() {
            let twin = evidence.version_readings[..at]
                .iter()
                .find(|other| other.type_name == reading.type_name && other.graph_version == reading.graph_version);
            if let Some(twin) =
                twin.filter(|twin| twin.digest != reading.digest || twin.table_version != reading.table_version)
            {
                lines.push(format!(
                    "{} at graph version {} was read as {} and as {}",
                    reading.type_name, reading.graph_version, twin.digest, reading.digest
                ));
            }
        }
        Breach::unless_empty(lines)
    }

    #[cfg(test)]
    fn defects(&self) -> Vec<Defect> {
        vec![
            Defect {
                what: "a version reads otherwise",
                plant: |e| e.version_readings[0].again = Some(Ok("0000000000000000".into())),
            },
            Defect {
                what: "a version cannot be read any more",
                plant: |e| e.version_readings[0].again = Some(Err("object not found".into())),
            },
            Defect {
                what: "two readers of one version saw two things",
                plant: |e| {
                    let like = e.version_readings[0].clone();
                    e.version_readings.push(VersionReading { digest: "1111111111111111".into(), again: None, ..like });
                },
            },
            Defect {
                what: "two readers of one version saw two versions of a table",
                plant: |e| {
                    let like = e.version_readings[0].clone();
                    e.version_readings.push(VersionReading { table_version: 3, again: None, ..like });
                },
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_red_on_every_planted_defect_and_on_nothing_else() {
        sound::prove(&CommittedVersionsReadBackTheSame);
    }
}
