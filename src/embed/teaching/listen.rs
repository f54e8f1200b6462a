//! Listening: how much of a sound is tone, which notes it has, and where the power of its noise lies.
//!
//! A tone stands out of its neighbourhood in the spectrum, noise does not: that holds at any loudness and rate. Notes are
//! the tones that are no partials of a lower one; two of them at once are a chord.

use super::space::{CHORD, HIGH, LOW, NOISE, PITCHES, TONE, Traits, draw, hash, pitch, throw};
use super::spectrum::Spectrum;

/// How loud (of 1) a sound is at its loudest, or it is silence.
const SILENCE: f32 = 1e-4;
/// What is softer than this share of the loudest, before and after, is not listened to.
const BEGUN: f32 = 0.03;
/// Louder samples are no samples; files of floating-point numbers may have any.
const LOUDEST: f32 = 8.0;
/// Hertz between which tones are looked for; the upper end is also bounded by the rate.
const LOWEST_TONE: f32 = 50.0;
const HIGHEST_TONE: f32 = 8_000.0;
/// Hertz between which noise is weighed, and between low and high noise. All rates from 8 kHz have them.
const NOISE_FROM: f32 = 60.0;
const NOISE_MIDDLE: f32 = 600.0;
const NOISE_TO: f32 = 3_500.0;
/// Hertz on each side that a tone is compared with, and how often the middle power of these it has at least.
const NEIGHBOURHOOD: f32 = 90.0;
const STANDS_OUT: f32 = 25.0;
/// A note has this share of the strongest one's power.
const AUDIBLE: f32 = 0.03;
/// How far a partial may be from a multiple of its note, in multiples; and two notes from each other.
const OUT_OF_TUNE: f32 = 0.03;
/// Bands of the spectrum and parts of the course that tell sounds of one kind apart.
const BANDS: usize = 16;
const PARTS: usize = 8;

/// Listens to a sound.
pub(super) fn to(samples: &[f32], rate: u32) -> Traits {
    let Some(sound) = cleaned(samples) else {
        return Traits::new(draw(hash(b"silence")));
    };
    let spectrum = Spectrum::of(&sound, rate);
    let mut traits = Traits::new(throw(&composition(&sound, &spectrum)));
    let (tonal, notes) = notes(&spectrum, rate);
    traits.add(NOISE, 1.0 - tonal);
    traits.add(if notes.len() > 1 { CHORD } else { TONE }, tonal);
    if let Some(lowest) = notes.first() {
        for (axis, weight) in PITCHES.zip(pitch(*lowest)) {
            traits.add(axis, weight * tonal);
        }
    }
    let below = power_between(&spectrum, NOISE_FROM, NOISE_MIDDLE);
    let above = power_between(&spectrum, NOISE_MIDDLE, NOISE_TO);
    let low = below / (below + above).max(f32::MIN_POSITIVE);
    traits.add(LOW, (1.0 - tonal) * ((low - 0.4) / 0.3).clamp(0.0, 1.0));
    traits.add(HIGH, (1.0 - tonal) * ((0.35 - low) / 0.15).clamp(0.0, 1.0));
    traits
}

/// The sound between its first and its last audible sample, around nought and one at its loudest; `None` for silence.
fn cleaned(samples: &[f32]) -> Option<Vec<f32>> {
    let clean = |sample: &f32| {
        if sample.is_finite() {
            sample.clamp(-LOUDEST, LOUDEST)
        } else {
            0.0
        }
    };
    let mean = samples.iter().map(|sample| f64::from(clean(sample))).sum::<f64>() / samples.len().max(1) as f64;
    let around = |sample: &f32| clean(sample) - mean as f32;
    let loudest = samples.iter().map(|sample| around(sample).abs()).fold(0.0, f32::max);
    if loudest < SILENCE {
        return None;
    }
    let audible = |sample: &f32| around(sample).abs() > BEGUN * loudest;
    let from = samples.iter().position(audible)?;
    let to = samples.iter().rposition(audible)?;
    Some(
        samples[from..=to]
            .iter()
            .map(|sample| around(sample) / loudest)
            .collect(),
    )
}

