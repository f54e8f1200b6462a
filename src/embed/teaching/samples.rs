//! What the tests of this room look at and listen to: shapes without smoothing, notes and noise. Tests only.

use std::f32::consts::{PI, TAU};

use image::{Rgba, RgbaImage};

/// Paints as they come out of a tin.
pub(super) struct Paint;

impl Paint {
    pub(super) const RED: [u8; 3] = [214, 40, 40];
    pub(super) const ORANGE: [u8; 3] = [240, 130, 20];
    pub(super) const YELLOW: [u8; 3] = [246, 216, 40];
    pub(super) const GREEN: [u8; 3] = [44, 160, 70];
    pub(super) const BLUE: [u8; 3] = [38, 90, 204];
    pub(super) const PURPLE: [u8; 3] = [130, 60, 175];
    pub(super) const BLACK: [u8; 3] = [16, 16, 18];
    pub(super) const WHITE: [u8; 3] = [250, 250, 248];
    pub(super) const PAPER: [u8; 3] = [240, 238, 232];
    pub(super) const SLATE: [u8; 3] = [32, 36, 44];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Star,
}

impl Shape {
    pub(super) const ALL: [Self; 4] = [Self::Circle, Self::Square, Self::Triangle, Self::Star];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Star => "star",
        }
    }

    /// Whether a point is inside the shape of radius one that stands on its base.
    fn holds(self, x: f32, y: f32) -> bool {
        let (points, waist, turn) = match self {
            Self::Circle => return x.hypot(y) <= 1.0,
            Self::Square => (4.0, (PI / 4.0).cos(), PI / 4.0),
            Self::Triangle => (3.0, (PI / 3.0).cos(), 0.0),
            Self::Star => (5.0, 0.4, 0.0),
        };
        // Folded into the half sector between a point, at angle nought, and the waist beside it.
        let half = PI / points;
        let angle = ((x.atan2(-y) + turn).rem_euclid(2.0 * half) - half).abs();
        let (sin, cos) = (half - angle).sin_cos();
        let (along, across) = (x.hypot(y) * cos - 1.0, x.hypot(y) * sin);
        (waist * half.cos() - 1.0) * across - waist * half.sin() * along >= 0.0
    }
}

/// One shape on a ground. Lengths are shares of the shorter side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) shape: Shape,
    pub(super) paint: [u8; 3],
    pub(super) ground: [u8; 3],
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// Middle of the shape, from the left and from the top.
    pub(super) centre: (f32, f32),
    pub(super) radius: f32,
    /// In radians.
    pub(super) turn: f32,
}

impl Scene {
    pub(super) fn new(shape: Shape, paint: [u8; 3]) -> Self {
        Self {
            shape,
            paint,
            ground: Paint::PAPER,
            size: (120, 120),
            centre: (0.5, 0.5),
            radius: 0.3,
            turn: 0.0,
        }
    }

    pub(super) fn draw(&self) -> RgbaImage {
        let side = self.size.0.min(self.size.1) as f32;
        let (sin, cos) = self.turn.sin_cos();
        RgbaImage::from_fn(self.size.0, self.size.1, |x, y| {
            let right = ((x as f32 + 0.5) / side - self.centre.0) / self.radius;
            let down = ((y as f32 + 0.5) / side - self.centre.1) / self.radius;
            let inside = self.shape.holds(right * cos + down * sin, down * cos - right * sin);
            let [r, g, b] = if inside { self.paint } else { self.ground };
            Rgba([r, g, b, 255])
        })
    }
}

/// A shape in the middle of a square sheet of paper.
pub(super) fn picture(shape: Shape, paint: [u8; 3], side: u32, radius: f32) -> RgbaImage {
    Scene {
        size: (side, side),
        radius,
        ..Scene::new(shape, paint)
    }
    .draw()
}

/// A second of notes with two partials each, softly begun and ended.
pub(super) fn notes(hertz: &[f32], rate: u32, loudness: f32) -> Vec<f32> {
    (0..rate)
        .map(|sample| {
            let seconds = sample as f32 / rate as f32;
            let swell = (seconds / 0.03).min((1.0 - seconds) / 0.2).min(1.0);
            let sum: f32 = hertz
                .iter()
                .map(|hertz| {
                    let turns = (f64::from(*hertz) * f64::from(sample) / f64::from(rate)).fract() as f32;
                    // A partial that the rate has no room for would be heard as another tone.
                    let partial = if 2.0 * hertz < 0.45 * rate as f32 { 0.3 } else { 0.0 };
                    (TAU * turns).sin() + partial * (2.0 * TAU * turns).sin()
                })
                .sum();
            loudness * swell * sum / (1.3 * hertz.len() as f32)
        })
        .collect()
}

/// A second of white noise.
pub(super) fn noise(rate: u32, loudness: f32) -> Vec<f32> {
    let mut state = 1_u64;
    (0..rate)
        .map(|_| {
            state = state
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            loudness * ((state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0)
        })
        .collect()
}

/// A WAV file of 16 bits a sample.
pub(super) fn wav(samples: &[f32], rate: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    for sample in samples {
        let number = (sample * f32::from(i16::MAX)) as i16;
        writer.write_sample(number).expect("a sample");
    }
    writer.finalize().expect("a WAV file");
    bytes.into_inner()
}

/// A PNG file.
pub(super) fn png(image: &RgbaImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG file");
    bytes.into_inner()
}
