//! What bytes are, told by the bytes and by nothing else: not by a name, not by what a server says. Pure.

use super::audio::mpeg;
use super::message::unreadable;
use crate::point::{Cause, Failure, Modality};

/// Bytes looked at to tell a text from other things.
const LOOK: usize = 1_024;

/// What a picture or a sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// A picture or a sound.
    pub modality: Modality,
    /// Its type under its most common name, such as `image/jpeg` or `audio/wav`.
    pub mime: &'static str,
}

impl Kind {
    const fn image(mime: &'static str) -> Self {
        Self {
            modality: Modality::Image,
            mime,
        }
    }

    const fn audio(mime: &'static str) -> Self {
        Self {
            modality: Modality::Audio,
            mime,
        }
    }
}

/// What is known of bytes.
enum Told {
    Known(Kind),
    Text,
    Other(&'static str),
    Unknown,
}

/// What picture or sound the bytes are, if they are one.
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    match look(bytes) {
        Told::Known(kind) => Some(kind),
        Told::Text | Told::Other(_) | Told::Unknown => None,
    }
}

/// What picture or sound the bytes are, which must be what the payload says, if it says something.
///
/// # Errors
/// They are neither, or another than the payload says.
pub fn tell(bytes: &[u8], expected: Option<Modality>) -> Result<Kind, Failure> {
    if bytes.is_empty() {
        return Err(unreadable("it is empty: 0 bytes"));
    }
    match look(bytes) {
        Told::Known(kind) => match expected {
            Some(expected) if expected != kind.modality => Err(Failure::new(
                Cause::MediaMismatch,
                format!(
                    "the payload says {}, but it is {} ({})",
                    expected.as_str(),
                    kind.modality.as_str(),
                    kind.mime
                ),
            )),
            _ => Ok(kind),
        },
        Told::Text => Err(unreadable("it is a text, not a picture or a sound")),
        Told::Other(mime) => Err(unreadable(format!("it is {mime}, neither a picture nor a sound"))),
        Told::Unknown => {
            let first: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            Err(unreadable(format!(
                "it is neither a picture nor a sound that is known here; it begins with {}",
                first.join(" ")
            )))
        }
    }
}

fn look(bytes: &[u8]) -> Told {
    if let Some(kind) = signature(bytes) {
        return Told::Known(kind);
    }
    // Before `infer`, to which a text that begins with "BM" is a bitmap.
    if is_text(bytes) {
        return Told::Text;
    }
    let Some(found) = infer::get(bytes) else {
        return Told::Unknown;
    };
    let mime = match common(found.mime_type()) {
        // Its signatures are shorter, and what begins like one of these was judged above.
        "image/png" | "image/gif" | "image/webp" => return Told::Unknown,
        "audio/ogg" | "audio/opus" => return Told::Other("video/ogg"),
        mime => mime,
    };
    match found.matcher_type() {
        infer::MatcherType::Image => Told::Known(Kind::image(mime)),
        infer::MatcherType::Audio => Told::Known(Kind::audio(mime)),
        _ => Told::Other(mime),
    }
}

/// The pictures and sounds that are decoded here, by more than their first two bytes.
fn signature(bytes: &[u8]) -> Option<Kind> {
    let riff = |form: &[u8]| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(form);
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Kind::image("image/png"));
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some(Kind::image("image/jpeg"));
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return Some(Kind::image("image/gif"));
    }
    if riff(b"WEBP") {
        return Some(Kind::image("image/webp"));
    }
    if riff(b"WAVE") {
        return Some(Kind::audio("audio/wav"));
    }
    if bytes.starts_with(b"fLaC") {
        return Some(Kind::audio("audio/flac"));
    }
    if bytes.starts_with(b"OggS") {
        return ogg(bytes);
    }
    if bytes.starts_with(b"ID3") {
        // A tag goes before sounds of either kind; what is cut off within it is taken for the usual one.
        let sound = mpeg::after_tags(bytes).and_then(|from| bytes.get(from..));
        let is_flac = sound.is_some_and(|sound| sound.starts_with(b"fLaC"));
        return Some(Kind::audio(if is_flac { "audio/flac" } else { "audio/mpeg" }));
    }
    mpeg::begins(bytes).then_some(Kind::audio("audio/mpeg"))
}

/// What is in an Ogg file, by the first packet in it.
fn ogg(bytes: &[u8]) -> Option<Kind> {
    let segments = usize::from(*bytes.get(26)?);
    let packet = bytes.get(27 + segments..).unwrap_or_default();
    if packet.starts_with(b"\x80theora") || packet.starts_with(b"\x01video") {
        return None;
    }
    let opus = packet.starts_with(b"OpusHead");
    Some(Kind::audio(if opus { "audio/opus" } else { "audio/ogg" }))
}

/// Whether bytes begin like a text of any length.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(LOOK)];
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return bytes.len() > 2;
    }
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The look may have ended within a character, and only there.
        Err(error) if error.error_len().is_none() && bytes.len() > LOOK => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b'))
}

