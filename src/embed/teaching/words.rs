//! Reading: which words of colour, shape, pitch and timbre a text has.
//!
//! Owns the list of words and the few rules for words that mean several things ("high" is a pitch or a place, "white" a
//! colour or a noise). Understands no grammar and no language but English.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::space::{
    BLACK, BLUE, CHORD, CIRCLE, COLOURS, DARK_GROUND, GREEN, HIGH, LARGE, LIGHT_GROUND, LOW, MIDDLE, NOISE, ORANGE,
    PITCHES, PURPLE, RED, REST, SHAPES, SMALL, SQUARE, STAR, TIMBRES, TONE, TRIANGLE, Traits, WHITE, YELLOW, draw,
    hash, pitch, stretch,
};

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// This axis, whatever the other words are.
    Sure(usize),
    /// A timbre that has a pitch of its own, unless another is named.
    Pitched(usize, usize),
    /// A pitch among words of sound; else a place, or a manner of speaking.
    Pitch(usize),
    /// A tone among words of sound; else something written down.
    Note,
    /// Makes a pitch of "high" and "low", and says nothing else.
    Sound,
    /// How large the shape is, where there is one.
    Size(usize),
}

static SENSES: &[(Sense, &str)] = &[
    (Sense::Sure(RED), "red crimson scarlet ruby vermilion reddish"),
    (Sense::Sure(ORANGE), "orange tangerine amber"),
    (Sense::Sure(YELLOW), "yellow golden lemon yellowish"),
    (Sense::Sure(GREEN), "green emerald lime greenish"),
    (Sense::Sure(BLUE), "blue azure navy cobalt ultramarine bluish"),
    (Sense::Sure(PURPLE), "purple violet lilac mauve magenta"),
    (Sense::Sure(BLACK), "black ebony inky"),
    (Sense::Sure(WHITE), "white ivory snowy"),
    (Sense::Sure(CIRCLE), "circle circular round disc disk dot"),
    (Sense::Sure(SQUARE), "square squarish quadratic"),
    (Sense::Sure(TRIANGLE), "triangle triangular"),
    (Sense::Sure(STAR), "star starry pentagram"),
    (Sense::Sure(LOW), "bass"),
    (Sense::Sure(HIGH), "treble shrill"),
    (Sense::Pitch(LOW), "low deep"),
    (Sense::Pitch(MIDDLE), "middle medium"),
    (Sense::Pitch(HIGH), "high"),
    (Sense::Sure(TONE), "tone beep sine"),
    (Sense::Pitched(TONE, LOW), "hum humming"),
    (Sense::Pitched(TONE, HIGH), "whistle whistling"),
    (Sense::Sure(CHORD), "chord triad"),
    (Sense::Sure(NOISE), "noise noisy whoosh"),
    (Sense::Pitched(NOISE, HIGH), "hiss hissing static"),
    (Sense::Pitched(NOISE, LOW), "rumble rumbling roar roaring"),
    (Sense::Note, "note"),
    (Sense::Sound, "sound pitch pitched"),
    (Sense::Size(SMALL), "small little tiny"),
    (Sense::Size(LARGE), "large big huge"),
];
/// What colours and shapes are drawn on.
const GROUNDS: &str = "ground background backdrop paper canvas";
const LIGHT: &str = "light pale bright white cream";
const DARK: &str = "dark black night";
/// Colours that a noise has in place of a pitch.
const HIGH_NOISE: &str = "white blue";
const LOW_NOISE: &str = "pink brown red";
/// Words that tell no two texts apart.
const STOPS: &str = "a an the and or of on in at to by for from with as like is are it its this that";

static SENSE_OF: LazyLock<HashMap<&'static str, Sense>> = LazyLock::new(|| {
    SENSES
        .iter()
        .flat_map(|(sense, words)| words.split(' ').map(move |word| (word, *sense)))
        .collect()
});

/// What tells texts apart that say the same: the least that it weighs, and how much more for each other word.
const LEAST_REST: f32 = 0.1;
const REST_A_WORD: f32 = 0.05;
/// How much of the rest is the very text; the remainder is its other words, so that texts which share them are near.
const VERBATIM: f32 = 0.3;
/// Words, but for the smallest, up to which "high" and "note" are taken to belong together.
const FEW: usize = 6;

/// Reads a text.
pub(super) fn read(text: &str) -> Traits {
    let words = split(text);
    let mut reading = Reading {
        traits: Traits::new([0.0; REST]),
        left: vec![true; words.len()],
        pitched: None,
    };
    reading.grounds(&words);
    reading.noises(&words);
    reading.frequencies(&words);
    reading.senses(&words);
    reading.finish(text, &words)
}

/// A text that is being read.
struct Reading {
    traits: Traits,
    /// Which words have not been used yet.
    left: Vec<bool>,
    /// A pitch that goes without saying.
    pitched: Option<usize>,
}

