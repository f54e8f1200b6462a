//! The demo's pictures and sounds: drawn and synthesised, a function of seed and number like its messages.
//!
//! Every twentieth message is a picture (number 5, 25, ..) and every twentieth a sound (15, 35, ..). What they show and
//! play is plain on purpose, one shape or one sound, so that anyone can judge by eye and ear whether a search found the
//! right one; the captions say what it is in words that the teaching embedder knows.

mod draw;
mod play;

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};
use image::{ImageFormat, RgbaImage};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use draw::Sketch;
use play::{RATE, Score};

/// Messages from one picture to the next, and from one sound to the next.
const EVERY: u64 = 20;
const PICTURE: u64 = 5;
const SOUND: u64 = 15;

/// A picture or a sound, and what somebody wrote beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A picture of about 160 by 160 pixels.
    Picture {
        /// The file, a few kilobytes.
        png: Vec<u8>,
        /// What it shows.
        caption: String,
    },
    /// A sound of 0.6 to 1.2 seconds.
    Sound {
        /// The file: 16,000 samples a second of 16 bits in one channel, 20 to 40 kB.
        wav: Vec<u8>,
        /// What it plays.
        caption: String,
    },
}

impl Piece {
    /// The bytes of its file.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Picture { png, .. } => png,
            Self::Sound { wav, .. } => wav,
        }
    }

    /// What somebody wrote beside it.
    pub fn caption(&self) -> &str {
        match self {
            Self::Picture { caption, .. } | Self::Sound { caption, .. } => caption,
        }
    }

    /// Its MIME type.
    pub fn mime(&self) -> &'static str {
        match self {
            Self::Picture { .. } => "image/png",
            Self::Sound { .. } => "audio/wav",
        }
    }
}

/// How a message carries its piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// `media_url` names a file below the media's root; see [`file_name`].
    File,
    /// `media_url` is a `data:` URI.
    DataUri,
    /// The bytes are in the payload, under `media`, in base64.
    Inline,
}

/// The picture or sound of message `number` in the collection with this seed; `None` for a message without one.
pub fn piece(seed: u64, number: u64) -> Option<Piece> {
    match number % EVERY {
        PICTURE => {
            let sketch = sketch(seed, number);
            Some(Piece::Picture {
                png: png(&sketch.draw()),
                caption: sketch.caption(),
            })
        }
        SOUND => {
            let score = score(seed, number);
            Some(Piece::Sound {
                wav: wav(&score.play()),
                caption: score.caption(),
            })
        }
        _ => None,
    }
}

/// The name of the file of message `number`'s piece, which is also its `media_url` where it is carried as a file.
pub fn file_name(number: u64) -> String {
    if number % EVERY == SOUND {
        format!("sound-{number:04}.wav")
    } else {
        format!("picture-{number:04}.png")
    }
}

/// How message `number` carries its piece: most as files. In payloads there are pictures, which are small, and now and
/// then a short sound.
pub fn carried(number: u64) -> Carried {
    let round = number / EVERY;
    let rarely = if number % EVERY == SOUND { 10 } else { 5 };
    match round % rarely {
        2 => Carried::DataUri,
        4 => Carried::Inline,
        _ => Carried::File,
    }
}

fn sketch(seed: u64, number: u64) -> Sketch {
    Sketch::draft(&mut rng(seed, number))
}

fn score(seed: u64, number: u64) -> Score {
    Score::write(&mut rng(seed, number), carried(number) != Carried::File)
}

/// Another sequence than the one that the message's words come from.
fn rng(seed: u64, number: u64) -> StdRng {
    StdRng::seed_from_u64((seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(32))
}

fn png(image: &RgbaImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("a small picture fits into memory");
    bytes.into_inner()
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let write = || {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec)?;
        for sample in samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()?;
        Ok::<_, hound::Error>(bytes.into_inner())
    };
    write().expect("a short sound fits into memory")
}

/// A text that begins with a capital letter.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(rest).collect()
}

