use std::f32::consts::TAU;
use std::io::Cursor;
use std::time::Duration;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::super::{fit, tell};
use super::*;
use crate::config::{EmbedConfig, MediaConfig};
use crate::point::{Cause, Modality};

const PITCH: f32 = 440.0;
/// Half a second of that pitch, half as loud as can be, as encoders of each format write it.
const FLAC: &[u8] = include_bytes!("samples/tone.flac");
const MP3: &[u8] = include_bytes!("samples/tone.mp3");
const MP3_SLOWER: &[u8] = include_bytes!("samples/tone22.mp3");
const VORBIS: &[u8] = include_bytes!("samples/tone.ogg");
const OPUS: &[u8] = include_bytes!("samples/tone.opus");

fn takes(accepts: &[&str], max_duration: Duration) -> Takes {
    let embed = EmbedConfig {
        accepts: accepts.iter().map(|mime| (*mime).to_owned()).collect(),
        sample_rate: 16_000,
        ..EmbedConfig::openai()
    };
    let media = MediaConfig {
        max_duration,
        ..MediaConfig::default()
    };
    Takes::of(&embed, &media)
}

fn converted(bytes: &[u8]) -> Result<Media, Failure> {
    fitted(bytes, &takes(&[], Duration::from_secs(10)))
}

fn fitted(bytes: &[u8], takes: &Takes) -> Result<Media, Failure> {
    fit(&bytes.into(), tell(bytes, Some(Modality::Audio))?, takes)
}

fn cause(outcome: Result<Media, Failure>) -> &'static str {
    outcome.map_or_else(|failure| failure.cause.as_str(), |_| "none")
}

/// The tone as WAV; each channel the louder, the further it is to the front.
fn wav(rate: u32, channels: u16, bits_per_sample: u16, seconds: f32) -> Vec<u8> {
    let sample_format = if bits_per_sample == 32 {
        SampleFormat::Float
    } else {
        SampleFormat::Int
    };
    let spec = WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample,
        sample_format,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).expect("a WAV file");
    for frame in 0..(rate as f32 * seconds) as u32 {
        let sample = (frame as f32 * PITCH * TAU / rate as f32).sin() * 0.5;
        for _ in 0..channels {
            let written = match bits_per_sample {
                32 => writer.write_sample(sample),
                bits => writer.write_sample((sample * (1_i32 << (bits - 1)) as f32) as i32),
            };
            written.expect("a sample");
        }
    }
    writer.finalize().expect("written");
    bytes.into_inner()
}

/// Checks that a result is WAV of 16 bits, one channel and 16,000 Hz, so long, and of the tone's pitch and loudness.
fn check(media: &Media, seconds: f32, what: &str) {
    assert_eq!(media.mime, "audio/wav", "{what}");
    let mut reader = WavReader::new(Cursor::new(&media.bytes[..])).expect("a WAV file");
    let spec = reader.spec();
    let form = (
        spec.channels,
        spec.sample_rate,
        spec.bits_per_sample,
        spec.sample_format,
    );
    assert_eq!(form, (1, 16_000, 16, SampleFormat::Int), "{what}");
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("a sample")) / f32::from(i16::MAX))
        .collect();
    let off = samples.len() as f32 / 16_000.0 - seconds;
    assert!(off.abs() < 0.003, "{what} is off by {off} s");
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let crossings = middle
        .windows(2)
        .filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0))
        .count();
    let pitch = crossings as f32 / 2.0 / (middle.len() as f32 / 16_000.0);
    assert!((pitch - PITCH).abs() < 10.0, "{what} has a pitch of {pitch}");
    let loudest = middle.iter().copied().fold(0.0, f32::max);
    assert!((0.45..0.55).contains(&loudest), "{what} is as loud as {loudest}");
}

#[test]
fn wav_of_every_rate_depth_and_number_of_channels_is_converted() {
    for (rate, channels, bits) in [
        (16_000, 1, 16),
        (8_000, 1, 8),
        (11_025, 2, 16),
        (44_100, 2, 16),
        (48_000, 6, 24),
        (96_000, 2, 32),
    ] {
        let what = format!("{rate} Hz, {channels} channels, {bits} bits");
        let media = converted(&wav(rate, channels, bits, 0.5)).unwrap_or_else(|failure| panic!("{what}: {failure}"));
        check(&media, 0.5, &what);
    }
}

#[test]
fn every_format_is_converted_and_keeps_its_length() {
    for (bytes, what) in [
        (FLAC, "FLAC"),
        (MP3, "MP3"),
        (MP3_SLOWER, "MPEG-2 MP3"),
        (VORBIS, "Vorbis"),
    ] {
        let media = converted(bytes).unwrap_or_else(|failure| panic!("{what}: {failure}"));
        check(&media, 0.5, what);
    }
}

#[test]
fn what_is_accepted_goes_as_it_is() {
    let all = takes(
        &["audio/x-wav", "audio/flac", "audio/mp3", "audio/ogg", "audio/opus"],
        Duration::from_secs(10),
    );
    for (bytes, mime) in [
        (&wav(8_000, 1, 16, 0.1)[..], "audio/wav"),
        (FLAC, "audio/flac"),
        (MP3, "audio/mpeg"),
        (VORBIS, "audio/ogg"),
        (OPUS, "audio/opus"),
    ] {
        let shared: Arc<[u8]> = bytes.into();
        let kind = tell(&shared, None).expect("a sound");
        let media = fit(&shared, kind, &all).unwrap_or_else(|failure| panic!("{mime}: {failure}"));
        assert!(Arc::ptr_eq(&media.bytes, &shared), "{mime}");
        assert_eq!(media.mime, mime);
    }
}

