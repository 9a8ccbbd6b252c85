//! The name that was probably meant.

/// The nearest of the names, if one is near enough to be worth naming.
pub fn nearest<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
    let lower = typed.to_lowercase();
    let best = names.iter().map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), *name)).min()?;
    let near = best.0 <= 1 + lower.chars().count() / 4;
    // `sidecar-write` for `sidecar.write` is nearer than its letters say; so is a part of a name.
    let similar = || {
        let scored = names.iter().map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), *name));
        scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.9).map(|(_, name)| name)
    };
    if near { Some(best.1) } else { similar() }
}

/// Names in a sentence, the first two dozen of them.
pub fn list(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 24;
    let shown = names.iter().take(SHOWN_MAX).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let names = ["sidecar.write", "sidecar.delete", "manifest.publish"];
        assert_eq!(nearest("sidecar.wirte", &names), Some("sidecar.write"));
        assert_eq!(nearest("manifest-publish", &names), Some("manifest.publish"));
        assert_eq!(nearest("banana", &names), None);
    }
}
