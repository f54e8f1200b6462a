//! Sounds: checked to be whole and within bounds, decoded, and brought into the form that a model takes.
//!
//! The container is read here as far as bounds and completeness go, and decoders are handed only what they need of it:
//! they take memory for whatever lengths a tag claims, and show what is left of half a file as if it were all.

mod decode;
mod flac;
pub(super) mod mpeg;
mod ogg;
mod resample;
mod sink;
mod source;
mod vorbis;
mod wav;

use std::sync::Arc;

use super::kind::Kind;
use super::message::{said, too_large, unreadable};
use super::{Media, Takes};
use crate::point::Failure;

/// Samples a second that a sound may have.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Brings a sound into the form that a model takes: as it is where that is accepted, else mixed down to one channel,
/// resampled, and as WAV of 16 bits.
pub(super) fn fit(bytes: &Arc<[u8]>, kind: Kind, takes: &Takes) -> Result<Media, Failure> {
    let as_it_is = takes.as_it_is(kind);
    let mut converted = Vec::new();
    let into = (!as_it_is).then_some(&mut converted);
    match kind.mime {
        "audio/wav" => wav::play(bytes, takes, into)?,
        "audio/flac" => flac::play(bytes, takes, into)?,
        "audio/mpeg" => mpeg::play(bytes, takes, into)?,
        "audio/ogg" => vorbis::play(bytes, takes, into)?,
        "audio/opus" => {
            ogg::check_opus(bytes, takes)?;
            if !as_it_is {
                return Err(unreadable(
                    "cannot decode the sound: Opus has no decoder here; where the server takes it as it is, \
                     embed.audio.accepts may list \"audio/opus\"",
                ));
            }
        }
        other => {
            return Err(unreadable(format!(
                "cannot decode {other}: WAV, FLAC, MP3 and Ogg Vorbis sounds can be decoded here"
            )));
        }
    }
    Ok(if as_it_is {
        Media {
            bytes: Arc::clone(bytes),
            mime: kind.mime.to_owned(),
        }
    } else {
        Media {
            bytes: converted.into(),
            mime: "audio/wav".to_owned(),
        }
    })
}

/// Checks how long a sound is, or says that it is.
fn check_length(frames: u64, rate: u32, takes: &Takes) -> Result<(), Failure> {
    check_rate(rate)?;
    if frames > most_frames(rate, takes) {
        return Err(too_large(format!(
            "the sound is too long: {} s; media.max_duration lets in {} s",
            frames / u64::from(rate),
            takes.max_duration.as_secs()
        )));
    }
    Ok(())
}

/// Samples of one channel that a sound may have.
fn most_frames(rate: u32, takes: &Takes) -> u64 {
    (takes.max_duration.as_secs_f64() * f64::from(rate)) as u64
}

fn check_rate(rate: u32) -> Result<(), Failure> {
    if RATES.contains(&rate) {
        return Ok(());
    }
    Err(undecodable(&format!("{rate} samples a second are no sound")))
}

fn undecodable(why: &str) -> Failure {
    unreadable(format!("cannot decode the sound: {}", said(why)))
}

fn cut_off(why: &str) -> Failure {
    undecodable(&format!("it is cut off: {why}"))
}

/// So many bytes at a place, where they are all there.
fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests;
