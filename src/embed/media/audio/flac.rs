//! FLAC: only what the stream says of itself is handed to the decoder; pictures, comments and their lengths are left
//! out.

use std::sync::Arc;

use symphonia::core::formats::{FormatOptions, FormatReader as _};
use symphonia::default::formats::FlacReader;

use super::super::Takes;
use super::decode::{self, Manner};
use super::{check_length, cut_off, mpeg, part, source, undecodable};
use crate::point::Failure;

/// Bytes of the block that describes the stream.
const STREAM_INFO: usize = 34;
/// Bytes of a tag that some programs put behind the end.
const TAG: usize = 128;

/// Decodes all of it.
pub(super) fn play(bytes: &Arc<[u8]>, takes: &Takes, into: Option<&mut Vec<u8>>) -> Result<(), Failure> {
    let start = if bytes.starts_with(b"ID3") {
        mpeg::after_tags(bytes).unwrap_or_default()
    } else {
        0
    };
    let (info, first) = describe(bytes, start + 4)?;
    // Samples a second in 20 bits, channels in 3, bits a sample in 5, samples in 36.
    let described = part(&info, 10).map_or(0, u64::from_be_bytes);
    let (rate, frames) = ((described >> 44) as u32, described & 0x000f_ffff_ffff);
    check_length(frames, rate, takes)?;
    let mut head = b"fLaC\x80\x00\x00\x22".to_vec();
    head.extend_from_slice(&info);
    let tagged = bytes
        .len()
        .checked_sub(TAG)
        .filter(|at| *at > first && bytes[*at..].starts_with(b"TAG"));
    let stream = source::stream(head, bytes, first..tagged.unwrap_or(bytes.len()));
    let mut reader = match FlacReader::try_new(stream, &FormatOptions::default()) {
        Ok(reader) => reader,
        Err(error) if first < bytes.len() => return Err(undecodable(&error.to_string())),
        Err(_) => return Err(cut_off("there is nothing behind its header")),
    };
    let frames = Some(frames).filter(|frames| *frames > 0);
    decode::play(&mut reader, Manner::Strict, frames, takes, into)
}

/// The block that describes the stream, and where the sound begins behind all blocks.
fn describe(bytes: &[u8], blocks: usize) -> Result<([u8; STREAM_INFO], usize), Failure> {
    let mut at = blocks;
    let mut info = None;
    loop {
        let Some([kind, length @ ..]) = part::<4>(bytes, at) else {
            return Err(cut_off("it ends within its header"));
        };
        let [high, middle, low] = length;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        let end = at + 4 + length;
        if end > bytes.len() {
            return Err(cut_off("it ends within its header"));
        }
        if matches!(kind, 0 | 0x80) && info.is_none() && length == STREAM_INFO {
            info = part(bytes, at + 4);
        }
        at = end;
        if kind & 0x80 != 0 {
            break;
        }
    }
    info.map(|info| (info, at))
        .ok_or_else(|| undecodable("its header does not describe it"))
}
