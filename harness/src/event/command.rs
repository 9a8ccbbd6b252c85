//! Commands that are printed so that somebody types them.

/// A word of a command, quoted where a shell would take it for something else.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,#".contains(c);
    if !word.is_empty() && !word.starts_with('#') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_for_something_else() {
        for (word, quoted) in [
            ("target/debug/chaos", "target/debug/chaos"),
            ("bundles/01m8/sweep.load#cut-4@memory", "bundles/01m8/sweep.load#cut-4@memory"),
            ("/my tools/chaos", "'/my tools/chaos'"),
            ("races/a/1*return", "'races/a/1*return'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("#one", "'#one'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
