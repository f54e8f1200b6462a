//! The axes of the joint space, and how what was read, seen or heard becomes a vector on them.
//!
//! Owns the axes and their weights. Looks at nothing itself: that is `words`, `look` and `listen`, which all fill the
//! same [`Traits`], so that no axis belongs to one kind of input.

use std::ops::Range;

use image::RgbaImage;

use super::{listen, look, words};

/// Numbers of a vector.
pub const DIMENSIONS: usize = 32;
/// The name that the server answers to. It says what this is.
pub const MODEL: &str = "teaching-joint-space";

/// Colours, one an axis.
pub(super) const RED: usize = 0;
pub(super) const ORANGE: usize = 1;
pub(super) const YELLOW: usize = 2;
pub(super) const GREEN: usize = 3;
pub(super) const BLUE: usize = 4;
pub(super) const PURPLE: usize = 5;
pub(super) const BLACK: usize = 6;
pub(super) const WHITE: usize = 7;
/// Shapes.
pub(super) const CIRCLE: usize = 8;
pub(super) const SQUARE: usize = 9;
pub(super) const TRIANGLE: usize = 10;
pub(super) const STAR: usize = 11;
/// Pitches.
pub(super) const LOW: usize = 12;
pub(super) const MIDDLE: usize = 13;
pub(super) const HIGH: usize = 14;
/// Timbres.
pub(super) const TONE: usize = 15;
pub(super) const CHORD: usize = 16;
pub(super) const NOISE: usize = 17;
/// What a picture is drawn on.
pub(super) const LIGHT_GROUND: usize = 18;
pub(super) const DARK_GROUND: usize = 19;
/// How much of a picture is filled.
pub(super) const SMALL: usize = 20;
pub(super) const LARGE: usize = 21;

/// All colours.
pub(super) const COLOURS: Range<usize> = RED..CIRCLE;
/// All shapes.
pub(super) const SHAPES: Range<usize> = CIRCLE..LOW;
/// All pitches.
pub(super) const PITCHES: Range<usize> = LOW..TONE;
/// All timbres.
pub(super) const TIMBRES: Range<usize> = TONE..LIGHT_GROUND;
const GROUNDS: Range<usize> = LIGHT_GROUND..SMALL;
const SIZES: Range<usize> = SMALL..KNOWN;

/// Axes with a meaning; the others tell apart what has the same one.
const KNOWN: usize = 22;
/// Axes for everything else: other words, the picture's composition, the sound's course.
pub(super) const REST: usize = DIMENSIONS - KNOWN;

/// What ground and size weigh beside the colour and the shape: enough to choose between two red circles.
const ASIDE: f32 = 0.25;
/// By how much a noise has less of a pitch than a tone.
const PITCHLESS: f32 = 0.5;
/// What the rest of a picture or a sound weighs. A text says for itself; see `words`.
const REST_OF_MEDIA: f32 = 0.1;

/// Where a text is in the space: by its words of colour, shape and pitch, and a little by all its other words.
pub fn of_text(text: &str) -> Vec<f32> {
    words::read(text).settle()
}

/// Where a picture is in the space: by the colour and the outline of the largest thing on it.
pub fn of_image(image: &RgbaImage) -> Vec<f32> {
    look::at(image).settle()
}

/// Where a sound is in the space: by its pitch and by how much of it is tone. `samples` are of one channel, from -1 to 1;
/// `rate` is how many there are a second.
pub fn of_sound(samples: &[f32], rate: u32) -> Vec<f32> {
    listen::to(samples, rate).settle()
}

/// What was read, seen or heard, before it is weighed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Traits {
    known: [f32; KNOWN],
    rest: [f32; REST],
    /// What the rest weighs beside what is known, which comes to between one and two.
    rest_weight: f32,
}

impl Traits {
    /// Nothing known yet, and what tells it apart: of any length but zero.
    pub(super) fn new(rest: [f32; REST]) -> Self {
        Self {
            known: [0.0; KNOWN],
            rest,
            rest_weight: REST_OF_MEDIA,
        }
    }

    /// Adds to an axis with a meaning.
    pub(super) fn add(&mut self, axis: usize, weight: f32) {
        self.known[axis] += weight;
    }

    /// Takes back what was said about an axis.
    pub(super) fn clear(&mut self, axis: usize) {
        self.known[axis] = 0.0;
    }

