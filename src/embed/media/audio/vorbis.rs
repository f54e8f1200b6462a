//! Vorbis in Ogg: packets are taken out here and handed to the decoder one by one. The comments, whose lengths it would
//! believe, are left out, and the code books, for which it takes as much memory as they claim, are measured before.

use std::sync::Arc;

use symphonia::core::codecs::{CODEC_TYPE_VORBIS, CodecParameters, DecoderOptions};
use symphonia::core::formats::Packet;

use super::super::Takes;
use super::ogg::{Page, Pages};
use super::sink::Sink;
use super::{check_length, cut_off, part, undecodable};
use crate::point::Failure;

/// Entries that all code books of a stream may have. Those of encoders have some 10,000.
const MAX_ENTRIES: u64 = 1 << 20;
/// Numbers that all code books of a stream may stand for. Those of encoders have some 100,000.
const MAX_NUMBERS: u64 = 4 << 20;

/// Decodes all of it.
pub(super) fn play(bytes: &Arc<[u8]>, takes: &Takes, into: Option<&mut Vec<u8>>) -> Result<(), Failure> {
    let mut pages = Pages::of(bytes, &[b"\x01vorbis"])?;
    let mut headers: Vec<Vec<u8>> = Vec::new();
    let mut page = Page::none();
    // Three headers; sound begins on a page of its own.
    while headers.len() < 3 {
        page = pages
            .next_page()?
            .ok_or_else(|| cut_off("it ends within its headers"))?;
        headers.append(&mut page.packets);
    }
    // Most encoders begin it so, but not all do.
    page.packets = headers.split_off(3);
    let [identification, _, setup] = &headers[..] else {
        return Err(undecodable("its headers make no sense"));
    };
    let rate = part(identification, 12).map_or(0, u32::from_le_bytes);
    check_length(0, rate, takes)?;
    check_setup(setup)?;
    let mut params = CodecParameters::new();
    params
        .for_codec(CODEC_TYPE_VORBIS)
        .with_sample_rate(rate)
        .with_extra_data([&identification[..], &setup[..]].concat().into_boxed_slice());
    let mut decoder = symphonia::default::get_codecs()
        .make(&params, &DecoderOptions::default())
        .map_err(|error| undecodable(&error.to_string()))?;
    let mut sink = Sink::new(rate, takes, into)?;
    // Where the first page of sound says that it ends, less what it holds, is where the sound begins.
    let mut begins = None;
    loop {
        let end = page.position.filter(|_| page.last);
        for packet in &page.packets {
            let decoded = decoder
                .decode(&Packet::new_from_slice(0, 0, 0, packet))
                .map_err(|error| undecodable(&error.to_string()))?;
            // What the last block holds beyond the end is padding.
            let most = end.map_or(u64::MAX, |end| {
                end.saturating_sub(begins.unwrap_or(0)).saturating_sub(sink.frames())
            });
            sink.take(decoded, most)?;
        }
        if let Some(position) = page.position.filter(|_| begins.is_none() && sink.frames() > 0) {
            begins = Some(position.saturating_sub(sink.frames()));
        }
        match pages.next_page()? {
            Some(next) => page = next,
            None => break,
        }
    }
    sink.finish()
}

/// Checks that the code books of a setup header take no more memory than those of any encoder.
fn check_setup(setup: &[u8]) -> Result<(), Failure> {
    let books = setup.strip_prefix(b"\x05vorbis").and_then(measure);
    let (entries, numbers) = books.ok_or_else(|| undecodable("its setup makes no sense"))?;
    if entries > MAX_ENTRIES || numbers > MAX_NUMBERS {
        return Err(undecodable(&format!(
            "its code books are absurd: {entries} entries that stand for {numbers} numbers"
        )));
    }
    Ok(())
}

/// Entries of all code books, and the numbers they stand for. Stops counting where either is more than may be.
fn measure(setup: &[u8]) -> Option<(u64, u64)> {
    let mut bits = Bits { bytes: setup, at: 0 };
    let (mut all_entries, mut all_numbers) = (0, 0);
    for _ in 0..=bits.take(8)? {
        if bits.take(24)? != 0x56_4342 {
            return None;
        }
        let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
        all_entries += entries;
        if all_entries > MAX_ENTRIES {
            break;
        }
        skip_lengths(&mut bits, entries)?;
        let lookup = bits.take(4)?;
        if lookup == 0 {
            continue;
        }
        let numbers = entries * dimensions;
        all_numbers += numbers;
        if all_numbers > MAX_NUMBERS {
            break;
        }
        // The least number, the step, and whether each number adds to the one before.
        bits.skip(64)?;
        let width = bits.take(4)? + 1;
        bits.skip(1)?;
        let values = match lookup {
            1 => root(entries, dimensions)?,
            2 => numbers,
            _ => return None,
        };
        bits.skip(values * width)?;
    }
    Some((all_entries, all_numbers))
}

