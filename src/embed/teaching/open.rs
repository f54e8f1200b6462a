//! Opening: from the bytes of a file to pixels and samples, within bounds. Slow; called off the async threads.

use std::io::{Cursor, ErrorKind};
use std::panic::catch_unwind;

use hound::{SampleFormat, WavReader};
use image::{DynamicImage, ImageDecoder as _, ImageReader, RgbaImage};
use symphonia::core::audio::SampleBuffer;
use symphonia::core::codecs::DecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatOptions;
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::probe::Hint;

/// Pixels of a picture at most.
const MOST_PIXELS: u64 = 50_000_000;
/// Seconds of a sound at most.
const MOST_SECONDS: u64 = 600;

/// Samples of one channel, and how many there are a second.
pub(super) type Sound = (Vec<f32>, u32);

/// The pixels of a picture: PNG, JPEG, GIF (its first frame) or WebP.
///
/// # Errors
/// It is none of these, broken, or too large.
pub(super) fn picture(bytes: &[u8]) -> Result<RgbaImage, String> {
    guarded(|| decode_picture(bytes)).map_err(|cause| format!("image cannot be decoded: {cause}"))
}

/// The samples of a sound: WAV, FLAC, MP3 or Ogg Vorbis; the mean of its channels.
///
/// # Errors
/// It is none of these, broken, empty, or too long.
pub(super) fn sound(bytes: &[u8]) -> Result<Sound, String> {
    let (samples, rate) = guarded(|| {
        if bytes.starts_with(b"RIFF") {
            decode_wav(bytes)
        } else {
            decode_sound(bytes)
        }
    })
    .map_err(|cause| format!("audio cannot be decoded: {cause}"))?;
    if samples.is_empty() || rate == 0 {
        return Err("audio has no samples".into());
    }
    Ok((samples, rate))
}

/// A decoder that panics does so because of this very input: that is a refusal, not the server's failure.
fn guarded<T>(decode: impl FnOnce() -> Result<T, String> + std::panic::UnwindSafe) -> Result<T, String> {
    catch_unwind(decode).unwrap_or_else(|_| Err("the decoder gave up on it".into()))
}

fn decode_picture(bytes: &[u8]) -> Result<RgbaImage, String> {
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    // Sizes are in the header: nothing is made room for before they are known.
    let decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("{width} x {height} pixels are more than {MOST_PIXELS}"));
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    Ok(image.into_rgba8())
}

fn decode_wav(bytes: &[u8]) -> Result<Sound, String> {
    let mut reader = WavReader::new(bytes).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    check_length(u64::from(reader.duration()), spec.sample_rate)?;
    let channels = usize::from(spec.channels.max(1));
    let numbers: Result<Vec<f32>, hound::Error> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let full = 2.0_f32.powi(i32::from(spec.bits_per_sample) - 1);
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|number| number as f32 / full))
                .collect()
        }
    };
    let numbers = numbers.map_err(|error| error.to_string())?;
    Ok((mixed(&numbers, channels).collect(), spec.sample_rate))
}

fn decode_sound(bytes: &[u8]) -> Result<Sound, String> {
    let told = |error: Error| error.to_string();
    // The source must own what it reads.
    let source = MediaSourceStream::new(
        Box::new(Cursor::new(bytes.to_vec())),
        MediaSourceStreamOptions::default(),
    );
    let mut format = symphonia::default::get_probe()
        .format(
            &Hint::new(),
            source,
            &FormatOptions::default(),
            &MetadataOptions::default(),
        )
        .map_err(told)?
        .format;
    let track = format.default_track().ok_or("it has no track")?;
    let id = track.id;
    let mut decoder = symphonia::default::get_codecs()
        .make(&track.codec_params, &DecoderOptions::default())
        .map_err(told)?;
    let (mut samples, mut rate) = (Vec::new(), 0);
    loop {
        let packet = match format.next_packet() {
            Ok(packet) => packet,
            // How every sound ends.
            Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => return Ok((samples, rate)),
            Err(error) => return Err(told(error)),
        };
        if packet.track_id() != id {
            continue;
        }
        let decoded = match decoder.decode(&packet) {
            Ok(decoded) => decoded,
            // One damaged packet is skipped, as players do.
            Err(Error::DecodeError(_)) => continue,
            Err(error) => return Err(told(error)),
        };
        let spec = *decoded.spec();
        rate = spec.rate;
        let mut interleaved = SampleBuffer::<f32>::new(decoded.capacity() as u64, spec);
        interleaved.copy_interleaved_ref(decoded);
        samples.extend(mixed(interleaved.samples(), spec.channels.count().max(1)));
        check_length(samples.len() as u64, rate)?;
    }
}

