//! Synthesis: a tone, a chord, a hiss or a rumble; and how somebody speaks of it.

use std::f32::consts::TAU;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::capitalised;

/// Samples a second.
pub(super) const RATE: u32 = 16_000;
/// Seconds of a sound, and of one that is carried in a payload.
const SECONDS: (f32, f32) = (0.61, 1.2);
const SHORT_SECONDS: f32 = 0.6;
/// Hertz at which a rumble is cut off.
const RUMBLE: (f32, f32) = (180.0, 280.0);

/// Pitches: the words for them, and notes in hertz (A2 to A3, A4 to D5, E6 to C7).
static PITCHES: [(&[&str], &[f32]); 3] = [
    (&["low", "low", "deep"], &[110.0, 130.81, 146.83, 174.61, 196.0]),
    (&["middle"], &[440.0, 466.16, 493.88, 523.25, 587.33]),
    (
        &["high", "high", "shrill"],
        &[1_318.51, 1_567.98, 1_760.0, 1_975.53, 2_093.0],
    ),
];
/// How loud the partials of a tone are, and the words for such a tone.
static PARTIALS: [(&[f32], &[&str]); 3] = [
    (&[1.0], &["pure", "clear"]),
    (&[1.0, 0.3], &["warm", "flute-like"]),
    (&[1.0, 0.4, 0.2], &["rich", "full"]),
];
const THIRDS: [(f32, &str); 2] = [(1.2, "minor"), (1.25, "major")];

/// What kind of sound it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tone,
    Chord,
    Hiss,
    Rumble,
}

/// All that is to be known of one sound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    kind: Kind,
    pitch: usize,
    hertz: f32,
    partials: usize,
    third: usize,
    /// The loudest sample, of 1.
    loudness: f32,
    seconds: f32,
    /// Seconds from the beginning until it is at its loudest, and from there on to the end.
    attack: f32,
    release: f32,
    /// What noise is drawn from.
    noise: u64,
    cut_off: f32,
    /// The words for the pitch and for the partials.
    words: [&'static str; 2],
    wording: u8,
}

impl Score {
    /// Decides on everything.
    pub(super) fn write(rng: &mut StdRng, is_short: bool) -> Self {
        let kind = match rng.random_range(0..10) {
            0..4 => Kind::Tone,
            4..7 => Kind::Chord,
            7..9 => Kind::Hiss,
            _ => Kind::Rumble,
        };
        let pitch = rng.random_range(0..PITCHES.len());
        let partials = rng.random_range(0..PARTIALS.len());
        let seconds = rng.random_range(SECONDS.0..SECONDS.1);
        Self {
            kind,
            pitch,
            hertz: pick(rng, PITCHES[pitch].1),
            partials,
            third: rng.random_range(0..THIRDS.len()),
            loudness: rng.random_range(0.1..0.8),
            seconds: if is_short { SHORT_SECONDS } else { seconds },
            attack: rng.random_range(0.01..0.06),
            release: rng.random_range(0.1..0.3),
            noise: rng.random(),
            cut_off: rng.random_range(RUMBLE.0..RUMBLE.1),
            words: [pick(rng, PITCHES[pitch].0), pick(rng, PARTIALS[partials].1)],
            wording: rng.random_range(0..5),
        }
    }

    /// What it plays, in one word each for all that has several.
    #[cfg(test)]
    pub(super) fn class(&self) -> String {
        match self.kind {
            Kind::Tone | Kind::Chord => format!("{:?}, {}", self.kind, PITCHES[self.pitch].0[0]),
            Kind::Hiss | Kind::Rumble => format!("{:?}", self.kind),
        }
    }

    /// The samples.
    pub(super) fn play(&self) -> Vec<i16> {
        let count = (self.seconds * RATE as f32) as u32;
        let mut wave: Vec<f32> = match self.kind {
            Kind::Tone => self.sing(count, &[1.0]),
            Kind::Chord => self.sing(count, &[1.0, THIRDS[self.third].0, 1.5]),
            Kind::Hiss => self.hiss(count),
            Kind::Rumble => self.rumble(count),
        };
        for (number, sample) in wave.iter_mut().enumerate() {
            let (since, left) = (seconds(number as u32), seconds(count - number as u32));
            *sample *= (since / self.attack).min(left / self.release).min(1.0);
        }
        let loudest = wave
            .iter()
            .fold(f32::MIN_POSITIVE, |most, sample| most.max(sample.abs()));
        let gain = self.loudness * f32::from(i16::MAX) / loudest;
        wave.iter().map(|sample| (sample * gain) as i16).collect()
    }

