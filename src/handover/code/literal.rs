//! A text as a string of Python, Rust and TypeScript. Letters, digits and the signs of ASCII stay as they are;
//! everything else is escaped, so that nothing in the code breaks a line, controls a terminal or turns the writing
//! direction.

use std::fmt::Write as _;

/// `text` in double quotes; `escape` writes what is neither a letter nor a sign of ASCII.
fn quoted(text: &str, escape: impl Fn(&mut String, char)) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => escape(&mut out, c),
        }
    }
    out.push('"');
    out
}

/// As Python writes it.
pub(super) fn python(text: &str) -> String {
    quoted(text, |out, c| {
        let code = u32::from(c);
        // Writing to a string cannot fail.
        let _ = match code {
            0..=0xff => write!(out, "\\x{code:02x}"),
            0x100..=0xffff => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    })
}

/// As Rust writes it.
pub(super) fn rust(text: &str) -> String {
    braced(text)
}

/// As TypeScript writes it.
pub(super) fn typescript(text: &str) -> String {
    braced(text)
}

fn braced(text: &str) -> String {
    quoted(text, |out, c| {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a language makes of a literal that uses only the escapes which all three share, and its own for numbers.
    fn read(literal: &str, number: impl Fn(char, &mut std::str::Chars<'_>) -> Option<char>) -> Option<String> {
        let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
        let mut text = String::new();
        let mut rest = inside.chars();
        while let Some(c) = rest.next() {
            match c {
                // A bare quote would end the string, a bare line break would not be allowed in it.
                '"' | '\n' | '\r' => return None,
                '\\' => match rest.next()? {
                    '"' => text.push('"'),
                    '\\' => text.push('\\'),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    kind => text.push(number(kind, &mut rest)?),
                },
                c => text.push(c),
            }
        }
        Some(text)
    }

    fn digits(rest: &mut std::str::Chars<'_>, count: usize) -> Option<char> {
        let hex: String = rest.take(count).collect();
        (hex.len() == count).then_some(())?;
        char::from_u32(u32::from_str_radix(&hex, 16).ok()?)
    }

    fn read_python(literal: &str) -> Option<String> {
        read(literal, |kind, rest| match kind {
            'x' => digits(rest, 2),
            'u' => digits(rest, 4),
            'U' => digits(rest, 8),
            _ => None,
        })
    }

    fn read_braced(literal: &str) -> Option<String> {
        read(literal, |kind, rest| {
            (kind == 'u' && rest.next()? == '{').then_some(())?;
            let hex: String = rest.take_while(|c| *c != '}').collect();
            // Rust takes at most six digits.
            (1..=6).contains(&hex.len()).then_some(())?;
            char::from_u32(u32::from_str_radix(&hex, 16).ok()?)
        })
    }

    #[test]
    fn a_few_are_as_one_would_write_them() {
        for (text, as_python, as_rust) in [
            ("plain", "\"plain\"", "\"plain\""),
            ("a\"b\\c\nd\te", r#""a\"b\\c\nd\te""#, r#""a\"b\\c\nd\te""#),
            ("Zoë 日本", "\"Zoë 日本\"", "\"Zoë 日本\""),
            ("\0\u{1b}\u{9b}", r#""\x00\x1b\x9b""#, r#""\u{0}\u{1b}\u{9b}""#),
            ("\u{202e}\u{1f600}", r#""\u202e\U0001f600""#, r#""\u{202e}\u{1f600}""#),
            ("${x} {y} %s", "\"${x} {y} %s\"", "\"${x} {y} %s\""),
        ] {
            assert_eq!(python(text), as_python);
            assert_eq!(rust(text), as_rust);
            assert_eq!(typescript(text), as_rust);
        }
    }

    proptest! {
        #[test]
        fn a_literal_is_read_back_as_it_was(text in any::<String>()) {
            prop_assert_eq!(read_python(&python(&text)), Some(text.clone()));
            prop_assert_eq!(read_braced(&rust(&text)), Some(text.clone()));
            prop_assert_eq!(read_braced(&typescript(&text)), Some(text));
        }

        #[test]
        fn nothing_that_controls_anything_is_left(
            text in "[\\x00-\\x1f\\x7f-\\x9f\\u{200b}-\\u{200f}\\u{2028}-\\u{202e}\\u{2066}-\\u{2069}\"\\\\a]*"
        ) {
            for literal in [python(&text), rust(&text), typescript(&text)] {
                prop_assert!(literal.is_ascii(), "{}", literal);
                prop_assert!(literal.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", literal);
            }
        }
    }
}
