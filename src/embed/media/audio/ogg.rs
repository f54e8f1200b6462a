//! Ogg: pages, their checksums, and the packets in them. Knows nothing of what the packets hold but what kind it is.

use super::super::Takes;
use super::super::message::unreadable;
use super::{check_length, cut_off, part, undecodable};
use crate::point::Failure;

/// Bytes that one packet may have: a header may be large, sound never is.
const MAX_PACKET: usize = 16 << 20;
/// Samples a second that Opus counts in, whatever its sound once had.
const OPUS_RATE: u32 = 48_000;

/// One page of a stream.
pub(super) struct Page {
    /// The stream's first page.
    pub(super) first: bool,
    /// The stream's last page.
    pub(super) last: bool,
    /// Samples of each channel up to the end of the last packet that ends here, if one does.
    pub(super) position: Option<u64>,
    /// Packets that end here.
    pub(super) packets: Vec<Vec<u8>>,
}

impl Page {
    /// A page with nothing on it.
    pub(super) fn none() -> Self {
        Self {
            first: false,
            last: false,
            position: None,
            packets: Vec::new(),
        }
    }
}

/// The pages of one stream, one after another.
pub(super) struct Pages<'a> {
    bytes: &'a [u8],
    at: usize,
    serial: [u8; 4],
    /// The number that the next page must have, once there was a first.
    number: Option<u32>,
    started: bool,
    ended: bool,
    /// What has come of a packet that goes on on the next page.
    begun: Vec<u8>,
    open: bool,
}

impl<'a> Pages<'a> {
    /// The stream whose first packet begins with one of these, and which it is of them.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn of(bytes: &'a [u8], beginnings: &[&[u8]]) -> Result<Self, Failure> {
        let mut at = 0;
        // The first pages of all streams come before everything else.
        while let Some(raw) = Raw::at(bytes, at)?.filter(|raw| raw.flags & 2 != 0) {
            if beginnings.iter().any(|beginning| raw.body.starts_with(beginning)) {
                return Ok(Self {
                    bytes,
                    at: 0,
                    serial: raw.serial,
                    number: None,
                    started: false,
                    ended: false,
                    begun: Vec::new(),
                    open: false,
                });
            }
            at = raw.end;
        }
        Err(unreadable(
            "cannot decode the sound: it is an Ogg file of something else than Vorbis",
        ))
    }

    /// The stream's next page, or `None` behind its last one.
    ///
    /// # Errors
    /// It is not all there, or damaged.
    pub(super) fn next_page(&mut self) -> Result<Option<Page>, Failure> {
        if self.ended && !self.bytes[self.at..].starts_with(b"OggS") {
            return Ok(None);
        }
        while let Some(raw) = Raw::at(self.bytes, self.at)? {
            self.at = raw.end;
            let first = raw.flags & 2 != 0;
            if raw.serial != self.serial {
                if first && self.ended {
                    return Err(undecodable("it is several sounds one behind another"));
                }
                continue;
            }
            if self.ended || first == self.started {
                return Err(undecodable("its pages come in no order"));
            }
            if self.number.is_some_and(|number| number != raw.number) {
                return Err(undecodable("a page is missing"));
            }
            self.number = Some(raw.number.wrapping_add(1));
            self.started = true;
            self.ended = raw.flags & 4 != 0;
            return Ok(Some(Page {
                first,
                last: self.ended,
                position: (raw.position != u64::MAX).then_some(raw.position),
                packets: self.packets(&raw)?,
            }));
        }
        if self.ended {
            Ok(None)
        } else {
            Err(cut_off("it ends before its last page"))
        }
    }

    /// The packets that end on a page.
    fn packets(&mut self, raw: &Raw<'_>) -> Result<Vec<Vec<u8>>, Failure> {
        if self.open != (raw.flags & 1 != 0) {
            return Err(undecodable("a page is missing"));
        }
        let mut packets = Vec::new();
        let mut body = raw.body;
        for length in raw.segments {
            let (segment, rest) = body.split_at(usize::from(*length));
            body = rest;
            self.begun.extend_from_slice(segment);
            self.open = *length == 255;
            if self.begun.len() > MAX_PACKET {
                return Err(undecodable("one of its packets does not end"));
            }
            if !self.open {
                packets.push(std::mem::take(&mut self.begun));
            }
        }
        Ok(packets)
    }
}

/// One page as it lies there.
struct Raw<'a> {
    flags: u8,
    position: u64,
    serial: [u8; 4],
    number: u32,
    segments: &'a [u8],
    body: &'a [u8],
    end: usize,
}

