//! An embedder over any server that speaks OpenAI's API, through async-openai with its transport replaced: the
//! crate's own retry loses status, headers and body (docs of `answer`), and has neither timeout nor bound.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;
use tower::service_fn;

use super::answer::{self, Body};
use super::dialect::Shape;
use super::limits::{self, UsedUp};
use super::tokens::{Count, FromFile, Tokenizer};
use super::{Answer, Capabilities, Embedder, Input, RequestError, Role, Space};
use crate::config::{Dialect, EmbedConfig, Provider, Secret};
use crate::point::Modality;

/// The largest answer that is read. 2,048 embeddings of 4,096 numbers as decimal text are some 100 MB.
const MAX_BODY_BYTES: usize = 256 << 20;
/// The room that is made for an answer before it is there: 100 embeddings of 3,072 numbers in base64 are 1.6 MB.
const USUAL_BODY_BYTES: u64 = 2 << 20;
/// The largest error body that is read.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// A server that speaks OpenAI's API.
pub struct OpenAi {
    client: async_openai::Client<OpenAIConfig>,
    capabilities: Capabilities,
    tokenizer: Tokenizer,
    own_tokenizer: Option<FromFile>,
    shape: Shape,
    send_dimensions: bool,
    send_encoding_format: bool,
    document_prefix: String,
    query_prefix: String,
    line: Arc<Line>,
}

/// What the transport shares with the embedder: the key as it is now, and what the newest answer said of limits.
struct Line {
    /// The section of the configuration, for messages.
    section: &'static str,
    key: RwLock<Option<Secret>>,
    used_up: Mutex<Option<UsedUp>>,
}