/// Passes over the lengths of the code words of a book.
fn skip_lengths(bits: &mut Bits<'_>, entries: u64) -> Option<()> {
    let ordered = bits.take(1)? == 1;
    if ordered {
        bits.skip(5)?;
        let mut entry = 0;
        while entry < entries {
            let left = entries - entry;
            entry += bits.take(u64::BITS - left.leading_zeros())?;
        }
        return (entry == entries).then_some(());
    }
    let sparse = bits.take(1)? == 1;
    for _ in 0..entries {
        if !sparse || bits.take(1)? == 1 {
            bits.skip(5)?;
        }
    }
    Some(())
}

/// The largest whole number whose power is no more than `entries`.
fn root(entries: u64, dimensions: u64) -> Option<u64> {
    let dimensions = u32::try_from(dimensions).ok().filter(|dimensions| *dimensions > 0)?;
    let fits = |value: u64| value.checked_pow(dimensions).is_some_and(|power| power <= entries);
    // Never beyond what may be at all.
    let (mut low, mut high) = (0, MAX_ENTRIES + 1);
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// Bits from the lowest of the first byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u64> {
        let start = self.at;
        self.skip(count.into())?;
        let mut value = 0;
        for place in 0..u64::from(count) {
            let at = start + place;
            let bit = (self.bytes[(at / 8) as usize] >> (at % 8)) & 1;
            value |= u64::from(bit) << place;
        }
        Some(value)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let at = self.at.checked_add(count)?;
        if at > self.bytes.len() as u64 * 8 {
            return None;
        }
        self.at = at;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A setup header of one code book, as written by whoever wants to break something.
    fn book(dimensions: u64, entries: u64, lookup: u64) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        let mut put = |value: u64, count: u32| bits.extend((0..count).map(|place| (value >> place) & 1 == 1));
        put(0, 8);
        put(0x56_4342, 24);
        put(dimensions, 16);
        put(entries, 24);
        // In order, and all of one length.
        put(1, 1);
        put(0, 5);
        put(entries, u64::BITS - entries.leading_zeros());
        put(lookup, 4);
        put(0, 64);
        put(0, 4);
        put(0, 1);
        put(0, 64);
        let mut bytes = b"\x05vorbis".to_vec();
        for eight in bits.chunks(8) {
            bytes.push(eight.iter().rev().fold(0, |byte, bit| (byte << 1) | u8::from(*bit)));
        }
        bytes
    }

    #[test]
    fn code_books_of_encoders_are_let_through_and_absurd_ones_are_not() {
        let tone = include_bytes!("samples/tone.ogg");
        let setup = tone
            .windows(7)
            .position(|seven| seven == b"\x05vorbis")
            .expect("a setup header");
        // It goes on for a few pages' worth without a new segment table in between.
        assert_eq!(measure(&tone[setup + 7..]), Some((11_693, 61_014)));
        for (book, fine) in [
            (book(1, 16, 1), true),
            (book(0xffff, 0xff_ffff, 1), false),
            (book(0xffff, 1_000, 1), false),
            (book(1, 0xff_ffff, 0), false),
            (book(0, 16, 1), false),
            (book(2, 4, 3), false),
            (book(2, 1 << 20, 2), false),
            (b"\x05vorbis".to_vec(), false),
            (b"\x03vorbis".to_vec(), false),
        ] {
            assert_eq!(check_setup(&book).is_ok(), fine);
        }
    }

    #[test]
    fn roots_are_whole_numbers() {
        for (entries, dimensions, expected) in [(0, 1, 0), (1, 5, 1), (8, 3, 2), (26, 3, 2), (27, 3, 3), (100, 1, 100)]
        {
            assert_eq!(root(entries, dimensions), Some(expected));
        }
        assert_eq!(root(MAX_ENTRIES, 1), Some(MAX_ENTRIES));
        assert_eq!(root(5, 0), None);
    }

    proptest! {
        #[test]
        fn no_setup_upsets_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = measure(&[&b"\x00BCV"[..], &bytes[..]].concat());
        }
    }
}