    /// What was said about an axis.
    pub(super) fn said(&self, axis: usize) -> f32 {
        self.known[axis]
    }

    /// Whether anything was said about these axes.
    pub(super) fn has(&self, axes: Range<usize>) -> bool {
        self.known[axes].iter().any(|weight| *weight > 0.0)
    }

    /// Sets the rest, of any length but zero, and what it weighs.
    pub(super) fn set_rest(&mut self, rest: [f32; REST], weight: f32) {
        self.rest = rest;
        self.rest_weight = weight;
    }

    /// The vector: finite, of length one.
    pub(super) fn settle(mut self) -> Vec<f32> {
        for (axes, most) in [
            (COLOURS, 1.0),
            (SHAPES, 1.0),
            (TIMBRES, 1.0),
            (GROUNDS, ASIDE),
            (SIZES, ASIDE),
        ] {
            shorten(&mut self.known[axes], most);
        }
        let pitched = 1.0 - PITCHLESS * self.known[NOISE];
        shorten(&mut self.known[PITCHES], pitched);
        stretch(&mut self.rest);
        let rest_weight = if length(&self.known) < 0.01 {
            1.0
        } else {
            self.rest_weight
        };
        let mut vector = self.known.to_vec();
        vector.extend(self.rest.iter().map(|number| number * rest_weight));
        stretch(&mut vector);
        vector
    }
}

/// How much of a frequency in hertz is low, middle and high. Plateaus up to 220, from 400 to 650 and from 1,300 on; from
/// one to the next by octaves, so that no two neighbouring keys of a piano are far apart.
pub(super) fn pitch(hertz: f32) -> [f32; 3] {
    let octaves = hertz.max(1.0).log2();
    let risen = |from: f32, to: f32| ((octaves - from.log2()) / (to / from).log2()).clamp(0.0, 1.0);
    let (not_low, high) = (risen(220.0, 400.0), risen(650.0, 1_300.0));
    [1.0 - not_low, not_low.min(1.0 - high), high]
}

/// A hash (64-bit FNV-1a) that is the same on every machine.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Numbers from -1 to 1 drawn from a seed (`SplitMix64`).
pub(super) fn draw(seed: u64) -> [f32; REST] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^= drawn >> 31;
        // 24 bits are what an f32 holds exactly; from [0, 2) to [-1, 1).
        (drawn >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    })
}

/// Features of a picture or a sound, thrown onto the axes of the rest: near features stay near.
pub(super) fn throw(features: &[f32]) -> [f32; REST] {
    let mut sums = [0.0; REST];
    for (place, feature) in features.iter().enumerate() {
        for (sum, weight) in sums.iter_mut().zip(draw(place as u64)) {
            *sum += feature * weight;
        }
    }
    sums
}

pub(super) fn length(numbers: &[f32]) -> f32 {
    numbers.iter().map(|number| number * number).sum::<f32>().sqrt()
}

/// Scales to length one; what is all but zero becomes a direction of its own.
pub(super) fn stretch(numbers: &mut [f32]) {
    if length(numbers) < 1e-6 {
        for (number, drawn) in numbers.iter_mut().rev().zip(draw(hash(b"nothing"))) {
            *number = drawn;
        }
    }
    let length = length(numbers);
    for number in numbers {
        *number /= length;
    }
}

/// Scales down to a length, never up: what is said with doubt stays in doubt.
fn shorten(numbers: &mut [f32], most: f32) {
    let length = length(numbers);
    if length > most {
        for number in numbers {
            *number *= most / length;
        }
    }
}

