//! WAV: the format and the samples are looked up here and handed to the decoder with nothing else; what other chunks
//! claim is never read.

use std::ops::Range;
use std::sync::Arc;

use symphonia::core::formats::{FormatOptions, FormatReader as _};
use symphonia::default::formats::WavReader;

use super::super::Takes;
use super::decode::{self, Manner};
use super::{check_length, cut_off, part, source, undecodable};
use crate::point::Failure;

/// Bytes of a format that are handed on: the longest that means something has 40.
const MAX_FORMAT: usize = 64;
/// Writers that cannot go back to fill the length in write one of these or more.
const UNKNOWN: u32 = 0x7fff_0000;

/// Decodes all of it.
pub(super) fn play(bytes: &Arc<[u8]>, takes: &Takes, into: Option<&mut Vec<u8>>) -> Result<(), Failure> {
    let wav = Wav::read(bytes)?;
    if let Some(frames) = wav.frames() {
        check_length(frames, wav.rate, takes)?;
        if wav.samples.end > bytes.len() {
            let there = bytes.len() - wav.samples.start;
            return Err(cut_off(&format!(
                "{there} of {} bytes of samples are there",
                wav.samples.len()
            )));
        }
    }
    let samples = wav.samples.start..wav.samples.end.min(bytes.len());
    let stream = source::stream(wav.head(samples.len() as u32), bytes, samples);
    let mut reader =
        WavReader::try_new(stream, &FormatOptions::default()).map_err(|error| undecodable(&error.to_string()))?;
    decode::play(&mut reader, Manner::Strict, None, takes, into)
}

/// What a WAV file says of itself.
struct Wav<'a> {
    format: &'a [u8],
    rate: u32,
    /// Bytes of one sample of every channel.
    block: u16,
    /// Where the samples are, be they there or not.
    samples: Range<usize>,
    known: bool,
}

impl<'a> Wav<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Failure> {
        let mut at = 12;
        let mut format: Option<&[u8]> = None;
        while let (Some(name), Some(length)) = (part::<4>(bytes, at), part(bytes, at + 4).map(u32::from_le_bytes)) {
            let start = at + 8;
            let end = start + length as usize;
            match (&name, format) {
                (b"data", Some(format)) => {
                    let (rate, block) = described(format).ok_or_else(|| undecodable("its format makes no sense"))?;
                    return Ok(Self {
                        format,
                        rate,
                        block,
                        samples: start..end,
                        known: length < UNKNOWN,
                    });
                }
                (b"data", None) => return Err(undecodable("its samples come before their format")),
                (b"fmt ", None) => {
                    let whole = bytes
                        .get(start..end)
                        .ok_or_else(|| cut_off("its format is not all there"))?;
                    format = Some(&whole[..whole.len().min(MAX_FORMAT)]);
                }
                _ => {}
            }
            // Chunks begin at even places.
            at = end + end % 2;
        }
        Err(cut_off("it ends before its samples"))
    }

    /// Samples of each channel, where that is said.
    fn frames(&self) -> Option<u64> {
        self.known.then(|| self.samples.len() as u64 / u64::from(self.block))
    }

    /// A header for so many bytes of samples.
    fn head(&self, length: u32) -> Vec<u8> {
        let format = &self.format[..self.format.len() & !1];
        let all = 4 + 8 + format.len() as u32 + 8;
        let mut head = b"RIFF".to_vec();
        head.extend_from_slice(&all.saturating_add(length).to_le_bytes());
        head.extend_from_slice(b"WAVEfmt ");
        head.extend_from_slice(&(format.len() as u32).to_le_bytes());
        head.extend_from_slice(format);
        head.extend_from_slice(b"data");
        head.extend_from_slice(&length.to_le_bytes());
        head
    }
}

/// Samples a second, and bytes of one sample of every channel. Where samples are plain numbers these must add up: a
/// decoder would take as many as it expects and leave out the rest.
fn described(format: &[u8]) -> Option<(u32, u16)> {
    let number = |at| part(format, at).map(u16::from_le_bytes);
    let (tag, channels, block, bits) = (number(0)?, number(2)?, number(12)?, number(14)?);
    let rate = part(format, 4).map(u32::from_le_bytes)?;
    let plain = matches!(tag, 1 | 3 | 6 | 7 | 0xfffe);
    let adds_up = u32::from(channels) * u32::from(bits) == u32::from(block) * 8;
    (block > 0 && (adds_up || !plain)).then_some((rate, block))
}
