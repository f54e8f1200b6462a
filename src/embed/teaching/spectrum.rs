//! The power of a sound by frequency: windows of a quarter to half a second, spread over the sound and averaged.
//!
//! Owns the Fourier transform and nothing else. What the spectrum means is `listen`'s.

use std::f32::consts::TAU;

/// Windows at most, however long the sound is.
const WINDOWS: usize = 12;
/// Samples a window has at most.
const LONGEST: usize = 1 << 16;
const SHORTEST: usize = 64;

/// Power by frequency.
pub(super) struct Spectrum {
    /// Of frequency nought, then of each further `step`.
    pub(super) power: Vec<f32>,
    /// Hertz from one to the next.
    pub(super) step: f32,
}

impl Spectrum {
    /// The spectrum of samples of any length but nought; `rate` is how many there are a second.
    pub(super) fn of(samples: &[f32], rate: u32) -> Self {
        let size = (rate as usize / 4).next_power_of_two().clamp(SHORTEST, LONGEST);
        let heard = samples.len().min(size);
        // A window that begins and ends softly keeps a tone from spilling over the whole spectrum.
        let window: Vec<f32> = (0..heard)
            .map(|place| 0.5 - 0.5 * (TAU * (place as f32 + 0.5) / heard as f32).cos())
            .collect();
        let turns = turns(size);
        let room = samples.len() - heard;
        let windows = (1 + 2 * room / heard.max(1)).min(WINDOWS);
        let mut power = vec![0.0; size / 2];
        let mut wave = vec![[0.0; 2]; size];
        for number in 0..windows {
            let start = if windows > 1 { room * number / (windows - 1) } else { 0 };
            wave.fill([0.0; 2]);
            for (into, (sample, weight)) in wave.iter_mut().zip(samples[start..].iter().zip(&window)) {
                into[0] = sample * weight;
            }
            transform(&mut wave, &turns);
            for (sum, [real, imaginary]) in power.iter_mut().zip(&wave) {
                *sum += (real * real + imaginary * imaginary) / windows as f32;
            }
        }
        Self {
            power,
            step: rate.max(1) as f32 / size as f32,
        }
    }

    /// The place of a frequency in hertz, within the spectrum.
    pub(super) fn place(&self, hertz: f32) -> usize {
        ((hertz / self.step) as usize).min(self.power.len())
    }
}

/// Cosine and sine of the first half of a turn backwards, in `size` steps a turn.
fn turns(size: usize) -> Vec<[f32; 2]> {
    (0..size / 2)
        .map(|step| {
            let (sin, cos) = (-TAU * step as f32 / size as f32).sin_cos();
            [cos, sin]
        })
        .collect()
}

/// The discrete Fourier transform in place (Cooley and Tukey's); the length is a power of two, twice that of `turns`.
fn transform(wave: &mut [[f32; 2]], turns: &[[f32; 2]]) {
    let size = wave.len();
    let mut mirrored = 0;
    for place in 1..size {
        // The number's bits read backwards, counted on from the last one.
        let mut bit = size / 2;
        while mirrored & bit != 0 {
            mirrored ^= bit;
            bit /= 2;
        }
        mirrored ^= bit;
        if place < mirrored {
            wave.swap(place, mirrored);
        }
    }
    let mut half = 1;
    while half < size {
        let stride = size / (2 * half);
        for pair in wave.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for ((a, b), [cos, sin]) in left.iter_mut().zip(right).zip(turns.iter().step_by(stride)) {
                let turned = [b[0] * cos - b[1] * sin, b[0] * sin + b[1] * cos];
                *b = [a[0] - turned[0], a[1] - turned[1]];
                *a = [a[0] + turned[0], a[1] + turned[1]];
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_sum_it_stands_for() {
        let size = 64;
        let mut state = 3_u32;
        let wave: Vec<[f32; 2]> = (0..size)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                [
                    (state >> 16) as f32 / 65_536.0 - 0.5,
                    (state & 0xffff) as f32 / 65_536.0 - 0.5,
                ]
            })
            .collect();
        let mut fast = wave.clone();
        transform(&mut fast, &turns(size));
        for (frequency, found) in fast.iter().enumerate() {
            let mut sum = [0.0_f32; 2];
            for (place, [real, imaginary]) in wave.iter().enumerate() {
                let (sin, cos) = (-TAU * ((frequency * place) % size) as f32 / size as f32).sin_cos();
                sum[0] += real * cos - imaginary * sin;
                sum[1] += real * sin + imaginary * cos;
            }
            assert!(
                (sum[0] - found[0]).abs() < 1e-3 && (sum[1] - found[1]).abs() < 1e-3,
                "{frequency}: {sum:?} {found:?}"
            );
        }
    }

    #[test]
    fn a_tone_stands_at_its_frequency() {
        for (rate, hertz) in [(8_000, 440.0), (16_000, 3_000.0), (48_000, 98.0)] {
            let samples: Vec<f32> = (0..rate / 2)
                .map(|place| (TAU * hertz * place as f32 / rate as f32).sin())
                .collect();
            let spectrum = Spectrum::of(&samples, rate);
            let strongest = (0..spectrum.power.len())
                .max_by(|a, b| spectrum.power[*a].total_cmp(&spectrum.power[*b]))
                .expect("a frequency");
            let found = strongest as f32 * spectrum.step;
            assert!((found - hertz).abs() < 5.0, "{hertz} Hz at {rate} a second: {found}");
        }
    }
}