impl Line {
    fn key(&self) -> Option<Secret> {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    #[serde(flatten)]
    inputs: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

/// What the transport hands through async-openai unharmed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Carried(RequestError);

impl OpenAi {
    /// Makes the client for inputs of these modalities. Key and address are always set: async-openai would else take them from the environment,
    /// and a key meant for one server would reach another.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(config: &EmbedConfig, modalities: &[Modality], key: Option<Secret>) -> anyhow::Result<Self> {
        let shape = Shape::of(config.dialect);
        let mut http = reqwest::Client::builder();
        if config.base_url.starts_with("http://") {
            // There they are of no use, since nobody is followed elsewhere, and reading the system's takes longer than all
            // else at the beginning of a run.
            http = http.tls_certs_only([]);
        }
        let http = http
            .connect_timeout(Duration::from_secs(10).min(Duration::from_secs(config.timeout_seconds)))
            .timeout(Duration::from_secs(config.timeout_seconds))
            // A redirect would carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("cannot make an HTTP client for the embedder")?;
        let settings = OpenAIConfig::new()
            .with_api_base(config.base_url.trim_end_matches('/'))
            // The transport puts the key in, as it is then.
            .with_api_key("none")
            .with_org_id("")
            .with_project_id("");
        let section = match modalities.first() {
            Some(Modality::Image) => "embed.image",
            Some(Modality::Audio) => "embed.audio",
            _ => "embed.text",
        };
        let line = Arc::new(Line {
            section,
            key: RwLock::new(key),
            used_up: Mutex::default(),
        });
        let shared = Arc::clone(&line);
        let asked = http.clone();
        let service = service_fn(move |request: HttpRequestFactory| {
            let http = asked.clone();
            let line = Arc::clone(&shared);
            async move {
                transport(&http, &line, request)
                    .await
                    .map_err(|error| OpenAIError::Boxed(Box::new(Carried(error))))
            }
        });
        Ok(Self {
            // Built around this client, which is never asked: one of its own reads the system's certificates first, 40 ms long.
            client: async_openai::Client::build(http, settings).with_http_service(service),
            capabilities: Capabilities {
                modalities: taken(modalities, config.dialect),
                space: space_of(config, modalities),
                model: config.model.clone(),
                section,
                mixes: shape.mixes,
                max_inputs: config.max_batch_inputs.min(shape.most_inputs),
                most_inputs: shape.most_inputs,
                max_tokens: config.max_batch_tokens,
                max_input_tokens: config.max_input_tokens,
            },
            tokenizer: Tokenizer::of_model(&config.model),
            own_tokenizer: config.tokenizer_file.as_deref().map(FromFile::open).transpose()?,
            shape,
            send_dimensions: config.send_dimensions,
            send_encoding_format: config.send_encoding_format,
            document_prefix: config.document_prefix.clone(),
            query_prefix: config.query_prefix.clone(),
            line,
        })
    }

    async fn request(&self, inputs: &[Input], role: Role) -> Result<Answer, RequestError> {
        let prefix = match role {
            Role::Document => &self.document_prefix,
            Role::Query => &self.query_prefix,
        };
        let request = Request {
            model: &self.capabilities.model,
            inputs: self.shape.body(inputs, prefix)?,
            encoding_format: self.send_encoding_format.then_some("base64"),
            dimensions: self.send_dimensions.then_some(self.capabilities.space.dimensions),
        };
        let body: Body = self
            .client
            .embeddings()
            .create_byot(request)
            .await
            .map_err(|error| self.judge(error))?;
        body.into_answer(inputs.len(), self.capabilities.section)
            .map_err(|error| self.clean(error))
    }

    fn count(&self, text: &str, enough: usize) -> Count {
        let count = |text: &str| match &self.own_tokenizer {
            Some(own) => own.count(text, enough),
            None => self.tokenizer.count(text, enough),
        };
        if self.document_prefix.is_empty() {
            return count(text);
        }
        count(&format!("{}{text}", self.document_prefix))
    }

    /// The error without the key: servers echo what they were sent.
    fn clean(&self, error: RequestError) -> RequestError {
        let key = self.line.key();
        let clean = |text: String| match &key {
            Some(key) => key.redact(&text),
            None => text,
        };
        match error {
            RequestError::Rejected(text) => RequestError::Rejected(clean(text)),
            RequestError::Outage(text) => RequestError::Outage(clean(text)),
            RequestError::Protocol(text) => RequestError::Protocol(clean(text)),
            RequestError::Fatal(text) => RequestError::Fatal(clean(text)),
            RequestError::Throttled { retry_after, message } => RequestError::Throttled {
                retry_after,
                message: clean(message),
            },
        }
    }

    fn judge(&self, error: OpenAIError) -> RequestError {
        let error = match error {
            OpenAIError::Boxed(boxed) => match boxed.downcast::<Carried>() {
                Ok(carried) => carried.0,
                Err(other) => RequestError::Outage(other.to_string()),
            },
            OpenAIError::JSONDeserialize(error, _) => {
                RequestError::Protocol(format!("the answer is not what was asked for: {error}"))
            }
            other => RequestError::Outage(other.to_string()),
        };
        self.clean(error)
    }
}

/// What can be sent to an embedder of these modalities. Whoever puts pictures or sounds into a space puts texts there too:
/// that is what the space is for, and queries are asked so.
fn taken(modalities: &[Modality], dialect: Dialect) -> Vec<Modality> {
    let mut taken = modalities.to_vec();
    if dialect != Dialect::Openai && !taken.contains(&Modality::Text) {
        taken.push(Modality::Text);
    }
    taken
}

/// The space of what a server's model makes. A space with a name of its own is told by that; a prefix goes before texts
/// only, so that it says nothing about the space of an embedder that takes none.
fn space_of(config: &EmbedConfig, modalities: &[Modality]) -> Space {
    let takes_texts = modalities.contains(&Modality::Text);
    let (provider, model) = match &config.space {
        Some(name) => ("named", name.clone()),
        None if config.provider == Provider::Teaching => ("teaching", config.model.clone()),
        None => ("openai", config.model.clone()),
    };
    Space {
        provider: provider.into(),
        model,
        dimensions: config.dimensions,
        prefix: if takes_texts {
            config.document_prefix.clone()
        } else {
            String::new()
        },
        // OpenAI's own come normalised; other servers may or may not, and nothing here changes a number.
        normalised: Tokenizer::of_model(&config.model) == Tokenizer::Cl100k,
    }
}

/// Sends one request and reads its answer within bounds. A success goes back to async-openai to be parsed.
async fn transport(
    http: &reqwest::Client,
    line: &Line,
    request: HttpRequestFactory,
) -> Result<reqwest::Response, RequestError> {
    let key = line.key();
    // What an earlier answer said of limits was obeyed already.
    *line.used_up.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let mut request = request
        .build()
        .await
        .map_err(|error| RequestError::Fatal(format!("the request cannot be built: {error}")))?;
    if let Some(key) = &key {
        let mut value = http::HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| {
            RequestError::Fatal("the embedder's key cannot be sent: it holds characters that no header takes".into())
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert(http::header::AUTHORIZATION, value);
    }
    let response = http
        .execute(request)
        .await
        .map_err(|error| unreachable_server(&error))?;
    let status = response.status();
    let headers = response.headers();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    *line.used_up.lock().unwrap_or_else(PoisonError::into_inner) = limits::used_up(header, SystemTime::now());
    if status.is_success() {
        let body = read_bounded(response, MAX_BODY_BYTES).await?;
        let rebuilt = http::Response::builder()
            .status(status)
            .body(body)
            .map_err(|error| RequestError::Protocol(error.to_string()))?;
        return Ok(rebuilt.into());
    }
    let pause = header("retry-after").and_then(|value| limits::retry_after(value, SystemTime::now()));
    // An error whose body does not come is still that error.
    let body = read_bounded(response, MAX_ERROR_BYTES).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    // Before anything is cut off: half a key is a secret too.
    let body = key.as_ref().map_or_else(|| body.to_string(), |key| key.redact(&body));
    Err(answer::judge(status.as_u16(), pause, &body, line.section))
}

async fn read_bounded(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, RequestError> {
    let too_large = || RequestError::Protocol(format!("the answer is larger than {most} bytes"));
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    // What the header promises is believed up to what a usual request's answer takes; more has to come first.
    let expected = response.content_length().unwrap_or(0).min(USUAL_BODY_BYTES);
    let mut body = Vec::with_capacity(expected as usize);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > most => return Err(too_large()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(unreachable_server(&error)),
        }
    }
}

/// Whether anybody answers at an address, within so long. Any answer will do, a refusal too: no key is sent, nothing is
/// embedded, nothing is paid for.
///
/// # Errors
/// Nobody answers there; with the whole chain of why.
pub async fn reach(base_url: &str, within: Duration) -> Result<(), RequestError> {
    let http = reqwest::Client::builder()
        .timeout(within)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| unreachable_server(&error))?;
    let url = format!("{}/models", base_url.trim_end_matches('/'));
    let asked = http.get(url).send().await;
    asked.map(drop).map_err(|error| unreachable_server(&error))
}

/// A connection that failed, with the whole chain: reqwest's own message stops at "error sending request".
fn unreachable_server(error: &reqwest::Error) -> RequestError {
    let mut message = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect to the embedder".to_owned()
    } else {
        "the connection to the embedder broke".to_owned()
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    RequestError::Outage(message)
}

impl Embedder for OpenAi {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn used_up(&self) -> Option<UsedUp> {
        *self.line.used_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_key(&self, key: Option<Secret>) {
        *self.line.key.write().unwrap_or_else(PoisonError::into_inner) = key;
    }

    fn count_tokens(&self, text: &str) -> Count {
        self.count(text, self.capabilities.max_input_tokens)
    }

    fn count_exactly(&self, text: &str) -> Count {
        self.count(text, 0)
    }

    fn embed<'a>(&'a self, inputs: &'a [Input], role: Role) -> BoxFuture<'a, Result<Answer, RequestError>> {
        self.request(inputs, role).boxed()
    }
}

/// Shared by those who need an embedder as a trait object.
impl From<OpenAi> for Arc<dyn Embedder> {
    fn from(embedder: OpenAi) -> Self {
        Arc::new(embedder)
    }
}