/// Which share of the power is tone, and the notes in hertz, from the lowest.
fn notes(spectrum: &Spectrum, rate: u32) -> (f32, Vec<f32>) {
    let power = &spectrum.power;
    // The outermost have no neighbours on both sides.
    let from = spectrum.place(LOWEST_TONE).max(4);
    let to = spectrum
        .place(HIGHEST_TONE.min(0.45 * rate as f32))
        .min(power.len().saturating_sub(4));
    let reach = spectrum.place(NEIGHBOURHOOD).max(4);
    let mut stands_out = vec![false; power.len()];
    let (mut all, mut tonal, mut strongest) = (0.0_f32, 0.0_f32, 0.0_f32);
    let mut neighbours = Vec::new();
    for place in from..to {
        neighbours.clear();
        neighbours.extend_from_slice(&power[place.saturating_sub(reach).max(1)..(place + reach + 1).min(power.len())]);
        let middle = neighbours.len() / 2;
        let (_, usual, _) = neighbours.select_nth_unstable_by(middle, f32::total_cmp);
        all += power[place];
        strongest = strongest.max(power[place]);
        if power[place] > STANDS_OUT * *usual {
            stands_out[place] = true;
            tonal += power[place];
        }
    }
    let mut notes: Vec<f32> = Vec::new();
    for place in from..to {
        let is_peak = || {
            power[place - 3..=place + 3]
                .iter()
                .all(|beside| *beside <= power[place])
        };
        if !stands_out[place] || power[place] < AUDIBLE * strongest || !is_peak() {
            continue;
        }
        let hertz = (place as f32 + between(&power[place - 1..=place + 1])) * spectrum.step;
        let is_partial = notes.iter().any(|note| {
            let times = hertz / note;
            times < 1.0 + OUT_OF_TUNE || (times.round() > 1.5 && (times - times.round()).abs() < OUT_OF_TUNE)
        });
        if !is_partial {
            notes.push(hertz);
        }
    }
    (tonal / all.max(f32::MIN_POSITIVE), notes)
}

