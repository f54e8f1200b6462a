//! Requests, read strictly: a body is what its dialect says and nothing else, or it is refused. Lenience belongs to
//! clients; whoever tests one must have none.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qlance::config::Dialect;
use qlance::embed::teaching::{self, DIMENSIONS};
use qlance::point::Modality;
use serde_json::{Map, Value};

use super::Offer;
use super::family::{Refusal, Why};

/// Types that are taken.
const TAKEN: [&str; 3] = ["image/png", "image/jpeg", "audio/wav"];

/// One input as it arrived.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Got {
    /// A text, with whatever prefix the client put before it.
    Text(String),
    /// The bytes of a picture.
    Image(Vec<u8>),
    /// The bytes of a sound.
    Audio(Vec<u8>),
}

impl fmt::Debug for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({text:?})"),
            Self::Image(bytes) => write!(f, "Image({} bytes)", bytes.len()),
            Self::Audio(bytes) => write!(f, "Audio({} bytes)", bytes.len()),
        }
    }
}

impl Got {
    /// What it is made of.
    pub(crate) fn modality(&self) -> Modality {
        match self {
            Self::Text(_) => Modality::Text,
            Self::Image(_) => Modality::Image,
            Self::Audio(_) => Modality::Audio,
        }
    }

    /// The same as a client with this prefix sends it: only texts have one.
    pub(crate) fn after(&self, prefix: &str) -> Self {
        match self {
            Self::Text(text) => Self::Text(format!("{prefix}{text}")),
            media => media.clone(),
        }
    }

    /// Its vector in the teaching space, turned by so many places: the space of another model.
    pub(crate) fn vector(&self, turn: usize) -> Result<Vec<f32>, String> {
        let mut vector = match self {
            Self::Text(text) => teaching::of_text(text),
            Self::Image(bytes) => {
                let image = image::load_from_memory(bytes);
                let image = image.map_err(|error| format!("the picture cannot be decoded: {error}"))?;
                teaching::of_image(&image.into_rgba8())
            }
            Self::Audio(bytes) => {
                let (samples, rate) =
                    samples(bytes).map_err(|error| format!("the sound cannot be decoded: {error}"))?;
                teaching::of_sound(&samples, rate)
            }
        };
        vector.rotate_left(turn);
        Ok(vector)
    }

    /// Tokens as a server counts them.
    pub(super) fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) => text.split_whitespace().count() as u64,
            Self::Image(_) | Self::Audio(_) => 10,
        }
    }
}

/// The samples of a WAV file of 16 bits, the mean of its channels, and how many there are a second.
fn samples(bytes: &[u8]) -> Result<(Vec<f32>, u32), hound::Error> {
    let mut reader = hound::WavReader::new(bytes)?;
    let spec = reader.spec();
    let numbers = reader.samples::<i16>().collect::<Result<Vec<_>, _>>()?;
    let channels = usize::from(spec.channels.max(1));
    let mean = |frame: &[i16]| frame.iter().map(|number| f32::from(*number) / 32_768.0).sum::<f32>() / channels as f32;
    Ok((numbers.chunks_exact(channels).map(mean).collect(), spec.sample_rate))
}

/// A request that was understood.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) inputs: Vec<Got>,
    pub(super) as_base64: bool,
}

/// Reads a body.
pub(super) fn read(offer: &Offer, body: &[u8]) -> Result<Asked, Refusal> {
    let body = serde_json::from_slice(body).map_err(|error| Refusal::body(format!("no JSON: {error}")))?;
    let Value::Object(body) = body else {
        return Err(Refusal::body("no object"));
    };
    let mut keys: Vec<&str> = body.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let wanted = offer.family.keys();
    if keys != wanted {
        return Err(Refusal::body(format!("the keys are {keys:?}; they must be {wanted:?}")));
    }
    if body["model"] != offer.model {
        return Err(Refusal {
            why: Why::Model,
            message: format!("there is no model {}, only {:?}", body["model"], offer.model),
        });
    }
    if let Some(dimensions) = body
        .get("dimensions")
        .filter(|asked| asked.as_u64() != Some(DIMENSIONS as u64))
    {
        return Err(Refusal::body(format!(
            "dimensions is {dimensions}; there are {DIMENSIONS}"
        )));
    }
    let as_base64 = match body.get("encoding_format") {
        None => false,
        Some(format) if format == "float" => false,
        Some(format) if format == "base64" => true,
        Some(format) => return Err(Refusal::body(format!("encoding_format is {format}"))),
    };
    let inputs = inputs(offer, &body)?;
    let most = offer.family.most_inputs();
    if inputs.is_empty() || inputs.len() > most {
        return Err(Refusal::body(format!(
            "{} inputs; a request takes 1 to {most}",
            inputs.len()
        )));
    }
    let foreign = inputs.iter().position(|got| !offer.takes.contains(&got.modality()));
    if let Some(index) = foreign {
        let message = format!("{} takes no {}", offer.model, inputs[index].modality().as_str());
        return Err(Refusal::input(index, &message));
    }
    Ok(Asked { inputs, as_base64 })
}

