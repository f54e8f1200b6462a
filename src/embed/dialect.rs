//! How the servers want their requests: six shapes of one body, as data. Who speaks which stands in docs/multimodal.md.
//!
//! Owns the shapes and nothing else: packing, limits, retries, bisection and the reading of answers are the same for all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Input, Media, RequestError};
use crate::config::Dialect;
use crate::point::Modality;

/// How one input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The text itself; media as a `data:` URI.
    Plain,
    /// `{"text": ..}`, `{"image": ..}`, `{"audio": ..}`; media as a `data:` URI.
    Typed,
    /// `{"content": [part]}` with the parts of OpenAI's chat API.
    Parts,
}

/// Where inputs go in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A list under `input`.
    Input,
    /// One message under `messages`.
    Messages,
}

/// One dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    form: Form,
    place: Place,
    /// Whether the body says which modality its inputs have.
    names_modality: bool,
    /// Whether pictures and sounds can be sent at all.
    takes_media: bool,
    /// Whether inputs of several modalities may share a request.
    pub mixes: bool,
    /// Inputs a request at most.
    pub most_inputs: usize,
}

/// OpenAI's limit, which the others keep to as well.
const MOST: usize = 2_048;

const INPUTS: Shape = Shape {
    form: Form::Plain,
    place: Place::Input,
    names_modality: false,
    takes_media: true,
    mixes: true,
    most_inputs: MOST,
};

impl Shape {
    /// The shape of a dialect.
    pub fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Openai => Self {
                takes_media: false,
                ..INPUTS
            },
            Dialect::Infinity => Self {
                names_modality: true,
                mixes: false,
                ..INPUTS
            },
            Dialect::TypedInput => Self {
                form: Form::Typed,
                ..INPUTS
            },
            Dialect::ContentParts => Self {
                form: Form::Parts,
                ..INPUTS
            },
            Dialect::DataUri => INPUTS,
            Dialect::ChatMessages => Self {
                form: Form::Parts,
                place: Place::Messages,
                mixes: false,
                most_inputs: 1,
                ..INPUTS
            },
        }
    }

    /// The body's inputs, to which model and format are added. `prefix` goes before every text.
    ///
    /// # Errors
    /// [`RequestError::Rejected`]: an input that this dialect cannot carry. Nothing was sent.
    pub fn body(&self, inputs: &[Input], prefix: &str) -> Result<Map<String, Value>, RequestError> {
        let items = inputs
            .iter()
            .map(|input| self.item(input, prefix))
            .collect::<Result<Vec<_>, _>>()?;
        let mut body = Map::new();
        if let (true, Some(first)) = (self.names_modality, inputs.first()) {
            body.insert("modality".into(), first.modality().as_str().into());
        }
        match self.place {
            Place::Input => body.insert("input".into(), items.into()),
            Place::Messages => {
                let messages: Vec<Value> = items
                    .into_iter()
                    .map(|item| json!({"role": "user", "content": (item["content"])}))
                    .collect();
                body.insert("messages".into(), messages.into())
            }
        };
        Ok(body)
    }

    fn item(&self, input: &Input, prefix: &str) -> Result<Value, RequestError> {
        let media = match input {
            Input::Text(text) => return self.text(format!("{prefix}{text}")),
            Input::Image(media) | Input::Audio(media) => media,
        };
        if !self.takes_media {
            return Err(RequestError::Rejected(format!(
                "this server takes no {}",
                input.modality().as_str()
            )));
        }
        Ok(match self.form {
            Form::Plain => data_uri(media).into(),
            Form::Typed => json!({ (input.modality().as_str()): (data_uri(media)) }),
            Form::Parts => {
                let part = match input.modality() {
                    Modality::Audio => json!({
                        "type": "input_audio",
                        "input_audio": {"data": (STANDARD.encode(&media.bytes)), "format": (short_format(&media.mime))}
                    }),
                    _ => json!({"type": "image_url", "image_url": {"url": (data_uri(media))}}),
                };
                json!({ "content": [part] })
            }
        })
    }

    fn text(&self, text: String) -> Result<Value, RequestError> {
        // A payload must not be able to pass for a picture: such a server would decode what it says.
        let looks_like_media = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"));
        if self.form == Form::Plain && self.takes_media && !self.names_modality && looks_like_media {
            return Err(RequestError::Rejected(
                "the text begins with \"data:\", which this dialect (data_uri) would read as a picture or a sound"
                    .into(),
            ));
        }
        Ok(match self.form {
            Form::Plain => text.into(),
            Form::Typed => json!({ "text": text }),
            Form::Parts => json!({"content": [{"type": "text", "text": text}]}),
        })
    }
}

