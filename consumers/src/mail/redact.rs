//! Takes addresses out of what servers say.

/// How much of a server's answer is kept.
const KEPT_CHARS: usize = 300;
/// From this length on, the words of a local part are looked for within other words too (`4.2.1lovelace`). Shorter ones
/// are in too many by chance.
const WITHIN_CHARS: usize = 4;

/// The text without anything that looks like a mail address, nor the words of the local part of `address` alone ("no
/// such user ada"), on one line, shortened.
pub(super) fn redact(text: &str, address: &str) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    // A quoted local part can be of several words.
    let local: Vec<String> = local.split_whitespace().map(bare).filter(|local| !local.is_empty()).collect();
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
    let whole = bare(word);
    let mut parts = whole.split(|c: char| !c.is_alphanumeric()).chain([whole.as_str()]);
    let within = |local: &String| local.chars().count() >= WITHIN_CHARS && whole.contains(local);
    word.contains('@') || parts.any(|part| local.iter().any(|local| local == part)) || local.iter().any(within)
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
    fn a_local_part_is_taken_out_from_within_a_word() {
        let address = "ada.lovelace@example.com";
        assert_eq!(redact("450 4.2.1Ada.Lovelace is busy", address), "450 <address> is busy");
        assert_eq!(redact("rcpt=<ada.lovelace>,status=full", address), "<address>");
        assert_eq!(redact("user=ada;full, adamant", "ada@example.com"), "<address> adamant");
    }

    #[test]
    fn a_quoted_local_part_is_taken_out_word_by_word() {
        let address = "\"ada lovelace-\"@example.com";
        assert_eq!(redact(&format!("<{address}>: no"), address), "<address> <address> no");
        assert_eq!(redact("no mailbox for 'Ada Lovelace-'", address), "no mailbox for <address> <address>");
    }
}
