//! Pictures and sounds that are made here: those of every rate, size and depth that no package has to be asked for, and
//! rare kinds that no encoder at hand writes.

use std::f32::consts::TAU;
use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::table::{GIF, Is, JPEG, PNG, WAV, WEBP};

/// The pitch of every sound.
pub(super) const PITCH: f32 = 440.0;
/// How long every sound is.
const SECONDS: f32 = 0.25;

/// All that is like what packages ship, with its name.
pub(super) fn all() -> Vec<(String, Vec<u8>, Is)> {
    let mut all = Vec::new();
    for (place, rate) in [
        8_000_u32, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000,
    ]
    .into_iter()
    .enumerate()
    {
        for channels in [1_u16, 2, 6] {
            // Every depth meets every number of channels.
            let bits = [8, 16, 24, 32][(place + usize::from(channels)) % 4];
            let frames = (rate as f32 * SECONDS) as u32;
            let seconds = f64::from(frames) / f64::from(rate);
            all.push((
                format!("{rate} Hz, {channels} channels, {bits} bits"),
                tone(rate, channels, bits),
                Is::Sound(WAV, rate, channels, seconds),
            ));
        }
    }
    for (width, height) in [(1, 1), (300, 100), (17, 400), (640, 3), (256, 64)] {
        for (format, mime) in [
            (ImageFormat::Png, PNG),
            (ImageFormat::Jpeg, JPEG),
            (ImageFormat::Gif, GIF),
            (ImageFormat::WebP, WEBP),
        ] {
            all.push((
                format!("{mime} of {width} x {height}"),
                encoded(&shades(width, height), format),
                Is::Picture(mime, width, height),
            ));
        }
    }
    let picture = shades(60, 40);
    for (name, picture) in [
        ("grey", DynamicImage::from(picture.to_luma8())),
        ("grey and clear", DynamicImage::from(picture.to_luma_alpha8())),
        ("grey of 16 bits", DynamicImage::from(picture.to_luma16())),
        ("coloured and clear", DynamicImage::from(picture.to_rgba8())),
        ("coloured and clear of 16 bits", DynamicImage::from(picture.to_rgba16())),
    ] {
        let name = format!("{PNG}, {name}");
        all.push((name, encoded(&picture, ImageFormat::Png), Is::Picture(PNG, 60, 40)));
    }
    all.push(("a moving picture".into(), moving(), Is::Picture(GIF, 40, 30)));
    all
}

/// A picture in which no two places are alike.
pub(super) fn shades(width: u32, height: u32) -> DynamicImage {
    let shade = |at: u32, of: u32| (at * 255 / of.max(1)) as u8;
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([shade(x, width), shade(y, height), shade(x + y, width + height)])
    })
    .into()
}

pub(super) fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a small picture");
    bytes.into_inner()
}

/// A red picture that turns blue.
pub(super) fn moving() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for colour in [Rgba([255, 0, 0, 255]), Rgba([0, 0, 255, 255])] {
        let frame = Frame::new(RgbaImage::from_pixel(40, 30, colour));
        encoder.encode_frame(frame).expect("a small picture");
    }
    drop(encoder);
    bytes
}

/// A tone, the same in every channel; of 32 bits as floats.
pub(super) fn tone(rate: u32, channels: u16, bits: u16) -> Vec<u8> {
    let spec = WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: if bits == 32 {
            SampleFormat::Float
        } else {
            SampleFormat::Int
        },
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).expect("a header");
    for frame in 0..(rate as f32 * SECONDS) as u32 {
        let sample = 0.5 * (frame as f32 * PITCH * TAU / rate as f32).sin();
        for _ in 0..channels {
            let written = match bits {
                32 => writer.write_sample(sample),
                bits => writer.write_sample((sample * (1_i32 << (bits - 1)) as f32).round() as i32),
            };
            written.expect("a sample");
        }
    }
    writer.finalize().expect("a length");
    bytes.into_inner()
}

/// A WAV file of one channel and 8,000 samples a second, with this tag, as many bits a sample, and so many bytes that
/// belong together; what follows in the format, and the samples.
pub(super) fn wav(tag: u16, bits: u16, block: u16, more: &[u8], samples: &[u8]) -> Vec<u8> {
    const RATE: u32 = 8_000;
    let mut bytes = b"RIFF".to_vec();
    let length = 4 + 8 + 16 + more.len() + 8 + samples.len();
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&(16 + more.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&tag.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&(RATE * u32::from(bits) / 8).to_le_bytes());
    bytes.extend_from_slice(&block.to_le_bytes());
    bytes.extend_from_slice(&bits.to_le_bytes());
    bytes.extend_from_slice(more);
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&(samples.len() as u32).to_le_bytes());
    bytes.extend_from_slice(samples);
    bytes
}

/// A JPEG of 8 by 8 points as printers want it, in four inks of which each is half there. Its codes say nothing but
/// "as before" and "that is all", once for each ink.
pub(super) fn four_inks() -> Vec<u8> {
    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() + 2) as u16;
        [&[0xff, marker][..], &length.to_be_bytes()[..], content].concat()
    }
    let inks = 1_u8..=4;
    let ones = [1_u8; 64];
    let shapes: Vec<u8> = inks.clone().flat_map(|ink| [ink, 0x11, 0]).collect();
    let codes: Vec<u8> = inks.flat_map(|ink| [ink, 0]).collect();
    // One code of one bit, which stands for 0.
    let one_code = [&[1_u8][..], &[0; 16][..]].concat();
    [
        &[0xff_u8, 0xd8][..],
        &segment(0xee, b"Adobe\0\x64\0\0\0\0\0")[..],
        &segment(0xdb, &[&[0_u8][..], &ones[..]].concat())[..],
        &segment(0xc0, &[&[8_u8, 0, 8, 0, 8, 4][..], &shapes[..]].concat())[..],
        &segment(0xc4, &[&[0x00_u8][..], &one_code[..]].concat())[..],
        &segment(0xc4, &[&[0x10_u8][..], &one_code[..]].concat())[..],
        &segment(0xda, &[&[4_u8][..], &codes[..], &[0, 63, 0][..]].concat())[..],
        &[0x00, 0xff, 0xd9][..],
    ]
    .concat()
}
