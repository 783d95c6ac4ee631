//! JSON strings that hold a customer's value.
//!
//! `serde_json` collects the text of an escaped string in a buffer of its own, which it frees as it is. Values are
//! read from the raw text instead, into memory that is zeroed.

use zeroize::Zeroizing;

/// The text of a JSON string with its quotes; `None` if it is not one, or has half a surrogate pair.
pub(super) fn unescaped(raw: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = raw.strip_prefix('"')?.strip_suffix('"')?;
    // No escape is shorter than what it stands for, so the buffer never moves.
    let mut out = Zeroizing::new(Vec::with_capacity(rest.len()));
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.extend_from_slice(plain.as_bytes());
        let mut tail = escape.chars();
        let character = match tail.next()? {
            same @ ('"' | '\\' | '/') => same,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (character, after) = unicode_escape(tail.as_str())?;
                tail = after.chars();
                character
            }
            _ => return None,
        };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = tail.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out)
}

/// The character of the four digits after `\u`, or of a surrogate pair, and what follows.
fn unicode_escape(digits: &str) -> Option<(char, &str)> {
    let (first, rest) = code_unit(digits)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, rest));
    }
    let (second, rest) = code_unit(rest.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, rest))
}

fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, rest) = digits.split_at_checked(4)?;
    let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
    Some((u16::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(raw: &str) -> Option<String> {
        unescaped(raw).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    proptest! {
        #[test]
        fn every_string_is_read_as_serde_json_reads_it(text in any::<String>(), ascii in any::<bool>()) {
            let mut raw = serde_json::to_string(&text).unwrap();
            if ascii {
                raw = raw.chars().map(|c| if c.is_ascii() { c.to_string() } else {
                    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect()
                }).collect();
            }
            prop_assert_eq!(read(&raw), Some(text));
        }

        #[test]
        fn what_serde_json_refuses_is_refused(inner in "([a\u{e9}\"]|\\\\[\"\\\\/bfnrtux]|\\\\u[dD][89a-f][0-9a-f]{2}|\\\\u[0-9a-g+]{0,4}){0,6}") {
            let raw = format!("\"{inner}\"");
            let expected = serde_json::from_str::<String>(&raw).ok();
            // An unescaped quote inside is excluded by the parser that finds the end of the raw text.
            if serde_json::from_str::<serde::de::IgnoredAny>(&raw).is_ok() {
                prop_assert_eq!(read(&raw), expected);
            }
        }
    }

    #[test]
    fn other_json_is_no_string() {
        for raw in [
            "",
            "\"",
            "7",
            "null",
            "{}",
            "\"\\",
            "\"\\\"",
            "\"\\ud83d\"",
            "\"\\ud83dx\"",
            "\"\\ud83d\\u0041\"",
            "\"\\u00\u{e9}\"",
        ] {
            assert_eq!(read(raw), None, "{raw}");
        }
    }
}
