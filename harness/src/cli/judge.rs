//! `chaos judge`: runs the checkers again over the evidence that a failure left.

use std::fmt::Write;

use chrono::Utc;

use super::exit::Exit;
use super::flags::{Color, JudgeArgs};
use super::replay::load;
use crate::oracle::{Finding, Judged};
use crate::repro::{JudgedAgain, judge_again};

/// Judges a bundle again. Nothing is run.
///
/// # Errors
/// The bundle cannot be read, or holds no evidence.
pub fn command(args: &JudgeArgs) -> Result<Exit, String> {
    let Some(replay) = load(&args.bundle, Color::Auto)? else { return Ok(Exit::Usage) };
    let judged = judge_again(&replay, &Utc::now().format("%Y-%m-%d").to_string())?;
    if args.json {
        let mut judged = serde_json::to_value(&judged).map_err(|error| error.to_string())?;
        super::redactor().redact_value(&mut judged);
        super::print(&format!("{judged:#}\n"))?;
    } else {
        super::print(&super::redactor().redact(&shown(&judged)))?;
    }
    Ok(Exit::of_one(judged.verdict.name()))
}

fn shown(judged: &JudgedAgain) -> String {
    let mut text = format!("{}, judged again over what was recorded\n", judged.cell);
    judged.judgement.findings.iter().for_each(|finding| finding_shown(finding, &mut text));
    for name in &judged.judgement.unknown_waivers {
        let _ = writeln!(text, "  waived       {name}: there is no such invariant");
    }
    let _ = writeln!(text, "\nnow       {}", judged.verdict.name());
    let _ = writeln!(text, "recorded  {}", judged.recorded.name());
    if judged.differences.is_empty() {
        text.push_str("the same, for the same reasons\n");
    }
    judged.differences.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    text
}

fn finding_shown(judged: &Judged, text: &mut String) {
    let name = &judged.invariant;
    let _ = match &judged.finding {
        Finding::Held => writeln!(text, "  held         {name}"),
        Finding::NotJudged { missing } => writeln!(text, "  not judged   {name}: {missing}"),
        Finding::Waived { reason, breach: Some(_) } => writeln!(text, "  waived       {name}: {reason}"),
        Finding::Waived { reason, breach: None } => {
            writeln!(text, "  waived       {name}, which would have held: {reason}")
        }
        Finding::Broken { breach } => {
            let lines: String = breach.evidence.iter().map(|line| format!("               | {line}\n")).collect();
            write!(text, "  BROKEN       {name}: {}\n{lines}", breach.property)
        }
    };
}
