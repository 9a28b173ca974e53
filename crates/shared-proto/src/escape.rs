//! What a peer sent, made safe for a terminal or a log.

use std::fmt::Write as _;

/// Returns `text` on one line: control characters, and those that change the writing direction,
/// become `\n`, `\u{1b}` and so on. So text from a peer can neither start a new line nor move a
/// terminal's cursor.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        let redirects = matches!(character,
            '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || redirects {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_sent_stays_on_one_line() {
        assert_eq!(
            escaped("say \"aé\"\r\n\x1b[2J\u{9b}\u{202e}"),
            "say \"aé\"\\r\\n\\u{1b}[2J\\u{9b}\\u{202e}"
        );
    }
}
