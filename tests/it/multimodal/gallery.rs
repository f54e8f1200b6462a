//! A small collection that anyone can judge by eye and ear: texts, pictures of one shape in one colour, and sounds of
//! one kind. What they show and play is said by their class, in words that the teaching space knows.

use std::collections::HashMap;
use std::f32::consts::{FRAC_1_SQRT_2, TAU};
use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use qlance::point::{Payload, Point, PointId, Vectors};
use serde_json::json;

use crate::support::dialect_server::{Got, mime_of};

const COLOURS: [(&str, [u8; 3]); 6] = [
    ("red", [214, 40, 40]),
    ("orange", [240, 130, 20]),
    ("yellow", [246, 216, 40]),
    ("green", [44, 160, 70]),
    ("blue", [38, 90, 204]),
    ("purple", [130, 60, 175]),
];
const SHAPES: [&str; 3] = ["circle", "square", "triangle"];
const PAPER: [u8; 3] = [240, 238, 232];

/// Texts, and the class of those that speak of something to be seen or heard.
const TEXTS: [(&str, &str); 12] = [
    ("the banner of the altos has a red circle", "red circle"),
    ("we print a blue square on every ticket", "blue square"),
    ("a yellow triangle marks the side entrance", "yellow triangle"),
    ("green circles stand for the tenors", "green circle"),
    ("tune to a high tone, please", "high tone"),
    ("the organ begins with a low chord", "low chord"),
    ("rehearsal is moved to Thursday", ""),
    ("who has the score of the motet?", ""),
    ("please bring your own water", ""),
    ("the bus leaves at nine", ""),
    ("thank you all for yesterday", ""),
    ("the minutes are in the folder", ""),
];
/// Sounds: their class, and their notes in hertz; none is noise.
const SOUNDS: [(&str, &[f32]); 10] = [
    ("high tone", &[1_318.51]),
    ("high tone", &[1_760.0]),
    ("high tone", &[2_093.0]),
    ("low tone", &[110.0]),
    ("low tone", &[146.83]),
    ("middle tone", &[523.25]),
    ("low chord", &[110.0, 137.5, 165.0]),
    ("middle chord", &[440.0, 550.0, 660.0]),
    ("high chord", &[1_318.51, 1_648.14, 1_977.77]),
    ("white noise", &[]),
];
/// Samples a second.
const RATE: u32 = 16_000;

/// The id of the first picture and of the first sound.
pub(super) const PICTURES: u64 = 101;
pub(super) const SOUNDS_FROM: u64 = 201;

/// What one point is made of.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The point's id.
    pub(super) id: u64,
    /// What it shows, plays or speaks of; empty where that is nothing.
    pub(super) class: String,
    /// The text, or the bytes of the file.
    pub(super) got: Got,
    /// What somebody wrote beside a picture or a sound.
    pub(super) caption: Option<String>,
}

/// Pieces in the order of their ids, and how they are carried.
pub(super) struct Gallery {
    /// The pieces.
    pub(super) pieces: Vec<Piece>,
    named: bool,
    host: Option<String>,
}

impl Gallery {
    /// Twelve texts (1 to 12), eighteen pictures (101 to 118) and ten sounds (201 to 210), no two alike. Pictures and
    /// sounds are carried in turn as a `data:` URI, inline, and in a file; every other payload says what it is.
    pub(super) fn hung() -> Self {
        let texts = TEXTS.iter().zip(1..).map(|((text, class), id)| Piece {
            id,
            class: (*class).to_owned(),
            got: Got::Text((*text).to_owned()),
            caption: None,
        });
        let all = COLOURS.iter().flat_map(|colour| SHAPES.map(|shape| (colour, shape)));
        let pictures = all.zip(PICTURES..).map(|(((colour, paint), shape), id)| {
            let aside = (id % 5) as f32 * 0.02;
            let drawing = DynamicImage::ImageRgba8(draw(shape, *paint, (0.46 + aside, 0.54 - aside), 0.3));
            Piece {
                id,
                class: format!("{colour} {shape}"),
                got: Got::Image(match id % 9 {
                    3 => jpeg(&drawing),
                    // No server here takes it: it must be converted on the way.
                    7 => written(&DynamicImage::ImageRgb8(drawing.into_rgb8()), ImageFormat::WebP),
                    _ => written(&drawing, ImageFormat::Png),
                }),
                caption: None,
            }
        });
        let sounds = SOUNDS.iter().zip(SOUNDS_FROM..).map(|((class, notes), id)| Piece {
            id,
            class: (*class).to_owned(),
            got: Got::Audio(sung(notes, 0.7)),
            caption: None,
        });
        Self {
            pieces: texts.chain(pictures).chain(sounds).collect(),
            named: false,
            host: None,
        }
    }

    /// Some of it.
    pub(super) fn only(mut self, keep: impl Fn(&Piece) -> bool) -> Self {
        self.pieces.retain(keep);
        self
    }

    /// The same with captions beside pictures and sounds.
    pub(super) fn captioned(mut self, caption: impl Fn(&Piece) -> Option<String>) -> Self {
        for piece in self
            .pieces
            .iter_mut()
            .filter(|piece| !matches!(piece.got, Got::Text(_)))
        {
            piece.caption = caption(piece);
        }
        self
    }

