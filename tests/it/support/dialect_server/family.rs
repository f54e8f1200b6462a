//! Seven servers that people run, by what tells them apart: their dialect, the keys of a request's body, and the words
//! and shapes in which they refuse one.

use qlance::config::Dialect;
use serde_json::{Value, json};

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// OpenAI itself: texts only; errors whose codes are words.
    OpenAi,
    /// TEI: texts only; errors as bare objects.
    Tei,
    /// Infinity: one modality a request; errors whose codes are numbers.
    Infinity,
    /// Jina and whoever else is built on FastAPI: typed inputs, lists of numbers only; errors under `detail`.
    Jina,
    /// `OpenRouter`: parts of content; what goes wrong behind it comes inside of a success.
    OpenRouter,
    /// `LiteLLM`: `data:` URIs among texts; errors whose codes are numbers in quotes.
    LiteLlm,
    /// vLLM: chat messages, one a request; vectors of one size, so that `dimensions` is refused.
    Vllm,
}

/// Why a request is not answered with vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its body is not of the dialect.
    Body,
    /// It asks for another model.
    Model,
    /// One of its inputs.
    Input,
    /// Nothing that it could help: this status was asked for by the test.
    Own(u16),
}

/// A refusal before it is put into a family's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Why.
    pub(crate) why: Why,
    /// What is said.
    pub(crate) message: String,
}

impl Refusal {
    /// The body is at fault.
    pub(super) fn body(message: impl Into<String>) -> Self {
        Self {
            why: Why::Body,
            message: message.into(),
        }
    }

    /// One input is at fault.
    pub(super) fn input(index: usize, message: &str) -> Self {
        Self {
            why: Why::Input,
            message: format!("input {index}: {message}"),
        }
    }
}

impl Family {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::OpenAi,
        Self::Tei,
        Self::Infinity,
        Self::Jina,
        Self::OpenRouter,
        Self::LiteLlm,
        Self::Vllm,
    ];
    /// Those that take pictures and sounds: one a dialect.
    pub(crate) const MEDIA: [Self; 5] = [Self::Infinity, Self::Jina, Self::OpenRouter, Self::LiteLlm, Self::Vllm];

    /// A name, good for a table too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Tei => "tei",
            Self::Infinity => "infinity",
            Self::Jina => "jina",
            Self::OpenRouter => "openrouter",
            Self::LiteLlm => "litellm",
            Self::Vllm => "vllm",
        }
    }

    /// What it speaks.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::OpenAi | Self::Tei => Dialect::Openai,
            Self::Infinity => Dialect::Infinity,
            Self::Jina => Dialect::TypedInput,
            Self::OpenRouter => Dialect::ContentParts,
            Self::LiteLlm => Dialect::DataUri,
            Self::Vllm => Dialect::ChatMessages,
        }
    }

    /// Whether it is told how many numbers a vector shall have; else it refuses to be.
    pub(crate) fn knows_dimensions(self) -> bool {
        !matches!(self, Self::Tei | Self::Vllm)
    }

    /// Whether it is told how vectors shall be written; else it refuses to be.
    pub(crate) fn knows_encoding_format(self) -> bool {
        self != Self::Jina
    }

    /// Inputs a request at most.
    pub(crate) fn most_inputs(self) -> usize {
        if self == Self::Vllm { 1 } else { 8 }
    }

    /// The keys of a request's body, all of them, in alphabetical order.
    pub(crate) fn keys(self) -> Vec<&'static str> {
        let place = if self == Self::Vllm { "messages" } else { "input" };
        let mut keys = vec!["model", place];
        if self == Self::Infinity {
            keys.push("modality");
        }
        if self.knows_dimensions() {
            keys.push("dimensions");
        }
        if self.knows_encoding_format() {
            keys.push("encoding_format");
        }
        keys.sort_unstable();
        keys
    }

    /// The status that a refusal is about.
    pub(crate) fn status(self, why: Why) -> u16 {
        match why {
            Why::Own(status) => status,
            Why::Model => 404,
            Why::Body | Why::Input if matches!(self, Self::Tei | Self::Infinity | Self::Jina) => 422,
            Why::Body | Why::Input => 400,
        }
    }

    /// A refusal in this family's words: HTTP status and body.
    pub(super) fn refuse(self, refusal: &Refusal) -> (u16, Value) {
        let Refusal { why, message } = refusal;
        let status = self.status(*why);
        let body = match self {
            Self::OpenAi => {
                let (kind, code) = match status {
                    401 => ("invalid_request_error", "invalid_api_key"),
                    404 => ("invalid_request_error", "model_not_found"),
                    429 => ("requests", "rate_limit_exceeded"),
                    500.. => ("server_error", "internal_error"),
                    _ => ("invalid_request_error", "invalid_value"),
                };
                json!({"error": {"message": message, "type": kind, "param": "input", "code": code}})
            }
            Self::Tei => {
                let kind = match status {
                    429 => "Overloaded",
                    500.. => "Backend",
                    _ => "Validation",
                };
                json!({"message": message, "code": status, "type": kind})
            }
            Self::Infinity => json!({"error": {"message": message, "type": null, "param": null, "code": status}}),
            Self::Jina if status == 422 => {
                let detail = json!({"type": "value_error", "loc": ["body", "input"], "msg": message, "input": {}});
                json!({ "detail": [detail] })
            }
            Self::Jina => json!({ "detail": message }),
            Self::OpenRouter => json!({"error": {"message": message, "code": status}, "user_id": "user_1"}),
            Self::LiteLlm => {
                let message = format!("litellm.APIError: {message}");
                json!({"error": {"message": message, "type": null, "param": null, "code": (status.to_string())}})
            }
            Self::Vllm => {
                let kind = match status {
                    404 => "NotFoundError",
                    500.. => "InternalServerError",
                    _ => "BadRequestError",
                };
                json!({"error": {"message": message, "type": kind, "param": null, "code": status}})
            }
        };
        let behind = self == Self::OpenRouter && (status == 429 || status >= 500);
        (if behind { 200 } else { status }, body)
    }
}