fn data_uri(media: &Media) -> String {
    let mut uri = format!("data:{};base64,", media.mime);
    STANDARD.encode_string(&media.bytes, &mut uri);
    uri
}

/// The name of a sound's format in OpenAI's chat API.
fn short_format(mime: &str) -> &str {
    match mime {
        "audio/mpeg" => "mp3",
        "audio/wav" | "audio/x-wav" => "wav",
        other => other.rsplit('/').next().unwrap_or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> [Input; 3] {
        let media = |mime: &str| Media {
            bytes: [1, 2, 3].as_slice().into(),
            mime: mime.into(),
        };
        [
            Input::Text("hello".into()),
            Input::Image(media("image/png")),
            Input::Audio(media("audio/wav")),
        ]
    }

    fn body(dialect: Dialect, inputs: &[Input]) -> Value {
        Value::Object(Shape::of(dialect).body(inputs, "p: ").expect("a body"))
    }

    #[test]
    fn each_dialect_has_its_body() {
        let [text, image, audio] = inputs();
        let (png, wav) = ("data:image/png;base64,AQID", "data:audio/wav;base64,AQID");
        let all = [text.clone(), image.clone(), audio.clone()];
        assert_eq!(
            body(Dialect::Openai, &[text.clone(), text.clone()]),
            json!({"input": ["p: hello", "p: hello"]})
        );
        assert_eq!(
            body(Dialect::Infinity, std::slice::from_ref(&image)),
            json!({"modality": "image", "input": [png]})
        );
        assert_eq!(
            body(Dialect::Infinity, std::slice::from_ref(&audio)),
            json!({"modality": "audio", "input": [wav]})
        );
        assert_eq!(
            body(Dialect::TypedInput, &all),
            json!({"input": [{"text": "p: hello"}, {"image": png}, {"audio": wav}]})
        );
        let parts = json!([
            {"content": [{"type": "text", "text": "p: hello"}]},
            {"content": [{"type": "image_url", "image_url": {"url": png}}]},
            {"content": [{"type": "input_audio", "input_audio": {"data": "AQID", "format": "wav"}}]},
        ]);
        assert_eq!(body(Dialect::ContentParts, &all), json!({ "input": parts }));
        assert_eq!(body(Dialect::DataUri, &all), json!({"input": ["p: hello", png, wav]}));
        assert_eq!(
            body(Dialect::ChatMessages, &[image]),
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": png}}]}]})
        );
    }

    #[test]
    fn what_a_dialect_cannot_carry_is_refused_before_it_is_sent() {
        let [_, image, _] = inputs();
        let refused = |dialect, input: Input| Shape::of(dialect).body(&[input], "").is_err();
        assert!(refused(Dialect::Openai, image));
        let trap = Input::Text("DATA:image/png;base64,AAAA".into());
        for (dialect, expected) in [
            (Dialect::DataUri, true),
            (Dialect::Infinity, false),
            (Dialect::TypedInput, false),
            (Dialect::ContentParts, false),
            (Dialect::Openai, false),
        ] {
            assert_eq!(refused(dialect, trap.clone()), expected, "{dialect:?}");
        }
    }
}
