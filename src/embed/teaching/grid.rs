//! A picture as a small grid of colours: its ground, and the largest thing on it.
//!
//! Owns how pixels become cells, and which cells belong together; what the thing is, is `look`'s.

use image::RgbaImage;

/// Cells of the longer side at most: enough for an outline, and the same work for every picture.
const SIDE: u32 = 128;
/// Samples of a cell, across and down, at most.
const SAMPLES: u32 = 4;
/// How far (of 255) one of red, green and blue differs from the ground at least. JPEG's noise stays below.
const DIFFERS: u8 = 48;
/// A thing has one cell in so many, or it is dirt.
const DIRT: usize = 500;
/// Cells of the thumbnail that tells pictures of the same thing apart, across and down.
const THUMBNAIL: usize = 8;

/// From 0 to 1.
pub(super) fn brightness([red, green, blue]: [u8; 3]) -> f32 {
    (0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)) / 255.0
}

/// A picture, scaled down, on white where it is transparent.
pub(super) struct Grid {
    pub(super) width: usize,
    pub(super) height: usize,
    /// From the top left, row by row: red, green and blue.
    pub(super) cells: Vec<[u8; 3]>,
}

impl Grid {
    /// `None` for a picture without pixels.
    pub(super) fn of(image: &RgbaImage) -> Option<Self> {
        let (width, height) = image.dimensions();
        if width == 0 || height == 0 {
            return None;
        }
        let scale = (f64::from(width.max(height)) / f64::from(SIDE)).max(1.0);
        let cells_of = |side: u32| ((f64::from(side) / scale).round() as u32).max(1);
        let (columns, rows) = (cells_of(width), cells_of(height));
        let samples = (scale.ceil() as u32).min(SAMPLES);
        let mut cells = Vec::with_capacity((columns * rows) as usize);
        for row in 0..rows {
            for column in 0..columns {
                let mut sums = [0_u32; 3];
                for sample in 0..samples * samples {
                    let x = between(column * samples + sample % samples, columns * samples, width);
                    let y = between(row * samples + sample / samples, rows * samples, height);
                    let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u32::from);
                    for (sum, paint) in sums.iter_mut().zip([red, green, blue]) {
                        *sum += (paint * alpha + 255 * (255 - alpha)) / 255;
                    }
                }
                cells.push(sums.map(|sum| (sum / (samples * samples)) as u8));
            }
        }
        Some(Self {
            width: columns as usize,
            height: rows as usize,
            cells,
        })
    }

    /// The colour of the edge: the middle one of all, so that a thing may well touch it.
    pub(super) fn ground(&self) -> [u8; 3] {
        let mut edges: [Vec<u8>; 3] = std::array::from_fn(|_| Vec::new());
        for (place, cell) in self.cells.iter().enumerate() {
            let (x, y) = (place % self.width, place / self.width);
            if x == 0 || y == 0 || x + 1 == self.width || y + 1 == self.height {
                for (edge, paint) in edges.iter_mut().zip(cell) {
                    edge.push(*paint);
                }
            }
        }
        edges.map(|mut edge| {
            let middle = edge.len() / 2;
            *edge.select_nth_unstable(middle).1
        })
    }

    /// The largest thing on the ground.
    pub(super) fn thing(&self, ground: [u8; 3]) -> Option<Thing> {
        let differs = |cell: &[u8; 3]| {
            cell.iter()
                .zip(ground)
                .any(|(paint, ground)| paint.abs_diff(ground) > DIFFERS)
        };
        let mut unseen: Vec<bool> = self.cells.iter().map(differs).collect();
        let mut largest = Vec::new();
        for start in 0..unseen.len() {
            if !unseen[start] {
                continue;
            }
            let mut places = Vec::new();
            let mut open = vec![start];
            unseen[start] = false;
            while let Some(place) = open.pop() {
                places.push(place);
                for next in self.beside(place).into_iter().flatten() {
                    if unseen[next] {
                        unseen[next] = false;
                        open.push(next);
                    }
                }
            }
            if places.len() > largest.len() {
                largest = places;
            }
        }
        (largest.len() > self.cells.len() / DIRT).then(|| Thing::new(largest, self.cells.len()))
    }

    /// The cells left, right, above and below.
    fn beside(&self, place: usize) -> [Option<usize>; 4] {
        let (x, y) = (place % self.width, place / self.width);
        [
            (x > 0).then(|| place - 1),
            (x + 1 < self.width).then(|| place + 1),
            (y > 0).then(|| place - self.width),
            (y + 1 < self.height).then(|| place + self.width),
        ]
    }

    /// How bright the parts of the picture are, beside its mean.
    pub(super) fn thumbnail(&self) -> Vec<f32> {
        let mut sums = [[0.0_f32; 2]; THUMBNAIL * THUMBNAIL];
        for (place, cell) in self.cells.iter().enumerate() {
            let (x, y) = (place % self.width, place / self.width);
            let part = y * THUMBNAIL / self.height * THUMBNAIL + x * THUMBNAIL / self.width;
            sums[part][0] += brightness(*cell);
            sums[part][1] += 1.0;
        }
        let means = sums.map(|[sum, count]| sum / count.max(1.0));
        let mean = means.iter().sum::<f32>() / means.len() as f32;
        means.iter().map(|part| part - mean).collect()
    }
}

/// The cell of a picture's side that the middle of part `part` of `parts` falls into.
fn between(part: u32, parts: u32, side: u32) -> u32 {
    let middle = (2 * u64::from(part) + 1) * u64::from(side) / (2 * u64::from(parts));
    (middle as u32).min(side - 1)
}

/// Cells that differ from the ground and hang together.
pub(super) struct Thing {
    /// Where they are.
    pub(super) places: Vec<usize>,
    /// Of each cell of the grid, whether it is one of them.
    pub(super) is_in: Vec<bool>,
}

impl Thing {
    fn new(places: Vec<usize>, cells: usize) -> Self {
        let mut is_in = vec![false; cells];
        for place in &places {
            is_in[*place] = true;
        }
        Self { places, is_in }
    }

    /// The cells that touch no edge, whose colour is half the ground's; all where there are no others.
    pub(super) fn inside(&self, grid: &Grid) -> Vec<usize> {
        let has_all = |place: &usize| {
            grid.beside(*place)
                .into_iter()
                .all(|next| next.is_some_and(|next| self.is_in[next]))
        };
        let inside: Vec<usize> = self.places.iter().copied().filter(has_all).collect();
        if inside.is_empty() { self.places.clone() } else { inside }
    }
}