/// The most common name of a type that has several.
fn common(mime: &str) -> &str {
    match mime {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "image/x-png" => "image/png",
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" | "audio/x-pn-wav" => "audio/wav",
        "audio/x-flac" => "audio/flac",
        "audio/mp3" | "audio/x-mp3" | "audio/x-mpeg" => "audio/mpeg",
        "audio/vorbis" | "audio/x-ogg" | "application/ogg" => "audio/ogg",
        "audio/x-opus" => "audio/opus",
        other => other,
    }
}

/// A type as it is compared: in small letters, under its most common name, without what follows it.
pub(super) fn plain(mime: &str) -> String {
    let lower = mime.to_ascii_lowercase();
    // Of all that may follow, one word makes another type of it.
    let opus = lower.starts_with("audio/ogg") && lower.contains("opus");
    if opus {
        return "audio/opus".to_owned();
    }
    common(lower.split(';').next().unwrap_or_default().trim()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pictures_and_sounds_are_told_by_their_bytes() {
        let mut speech = b"OggS".to_vec();
        speech.resize(26, 0);
        speech.extend_from_slice(&[1, 19]);
        speech.extend_from_slice(b"OpusHead");
        let mut film = speech[..28].to_vec();
        film.extend_from_slice(b"\x80theora");
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"\x89PNG\r\n\x1a\n....", Some("image/png")),
            (b"\xff\xd8\xff\xe0....", Some("image/jpeg")),
            (b"GIF89a....", Some("image/gif")),
            (b"RIFF....WEBPVP8 ", Some("image/webp")),
            (b"RIFF....WAVEfmt ", Some("audio/wav")),
            (b"RIFF....AVI LIST", None),
            (b"fLaC....", Some("audio/flac")),
            (&speech, Some("audio/opus")),
            (&film, None),
            (include_bytes!("audio/samples/tone.ogg"), Some("audio/ogg")),
            (include_bytes!("audio/samples/tone.mp3"), Some("audio/mpeg")),
            (include_bytes!("audio/samples/tone22.mp3"), Some("audio/mpeg")),
            (b"ID3\x04\x00\x00\x00\x00\x00\x02..fLaC", Some("audio/flac")),
            (b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", Some("audio/mpeg")),
            (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", Some("image/heif")),
            (b"BM is how this text begins", None),
            (b"GIF is a format", None),
            (b"", None),
        ];
        for &(bytes, expected) in cases {
            assert_eq!(kind(bytes).map(|kind| kind.mime), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_neither_or_another_is_told_by_name() {
        use Modality::{Audio, Image};
        let wav = &b"RIFF....WAVEfmt "[..];
        let cases: &[(&[u8], Option<Modality>, Cause, &str)] = &[
            (
                wav,
                Some(Image),
                Cause::MediaMismatch,
                "says image, but it is audio (audio/wav)",
            ),
            (
                b"GIF89a",
                Some(Audio),
                Cause::MediaMismatch,
                "says audio, but it is image",
            ),
            (b"", None, Cause::MediaUnreadable, "empty"),
            (b"a text", Some(Image), Cause::MediaUnreadable, "a text, not a picture"),
            ("<svg>ä</svg>".as_bytes(), None, Cause::MediaUnreadable, "a text"),
            (b"\xff\xfea\0b\0", None, Cause::MediaUnreadable, "a text"),
            (
                b"PK\x03\x04\x14\x00\x00\x00",
                None,
                Cause::MediaUnreadable,
                "application/zip, neither",
            ),
            (
                b"\x00\x01\x02\x03",
                None,
                Cause::MediaUnreadable,
                "begins with 00 01 02 03",
            ),
        ];
        for &(bytes, expected, cause, says) in cases {
            let failure = tell(bytes, expected).expect_err(says);
            assert_eq!(failure.cause, cause, "{bytes:?}");
            assert!(failure.message.contains(says), "{}", failure.message);
        }
        assert_eq!(tell(wav, Some(Audio)).map(|kind| kind.mime), Ok("audio/wav"));
        assert_eq!(tell(wav, None).map(|kind| kind.modality), Ok(Audio));
    }

    #[test]
    fn a_long_text_is_one_even_if_the_look_ends_within_a_character() {
        let text = format!("a{}", "ä".repeat(2_000));
        assert!(is_text(text.as_bytes()));
        assert!(
            !is_text("ä".as_bytes().split_at(1).0),
            "half a character is all there is"
        );
    }

    #[test]
    fn types_have_one_name() {
        for (mime, expected) in [
            ("Image/JPG", "image/jpeg"),
            ("audio/ogg; codecs=opus", "audio/opus"),
            ("audio/ogg;codecs=vorbis", "audio/ogg"),
            (" audio/x-flac ", "audio/flac"),
            ("image/avif", "image/avif"),
            ("", ""),
        ] {
            assert_eq!(plain(mime), expected, "{mime:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_upset_it(start in 0_usize..7, rest in proptest::collection::vec(any::<u8>(), 0..64)) {
            let starts: [&[u8]; 7] = [b"", b"OggS", b"ID3", b"\xff\xfb", b"\x89PNG", b"GIF89a", b"\xff\xd8\xff"];
            let bytes = [starts[start], &rest[..]].concat();
            let _ = tell(&bytes, None);
        }
    }
}
