//! Looking: the ground of a picture, the largest thing on it, its colour and its outline.
//!
//! The ground is what lines the picture's edge; a thing is what differs from it and hangs together. The outline is the
//! distance from the middle of the thing to its edge, all around: a triangle swells three times on the way, a square four
//! times, a star five times, a circle not at all, however large they are and however they are turned.

use std::f32::consts::TAU;

use image::RgbaImage;

use super::grid::{Grid, Thing, brightness};
use super::space::{
    BLACK, BLUE, CIRCLE, DARK_GROUND, GREEN, LARGE, LIGHT_GROUND, ORANGE, PURPLE, RED, SHAPES, SMALL, Traits, WHITE,
    YELLOW, length, throw,
};

/// Directions in which the outline is measured.
const DIRECTIONS: usize = 96;
/// How strongly the outlines of shapes swell two, three, four and five times, as a share of the mean.
const OUTLINES: [[f32; 4]; 4] = [
    [0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.14, 0.0],
    [0.0, 0.276, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.35],
];
/// How far an outline may be from a shape's without a doubt, and how soon it is no longer that shape.
const NO_DOUBT: f32 = 0.03;
const DOUBT: f32 = 0.07;

/// Looks at a picture.
pub(super) fn at(image: &RgbaImage) -> Traits {
    let Some(grid) = Grid::of(image) else {
        return Traits::new(throw(&[]));
    };
    let mut traits = Traits::new(throw(&grid.thumbnail()));
    let ground = grid.ground();
    let Some(thing) = grid.thing(ground) else {
        // Nothing on it: the ground is what there is to see.
        colours(grid.cells.iter().copied(), &mut traits);
        return traits;
    };
    colours(
        thing.inside(&grid).into_iter().map(|place| grid.cells[place]),
        &mut traits,
    );
    let seen = outline(&thing, &grid);
    for (axis, shape) in SHAPES.zip(OUTLINES) {
        let apart = seen
            .swells
            .iter()
            .zip(shape)
            .map(|(a, b)| (a - b) * (a - b))
            .sum::<f32>()
            .sqrt();
        let doubt = (apart - NO_DOUBT).max(0.0) / DOUBT;
        traits.add(axis, (-doubt * doubt).exp());
    }
    let light = brightness(ground);
    traits.add(LIGHT_GROUND, ((light - 0.5) * 5.0).clamp(0.0, 1.0));
    traits.add(DARK_GROUND, ((0.5 - light) * 5.0).clamp(0.0, 1.0));
    let share = 2.0 * seen.radius / grid.width.min(grid.height) as f32;
    traits.add(SMALL, ((0.44 - share) / 0.08).clamp(0.0, 1.0));
    traits.add(LARGE, ((share - 0.54) / 0.1).clamp(0.0, 1.0));
    traits
}

/// Adds the colours by how much there is of each; what there is little of (edges, noise) hardly counts.
fn colours(cells: impl Iterator<Item = [u8; 3]>, traits: &mut Traits) {
    let mut counts = [0.0_f32; CIRCLE];
    for cell in cells {
        counts[colour(cell)] += 1.0;
    }
    let all = counts.iter().sum::<f32>().max(1.0);
    let shares = counts.map(|count| (count / all) * (count / all));
    let whole = length(&shares).max(f32::MIN_POSITIVE);
    for (axis, share) in shares.into_iter().enumerate() {
        traits.add(axis, share / whole);
    }
}

/// The name of a colour. Brown is a dark orange, pink a light purple, grey the nearer of black and white.
fn colour([red, green, blue]: [u8; 3]) -> usize {
    let [r, g, b] = [red, green, blue].map(f32::from);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = most - least;
    if most < 50.0 || spread < 28.0 || spread < 0.22 * most {
        return if most + least > 255.0 { WHITE } else { BLACK };
    }
    // Degrees around the circle of hues, from red by way of green and blue.
    let hue = if red >= green && red >= blue {
        60.0 * (g - b) / spread
    } else if green >= blue {
        60.0 * (b - r) / spread + 120.0
    } else {
        60.0 * (r - g) / spread + 240.0
    };
    match hue.rem_euclid(360.0) {
        hue if hue < 18.0 => RED,
        hue if hue < 44.0 => ORANGE,
        hue if hue < 70.0 => YELLOW,
        hue if hue < 170.0 => GREEN,
        hue if hue < 255.0 => BLUE,
        hue if hue < 340.0 => PURPLE,
        _ => RED,
    }
}