impl Reading {
    /// "on a light background": not the colour of what is drawn.
    fn grounds(&mut self, words: &[String]) {
        for (place, word) in words.iter().enumerate() {
            if !is_one_of(word, GROUNDS) {
                continue;
            }
            // "on dark grey paper": the word may stand two before.
            for before in (place.saturating_sub(2)..place).rev() {
                let said = words[before].as_str();
                if is_one_of(said, STOPS) {
                    break;
                }
                let axis = [(LIGHT_GROUND, LIGHT), (DARK_GROUND, DARK)]
                    .into_iter()
                    .find(|(_, list)| is_one_of(said, list))
                    .map(|(axis, _)| axis);
                let coloured = matches!(sense(said), Some(Sense::Sure(axis)) if COLOURS.contains(&axis));
                if let Some(axis) = axis {
                    self.traits.add(axis, 1.0);
                }
                if axis.is_some() || coloured {
                    self.use_up(before);
                    self.use_up(place);
                    break;
                }
            }
        }
    }

    /// "white noise": no colour at all.
    fn noises(&mut self, words: &[String]) {
        for (place, pair) in words.windows(2).enumerate() {
            let [before, word] = pair else { continue };
            if word != "noise" {
                continue;
            }
            let named = [(HIGH, HIGH_NOISE), (LOW, LOW_NOISE)]
                .into_iter()
                .find(|(_, list)| is_one_of(before, list));
            if let Some((axis, _)) = named {
                self.pitched = Some(axis);
                self.use_up(place);
            }
        }
    }

    /// "1,760 Hz", "1.5 kHz".
    fn frequencies(&mut self, words: &[String]) {
        for (place, pair) in words.windows(2).enumerate() {
            let [number, unit] = pair else { continue };
            let factor = match unit.as_str() {
                "hz" | "hertz" => 1.0,
                "khz" | "kilohertz" => 1_000.0,
                _ => continue,
            };
            let Ok(number) = number.parse::<f32>() else { continue };
            for (axis, weight) in PITCHES.zip(pitch(number * factor)) {
                self.traits.add(axis, weight);
            }
            self.use_up(place);
            self.use_up(place + 1);
        }
    }

    fn senses(&mut self, words: &[String]) {
        let mut unsure = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let Some(sense) = sense(word).filter(|_| self.left[place]) else {
                continue;
            };
            match sense {
                Sense::Sure(axis) => self.say(place, axis),
                Sense::Pitched(axis, pitch) => {
                    self.say(place, axis);
                    self.pitched = self.pitched.or(Some(pitch));
                }
                Sense::Pitch(_) | Sense::Note | Sense::Sound | Sense::Size(_) => unsure.push((place, sense)),
            }
        }
        let seen = self.traits.has(COLOURS) || self.traits.has(SHAPES);
        let heard = self.traits.has(TIMBRES) || self.traits.has(PITCHES);
        let is_pitch = |(_, sense): &(usize, Sense)| matches!(sense, Sense::Pitch(_));
        let is_note = |(_, sense): &(usize, Sense)| matches!(sense, Sense::Note | Sense::Sound);
        let content = words.iter().filter(|word| !is_one_of(word, STOPS)).count();
        // "A high note", "low" alone; but not "a note on the high door".
        let together = content <= FEW && unsure.iter().any(is_pitch) && unsure.iter().any(is_note);
        let of_sound = heard || (!seen && (together || unsure.len() == content));
        for (place, sense) in unsure {
            match sense {
                Sense::Pitch(axis) if of_sound => self.say(place, axis),
                Sense::Note if of_sound => self.say(place, TONE),
                Sense::Sound if of_sound => self.use_up(place),
                Sense::Size(axis) if seen => self.say(place, axis),
                _ => {}
            }
        }
        if self.traits.said(CHORD) > 0.0 {
            // "A chord of three notes" is not half a tone.
            self.traits.clear(TONE);
        }
        if let Some(axis) = self.pitched.filter(|_| !self.traits.has(PITCHES)) {
            self.traits.add(axis, 1.0);
        }
    }

    /// Adds what is left.
    fn finish(mut self, text: &str, words: &[String]) -> Traits {
        let mut rest = [0.0; REST];
        let mut others = 0;
        for (word, _) in words.iter().zip(&self.left).filter(|(_, left)| **left) {
            if !is_one_of(word, STOPS) {
                others += 1;
                add(&mut rest, draw(hash(word.as_bytes())), 1.0);
            }
        }
        let known = self.left.iter().filter(|left| !**left).count().max(1);
        if others > 0 {
            stretch(&mut rest);
        }
        let mut verbatim = draw(hash(text.as_bytes()));
        stretch(&mut verbatim);
        add(&mut rest, verbatim, VERBATIM);
        let weight = LEAST_REST + REST_A_WORD * others as f32 / known as f32;
        self.traits.set_rest(rest, weight.min(1.0));
        self.traits
    }

    /// One word says one axis.
    fn say(&mut self, place: usize, axis: usize) {
        self.traits.add(axis, 1.0);
        self.use_up(place);
    }

    fn use_up(&mut self, place: usize) {
        self.left[place] = false;
    }
}

