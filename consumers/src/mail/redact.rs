//! Takes addresses out of what servers say.

/// How much of a server's answer is kept.
const KEPT_CHARS: usize = 300;

/// The text without anything that looks like a mail address, nor the words of the local part of `address` alone ("no such
/// user ada"), on one line, shortened.
pub(super) fn redact(text: &str, address: &str) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    // A quoted local part can be of several words.
    let local: Vec<String> = local.split_whitespace().map(bare).collect();
    let words = text.split_whitespace().map(|word| if names(word, &local) { "<address>" } else { word });
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.chars().take(KEPT_CHARS).collect()
}

fn names(word: &str, local: &[String]) -> bool {
    let bare = bare(word);
    word.contains('@') || (!bare.is_empty() && local.contains(&bare))
}

/// A word without the signs around it, and without regard to case.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn addresses_and_their_local_parts_are_taken_out() {
        let said = "5.1.1 <ada@example.com>:\r\nuser \"Ada\" unknown";
        assert_eq!(redact(said, "ada@example.com"), "5.1.1 <address> user <address> unknown");
        assert_eq!(redact("mailbox full", "ada@example.com"), "mailbox full");
    }

    #[test]
    fn a_quoted_local_part_is_taken_out_word_by_word() {
        let address = "\"ada lovelace-\"@example.com";
        assert_eq!(redact(&format!("<{address}>: no"), address), "<address> <address> no");
        assert_eq!(redact("no mailbox for 'Ada Lovelace-'", address), "no mailbox for <address> <address>");
    }
}