/// What a thing looks like from its middle.
struct Outline {
    /// How strongly the edge swells two, three, four and five times on the way round, as a share of the mean.
    swells: [f32; 4],
    /// To the farthest edge, in cells.
    radius: f32,
}

/// Looks at a thing from its middle.
fn outline(thing: &Thing, grid: &Grid) -> Outline {
    let spot = |place: usize| ((place % grid.width) as f32, (place / grid.width) as f32);
    let count = thing.places.len() as f32;
    let (mut middle_x, mut middle_y) = (0.0, 0.0);
    for (x, y) in thing.places.iter().map(|place| spot(*place)) {
        middle_x += x / count;
        middle_y += y / count;
    }
    let farthest = thing
        .places
        .iter()
        .map(|place| spot(*place))
        .map(|(x, y)| (x - middle_x).hypot(y - middle_y))
        .fold(0.0, f32::max);
    let is_in = |x: f32, y: f32| {
        let (x, y) = (x.round(), y.round());
        x >= 0.0
            && y >= 0.0
            && (x as usize) < grid.width
            && (y as usize) < grid.height
            && thing.is_in[y as usize * grid.width + x as usize]
    };
    let mut distances = [0.0_f32; DIRECTIONS];
    for (direction, distance) in distances.iter_mut().enumerate() {
        let (sin, cos) = (TAU * direction as f32 / DIRECTIONS as f32).sin_cos();
        // From outside inwards, in quarters of a cell, until the thing is met.
        let mut quarters = (farthest * 4.0) as u32 + 4;
        while quarters > 0 {
            let far = quarters as f32 / 4.0;
            if is_in(middle_x + far * cos, middle_y + far * sin) {
                break;
            }
            quarters -= 1;
        }
        *distance = quarters as f32 / 4.0;
    }
    let sum = distances.iter().sum::<f32>().max(1.0);
    let swells = [2.0_f32, 3.0, 4.0, 5.0].map(|times| {
        let (mut across, mut along) = (0.0, 0.0);
        for (direction, distance) in distances.iter().enumerate() {
            let (sin, cos) = (times * TAU * direction as f32 / DIRECTIONS as f32).sin_cos();
            across += distance * sin;
            along += distance * cos;
        }
        2.0 * f32::hypot(across, along) / sum
    });
    Outline {
        swells,
        radius: farthest + 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Paint, Scene, Shape};
    use super::super::space::{COLOURS, SQUARE, STAR, TRIANGLE, cosine};
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{DynamicImage, Rgba};

    const SEEN: [(Shape, usize); 4] = [
        (Shape::Circle, CIRCLE),
        (Shape::Square, SQUARE),
        (Shape::Triangle, TRIANGLE),
        (Shape::Star, STAR),
    ];

    /// The strongest of some axes.
    fn most(traits: &Traits, axes: std::ops::Range<usize>) -> usize {
        axes.max_by(|a, b| traits.said(*a).total_cmp(&traits.said(*b)))
            .expect("an axis")
    }

    #[test]
    fn shapes_are_known_at_any_size_place_and_angle() {
        for (shape, axis) in SEEN {
            for (size, radius, centre, turn) in [
                ((120, 120), 0.3, (0.5, 0.5), 0.0),
                ((120, 120), 0.13, (0.2, 0.8), 0.1),
                ((200, 90), 0.4, (1.6, 0.5), 0.7),
                ((90, 300), 0.3, (0.4, 2.9), 2.0),
                ((1_000, 800), 0.45, (0.5, 0.5), 0.4),
                ((48, 48), 0.35, (0.45, 0.55), 0.0),
            ] {
                let scene = Scene {
                    size,
                    centre,
                    radius,
                    turn,
                    ..Scene::new(shape, Paint::BLUE)
                };
                let traits = at(&scene.draw());
                assert_eq!(most(&traits, SHAPES), axis, "{scene:?}: {traits:?}");
                assert!(traits.said(axis) > 0.75, "{scene:?}: {traits:?}");
                assert!(traits.said(BLUE) > 0.95, "{scene:?}: {traits:?}");
            }
        }
    }

    #[test]
    fn colours_are_known_on_both_grounds() {
        for (paint, axis) in [
            (Paint::RED, RED),
            (Paint::ORANGE, ORANGE),
            (Paint::YELLOW, YELLOW),
            (Paint::GREEN, GREEN),
            (Paint::BLUE, BLUE),
            (Paint::PURPLE, PURPLE),
            (Paint::BLACK, BLACK),
            (Paint::WHITE, WHITE),
        ] {
            for (ground, name, other) in [
                (Paint::PAPER, LIGHT_GROUND, DARK_GROUND),
                (Paint::SLATE, DARK_GROUND, LIGHT_GROUND),
            ] {
                if (axis == BLACK && name == DARK_GROUND) || (axis == WHITE && name == LIGHT_GROUND) {
                    continue;
                }
                let scene = Scene {
                    ground,
                    ..Scene::new(Shape::Circle, paint)
                };
                let traits = at(&scene.draw());
                assert_eq!(most(&traits, COLOURS), axis, "{scene:?}: {traits:?}");
                assert!(traits.said(name) > 0.9 && traits.said(other) < 0.1, "{traits:?}");
            }
        }
    }

    #[test]
    fn sizes_are_told() {
        for (radius, small, large) in [(0.12, true, false), (0.245, false, false), (0.4, false, true)] {
            let scene = Scene {
                radius,
                ..Scene::new(Shape::Square, Paint::RED)
            };
            let traits = at(&scene.draw());
            assert_eq!((traits.said(SMALL) > 0.5, traits.said(LARGE) > 0.5), (small, large));
        }
    }

    #[test]
    fn a_strongly_compressed_jpeg_looks_the_same() {
        for (shape, _) in SEEN {
            let image = Scene::new(shape, Paint::RED).draw();
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, 50)
                .encode_image(&DynamicImage::ImageRgba8(image.clone()).to_rgb8())
                .expect("a JPEG file");
            let back = image::load_from_memory(&bytes).expect("a picture").into_rgba8();
            let near = cosine(&at(&image).settle(), &at(&back).settle());
            assert!(near > 0.98, "{shape:?}: {near}");
        }
    }

    #[test]
    fn noise_on_the_ground_does_not_matter() {
        let image = Scene::new(Shape::Star, Paint::GREEN).draw();
        let mut state = 7_u32;
        let mut noisy = image.clone();
        for pixel in noisy.pixels_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let step = (state >> 28) as u8;
            for paint in &mut pixel.0[..3] {
                *paint = paint.saturating_add(step).saturating_sub(8);
            }
        }
        // And a fleck in the corner.
        noisy.put_pixel(3, 3, Rgba([0, 0, 0, 255]));
        let near = cosine(&at(&image).settle(), &at(&noisy).settle());
        assert!(near > 0.98, "{near}");
    }

    #[test]
    fn what_is_transparent_is_white_and_what_is_plain_has_a_colour_only() {
        let opaque = Scene {
            ground: [255, 255, 255],
            ..Scene::new(Shape::Circle, Paint::PURPLE)
        }
        .draw();
        let mut cut_out = opaque.clone();
        for pixel in cut_out.pixels_mut() {
            if pixel.0[..3] == [255, 255, 255] {
                *pixel = Rgba([0, 0, 0, 0]);
            }
        }
        assert_eq!(at(&opaque), at(&cut_out));

        let plain = at(&RgbaImage::from_pixel(30, 20, Rgba([214, 40, 40, 255])));
        assert!(plain.said(RED) > 0.99 && !plain.has(SHAPES), "{plain:?}");
        for axis in [LIGHT_GROUND, DARK_GROUND, SMALL, LARGE] {
            assert!(plain.said(axis) < 0.01, "{plain:?}");
        }
    }
}