/// The cosine of two vectors of length one.
#[cfg(test)]
pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, Paint, Shape};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_near_the_picture_it_tells_of_and_far_from_others() {
        let paints = [
            ("red", Paint::RED),
            ("orange", Paint::ORANGE),
            ("yellow", Paint::YELLOW),
            ("green", Paint::GREEN),
            ("blue", Paint::BLUE),
            ("purple", Paint::PURPLE),
            ("black", Paint::BLACK),
        ];
        let mut pictures = Vec::new();
        for (colour, paint) in paints {
            for shape in Shape::ALL {
                let name = format!("a {colour} {}", shape.name());
                pictures.push((name, of_image(&samples::picture(shape, paint, 120, 0.3))));
            }
        }
        for (name, _) in &pictures {
            let text = of_text(name);
            for (other, picture) in &pictures {
                let near = cosine(&text, picture);
                if name == other {
                    assert!(near > 0.9, "{name}: {near}");
                } else {
                    assert!(near < 0.65, "{name} and a picture of {other}: {near}");
                }
            }
        }
    }

    #[test]
    fn a_text_is_near_the_sound_it_tells_of_and_far_from_others() {
        let rate = 16_000;
        let sounds = [
            ("a low tone", of_sound(&samples::notes(&[130.8], rate, 0.5), rate)),
            ("a middle tone", of_sound(&samples::notes(&[523.3], rate, 0.5), rate)),
            ("a high tone", of_sound(&samples::notes(&[1_760.0], rate, 0.5), rate)),
            (
                "a low chord",
                of_sound(&samples::notes(&[110.0, 138.6, 164.8], rate, 0.5), rate),
            ),
            (
                "a high chord",
                of_sound(&samples::notes(&[1_318.5, 1_661.2, 1_975.5], rate, 0.5), rate),
            ),
            ("white noise", of_sound(&samples::noise(rate, 0.5), rate)),
        ];
        for (name, _) in &sounds {
            let text = of_text(name);
            for (other, sound) in &sounds {
                let near = cosine(&text, sound);
                if name == other {
                    assert!(near > 0.9, "{name}: {near}");
                } else {
                    assert!(near < 0.65, "{name} and the sound of {other}: {near}");
                }
            }
        }
        let picture = of_image(&samples::picture(Shape::Circle, Paint::RED, 120, 0.3));
        for (name, sound) in &sounds {
            let near = cosine(sound, &picture).max(cosine(&of_text(name), &picture));
            assert!(near < 0.3, "{name} and a picture: {near}");
        }
    }

    #[test]
    fn pitches_go_from_low_to_high_without_a_jump() {
        for (hertz, axis) in [
            (30.0, 0),
            (196.0, 0),
            (440.0, 1),
            (600.0, 1),
            (1_760.0, 2),
            (9_000.0, 2),
        ] {
            assert!(pitch(hertz)[axis] > 0.99, "{hertz} Hz: {:?}", pitch(hertz));
        }
        // Quarter tones from 20 Hz to 10 kHz.
        let mut before = pitch(20.0);
        for step in 0..215 {
            let now = pitch(20.0 * 2.0_f32.powf(step as f32 / 24.0));
            let moved = now.iter().zip(before).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(moved < 0.06, "step {step}: {before:?} to {now:?}");
            assert!((now.iter().sum::<f32>() - 1.0).abs() < 0.001, "step {step}: {now:?}");
            before = now;
        }
    }

    #[test]
    fn the_empty_have_a_place_as_well() {
        for vector in [
            of_text(""),
            of_image(&RgbaImage::new(0, 0)),
            of_image(&RgbaImage::new(1, 1)),
            of_sound(&[], 16_000),
            of_sound(&[0.0; 100], 0),
            of_sound(&[f32::NAN, f32::INFINITY, f32::MAX, f32::MIN], 8_000),
        ] {
            assert_eq!(vector.len(), DIMENSIONS);
            assert!((length(&vector) - 1.0).abs() < 1e-4, "{vector:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_text_has_a_place_and_no_two_share_one(left in ".{0,60}", right in ".{0,60}") {
            let (a, b) = (of_text(&left), of_text(&right));
            prop_assert_eq!(a.len(), DIMENSIONS);
            prop_assert!((length(&a) - 1.0).abs() < 1e-4);
            prop_assert_eq!(&a, &of_text(&left));
            prop_assert_eq!(left == right, a == b);
        }

        #[test]
        fn every_picture_has_a_place(width in 1_u32..40, height in 1_u32..300, seed in any::<u64>()) {
            let mut state = seed;
            let image = RgbaImage::from_fn(width, height, |_, _| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                image::Rgba((state >> 32).to_le_bytes()[..4].try_into().expect("four bytes"))
            });
            let vector = of_image(&image);
            prop_assert!((length(&vector) - 1.0).abs() < 1e-4);
            prop_assert_eq!(vector, of_image(&image));
        }

        #[test]
        fn every_sound_has_a_place(samples in prop::collection::vec(any::<f32>(), 0..3_000), rate in 0_u32..50_000) {
            let vector = of_sound(&samples, rate);
            prop_assert!((length(&vector) - 1.0).abs() < 1e-4, "{:?}", vector);
            prop_assert_eq!(vector, of_sound(&samples, rate));
        }
    }
}
