//! The way of a sound from a container's packets through its decoder.

use std::io::ErrorKind;

use symphonia::core::codecs::DecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;

use super::super::Takes;
use super::sink::Sink;
use super::{cut_off, undecodable};
use crate::point::Failure;

/// What is made of packets that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Each of them is damage; the checksum of the whole must match, where there is one.
    Strict,
    /// A few of them are common: where a sound was cut out of a longer one, the first packets lean on what is not
    /// there.
    Lenient,
}

/// Decodes all packets of the first track, of which each channel has so many samples, where that is said.
///
/// # Errors
/// It cannot be decoded, is not all there, or is too long.
pub(super) fn play(
    reader: &mut dyn FormatReader,
    manner: Manner,
    expected: Option<u64>,
    takes: &Takes,
    into: Option<&mut Vec<u8>>,
) -> Result<(), Failure> {
    let track = reader.default_track().ok_or_else(|| undecodable("it has no track"))?;
    let (id, params) = (track.id, track.codec_params.clone());
    let rate = params
        .sample_rate
        .ok_or_else(|| undecodable("it does not say its rate"))?;
    let options = DecoderOptions {
        verify: manner == Manner::Strict,
    };
    let mut decoder = symphonia::default::get_codecs()
        .make(&params, &options)
        .map_err(|error| undecodable(&error.to_string()))?;
    let mut sink = Sink::new(rate, takes, into)?;
    let (mut packets, mut bad) = (0_u64, 0_u64);
    loop {
        let packet = match reader.next_packet() {
            Ok(packet) => packet,
            Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(undecodable(&error.to_string())),
        };
        if packet.track_id() != id {
            continue;
        }
        packets += 1;
        match decoder.decode(&packet) {
            Ok(decoded) => sink.take(decoded, u64::MAX)?,
            Err(Error::DecodeError(_) | Error::IoError(_)) if manner == Manner::Lenient => bad += 1,
            Err(error) => return Err(undecodable(&error.to_string())),
        }
    }
    if bad > 2 + packets / 20 {
        return Err(undecodable(&format!("{bad} of its {packets} packets are damaged")));
    }
    if let Some(expected) = expected.filter(|expected| *expected != sink.frames()) {
        return Err(cut_off(&format!("{} of {expected} samples are there", sink.frames())));
    }
    if decoder.finalize().verify_ok == Some(false) {
        return Err(undecodable("it is damaged: its checksum is another"));
    }
    sink.finish()
}