fn check_length(samples: u64, rate: u32) -> Result<(), String> {
    if samples > u64::from(rate) * MOST_SECONDS {
        return Err(format!("it lasts longer than {MOST_SECONDS} s"));
    }
    Ok(())
}

/// The mean of the channels.
fn mixed(interleaved: &[f32], channels: usize) -> impl Iterator<Item = f32> {
    interleaved
        .chunks_exact(channels)
        .map(move |frame| frame.iter().sum::<f32>() / channels as f32)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn pictures_open_in_every_format() {
        let drawn = samples::picture(samples::Shape::Circle, samples::Paint::GREEN, 60, 0.3);
        assert_eq!(picture(&samples::png(&drawn)), Ok(drawn.clone()));
        for format in [
            image::ImageFormat::Jpeg,
            image::ImageFormat::Gif,
            image::ImageFormat::WebP,
        ] {
            let mut bytes = Cursor::new(Vec::new());
            DynamicImage::ImageRgba8(drawn.clone())
                .write_to(&mut bytes, format)
                .expect("a file");
            let opened = picture(bytes.get_ref()).expect("a picture");
            assert_eq!(opened.dimensions(), (60, 60), "{format:?}");
        }
    }

    #[test]
    fn sounds_open_with_their_rate_and_channels() {
        let tone = samples::notes(&[440.0], 11_025, 0.5);
        let (opened, rate) = sound(&samples::wav(&tone, 11_025)).expect("a sound");
        assert_eq!((opened.len(), rate), (tone.len(), 11_025));
        assert!(opened.iter().zip(&tone).all(|(a, b)| (a - b).abs() < 1e-3));

        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
        for _ in 0..100 {
            writer.write_sample(0.5_f32).expect("left");
            writer.write_sample(-0.25_f32).expect("right");
        }
        writer.finalize().expect("a WAV file");
        assert_eq!(sound(bytes.get_ref()), Ok((vec![0.125; 100], 8_000)));
    }

    #[test]
    fn what_is_broken_empty_or_too_large_is_refused() {
        let png = samples::png(&samples::picture(samples::Shape::Star, samples::Paint::RED, 60, 0.3));
        let wav = samples::wav(&samples::notes(&[440.0], 8_000, 0.5), 8_000);
        let silent = samples::wav(&[], 8_000);
        for bytes in [
            b"not a picture".as_slice(),
            &png[..png.len() / 2],
            wav.as_slice(),
            b"".as_slice(),
        ] {
            picture(bytes).expect_err("no picture");
        }
        for bytes in [
            b"not a sound".as_slice(),
            &wav[..30],
            &wav[..wav.len() / 2],
            silent.as_slice(),
            png.as_slice(),
            b"".as_slice(),
        ] {
            sound(bytes).expect_err("no sound");
        }
        let long = samples::wav(&vec![0.0; 601 * 20], 20);
        assert!(sound(&long).expect_err("too long").contains("600 s"));
        // A header that says 10,000 x 10,000 over a few pixels: refused before there is room made for them.
        let mut huge = Cursor::new(Vec::new());
        DynamicImage::new_rgba8(4, 4)
            .write_to(&mut huge, image::ImageFormat::Gif)
            .expect("a file");
        let mut huge = huge.into_inner();
        huge[6..10].copy_from_slice(&[0x10, 0x27, 0x10, 0x27]);
        assert!(picture(&huge).expect_err("too large").contains("more than"));
    }
}
