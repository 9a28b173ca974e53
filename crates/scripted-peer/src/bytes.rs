//! Bytes in readable form, and where two byte strings begin to differ.

/// A frame as chapter 4 defines it: the payload's length as a big-endian `u32`, then the payload.
///
/// # Panics
///
/// Panics if the payload is 4 GiB or longer.
#[must_use]
pub fn frame(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).expect("a payload's length fits in four bytes");
    [&length.to_be_bytes(), payload].concat()
}

/// A line: the text, then a newline.
#[must_use]
pub fn line(text: impl AsRef<str>) -> Vec<u8> {
    format!("{}\n", text.as_ref()).into_bytes()
}

/// How many bytes a line of the timeline shows before it is cut with `…`.
const SHOWN: usize = 20;

/// Formats bytes on one line, as verdicts show them: as quoted text if they are text, otherwise
/// printable ones as characters and the others in hexadecimal. A long byte string is cut.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    show_as(bytes, is_text(bytes))
}

/// Like [`show`], but `text` says whether to format the bytes as text. Pass true only if
/// [`is_text`] holds for them.
pub(crate) fn show_as(bytes: &[u8], text: bool) -> String {
    window(&tokens(bytes, text), 0, text)
}

/// Formats a number of bytes: `1 byte`, `6,291,456 bytes`.
pub(crate) fn count(bytes: usize) -> String {
    format!(
        "{} byte{}",
        grouped(bytes),
        if bytes == 1 { "" } else { "s" }
    )
}

/// Formats a number: `6,291,456`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The expected bytes and those that arrived, around the first difference, ready to print.
pub(crate) struct Comparison {
    pub expected: String,
    pub got: String,
    /// The mark at the first difference: how many columns are before it, and how wide it is.
    pub mark: (usize, usize),
    pub note: String,
}

/// Compares the bytes that arrived with the expected ones. `after` says what followed the last byte
/// that arrived ("end of stream", …).
pub(crate) fn compare(expected: &[u8], got: &[u8], after: &str) -> Comparison {
    let text = is_text(expected) && is_text(got);
    let (want, have) = (tokens(expected, text), tokens(got, text));
    let wrong = want.iter().zip(&have).take_while(|(a, b)| a == b).count();
    let shown = window_size(text);
    let from = if wrong > shown - 4 {
        wrong - shown / 2
    } else {
        0
    };
    let separator = usize::from(!text);
    let lead = if from > 0 { 2 } else { 0 } + usize::from(text);
    let before: usize = have[from..wrong.min(have.len())]
        .iter()
        .map(|t| t.chars().count() + separator)
        .sum();
    let width = have
        .get(wrong)
        .map_or(1 + separator, |token| token.chars().count());
    Comparison {
        expected: window(&want, from, text),
        got: window(&have, from, text),
        mark: (lead + before, width),
        note: note(expected, got, after),
    }
}

fn note(expected: &[u8], got: &[u8], after: &str) -> String {
    let wrong = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    if wrong < 4
        && let (Some(want), Some(have)) = (declared(expected), got.first_chunk::<4>())
        && expected.len() - 4 == want as usize
    {
        let have = u32::from_be_bytes(*have);
        return format!("the length says {have}, the message had {want}");
    }
    match (expected.get(wrong), got.get(wrong)) {
        (Some(_), None) => {
            format!("{} of {} bytes, then {after}", got.len(), expected.len())
        }
        (None, Some(_)) => format!("{} bytes more than expected", got.len() - wrong),
        _ => format!("byte {} is the first wrong one", wrong + 1),
    }
}

fn declared(bytes: &[u8]) -> Option<u32> {
    bytes
        .first_chunk::<4>()
        .map(|length| u32::from_be_bytes(*length))
}

/// Whether the bytes are UTF-8 without control characters other than line ends.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        text.chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
    })
}

fn tokens(bytes: &[u8], text: bool) -> Vec<String> {
    if text {
        // Decoded lossily: a run's head may end inside a character.
        let text = String::from_utf8_lossy(bytes);
        return text.chars().map(|c| c.escape_debug().to_string()).collect();
    }
    let token = |byte: &u8| match byte {
        b'!'..=b'~' => char::from(*byte).to_string(),
        _ => format!("{byte:02x}"),
    };
    bytes.iter().map(token).collect()
}

/// How many bytes a line shows: letters stand closer together.
fn window_size(text: bool) -> usize {
    if text { SHOWN * 3 } else { SHOWN }
}

fn window(tokens: &[String], from: usize, text: bool) -> String {
    let from = from.min(tokens.len());
    let until = tokens.len().min(from + window_size(text));
    let middle = tokens[from..until].join(if text { "" } else { " " });
    let (lead, quote) = (
        if from > 0 { "… " } else { "" },
        if text { "\"" } else { "" },
    );
    let trail = if until < tokens.len() { " …" } else { "" };
    format!("{lead}{quote}{middle}{quote}{trail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_its_length_then_its_payload() {
        assert_eq!(frame("hello"), b"\0\0\0\x05hello");
    }

    #[test]
    fn bytes_that_are_not_text_show_as_hexadecimal_and_characters() {
        assert_eq!(show(&frame("hello")), "00 00 00 05 h e l l o");
        assert_eq!(show(&[0; 30]), format!("{} …", ["00"; 20].join(" ")));
    }

    #[test]
    fn text_shows_in_quotes() {
        assert_eq!(show(b"closed\n"), r#""closed\n""#);
    }

    #[test]
    fn the_mark_stands_under_the_first_wrong_byte() {
        let c = compare(&frame("hello"), b"\0\0\0\x01h", "silence");
        assert_eq!((c.got.as_str(), c.mark), ("00 00 00 01 h", (9, 2)));
        assert_eq!(c.note, "the length says 1, the message had 5");
        let c = compare(b"closed", b"clothed", "silence");
        assert_eq!((c.got.as_str(), c.mark), ("\"clothed\"", (4, 1)));
    }

    #[test]
    fn a_difference_far_away_is_brought_into_view() {
        let mut got = vec![0; 1000];
        got[500] = 7;
        let c = compare(&[0; 1000], &got, "silence");
        assert_eq!(c.note, "byte 501 is the first wrong one");
        assert_eq!(&c.got[c.mark.0 + "…".len() - 1..][..2], "07");
        // Text that fits is shown from its beginning.
        let c = compare(
            b"from one end to the other",
            b"from one end to another",
            "silence",
        );
        assert_eq!(
            (c.got.as_str(), c.mark),
            ("\"from one end to another\"", (17, 1))
        );
    }

    #[test]
    fn what_followed_the_last_byte_is_told() {
        assert_eq!(
            compare(b"hello", b"he", "a reset").note,
            "2 of 5 bytes, then a reset"
        );
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(1), "1 byte");
        assert_eq!(count(6_291_456), "6,291,456 bytes");
    }
}
