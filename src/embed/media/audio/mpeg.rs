//! MP3: frames are walked from one to the next, which tells where the sound begins and ends among tags, and whether its
//! last frame is all there.

use std::ops::Range;
use std::sync::Arc;

use symphonia::core::formats::{FormatOptions, FormatReader as _};
use symphonia::default::formats::MpaReader;

use super::super::Takes;
use super::decode::{self, Manner};
use super::{cut_off, part, source, undecodable};
use crate::point::Failure;

/// Bytes looked through for the first frame.
const LOOK: usize = 1 << 16;
/// Frames that a file may have fewer than its header says: writers do not agree on which ones count.
const SLACK: u64 = 2;

/// Decodes all of it.
pub(super) fn play(bytes: &Arc<[u8]>, takes: &Takes, into: Option<&mut Vec<u8>>) -> Result<(), Failure> {
    let walked = Walked::through(bytes)?;
    if let Some(said) = walked.said.filter(|said| walked.frames + SLACK < *said) {
        return Err(cut_off(&format!("{} of {said} frames are there", walked.frames)));
    }
    let options = FormatOptions {
        // Without the silence that its encoder put around it.
        enable_gapless: true,
        ..FormatOptions::default()
    };
    let stream = source::stream(Vec::new(), bytes, walked.sound);
    let mut reader = MpaReader::try_new(stream, &options).map_err(|error| undecodable(&error.to_string()))?;
    decode::play(&mut reader, Manner::Lenient, None, takes, into)
}

/// Whether bytes begin with a frame, and another one follows where it ends, if anything does.
pub(in super::super) fn begins(bytes: &[u8]) -> bool {
    Frame::at(bytes, 0).is_some_and(|frame| bytes.len() <= frame.length || Frame::at(bytes, frame.length).is_some())
}

/// Whether bytes begin with a frame that another one follows.
fn goes_on(bytes: &[u8]) -> bool {
    Frame::at(bytes, 0).is_some_and(|frame| Frame::at(bytes, frame.length).is_some())
}

/// Where ID3 tags at the front end, as they say.
pub(in super::super) fn after_tags(bytes: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    while bytes.get(at..)?.starts_with(b"ID3") {
        let [flags, a, b, c, d] = part(bytes, at + 5)?;
        let size = [a, b, c, d]
            .into_iter()
            .fold(0, |size, part| (size << 7) | usize::from(part & 0x7f));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        at += 10 + size + footer;
    }
    Some(at)
}

/// What one frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    /// Bytes with its header.
    length: usize,
    /// Bytes between header and sound, where a first frame may say how many follow.
    side: usize,
}

impl Frame {
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        const RATES: [usize; 3] = [44_100, 48_000, 32_000];
        const FIRST: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
        const SECOND: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        let head = part(bytes, at).map(u32::from_be_bytes)?;
        let field = |shift: u32, bits: u32| ((head >> shift) & ((1 << bits) - 1)) as usize;
        // Version 2.5, none, 2, 1; layer none, III, II, I.
        let (version, layer) = (field(19, 2), field(17, 2));
        if field(21, 11) != 0x7ff || version == 1 || layer != 1 {
            return None;
        }
        let first = version == 3;
        let table = if first { FIRST } else { SECOND };
        let kilobits = *table.get(field(12, 4))?;
        let slower = [4, 1, 2, 1][version];
        let rate = RATES.get(field(10, 2))? / slower;
        let mono = field(6, 2) == 3;
        // Without a bit rate the length is not said, and what follows cannot be found.
        let samples = if first { 144 } else { 72 };
        let length = samples * kilobits * 1_000 / rate + field(9, 1);
        let side = match (first, mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        (kilobits > 0).then_some(Self { length, side })
    }

    /// Whether this first frame holds no sound but tells of those that follow, and how many there are if it says so.
    fn tells(self, bytes: &[u8], at: usize) -> (bool, Option<u64>) {
        let tag = at + 4 + self.side;
        if !part(bytes, tag).is_some_and(|name: [u8; 4]| matches!(&name, b"Xing" | b"Info")) {
            return (false, None);
        }
        let flags = part(bytes, tag + 4).map_or(0, u32::from_be_bytes);
        let frames = part(bytes, tag + 8).map(u32::from_be_bytes);
        (true, frames.filter(|_| flags & 1 != 0).map(u64::from))
    }
}

/// What a walk from frame to frame has found.
struct Walked {
    sound: Range<usize>,
    frames: u64,
    said: Option<u64>,
}