#[test]
fn tags_and_foreign_chunks_are_passed_over_whatever_they_claim() {
    let tag = b"ID3\x04\0\0\0\0\0\x05hello";
    for file in [FLAC, MP3] {
        let tagged = [&tag[..], file, b"TAG", &[b' '; 125]].concat();
        check(
            &converted(&tagged).unwrap_or_else(|failure| panic!("{failure}")),
            0.5,
            "tagged",
        );
    }
    // A comment block of FLAC that claims to be as long as memory goes, and a picture that does.
    let mut comments = FLAC[..4].to_vec();
    comments.extend_from_slice(&FLAC[4..42]);
    comments.extend_from_slice(b"\x04\0\0\x08\xff\xff\xff\x7f\xff\xff\xff\x7f");
    comments.extend_from_slice(b"\x06\0\0\x08\0\0\0\x03\xff\xff\xff\xf0");
    comments.extend_from_slice(&FLAC[42..]);
    check(
        &converted(&comments).unwrap_or_else(|failure| panic!("{failure}")),
        0.5,
        "FLAC with comments",
    );
    // A list of WAV that claims more than there is.
    let tone = wav(16_000, 1, 16, 0.5);
    let mut listed = tone[..12].to_vec();
    listed.extend_from_slice(b"LIST\x0c\0\0\0INFOIART\xff\xff\xff\x7f");
    listed.extend_from_slice(&tone[12..]);
    check(
        &converted(&listed).unwrap_or_else(|failure| panic!("{failure}")),
        0.5,
        "WAV with a list",
    );
}

#[test]
fn what_is_cut_off_is_unreadable_even_if_it_is_accepted() {
    let all = takes(
        &["audio/wav", "audio/flac", "audio/mpeg", "audio/ogg", "audio/opus"],
        Duration::from_secs(10),
    );
    let tone = wav(16_000, 2, 16, 0.5);
    for (file, what) in [
        (&tone[..], "WAV"),
        (FLAC, "FLAC"),
        (MP3, "MP3"),
        (VORBIS, "Vorbis"),
        (OPUS, "Opus"),
    ] {
        assert_eq!(cause(fitted(file, &all)), "none", "{what}");
        for left in [file.len() - 1, file.len() - 100, file.len() / 2, file.len() / 4, 60, 40] {
            let failure = fitted(&file[..left], &all).expect_err(what);
            assert_eq!(
                failure.cause,
                Cause::MediaUnreadable,
                "{what} {left}: {}",
                failure.message
            );
        }
    }
}

#[test]
fn damage_in_the_middle_is_told() {
    for (file, what) in [(FLAC, "FLAC"), (VORBIS, "Vorbis")] {
        let mut damaged = file.to_vec();
        let middle = damaged.len() * 3 / 4;
        damaged[middle] ^= 0x55;
        let failure = converted(&damaged).expect_err(what);
        assert_eq!(failure.cause, Cause::MediaUnreadable, "{what}: {}", failure.message);
    }
}

#[test]
fn what_is_too_long_is_refused_while_it_is_decoded_or_before() {
    let short = takes(&["audio/opus"], Duration::from_millis(200));
    let tone = wav(8_000, 1, 8, 0.5);
    for (file, what) in [
        (&tone[..], "WAV"),
        (FLAC, "FLAC"),
        (MP3, "MP3"),
        (VORBIS, "Vorbis"),
        (OPUS, "Opus"),
    ] {
        assert_eq!(cause(fitted(file, &short)), "media_too_large", "{what}");
    }
    // Headers of hours, with next to nothing behind them.
    let mut hours = wav(8_000, 1, 8, 0.01);
    let bytes = 8_000_u32 * 3_600 * 3;
    hours[4..8].copy_from_slice(&(bytes + 36).to_le_bytes());
    hours[40..44].copy_from_slice(&bytes.to_le_bytes());
    assert_eq!(cause(converted(&hours)), "media_too_large");
    let mut hours = FLAC.to_vec();
    hours[21..26].copy_from_slice(&[0xf9, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(cause(converted(&hours)), "media_too_large");
    // A writer that could not go back to fill the length in: what is there is all there is.
    let mut streamed = wav(16_000, 1, 16, 0.5);
    streamed[4..8].fill(0xff);
    streamed[40..44].fill(0xff);
    check(
        &converted(&streamed).unwrap_or_else(|failure| panic!("{failure}")),
        0.5,
        "streamed",
    );
}

#[test]
fn what_holds_no_sound_or_none_that_can_be_decoded_is_unreadable() {
    let mut compressed = wav(8_000, 1, 16, 0.1);
    compressed[20] = 0x55;
    let mut silent_rate = wav(8_000, 1, 16, 0.1);
    silent_rate[24..28].fill(0);
    let mut no_block = wav(8_000, 1, 16, 0.1);
    no_block[32..34].fill(0);
    for (bytes, says) in [
        (wav(8_000, 1, 16, 0.0), "no sound at all"),
        (compressed, "cannot decode the sound"),
        (silent_rate, "0 samples a second"),
        (no_block, "makes no sense"),
        (OPUS.to_vec(), "Opus has no decoder here"),
        (FLAC[..86].to_vec(), "cut off"),
        (b"RIFF\x04\0\0\0WAVE".to_vec(), "cut off"),
        (b"fLaC\x84\0\0\0".to_vec(), "does not describe it"),
        ([&b"OggS"[..], &[0; 60]].concat(), "cannot decode the sound"),
        ([&b"ID3\x04\0\0\0\0\0\0"[..], &[1; 60]].concat(), "no MP3 frame"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom".to_vec(), "cannot decode"),
    ] {
        let failure = converted(&bytes).expect_err(says);
        assert_eq!(failure.cause, Cause::MediaUnreadable, "{says}: {}", failure.message);
        assert!(failure.message.contains(says), "{says}: {}", failure.message);
    }
}
