//! Drawing: one shape in one colour on a light or a dark ground, smoothed at its edges; and how somebody speaks of it.

use std::f32::consts::PI;

use image::{Rgba, RgbaImage};
use rand::Rng as _;
use rand::rngs::StdRng;

use super::{article, capitalised};

type Paint = [u8; 3];

/// A paint and the words for it.
static COLOURS: [(Paint, &[&str]); 8] = [
    ([206, 38, 42], &["red", "red", "crimson", "scarlet"]),
    ([238, 126, 24], &["orange"]),
    ([246, 216, 40], &["yellow", "yellow", "golden"]),
    ([46, 154, 72], &["green", "green", "emerald"]),
    ([40, 92, 204], &["blue", "blue", "azure"]),
    ([128, 58, 172], &["purple", "violet"]),
    ([20, 20, 24], &["black"]),
    ([246, 246, 242], &["white"]),
];
const BLACK: usize = 6;
const WHITE: usize = 7;
const LIGHT: (Paint, &str) = ([240, 237, 230], "light");
const DARK: (Paint, &str) = ([30, 33, 42], "dark");

/// A shape: its words, how many points it has (none: a circle), how far its waist between two points is from the middle,
/// and by how much (in radians) it is turned to stand on its base. It reaches to a distance of one.
struct Shape {
    words: &'static [&'static str],
    points: u8,
    waist: f32,
    turn: f32,
}

static SHAPES: [Shape; 4] = [
    Shape {
        words: &["circle", "circle", "disc"],
        points: 0,
        waist: 1.0,
        turn: 0.0,
    },
    Shape {
        words: &["square"],
        points: 4,
        waist: std::f32::consts::FRAC_1_SQRT_2,
        turn: PI / 4.0,
    },
    Shape {
        words: &["triangle"],
        points: 3,
        waist: 0.5,
        turn: 0.0,
    },
    Shape {
        words: &["star", "star", "five-pointed star"],
        points: 5,
        waist: 0.42,
        turn: 0.0,
    },
];

/// How large a shape is: its radius as a share of the picture's shorter side, and the words for it.
static SIZES: [(f32, f32, &[&str]); 3] = [
    (0.13, 0.17, &["small", "little"]),
    (0.22, 0.26, &[""]),
    (0.33, 0.40, &["large", "big"]),
];
/// How far (of 255) paints differ from one picture to the next.
const SHADES: i16 = 6;
/// Samples of a pixel, across and down.
const SAMPLES: u32 = 4;

/// All that is to be known of one picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sketch {
    width: u32,
    height: u32,
    ground: Paint,
    is_light: bool,
    paint: Paint,
    colour: usize,
    shape: usize,
    /// In pixels, as is the radius.
    centre: (f32, f32),
    radius: f32,
    turn: f32,
    /// The words for size, colour and shape.
    words: [&'static str; 3],
    wording: u8,
}

impl Sketch {
    /// Decides on everything.
    pub(super) fn draft(rng: &mut StdRng) -> Self {
        let (width, height): (u32, u32) = (rng.random_range(148..=172), rng.random_range(148..=172));
        let colour = rng.random_range(0..COLOURS.len());
        let shape = rng.random_range(0..SHAPES.len());
        let size = rng.random_range(0..SIZES.len());
        // Nobody could see it otherwise.
        let is_light = colour != WHITE && (colour == BLACK || rng.random_bool(0.6));
        let (from, to, _) = SIZES[size];
        let radius = rng.random_range(from..to) * width.min(height) as f32;
        let place = |rng: &mut StdRng, side: u32| rng.random_range(radius + 4.0..side as f32 - radius - 4.0);
        Self {
            width,
            height,
            ground: shaded(rng, if is_light { LIGHT.0 } else { DARK.0 }),
            is_light,
            paint: shaded(rng, COLOURS[colour].0),
            colour,
            shape,
            centre: (place(rng, width), place(rng, height)),
            radius,
            turn: SHAPES[shape].turn + rng.random_range(-0.12..0.12),
            words: [
                pick(rng, SIZES[size].2),
                pick(rng, COLOURS[colour].1),
                pick(rng, SHAPES[shape].words),
            ],
            wording: rng.random_range(0..6),
        }
    }

    /// What it shows, in one word each for all that has several.
    #[cfg(test)]
    pub(super) fn class(&self) -> String {
        format!("{} {}", COLOURS[self.colour].1[0], SHAPES[self.shape].words[0])
    }

    /// The picture.
    pub(super) fn draw(&self) -> RgbaImage {
        let shape = &SHAPES[self.shape];
        let (sin, cos) = self.turn.sin_cos();
        RgbaImage::from_fn(self.width, self.height, |x, y| {
            let mut covered = 0;
            if self.may_cover(x, y) {
                for sample in 0..SAMPLES * SAMPLES {
                    let part = |pixel: u32, part: u32| pixel as f32 + (part as f32 + 0.5) / SAMPLES as f32;
                    let right = (part(x, sample % SAMPLES) - self.centre.0) / self.radius;
                    let down = (part(y, sample / SAMPLES) - self.centre.1) / self.radius;
                    let (right, down) = (right * cos + down * sin, down * cos - right * sin);
                    covered += u32::from(shape.holds(right, down));
                }
            }
            let share = covered as f32 / (SAMPLES * SAMPLES) as f32;
            let mix = |ground: u8, paint: u8| {
                let (ground, paint) = (f32::from(ground), f32::from(paint));
                (ground + (paint - ground) * share).round() as u8
            };
            let [red, green, blue] = [0, 1, 2].map(|part| mix(self.ground[part], self.paint[part]));
            Rgba([red, green, blue, 255])
        })
    }