/// Where the peak of a parabola through the logarithms of three powers is, from the middle one: -0.5 to 0.5.
fn between(powers: &[f32]) -> f32 {
    let [before, peak, after] = [powers[0], powers[1], powers[2]].map(|power| power.max(f32::MIN_POSITIVE).ln());
    let bend = before - 2.0 * peak + after;
    if bend < -1e-6 {
        (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    }
}

fn power_between(spectrum: &Spectrum, from: f32, to: f32) -> f32 {
    let (from, to) = (spectrum.place(from), spectrum.place(to));
    spectrum.power[from.min(to)..to].iter().sum()
}

/// How the power is spread over the frequencies, and over the time.
fn composition(sound: &[f32], spectrum: &Spectrum) -> Vec<f32> {
    let edge = |band: usize| NOISE_FROM * (NOISE_TO / NOISE_FROM).powf(band as f32 / BANDS as f32);
    let bands = (0..BANDS).map(|band| power_between(spectrum, edge(band), edge(band + 1)));
    let parts = (0..PARTS).map(|part| {
        let (from, to) = (sound.len() * part / PARTS, sound.len() * (part + 1) / PARTS);
        sound[from..to].iter().map(|sample| sample * sample).sum::<f32>()
    });
    let mut features = shares(bands.collect());
    features.extend(shares(parts.collect()));
    features
}

/// Square roots of the shares of the sum, beside their mean.
fn shares(powers: Vec<f32>) -> Vec<f32> {
    let sum = powers.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let roots: Vec<f32> = powers.iter().map(|power| (power / sum).sqrt()).collect();
    let mean = roots.iter().sum::<f32>() / roots.len().max(1) as f32;
    roots.iter().map(|root| root - mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::space::{MIDDLE, cosine};
    use super::*;

    /// A chord's notes, or a tone's one.
    fn heard(samples: &[f32], rate: u32) -> (f32, Vec<f32>) {
        notes(&Spectrum::of(&cleaned(samples).expect("a sound"), rate), rate)
    }

    #[test]
    fn notes_are_heard_at_any_rate_and_loudness() {
        for rate in [8_000, 11_025, 16_000, 44_100, 48_000] {
            for hertz in [98.0, 220.0, 440.0, 1_046.5, 1_760.0, 2_637.0] {
                for loudness in [0.01, 0.9] {
                    let (tonal, notes) = heard(&samples::notes(&[hertz], rate, loudness), rate);
                    let case = format!("{hertz} Hz at {rate} a second, loudness {loudness}");
                    assert!(tonal > 0.97, "{case}: {tonal}");
                    assert_eq!(notes.len(), 1, "{case}: {notes:?}");
                    assert!((notes[0] / hertz - 1.0).abs() < 0.01, "{case}: {notes:?}");
                }
            }
        }
    }

    #[test]
    fn chords_have_their_notes() {
        for rate in [8_000, 16_000, 44_100] {
            for root in [110.0, 196.0, 523.3, 1_318.5] {
                for third in [1.2, 1.25, 1.26] {
                    let (tonal, notes) = heard(&samples::notes(&[root, root * third, root * 1.5], rate, 0.5), rate);
                    let case = format!("{root} Hz, third {third}, at {rate} a second");
                    assert!(tonal > 0.97, "{case}: {tonal}");
                    assert_eq!(notes.len(), 3, "{case}: {notes:?}");
                    assert!((notes[0] / root - 1.0).abs() < 0.02, "{case}: {notes:?}");
                }
            }
        }
    }

    #[test]
    fn noise_is_no_tone_and_may_be_low() {
        for rate in [8_000, 16_000, 48_000] {
            let white = samples::noise(rate, 0.3);
            let traits = to(&white, rate);
            assert!(traits.said(NOISE) > 0.95, "{rate}: {traits:?}");
            assert!(traits.said(HIGH) > 0.9 && traits.said(LOW) < 0.1, "{rate}: {traits:?}");
            let (mut first, mut second) = (0.0_f32, 0.0_f32);
            let share = 1.0 - (-std::f32::consts::TAU * 220.0 / rate as f32).exp();
            let low: Vec<f32> = white
                .iter()
                .map(|sample| {
                    first += share * (sample - first);
                    second += share * (first - second);
                    second
                })
                .collect();
            let traits = to(&low, rate);
            assert!(traits.said(NOISE) > 0.9, "{rate}: {traits:?}");
            assert!(traits.said(LOW) > 0.9 && traits.said(HIGH) < 0.1, "{rate}: {traits:?}");
        }
    }

    #[test]
    fn a_tone_in_noise_is_both() {
        let rate = 16_000;
        let both: Vec<f32> = samples::notes(&[523.3], rate, 0.5)
            .iter()
            .zip(samples::noise(rate, 0.5))
            .map(|(tone, noise)| tone + noise)
            .collect();
        let traits = to(&both, rate);
        assert!(traits.said(TONE) > 0.2 && traits.said(NOISE) > 0.2, "{traits:?}");
        assert!(traits.said(MIDDLE) > 0.2, "{traits:?}");
    }

    #[test]
    fn loudness_offset_rate_and_silence_around_do_not_matter() {
        let tone = samples::notes(&[196.0], 16_000, 0.8);
        let expected = to(&tone, 16_000).settle();
        let soft: Vec<f32> = tone.iter().map(|sample| 0.02 * sample + 0.1).collect();
        let mut waited = vec![0.0; 20_000];
        waited.extend(&tone);
        waited.extend(vec![0.0; 9_000]);
        for (name, samples, rate) in [
            ("soft, with an offset", soft, 16_000),
            ("after a while", waited, 16_000),
            ("at 48 kHz", samples::notes(&[196.0], 48_000, 0.8), 48_000),
        ] {
            let near = cosine(&expected, &to(&samples, rate).settle());
            assert!(near > 0.98, "{name}: {near}");
        }
    }
}