fn add(sums: &mut [f32; REST], numbers: [f32; REST], weight: f32) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number * weight;
    }
}

/// What a word says, in the plural too.
fn sense(word: &str) -> Option<Sense> {
    let known = |word: &str| SENSE_OF.get(word).copied();
    known(word).or_else(|| known(word.strip_suffix('s')?))
}

fn is_one_of(word: &str, list: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// Words and numbers in small letters: "1,760Hz" is "1760" and "hz".
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        let in_number = word.starts_with(|first: char| first.is_ascii_digit());
        let digit_follows = rest.peek().is_some_and(char::is_ascii_digit);
        match char {
            ',' if in_number && digit_follows => {}
            '.' if in_number && digit_follows => word.push('.'),
            _ if char.is_alphanumeric() => {
                if !word.is_empty() && in_number != char.is_ascii_digit() {
                    words.push(std::mem::take(&mut word));
                }
                word.extend(char.to_lowercase());
            }
            _ if word.is_empty() => {}
            _ => words.push(std::mem::take(&mut word)),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::space::{cosine, of_text};
    use super::*;

    #[test]
    fn words_are_cut_where_they_change() {
        assert_eq!(
            split("A 1,760Hz tone, 1.5 kHz (or so)."),
            ["a", "1760", "hz", "tone", "1.5", "khz", "or", "so"]
        );
        assert_eq!(split("Über-Kreis: 3,\u{a0}4"), ["über", "kreis", "3", "4"]);
        assert!(split(" ,.").is_empty());
    }

    #[test]
    fn each_word_says_its_axis() {
        let table: &[(&str, &[usize])] = &[
            ("a red circle", &[RED, CIRCLE]),
            ("Two crimson discs", &[RED, CIRCLE]),
            ("SCARLET, ROUND", &[RED, CIRCLE]),
            ("an orange star on a light background", &[ORANGE, STAR, LIGHT_GROUND]),
            ("white square, dark grey paper", &[WHITE, SQUARE, DARK_GROUND]),
            ("yellow triangle on a blue background", &[YELLOW, TRIANGLE]),
            ("black triangle on white", &[BLACK, TRIANGLE, WHITE]),
            ("a small green square in the middle", &[GREEN, SQUARE, SMALL]),
            ("a huge violet dot, high up", &[PURPLE, CIRCLE, LARGE]),
            ("a low tone", &[LOW, TONE]),
            ("high notes", &[HIGH, TONE]),
            ("a high-pitched sound", &[HIGH]),
            ("bass", &[LOW]),
            ("low", &[LOW]),
            ("a deep chord of three notes", &[LOW, CHORD]),
            ("a tone of 1,760 Hz", &[HIGH, TONE]),
            ("a note at 0.44 kHz", &[MIDDLE, TONE]),
            ("soft hiss", &[NOISE, HIGH]),
            ("a low hiss", &[NOISE, LOW]),
            ("white noise", &[NOISE, HIGH]),
            ("pink noise", &[NOISE, LOW]),
            ("noise", &[NOISE]),
            ("a rumble far off", &[NOISE, LOW]),
            ("somebody left a note on the door", &[]),
            ("recording levels in the small hall are too low", &[]),
            ("it sounds wonderful in the evening", &[]),
            ("", &[]),
        ];
        for (text, said) in table {
            let traits = read(text);
            for axis in RED..=LARGE {
                let there = traits.said(axis) > 0.5;
                assert_eq!(there, said.contains(&axis), "{text:?}, axis {axis}: {traits:?}");
            }
        }
    }

    #[test]
    fn synonyms_are_near_and_the_rest_tells_texts_apart() {
        for (left, right) in [
            ("a red circle", "one crimson disc"),
            ("a high tone", "shrill beeps"),
            ("bass note", "a tone of 98 Hz"),
            ("hiss", "white noise"),
        ] {
            let near = cosine(&of_text(left), &of_text(right));
            assert!(near > 0.9 && near < 0.9999, "{left:?} and {right:?}: {near}");
        }
        let rehearsal = of_text("The choir rehearsal is on Thursday");
        let moved = cosine(&rehearsal, &of_text("the choir rehearsal was on Thursday, they said"));
        assert!(moved > 0.6, "{moved}");
        assert_ne!(rehearsal, of_text("the choir rehearsal is on Thursday"));
    }
}