    /// Notes at these multiples of the root, each with its partials.
    fn sing(&self, count: u32, notes: &[f32]) -> Vec<f32> {
        let waves: Vec<(f32, f32)> = notes
            .iter()
            .flat_map(|note| {
                let partials = PARTIALS[self.partials].0.iter().zip(1_u8..);
                partials.map(move |(loudness, times)| (self.hertz * note * f32::from(times), *loudness))
            })
            // What is above is heard as something else.
            .filter(|(hertz, _)| *hertz < 0.45 * RATE as f32)
            .collect();
        (0..count)
            .map(|number| {
                waves
                    .iter()
                    .map(|(hertz, loudness)| loudness * (TAU * (hertz * seconds(number)).fract()).sin())
                    .sum::<f32>()
            })
            .collect()
    }

    fn hiss(&self, count: u32) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(self.noise);
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// A hiss through two low-pass filters.
    fn rumble(&self, count: u32) -> Vec<f32> {
        let share = 1.0 - (-TAU * self.cut_off / RATE as f32).exp();
        let mut passed = [0.0_f32; 2];
        let filter = |sample: f32| {
            passed[0] += share * (sample - passed[0]);
            passed[1] += share * (passed[0] - passed[1]);
            passed[1]
        };
        self.hiss(count).into_iter().map(filter).collect()
    }

    /// What somebody wrote beside it.
    pub(super) fn caption(&self) -> String {
        let [pitch, manner] = self.words;
        let hertz = thousands(self.hertz.round() as u32);
        let third = THIRDS[self.third].1;
        let soft = if self.loudness < 0.3 { "soft" } else { "steady" };
        let text = match (self.kind, self.wording) {
            (Kind::Tone, 0) => format!("a {pitch}, {manner} tone of {hertz} Hz"),
            (Kind::Tone, 1) => format!("{pitch} note at {hertz} Hz, held for a moment"),
            (Kind::Tone, 2) => format!("a {manner} {pitch} tone, like a tuning fork"),
            (Kind::Tone, 3) => format!("one {pitch} beep, {hertz} Hz"),
            (Kind::Tone, _) => format!("{pitch} tone for tuning, {manner}"),
            (Kind::Chord, 0) => format!("a {pitch} {third} chord of three notes"),
            (Kind::Chord, 1) => format!("{pitch} {third} chord, {manner}, from {hertz} Hz up"),
            (Kind::Chord, 2) => format!("three {pitch} notes at once, a {third} chord"),
            (Kind::Chord, 3) => format!("a {pitch}, {manner} chord in {third}"),
            (Kind::Chord, _) => format!("closing chord, {third}, {pitch}: root at {hertz} Hz"),
            (Kind::Hiss, 0) => format!("{soft} hiss, like a tape running out"),
            (Kind::Hiss, 1) => format!("{soft} white noise, like rain on a tent"),
            (Kind::Hiss, 2) => format!("static between two stations, {soft}"),
            (Kind::Hiss, 3) => format!("a {soft} hiss, probably the cable"),
            (Kind::Hiss, _) => format!("white noise for the sound check, {soft}"),
            (Kind::Rumble, 0) => format!("a {soft} low rumble, like a lorry far away"),
            (Kind::Rumble, 1) => format!("{soft} rumbling, as if under the stage"),
            (Kind::Rumble, 2) => format!("low noise, {soft}, like wind in a chimney"),
            (Kind::Rumble, 3) => format!("a {soft}, deep rumble before the thunder"),
            (Kind::Rumble, _) => format!("low rumbling of the organ bellows, {soft}"),
        };
        capitalised(&text)
    }
}

fn seconds(samples: u32) -> f32 {
    samples as f32 / RATE as f32
}

/// A number below a million as people write it.
fn thousands(number: u32) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

fn pick<T: Copy>(rng: &mut StdRng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_begin_and_end_softly_and_are_as_loud_as_was_said() {
        for seed in 0..40 {
            let score = Score::write(&mut StdRng::seed_from_u64(seed), seed % 4 == 0);
            let samples = score.play();
            let loudest = samples
                .iter()
                .map(|sample| sample.unsigned_abs())
                .max()
                .expect("samples");
            let wanted = score.loudness * f32::from(i16::MAX);
            assert!(
                (f32::from(loudest) - wanted).abs() < 2.0,
                "{loudest} of {wanted}: {score:?}"
            );
            let (begin, end) = (&samples[..8], &samples[samples.len() - 8..]);
            for sample in begin.iter().chain(end) {
                assert!(f32::from(sample.unsigned_abs()) < 0.1 * wanted, "{sample}: {score:?}");
            }
            let seconds = samples.len() as f32 / RATE as f32;
            assert!((0.6..=1.2).contains(&seconds), "{seconds}: {score:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_people_do() {
        for (number, text) in [(110, "110"), (1_760, "1,760"), (2_093, "2,093"), (1_005, "1,005")] {
            assert_eq!(thousands(number), text);
        }
    }
}