impl<'a> Raw<'a> {
    /// The page at a place, or `None` behind the last one.
    ///
    /// # Errors
    /// It is not all there, or damaged.
    fn at(bytes: &'a [u8], at: usize) -> Result<Option<Self>, Failure> {
        // Padding behind the end is common.
        if bytes[at..].iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let cut = || cut_off("its last page is not all there");
        let head = bytes.get(at..at + 27).ok_or_else(cut)?;
        if !head.starts_with(b"OggS\0") {
            return Err(undecodable("there is something else between its pages"));
        }
        let segments = bytes.get(at + 27..at + 27 + usize::from(head[26])).ok_or_else(cut)?;
        let start = at + 27 + segments.len();
        let end = start + segments.iter().map(|length| usize::from(*length)).sum::<usize>();
        let body = bytes.get(start..end).ok_or_else(cut)?;
        // The checksum is made as if it were not there itself.
        let sum = [&head[..22], &[0; 4], &head[26..], segments, body]
            .into_iter()
            .fold(0, checksum);
        if part(head, 22) != Some(sum.to_le_bytes()) {
            return Err(undecodable("a page is damaged: its checksum is another"));
        }
        Ok(Some(Self {
            flags: head[5],
            position: part(head, 6).map_or(u64::MAX, u64::from_le_bytes),
            serial: part(head, 14).unwrap_or_default(),
            number: part(head, 18).map_or(0, u32::from_le_bytes),
            segments,
            body,
            end,
        }))
    }
}

/// The checksum of what came before, and of these bytes.
fn checksum(before: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(before, |sum, byte| {
        (sum << 8) ^ TABLE[(sum >> 24) as usize ^ usize::from(*byte)]
    })
}

/// What each byte does to a checksum, by the polynomial that Ogg names.
static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000_0000 == 0 {
                sum << 1
            } else {
                (sum << 1) ^ 0x04c1_1db7
            };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

/// Checks a sound that cannot be decoded here as far as its pages tell: that it is all there, and how long it is.
///
/// # Errors
/// It is not, or too long.
pub(super) fn check_opus(bytes: &[u8], takes: &Takes) -> Result<(), Failure> {
    let mut pages = Pages::of(bytes, &[b"OpusHead"])?;
    let mut skipped = 0;
    let mut end = 0;
    while let Some(page) = pages.next_page()? {
        if page.first {
            let head = page.packets.first().map_or(&[][..], Vec::as_slice);
            skipped = u64::from(part(head, 10).map_or(0, u16::from_le_bytes));
        }
        end = page.position.unwrap_or(end).max(end);
        check_length(end, OPUS_RATE, takes)?;
    }
    if end <= skipped {
        return Err(undecodable("it holds no sound at all"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TONE: &[u8] = include_bytes!("samples/tone.ogg");

    fn walk(bytes: &[u8]) -> Result<(usize, Option<u64>), Failure> {
        let mut pages = Pages::of(bytes, &[b"\x01vorbis"])?;
        let (mut packets, mut position) = (0, None);
        while let Some(page) = pages.next_page()? {
            packets += page.packets.len();
            position = page.position;
        }
        Ok((packets, position))
    }

    #[test]
    fn every_packet_is_found_and_the_end_is_known() {
        assert_eq!(walk(TONE), Ok((28, Some(24_000))));
        for behind in [&[0_u8; 100][..], b"x", b"TAG and so on"] {
            let more = [TONE, behind].concat();
            assert_eq!(
                walk(&more),
                Ok((28, Some(24_000))),
                "what is behind the end is nobody's business"
            );
        }
    }

    #[test]
    fn what_is_missing_damaged_or_something_else_is_told() {
        let mut damaged = TONE.to_vec();
        damaged[4_000] ^= 1;
        // Pages: 0..58, 58..?, the last one.
        let second = TONE
            .windows(4)
            .skip(58)
            .position(|four| four == b"OggS")
            .expect("a page")
            + 58;
        let third = TONE
            .windows(4)
            .skip(second + 4)
            .position(|four| four == b"OggS")
            .expect("a page")
            + second
            + 4;
        let gap = [&TONE[..second], &TONE[third..]].concat();
        let twice = [TONE, TONE].concat();
        let opus = include_bytes!("samples/tone.opus").to_vec();
        for (bytes, says) in [
            (TONE[..TONE.len() - 1].to_vec(), "cut off"),
            (TONE[..third].to_vec(), "cut off"),
            (TONE[..20].to_vec(), "cut off"),
            (damaged, "damaged"),
            (gap, "missing"),
            (twice, "no order"),
            (opus, "something else than Vorbis"),
            (b"OggS\0 and more that is no page at all".to_vec(), ""),
        ] {
            let failure = walk(&bytes).expect_err(says);
            assert!(failure.message.contains(says), "{says}: {}", failure.message);
        }
    }
}