    /// Whether a pixel is near enough to look at closely.
    fn may_cover(&self, x: u32, y: u32) -> bool {
        let reach = self.radius + 1.0;
        (x as f32 + 0.5 - self.centre.0).abs() < reach && (y as f32 + 0.5 - self.centre.1).abs() < reach
    }

    /// What somebody wrote beside it.
    pub(super) fn caption(&self) -> String {
        let [size, colour, shape] = self.words;
        let thing = joined(&[size, colour, shape]);
        let a = article(&thing);
        let ground = if self.is_light { LIGHT.1 } else { DARK.1 };
        let place = self.place();
        let text = match self.wording {
            0 => format!("{a} {thing} on a {ground} ground"),
            1 => format!("{thing} on {ground} paper"),
            2 => joined(&[&format!("drawing of {a} {thing}"), place]),
            3 => format!("{}, {ground} background", joined(&["one", &thing, place])),
            4 => format!("for the poster: {a} {thing} on a {ground} background"),
            _ => joined(&[&format!("sticker idea: {a} {thing}"), place]),
        };
        capitalised(&text)
    }

    /// Where it is, where that is worth a word.
    fn place(&self) -> &'static str {
        let third = |at: f32, side: u32| (at / side as f32 * 3.0) as u8;
        match (third(self.centre.0, self.width), third(self.centre.1, self.height)) {
            (0, 0) => "in the upper left corner",
            (0, 1) => "near the left edge",
            (0, _) => "in the lower left corner",
            (1, 0) => "near the top",
            (1, 1) => "",
            (1, _) => "near the bottom",
            (_, 0) => "in the upper right corner",
            (_, 1) => "near the right edge",
            _ => "in the lower right corner",
        }
    }
}

impl Shape {
    /// Whether a point is inside.
    fn holds(&self, right: f32, down: f32) -> bool {
        let distance = right.hypot(down);
        if self.points == 0 || distance > 1.0 {
            return distance <= 1.0;
        }
        // Folded into the half sector between a point, at angle nought, and the waist beside it: inside is what lies on
        // the middle's side of the straight line from the one to the other.
        let half = PI / f32::from(self.points);
        let angle = half - (right.atan2(-down).rem_euclid(2.0 * half) - half).abs();
        let (along, across) = (distance * angle.cos() - 1.0, distance * angle.sin());
        (self.waist * half.cos() - 1.0) * across - self.waist * half.sin() * along >= 0.0
    }
}

/// A paint as it comes out this time.
fn shaded(rng: &mut StdRng, paint: Paint) -> Paint {
    paint.map(|part| {
        let shade = i16::from(part) + rng.random_range(-SHADES..=SHADES);
        shade.clamp(0, 255) as u8
    })
}

fn pick(rng: &mut StdRng, words: &[&'static str]) -> &'static str {
    words[rng.random_range(0..words.len())]
}

/// The words that there are, with blanks between them.
fn joined(words: &[&str]) -> String {
    let there: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    there.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    /// The share of the square around a shape that it fills.
    fn filled(shape: &Shape) -> f32 {
        let cells = 200_u16;
        let at = |cell: u16| (f32::from(cell) + 0.5) / f32::from(cells) * 2.0 - 1.0;
        let inside = (0..cells)
            .flat_map(|y| (0..cells).map(move |x| (x, y)))
            .filter(|(x, y)| shape.holds(at(*x), at(*y)))
            .count();
        inside as f32 / (f32::from(cells) * f32::from(cells))
    }

    #[test]
    fn shapes_have_the_area_that_geometry_gives_them() {
        // Of 4 r^2: pi r^2; 2 r^2; 3/4 sqrt(3) r^2; ten triangles with sides r and 0.42 r and 36 degrees between them.
        let expected = [0.785, 0.5, 0.325, 0.309];
        for (shape, expected) in SHAPES.iter().zip(expected) {
            let found = filled(shape);
            assert!((found - expected).abs() < 0.01, "{:?}: {found}", shape.words);
        }
    }

    #[test]
    fn what_is_drawn_is_inside_and_smooth() {
        for seed in 0..40 {
            let sketch = Sketch::draft(&mut StdRng::seed_from_u64(seed));
            let image = sketch.draw();
            let ground = image.get_pixel(0, 0).0;
            let (width, height) = image.dimensions();
            assert!((148..=172).contains(&width) && (148..=172).contains(&height));
            for (x, y, pixel) in image.enumerate_pixels() {
                let at_the_edge = x < 3 || y < 3 || x + 3 >= width || y + 3 >= height;
                assert!(!at_the_edge || pixel.0 == ground, "{sketch:?}");
            }
            let (x, y) = (sketch.centre.0 as u32, sketch.centre.1 as u32);
            assert_eq!(image.get_pixel(x, y).0[..3], sketch.paint);
            let mixed = image
                .pixels()
                .filter(|pixel| pixel.0 != ground && pixel.0[..3] != sketch.paint)
                .count();
            assert!(mixed > 40, "{mixed} pixels are neither paint nor ground: {sketch:?}");
        }
    }
}