fn inputs(offer: &Offer, body: &Map<String, Value>) -> Result<Vec<Got>, Refusal> {
    let all = |items: &Value, one: &dyn Fn(&Value) -> Result<Got, String>| {
        let items = items
            .as_array()
            .ok_or_else(|| Refusal::body("the inputs are no list"))?;
        let one = |(index, item)| one(item).map_err(|message| Refusal::input(index, &message));
        items.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()
    };
    match offer.family.dialect() {
        Dialect::Openai => all(&body["input"], &|item| unmistakable(string(item)?)),
        Dialect::Infinity => {
            let named = body["modality"].as_str().unwrap_or_default();
            let modality = Modality::ALL.into_iter().find(|modality| modality.as_str() == named);
            let modality = modality.ok_or_else(|| Refusal::body(format!("modality is {}", body["modality"])))?;
            all(&body["input"], &|item| match modality {
                Modality::Text => text(string(item)?),
                media => of(media, uri(string(item)?)?),
            })
        }
        Dialect::TypedInput => all(&body["input"], &typed),
        Dialect::ContentParts => all(&body["input"], &|item| {
            exactly(item, &["content"])?;
            content(&item["content"])
        }),
        Dialect::DataUri => all(&body["input"], &|item| match string(item)? {
            media if media.starts_with("data:") => uri(media),
            words => unmistakable(words),
        }),
        Dialect::ChatMessages => all(&body["messages"], &|message| {
            exactly(message, &["content", "role"])?;
            if message["role"] != "user" {
                return Err(format!("the role is {}", message["role"]));
            }
            content(&message["content"])
        }),
    }
}

fn string(item: &Value) -> Result<&str, String> {
    item.as_str().ok_or_else(|| "no string".into())
}

fn text(text: &str) -> Result<Got, String> {
    if text.trim().is_empty() {
        return Err("an empty text".into());
    }
    Ok(Got::Text(text.to_owned()))
}

/// A text where media may be, or may be thought to be.
fn unmistakable(words: &str) -> Result<Got, String> {
    if words.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:")) {
        return Err("it looks like a data: URI".into());
    }
    text(words)
}

/// `{"text": ..}`, `{"image": ..}` or `{"audio": ..}`.
fn typed(item: &Value) -> Result<Got, String> {
    for modality in Modality::ALL {
        if let Some(value) = item.get(modality.as_str()) {
            exactly(item, &[modality.as_str()])?;
            return match modality {
                Modality::Text => text(string(value)?),
                media => of(media, uri(string(value)?)?),
            };
        }
    }
    Err("neither text nor image nor audio".into())
}

/// A list of one part.
fn content(parts: &Value) -> Result<Got, String> {
    let Some([part]) = parts.as_array().map(Vec::as_slice) else {
        return Err("not exactly one part".into());
    };
    match part["type"].as_str() {
        Some("text") => {
            exactly(part, &["text", "type"])?;
            text(string(&part["text"])?)
        }
        Some("image_url") => {
            exactly(part, &["image_url", "type"])?;
            exactly(&part["image_url"], &["url"])?;
            of(Modality::Image, uri(string(&part["image_url"]["url"])?)?)
        }
        Some("input_audio") => {
            exactly(part, &["input_audio", "type"])?;
            let sound = &part["input_audio"];
            exactly(sound, &["data", "format"])?;
            media(&format!("audio/{}", string(&sound["format"])?), string(&sound["data"])?)
        }
        _ => Err(format!("a part of the type {}", part["type"])),
    }
}

/// Checks that an object has these keys, given in alphabetical order, and no others.
fn exactly(item: &Value, wanted: &[&str]) -> Result<(), String> {
    let Some(object) = item.as_object() else {
        return Err("no object".into());
    };
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    if keys == wanted {
        return Ok(());
    }
    Err(format!("the keys are {keys:?}; they must be {wanted:?}"))
}

fn of(modality: Modality, got: Got) -> Result<Got, String> {
    if got.modality() == modality {
        return Ok(got);
    }
    Err(format!(
        "{} where {} should be",
        got.modality().as_str(),
        modality.as_str()
    ))
}

fn uri(uri: &str) -> Result<Got, String> {
    let rest = uri.strip_prefix("data:").ok_or("no data: URI")?;
    let (mime, data) = rest.split_once(";base64,").ok_or("a data: URI that is not in base64")?;
    media(mime, data)
}

fn media(mime: &str, data: &str) -> Result<Got, String> {
    if !TAKEN.contains(&mime) {
        return Err(format!("{mime:?} is not taken"));
    }
    let bytes = STANDARD
        .decode(data)
        .map_err(|error| format!("broken base64: {error}"))?;
    match mime_of(&bytes) {
        Some(found) if found == mime && mime.starts_with("image/") => Ok(Got::Image(bytes)),
        Some(found) if found == mime => Ok(Got::Audio(bytes)),
        found => Err(format!(
            "said to be {mime}, but it is {}",
            found.unwrap_or("nothing known")
        )),
    }
}

/// The type of a file that these tests make.
pub(crate) fn mime_of(bytes: &[u8]) -> Option<&'static str> {
    let riff = |form: &[u8]| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(form);
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if riff(b"WEBP") {
        Some("image/webp")
    } else if riff(b"WAVE") {
        Some("audio/wav")
    } else {
        None
    }
}
