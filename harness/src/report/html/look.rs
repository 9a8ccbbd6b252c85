//! How a verdict is shown: by a sign, a word and a colour, so that no one of them is needed.

use super::markup::Markup;
use crate::event::VerdictName;

/// How one verdict is shown.
pub struct Look {
    /// Its class in the style sheet.
    pub class: &'static str,
    /// Its sign, one character wide.
    pub sign: &'static str,
}

/// How a verdict is shown.
pub fn of(name: VerdictName) -> Look {
    let (class, sign) = match name {
        VerdictName::Held => ("held", "✓"),
        VerdictName::Broken => ("broken", "✗"),
        VerdictName::NotExercised => ("not-exercised", "○"),
        VerdictName::Inconclusive => ("inconclusive", "?"),
        VerdictName::Infrastructure => ("infrastructure", "!"),
        VerdictName::Invalid => ("invalid", "¶"),
        VerdictName::Skipped => ("skipped", "–"),
        VerdictName::NotApplicable => ("not-applicable", "·"),
        VerdictName::Known => ("known", "≈"),
    };
    Look { class, sign }
}

/// A cell that never got a verdict.
pub const UNFINISHED: Look = Look { class: "unfinished", sign: "…" };

/// The sign of a verdict with its word beside it.
pub fn chip(page: &mut Markup, name: VerdictName) {
    let look = of(name);
    page.raw("<span class=\"chip v-").raw(look.class).raw("\"><span aria-hidden=\"true\">").raw(look.sign);
    page.raw("</span> ").raw(name.as_str()).raw("</span>");
}

/// The sign of a verdict, with its word for those who hear the page.
pub fn sign(page: &mut Markup, look: &Look, word: &'static str) {
    page.raw("<span aria-hidden=\"true\">")
        .raw(look.sign)
        .raw("</span><span class=\"unseen\">")
        .raw(word)
        .raw("</span>");
}