/// "a" or "an", by the first letter of what comes next.
fn article(next: &str) -> &'static str {
    if next.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    }
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use crate::embed::teaching::space::{cosine, of_image, of_sound, of_text};
    use serde_json::Value;
    use std::collections::HashSet;

    const SEED: u64 = 7;
    const MESSAGES: u64 = 2_000;

    /// What a piece is, where it is in the joint space, and where its caption is.
    struct Placed {
        class: String,
        caption: String,
        piece: Vec<f32>,
        text: Vec<f32>,
    }

    fn placed(number: u64) -> Option<Placed> {
        let (class, caption, piece) = match number % EVERY {
            PICTURE => {
                let sketch = sketch(SEED, number);
                (sketch.class(), sketch.caption(), of_image(&sketch.draw()))
            }
            SOUND => {
                let score = score(SEED, number);
                let samples: Vec<f32> = score
                    .play()
                    .iter()
                    .map(|sample| f32::from(*sample) / 32_768.0)
                    .collect();
                (score.class(), score.caption(), of_sound(&samples, RATE))
            }
            _ => return None,
        };
        let text = of_text(&caption);
        Some(Placed {
            class,
            caption,
            piece,
            text,
        })
    }

    #[test]
    fn every_piece_is_nearest_to_the_captions_of_its_class() {
        let all: Vec<Placed> = (0..MESSAGES).filter_map(placed).collect();
        assert_eq!(all.len(), 200);
        let classes: HashSet<&str> = all.iter().map(|placed| placed.class.as_str()).collect();
        // 8 colours of 4 shapes; tones and chords of 3 pitches, hiss and rumble. Chance may leave out a few.
        assert!(classes.len() >= 34, "{} of 40 classes: {classes:?}", classes.len());
        for of in &all {
            let own = cosine(&of.piece, &of.text);
            assert!(own > 0.8, "{:?} and its caption {:?}: {own}", of.class, of.caption);
            let nearest = all
                .iter()
                .max_by(|a, b| cosine(&of.piece, &a.text).total_cmp(&cosine(&of.piece, &b.text)))
                .expect("a caption");
            assert_eq!(
                nearest.class, of.class,
                "{:?} is nearer than {:?}",
                nearest.caption, of.caption
            );
        }
    }

    #[test]
    fn messages_of_words_are_far_from_all_pieces() {
        let pieces: Vec<Placed> = (0..400).filter_map(placed).collect();
        // Captions, and every twentieth message, speak of them on purpose.
        let of_words = |number: &u64| piece(SEED, *number).is_none() && number % EVERY != 10;
        for number in (0..400).filter(of_words) {
            let message = message(SEED, number);
            let Some(content) = message.payload.get("content").and_then(Value::as_str) else {
                continue;
            };
            let text = of_text(content);
            for placed in &pieces {
                let near = cosine(&text, &placed.piece);
                assert!(near < 0.7, "{content:?} and {:?}: {near}", placed.class);
            }
        }
    }

    #[test]
    fn pieces_are_a_function_of_seed_and_number() {
        for number in [5, 15, 25, 35, 1_985, 1_995] {
            let one = piece(7, number).expect("a piece");
            assert_eq!(Some(&one), piece(7, number).as_ref());
            assert_ne!(Some(&one), piece(8, number).as_ref());
            assert_ne!(Some(&one), piece(7, number + EVERY).as_ref());
        }
        for number in [0, 4, 6, 14, 16, 24, 61, 101] {
            assert_eq!(piece(7, number), None);
        }
    }

    #[test]
    fn files_hold_what_was_drawn_and_played() {
        for number in [5, 45, 85, 105, 125, 205] {
            let piece = piece(SEED, number).expect("a picture");
            assert_eq!((piece.mime(), &file_name(number)[..7]), ("image/png", "picture"));
            assert!(piece.bytes().len() < 10_000, "{number}: {} bytes", piece.bytes().len());
            let opened = image::load_from_memory(piece.bytes()).expect("a picture").into_rgba8();
            assert_eq!(opened, sketch(SEED, number).draw());
        }
        for number in [15, 55, 95, 115, 135, 215] {
            let piece = piece(SEED, number).expect("a sound");
            assert_eq!((piece.mime(), &file_name(number)[..5]), ("audio/wav", "sound"));
            let mut reader = hound::WavReader::new(piece.bytes()).expect("a sound");
            let spec = reader.spec();
            assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 16_000, 16));
            let seconds = f64::from(reader.duration()) / f64::from(spec.sample_rate);
            assert!((0.6..=1.2).contains(&seconds), "{number}: {seconds} s");
            let samples: Vec<i16> = reader
                .samples::<i16>()
                .map(|sample| sample.expect("a sample"))
                .collect();
            assert_eq!(samples, score(SEED, number).play());
            if carried(number) != Carried::File {
                assert!(piece.bytes().len() < 20_000, "{number}: {} bytes", piece.bytes().len());
            }
        }
    }

    #[test]
    fn most_are_carried_as_files_and_some_in_the_payload() {
        for (place, files, data_uris, inlines) in [(PICTURE, 60, 20, 20), (SOUND, 80, 10, 10)] {
            let ways: Vec<Carried> = (0..MESSAGES).filter(|n| n % EVERY == place).map(carried).collect();
            let count = |way: Carried| ways.iter().filter(|found| **found == way).count();
            assert_eq!(
                (count(Carried::File), count(Carried::DataUri), count(Carried::Inline)),
                (files, data_uris, inlines)
            );
        }
        let names: HashSet<String> = (0..MESSAGES)
            .filter(|n| n % EVERY == PICTURE || n % EVERY == SOUND)
            .map(file_name)
            .collect();
        assert_eq!(names.len(), 200);
    }

    #[test]
    fn captions_are_varied_and_well_formed() {
        let captions: Vec<String> = (0..MESSAGES).filter_map(placed).map(|placed| placed.caption).collect();
        let different: HashSet<&String> = captions.iter().collect();
        assert!(different.len() > 110, "{} different ones", different.len());
        for caption in &captions {
            assert!(caption.starts_with(char::is_uppercase), "{caption:?}");
            let in_small = format!(" {}", caption.to_lowercase());
            for wrong in ["  ", " ,", "{", " a orange", " a azure", " a emerald", " an red"] {
                assert!(!in_small.contains(wrong), "{wrong:?} in {caption:?}");
            }
        }
        assert_eq!(capitalised("über"), "Über");
        assert_eq!(
            (article("orange star"), article("red star"), capitalised("").as_str()),
            ("an", "a", "")
        );
    }
}
