//! One channel of sound at another rate, a chunk at a time, so that neither side is ever in memory as a whole.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};

/// Samples that are resampled at once. More than the filter is long.
const CHUNK: usize = 4_096;
/// Samples that each new one is made of.
const FILTER: usize = 256;

/// Resamples one channel.
pub(super) struct Resampling {
    inner: Async<f32>,
    from: u32,
    to: u32,
    waiting: Vec<f32>,
    made: Vec<f32>,
    /// Samples still to be left out at the front: the filter's delay.
    delay: usize,
    read: u64,
    written: u64,
}

impl Resampling {
    /// From one rate to another, both in samples a second and not 0.
    ///
    /// # Errors
    /// The rates cannot be told from one another.
    pub(super) fn new(from: u32, to: u32) -> Result<Self, String> {
        let ratio = f64::from(to) / f64::from(from);
        // Between the filter's points a straight line is enough, where there are so many.
        let parameters = SincInterpolationParameters::new(FILTER, WindowFunction::BlackmanHarris2)
            .oversampling_factor(256)
            .interpolation(SincInterpolationType::Linear);
        let inner = Async::<f32>::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            from,
            to,
            waiting: Vec::with_capacity(CHUNK),
            made: vec![0.0; inner.output_frames_max()],
            delay: inner.output_delay(),
            inner,
            read: 0,
            written: 0,
        })
    }

    /// Takes one sample; hands on what comes of it.
    ///
    /// # Errors
    /// The resampler will not.
    pub(super) fn push(&mut self, sample: f32, hand_on: &mut dyn FnMut(f32)) -> Result<(), String> {
        self.waiting.push(sample);
        self.read += 1;
        if self.waiting.len() < self.inner.input_frames_next() {
            return Ok(());
        }
        self.process(hand_on)
    }

    /// Hands on what is left: the result is as long as what was read.
    ///
    /// # Errors
    /// The resampler will not.
    pub(super) fn finish(mut self, hand_on: &mut dyn FnMut(f32)) -> Result<(), String> {
        let expected = (self.read * u64::from(self.to)).div_ceil(u64::from(self.from));
        // Silence pushes the rest out of the filter; each chunk of it is longer than that.
        while self.written < expected {
            let left = expected - self.written;
            let before = self.written;
            let mut handed = 0;
            self.process(&mut |sample| {
                if handed < left {
                    handed += 1;
                    hand_on(sample);
                }
            })?;
            if self.written == before && self.delay == 0 {
                return Err("nothing comes out of the resampler".into());
            }
        }
        Ok(())
    }

    /// Resamples what waits, filled up with silence.
    fn process(&mut self, hand_on: &mut dyn FnMut(f32)) -> Result<(), String> {
        let frames = self.waiting.len();
        let indexing = Indexing::new().partial_len(frames);
        let room = self.made.len();
        let input = InterleavedSlice::new(&self.waiting[..], 1, frames).map_err(|error| error.to_string())?;
        let mut output = InterleavedSlice::new_mut(&mut self.made[..], 1, room).map_err(|error| error.to_string())?;
        let (_, made) = self
            .inner
            .process_into_buffer(&input, &mut output, Some(&indexing))
            .map_err(|error| error.to_string())?;
        self.waiting.clear();
        let skipped = self.delay.min(made);
        self.delay -= skipped;
        self.written += (made - skipped) as u64;
        for sample in &self.made[skipped..made] {
            hand_on(*sample);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    const PITCH: f32 = 100.0;

    fn resampled(from: u32, to: u32, samples: &[f32]) -> Vec<f32> {
        let mut resampling = Resampling::new(from, to).expect("rates");
        let mut result = Vec::new();
        for sample in samples {
            resampling
                .push(*sample, &mut |sample| result.push(sample))
                .expect("pushed");
        }
        resampling.finish(&mut |sample| result.push(sample)).expect("finished");
        result
    }

    fn tone(rate: u32, frames: usize) -> Vec<f32> {
        (0..frames)
            .map(|frame| (frame as f32 * PITCH * TAU / rate as f32).sin())
            .collect()
    }

    #[test]
    fn the_result_is_as_long_and_has_the_same_tone_at_the_same_time() {
        for (from, to) in [
            (44_100, 16_000),
            (48_000, 16_000),
            (8_000, 48_000),
            (22_050, 44_100),
            (96_000, 4_000),
        ] {
            let result = resampled(from, to, &tone(from, from as usize));
            assert_eq!(result.len(), to as usize, "{from} -> {to}");
            let expected = tone(to, to as usize);
            // Away from both ends, where silence meets the tone.
            let (start, end) = (to as usize / 10, to as usize * 9 / 10);
            let worst = result[start..end]
                .iter()
                .zip(&expected[start..end])
                .map(|(result, expected)| (result - expected).abs())
                .fold(0.0, f32::max);
            // Two samples of the slower rate.
            let most = 2.0 * PITCH * TAU / from.min(to) as f32 + 0.03;
            assert!(worst < most, "{from} -> {to}: off by {worst}, which may be {most}");
        }
    }

    #[test]
    fn short_sounds_keep_their_length_too() {
        for frames in [1, 2, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let result = resampled(48_000, 16_000, &vec![0.25; frames]);
            assert_eq!(result.len(), frames.div_ceil(3), "{frames}");
        }
        assert!(resampled(48_000, 16_000, &[]).is_empty());
    }
}