    /// The same where every payload says what it is.
    pub(super) fn named(mut self) -> Self {
        self.named = true;
        self
    }

    /// The same with all pictures and sounds at a web server.
    pub(super) fn at(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// One more piece, with a larger id than all others.
    pub(super) fn and(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// The files of its pictures and sounds by name.
    pub(super) fn files(&self) -> HashMap<String, Vec<u8>> {
        let file = |piece: &Piece| match &piece.got {
            Got::Text(_) => None,
            Got::Image(bytes) | Got::Audio(bytes) => Some((name_of(piece.id, bytes), bytes.clone())),
        };
        self.pieces.iter().filter_map(file).collect()
    }

    /// The piece of an id.
    pub(super) fn get(&self, id: u64) -> &Piece {
        let found = self.pieces.iter().find(|piece| piece.id == id);
        found.unwrap_or_else(|| panic!("there is no piece {id}"))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The points, with these vectors; files are written below the media's root.
    pub(super) fn points(&self, root: &Path, old: impl Fn(&Piece) -> Vectors) -> Vec<Point> {
        std::fs::create_dir_all(root).expect("a directory");
        let point = |piece: &Piece| Point {
            id: PointId::Num(piece.id),
            payload: self.payload(piece, root),
            vectors: old(piece),
        };
        self.pieces.iter().map(point).collect()
    }

    fn payload(&self, piece: &Piece, root: &Path) -> Payload {
        let mut payload = Payload::new();
        let mut put = |key: &str, value: serde_json::Value| payload.insert(key.to_owned(), value);
        put("thread_id", json!(format!("t{}", piece.id % 3)));
        put("tags", json!(["a", 50, null, {"id": (piece.id)}]));
        let bytes = match &piece.got {
            Got::Text(text) => {
                put("content", json!(text));
                return payload;
            }
            Got::Image(bytes) | Got::Audio(bytes) => bytes,
        };
        if let Some(caption) = &piece.caption {
            put("content", json!(caption));
        }
        if self.named || piece.id.is_multiple_of(2) {
            put("modality", json!(piece.got.modality().as_str()));
        }
        let name = name_of(piece.id, bytes);
        match (&self.host, piece.id % 3) {
            (Some(host), _) => put("media_url", json!(format!("{host}/{name}"))),
            (None, 0) => put("media_url", json!(data_uri(bytes))),
            (None, 1) => put("media", json!(STANDARD.encode(bytes))),
            (None, _) => {
                std::fs::write(root.join(&name), bytes).expect("the file is written");
                put("media_url", json!(name))
            }
        };
        payload
    }
}

fn name_of(id: u64, bytes: &[u8]) -> String {
    let mime = mime_of(bytes).expect("a known type");
    format!("{id}.{}", mime.rsplit('/').next().unwrap_or(mime))
}

/// A `data:` URI of a file.
pub(super) fn data_uri(bytes: &[u8]) -> String {
    let mime = mime_of(bytes).expect("a known type");
    format!("data:{mime};base64,{}", STANDARD.encode(bytes))
}

/// A PNG file of one shape in one colour, larger than those that hang and in another place.
pub(super) fn drawn(colour: &str, shape: &str) -> Vec<u8> {
    let paint = COLOURS.iter().find(|(name, _)| *name == colour).expect("a colour").1;
    let drawing = draw(shape, paint, (0.43, 0.55), 0.36);
    written(&DynamicImage::ImageRgba8(drawing), ImageFormat::Png)
}

fn draw(shape: &str, paint: [u8; 3], (x, y): (f32, f32), radius: f32) -> RgbaImage {
    const SIDE: u32 = 96;
    RgbaImage::from_fn(SIDE, SIDE, |column, row| {
        let right = ((column as f32 + 0.5) / SIDE as f32 - x) / radius;
        let down = ((row as f32 + 0.5) / SIDE as f32 - y) / radius;
        let inside = match shape {
            "circle" => right.hypot(down) <= 1.0,
            "square" => right.abs().max(down.abs()) <= FRAC_1_SQRT_2,
            _ => down <= 0.5 && right.abs() * 3.0_f32.sqrt() <= down + 1.0,
        };
        let [red, green, blue] = if inside { paint } else { PAPER };
        Rgba([red, green, blue, 255])
    })
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("a file");
    bytes.into_inner()
}

fn jpeg(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.encode_image(&image.to_rgb8()).expect("a file");
    bytes
}

/// A WAV file of notes at once, or of noise; softly begun and ended.
pub(super) fn sung(notes: &[f32], seconds: f32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    let mut noise = 1_u64;
    for number in 0..(seconds * RATE as f32) as u32 {
        let at = number as f32 / RATE as f32;
        let swell = (at / 0.03).min((seconds - at) / 0.15).clamp(0.0, 1.0);
        noise = noise
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        let wave = if notes.is_empty() {
            (noise >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
        } else {
            let sum: f32 = notes.iter().map(|hertz| (TAU * (hertz * at).fract()).sin()).sum();
            sum / notes.len() as f32
        };
        let sample = (0.5 * swell * wave * f32::from(i16::MAX)) as i16;
        writer.write_sample(sample).expect("a sample");
    }
    writer.finalize().expect("a WAV file");
    bytes.into_inner()
}
