//! Where decoded sound goes: it is counted against its bounds, mixed down to one channel, resampled, and written as
//! WAV. Only the result is ever in memory as a whole.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};
use symphonia::core::audio::{AudioBufferRef, SampleBuffer, SignalSpec};

use super::super::Takes;
use super::resample::Resampling;
use super::{check_length, check_rate, undecodable};
use crate::point::Failure;

/// Takes decoded sound.
pub(super) struct Sink<'a> {
    takes: &'a Takes,
    rate: u32,
    frames: u64,
    samples: Option<(SignalSpec, SampleBuffer<f32>)>,
    wav: Option<Wav<'a>>,
}

/// One channel on its way into a WAV file.
struct Wav<'a> {
    resampling: Option<Resampling>,
    writer: WavWriter<Cursor<&'a mut Vec<u8>>>,
}

impl<'a> Sink<'a> {
    /// For sound of this rate; without `into` it is only counted.
    ///
    /// # Errors
    /// No sound has such a rate.
    pub(super) fn new(rate: u32, takes: &'a Takes, into: Option<&'a mut Vec<u8>>) -> Result<Self, Failure> {
        check_rate(rate)?;
        Ok(Self {
            takes,
            rate,
            frames: 0,
            samples: None,
            wav: into.map(|into| Wav::new(rate, takes.sample_rate, into)).transpose()?,
        })
    }

    /// Samples of each channel so far.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Takes what was decoded, at most so many samples of each channel.
    ///
    /// # Errors
    /// The sound is too long, or changes its rate.
    pub(super) fn take(&mut self, decoded: AudioBufferRef<'_>, most: u64) -> Result<(), Failure> {
        let spec = *decoded.spec();
        if spec.rate != self.rate {
            return Err(undecodable("its rate changes on the way"));
        }
        let frames = (decoded.frames() as u64).min(most);
        if frames == 0 {
            return Ok(());
        }
        check_length(self.frames + frames, self.rate, self.takes)?;
        self.frames += frames;
        let Some(wav) = &mut self.wav else { return Ok(()) };
        let channels = spec.channels.count();
        let room = decoded.capacity().max(decoded.frames());
        let fits =
            |(own, samples): &(SignalSpec, SampleBuffer<f32>)| *own == spec && samples.capacity() >= room * channels;
        if !self.samples.as_ref().is_some_and(fits) {
            self.samples = Some((spec, SampleBuffer::new(room as u64, spec)));
        }
        let Some((_, samples)) = &mut self.samples else {
            return Ok(());
        };
        samples.copy_interleaved_ref(decoded);
        for frame in samples.samples().chunks_exact(channels).take(frames as usize) {
            wav.push(frame.iter().sum::<f32>() / channels as f32)?;
        }
        Ok(())
    }

    /// Ends the sound.
    ///
    /// # Errors
    /// There was none.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.frames == 0 {
            return Err(undecodable("it holds no sound at all"));
        }
        self.wav.map_or(Ok(()), Wav::finish)
    }
}

impl<'a> Wav<'a> {
    fn new(from: u32, to: u32, into: &'a mut Vec<u8>) -> Result<Self, Failure> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: to,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let resampling = (from != to).then(|| Resampling::new(from, to)).transpose();
        Ok(Self {
            resampling: resampling.map_err(|error| unwritable(&error))?,
            writer: WavWriter::new(Cursor::new(into), spec).map_err(|error| unwritable(&error))?,
        })
    }

    fn push(&mut self, sample: f32) -> Result<(), Failure> {
        // A file of floats may hold what is no number.
        let sample = if sample.is_finite() { sample } else { 0.0 };
        let Some(resampling) = &mut self.resampling else {
            return self
                .writer
                .write_sample(sixteen_bits(sample))
                .map_err(|error| unwritable(&error));
        };
        let writer = &mut self.writer;
        let mut wrong = None;
        resampling
            .push(sample, &mut |sample| {
                wrong = wrong.take().or(writer.write_sample(sixteen_bits(sample)).err());
            })
            .map_err(|error| unwritable(&error))?;
        wrong.map_or(Ok(()), |error| Err(unwritable(&error)))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let mut wrong = None;
        if let Some(resampling) = self.resampling {
            let writer = &mut self.writer;
            resampling
                .finish(&mut |sample| {
                    wrong = wrong.take().or(writer.write_sample(sixteen_bits(sample)).err());
                })
                .map_err(|error| unwritable(&error))?;
        }
        if let Some(error) = wrong {
            return Err(unwritable(&error));
        }
        self.writer.finalize().map_err(|error| unwritable(&error))
    }
}

fn sixteen_bits(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16
}

fn unwritable(error: &dyn std::fmt::Display) -> Failure {
    undecodable(&format!("it cannot be converted: {error}"))
}