impl Walked {
    fn through(bytes: &[u8]) -> Result<Self, Failure> {
        let tagged = after_tags(bytes).filter(|at| *at <= bytes.len());
        let tagged = tagged.ok_or_else(|| cut_off("it ends within its tags"))?;
        let start = (tagged..bytes.len().min(tagged + LOOK)).find(|at| begins(&bytes[*at..]));
        let start = start.ok_or_else(|| undecodable("there is no MP3 frame in it"))?;
        let (tells, said) = Frame::at(bytes, start).map_or((false, None), |frame| frame.tells(bytes, start));
        let mut at = start;
        let mut frames = 0;
        while let Some(frame) = Frame::at(bytes, at) {
            if at + frame.length > bytes.len() {
                return Err(cut_off("its last frame is not all there"));
            }
            at += frame.length;
            frames += 1;
            if Frame::at(bytes, at).is_none() && !ends(&bytes[at..]) {
                // Something foreign in between, or garbage at the end: on with the next frame, if there is one.
                at = (at..bytes.len()).find(|at| goes_on(&bytes[*at..])).unwrap_or(at);
            }
        }
        Ok(Self {
            sound: start..at,
            // The first one holds no sound if it is there to tell.
            frames: frames - u64::from(tells),
            said,
        })
    }
}

/// Whether what follows is what commonly follows a sound: nothing, padding, or a tag.
fn ends(rest: &[u8]) -> bool {
    [&b"TAG"[..], b"APETAGEX", b"LYRICSBEGIN", b"ID3"]
        .iter()
        .any(|tag| rest.starts_with(tag))
        || rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EmbedConfig, MediaConfig};
    use proptest::prelude::*;

    const SPEECH: &[u8] = include_bytes!("samples/tone.mp3");
    const SLOWER: &[u8] = include_bytes!("samples/tone22.mp3");

    #[test]
    fn frames_are_walked_to_the_end_among_tags_and_foreign_bytes() {
        for file in [SPEECH, SLOWER] {
            let walked = Walked::through(file).unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!(walked.sound, 0..file.len());
            assert_eq!(Some(walked.frames), walked.said);
            let tag = b"ID3\x04\0\0\0\0\0\x05hello";
            let around = [&tag[..], &[0; 100], file, b"TAG", &[b' '; 125]].concat();
            let walked = Walked::through(&around).unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!(walked.sound, 115..115 + file.len());
        }
        // Behind the second frame: of the first alone nobody could say that it is one.
        let first = Frame::at(SPEECH, 0).expect("a frame").length;
        let second = first + Frame::at(SPEECH, first).expect("another").length;
        let split = [&SPEECH[..second], b"something foreign", &SPEECH[second..]].concat();
        let walked = Walked::through(&split).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(Some(walked.frames), walked.said);
    }

    #[test]
    fn frames_that_are_missing_as_a_whole_are_missed() {
        let mut places = Vec::new();
        let mut at = 0;
        while let Some(frame) = Frame::at(SPEECH, at) {
            places.push(at);
            at += frame.length;
        }
        let takes = Takes::of(&EmbedConfig::openai(), &MediaConfig::default());
        let cut: Arc<[u8]> = SPEECH[..places[places.len() - 4]].into();
        let failure = play(&cut, &takes, None).expect_err("cut off");
        assert!(
            failure.message.contains("17 of 21 frames are there"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn what_is_no_frame_is_told_from_one() {
        for (head, length) in [
            (0xfffb_9064_u32, Some(417)),
            (0xfffb_9264, Some(418)),
            (0xfffa_e444, Some(960)),
            (0xfff3_8064, Some(208)),
            (0xffe3_18c4, Some(72)),
            (0xfffb_0064, None),
            (0xfffb_f064, None),
            (0xfffb_9c64, None),
            (0xfffd_9064, None),
            (0xffeb_9064, None),
            (0x00fb_9064, None),
        ] {
            let frame = Frame::at(&head.to_be_bytes(), 0);
            assert_eq!(frame.map(|frame| frame.length), length, "{head:x}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_upset_it(
            bytes in proptest::collection::vec(prop_oneof![Just(0xff_u8), Just(0xfb_u8), any::<u8>()], 0..300),
            tagged in any::<bool>(),
        ) {
            let bytes = if tagged { [&b"ID3"[..], &bytes[..]].concat() } else { bytes };
            let _ = (Walked::through(&bytes).is_ok(), begins(&bytes), after_tags(&bytes));
        }
    }
}
