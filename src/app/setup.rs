//! The set-up: a few questions where there is no configuration, each answer tried at once. State only; what is tried is
//! asked for as a [`Try`] and comes back as a [`Tried`].
//!
//! ```text
//! url -> (key) -> collection -> (vector) -> content -> uri -> table
//!     -> embedder -> (base url -> model -> dimensions -> key) -> review
//! ```

mod embedder;
pub mod given;

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use crate::config::template::{Answers, EmbedderAnswer};
use crate::point::grouped;
use crate::tasks::setup::{CollectionChoice, FieldChoice, Refusal, SourceAnswer};

/// Characters of an answer.
const MAX_CHARS: usize = 500;
/// Lines of a list that a page has.
const PAGE: usize = 10;

/// The questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Where Qdrant is.
    Url,
    /// Which variable holds its key.
    SourceKey,
    /// Which collection.
    Collection,
    /// Which of its dense vectors, where there are several.
    Vector,
    /// Which field is embedded.
    Content,
    /// Where the table lies.
    Uri,
    /// What it is called.
    Table,
    /// Who embeds.
    Embedder,
    /// Where the embedder is.
    BaseUrl,
    /// Which model.
    Model,
    /// How many numbers.
    Dimensions,
    /// Which variable holds its key.
    EmbedKey,
    /// Everything once more.
    Review,
}

impl Step {
    /// The question.
    pub fn question(self) -> &'static str {
        match self {
            Self::Url => "Where is Qdrant? (gRPC address, or embedded:DIR)",
            Self::SourceKey => "Qdrant wants a key. Which environment variable holds it?",
            Self::Collection => "Which collection is moved?",
            Self::Vector => "Which of its dense vectors is embedded anew, or carried over?",
            Self::Content => "Which payload field holds the text to embed?",
            Self::Uri => "Where does the LanceDB database lie? (a directory)",
            Self::Table => "What is the table called?",
            Self::Embedder => "Who makes the embeddings?",
            Self::BaseUrl => "Where is the embedder? (up to and with /v1)",
            Self::Model => "Which model?",
            Self::Dimensions => "How many numbers does an embedding have?",
            Self::EmbedKey => "Which environment variable holds the embedder's key? (empty: none is needed)",
            Self::Review => "This will be written; Enter writes it and shows what a run would do.",
        }
    }
}

/// What must be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Try {
    /// The collections of a server.
    Collections(SourceAnswer),
    /// The fields of a collection.
    Fields(SourceAnswer),
    /// A table at a place.
    Target(String, String),
    /// Whether anybody answers at the embedder's address.
    Server(String),
    /// The embedder of this configuration text.
    Embedder(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Tried {
    /// The collections.
    Collections(Result<Vec<CollectionChoice>, Refusal>),
    /// The fields.
    Fields(Result<Vec<FieldChoice>, Refusal>),
    /// The table can be made.
    Target(Result<(), Refusal>),
    /// Somebody answers at the embedder's address.
    Server(Result<(), Refusal>),
    /// The embedder gives so many numbers.
    Embedder(Result<usize, Refusal>),
}

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing outside.
    Stay,
    /// This must be tried.
    Try(Try),
    /// Write this, and go on.
    Write(String),
    /// Leave; nothing was written.
    Leave,
}

/// The state.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The question that is asked.
    pub step: Step,
    /// The steps before it, for going back.
    path: Vec<Step>,
    /// What is being typed.
    pub input: Input,
    /// What can be chosen, with a word about each.
    pub choices: Vec<(String, String)>,
    /// The chosen one; at the review the first line that is shown.
    pub selected: usize,
    /// Whether an answer is being tried.
    pub trying: bool,
    /// Why the last answer was not taken.
    pub error: Option<String>,
    /// The answers so far.
    pub answers: Answers,
    collections: Vec<CollectionChoice>,
    /// The dense vectors of the chosen collection.
    vectors: Vec<(String, usize)>,
    /// Whether they may be carried over: there is one, or nobody looked.
    can_carry: bool,
    /// The fields of the chosen collection that hold texts; where there are none, its vectors are carried over.
    fields: Vec<FieldChoice>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// The first question.
    pub fn new() -> Self {
        let mut setup = Self {
            step: Step::Url,
            path: Vec::new(),
            input: Input::default(),
            choices: Vec::new(),
            selected: 0,
            trying: false,
            error: None,
            answers: Answers::default(),
            collections: Vec::new(),
            vectors: Vec::new(),
            can_carry: false,
            fields: Vec::new(),
        };
        setup.ask(Step::Url);
        setup
    }

    /// Asks a question, with the likeliest answer in place.
    fn ask(&mut self, step: Step) {
        self.step = step;
        self.error = None;
        self.selected = 0;
        self.choices = Vec::new();
        let kept = |kept: &str, else_say: &str| {
            if kept.is_empty() {
                else_say.to_owned()
            } else {
                kept.to_owned()
            }
        };
        let (base_url, model, dimensions) = match &self.answers.embedder {
            EmbedderAnswer::Openai {
                base_url,
                model,
                dimensions,
                ..
            } => (base_url.clone(), model.clone(), *dimensions),
            _ => (String::new(), String::new(), 0),
        };
        let openai = base_url.contains("api.openai.com");
        let value = match step {
            Step::Url => kept(&self.answers.url, "http://localhost:6334"),
            Step::SourceKey => "QDRANT_API_KEY".to_owned(),
            Step::Uri => kept(&self.answers.uri, &format!("{}.lance", plain(&self.answers.collection))),
            Step::Table => kept(&self.answers.table, &plain(&self.answers.collection)),
            Step::BaseUrl => kept(&base_url, "https://api.openai.com/v1"),
            Step::Model => kept(&model, if openai { "text-embedding-3-large" } else { "" }),
            Step::Dimensions if dimensions > 0 => dimensions.to_string(),
            Step::Dimensions => match model.as_str() {
                "text-embedding-3-large" | "text-embedding-3-small" | "text-embedding-ada-002" => "1536".to_owned(),
                _ => String::new(),
            },
            Step::EmbedKey if openai => "OPENAI_API_KEY".to_owned(),
            _ => String::new(),
        };
        self.input = Input::new(value);
        self.choices = self.choices_of(step);
    }

    /// What can be answered, where it is chosen and not typed.
    fn choices_of(&self, step: Step) -> Vec<(String, String)> {
        let carry = ("nobody: carry Qdrant's vectors over", "nothing is embedded");
        match step {
            Step::Collection => self
                .collections
                .iter()
                .map(|c| (c.name.clone(), c.about.clone()))
                .collect(),
            Step::Vector => self
                .vectors
                .iter()
                .map(|(name, size)| {
                    let name = if name.is_empty() { "(unnamed)" } else { name.as_str() };
                    (name.to_owned(), format!("{} numbers", grouped(*size as u64)))
                })
                .collect(),
            Step::Content if self.fields.is_empty() => owned(&[carry]),
            Step::Content => self
                .fields
                .iter()
                .map(|field| {
                    let about = format!(
                        "in {:.0} % of a sample, {} characters",
                        field.share * 100.0,
                        grouped(field.mean_chars.round() as u64)
                    );
                    (field.name.clone(), about)
                })
                .collect(),
            // As `given::PROVIDERS` calls them.
            Step::Embedder => owned(&[
                ("all-MiniLM-L6-v2 in process", "384 numbers, text only, free"),
                (
                    "OpenAI, or a server that speaks its API",
                    "text-embedding-3-large and others",
                ),
                carry,
            ]),
            _ => Vec::new(),
        }
    }

    /// The question that is asked.
    pub fn question(&self) -> &'static str {
        if self.step == Step::Content && self.fields.is_empty() {
            return "No payload field holds a text. Who makes the embeddings?";
        }
        self.step.question()
    }

    /// Whether the keys walk through a list, or through the lines of the file.
    pub fn is_list(&self) -> bool {
        !self.choices.is_empty() || self.step == Step::Review
    }

    /// Keeps the walk through the file from going past its end; only the layout knows how many lines lie below.
    pub fn hold(&mut self, most: usize) {
        if self.step == Step::Review {
            self.selected = self.selected.min(most);
        }
    }

    fn go_to(&mut self, step: Step) {
        self.path.push(self.step);
        self.ask(step);
    }

    /// Whether this is the first question.
    pub fn path_is_empty(&self) -> bool {
        self.path.is_empty()
    }

    /// Whether a question was answered.
    pub fn has_passed(&self, step: Step) -> bool {
        self.path.contains(&step)
    }

    fn source(&self) -> SourceAnswer {
        SourceAnswer {
            url: self.answers.url.clone(),
            api_key_env: self.answers.source_key_env.clone(),
            collection: self.answers.collection.clone(),
        }
    }

    /// A key.
    pub fn key(&mut self, key: KeyEvent) -> Next {
        let last = match self.step {
            // The lines of the file are walked through.
            Step::Review => self.answers.to_toml().lines().count(),
            _ => self.choices.len(),
        }
        .saturating_sub(1);
        match key.code {
            KeyCode::Esc => {
                // What is being tried is forgotten; its answer comes too late.
                self.trying = false;
                return match self.path.pop() {
                    Some(step) => {
                        self.ask(step);
                        Next::Stay
                    }
                    None => Next::Leave,
                };
            }
            _ if self.trying => {}
            KeyCode::Enter => return self.answer(),
            code if self.is_list() => {
                self.selected = match code {
                    KeyCode::Up | KeyCode::Char('k') => self.selected.saturating_sub(1),
                    KeyCode::Down | KeyCode::Char('j') => self.selected + 1,
                    KeyCode::PageUp => self.selected.saturating_sub(PAGE),
                    KeyCode::PageDown => self.selected + PAGE,
                    KeyCode::Home | KeyCode::Char('g') => 0,
                    KeyCode::End | KeyCode::Char('G') => last,
                    _ => self.selected,
                }
                .min(last);
            }
            KeyCode::Char(_) if self.input.value().chars().count() >= MAX_CHARS => {}
            _ => {
                self.error = None;
                self.input.handle_event(&Event::Key(key));
            }
        }
        Next::Stay
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) {
        if self.choices.is_empty() && !self.trying {
            for letter in text.chars().filter(|c| !c.is_control()).take(MAX_CHARS) {
                self.input.handle(tui_input::InputRequest::InsertChar(letter));
            }
        }
    }

    fn refuse(&mut self, why: impl Into<String>) -> Next {
        self.error = Some(why.into());
        Next::Stay
    }

    fn tried_with(&mut self, what: Try) -> Next {
        self.trying = true;
        self.error = None;
        Next::Try(what)
    }

    fn answer(&mut self) -> Next {
        let text = self.input.value().trim().to_owned();
        let chosen = self.choices.get(self.selected).map(|(name, _)| name.clone());
        match self.step {
            Step::Url => {
                if !["http://", "https://", "embedded:"]
                    .iter()
                    .any(|scheme| text.starts_with(scheme))
                {
                    return self.refuse("say http://HOST:6334, https://HOST:6334 or embedded:DIR");
                }
                self.answers.url = text;
                self.answers.source_key_env = None;
                let source = self.source();
                self.tried_with(Try::Collections(source))
            }
            Step::SourceKey => {
                if !is_variable(&text) {
                    return self.refuse("say the name of the variable, not the key");
                }
                self.answers.source_key_env = Some(text);
                let source = self.source();
                self.tried_with(Try::Collections(source))
            }
            Step::Collection => {
                let Some(name) = chosen else { return Next::Stay };
                let Some(collection) = self.collections.get(self.selected) else {
                    return Next::Stay;
                };
                self.vectors.clone_from(&collection.vectors);
                self.can_carry = !self.vectors.is_empty() || collection.about.is_empty();
                self.answers.vector = self.vectors.first().map_or_else(String::new, |(name, _)| name.clone());
                self.answers.collection = name;
                if self.vectors.len() > 1 {
                    self.go_to(Step::Vector);
                    return Next::Stay;
                }
                let source = self.source();
                self.tried_with(Try::Fields(source))
            }
            Step::Vector => {
                let Some((name, _)) = self.vectors.get(self.selected) else {
                    return Next::Stay;
                };
                self.answers.vector.clone_from(name);
                let source = self.source();
                self.tried_with(Try::Fields(source))
            }
            Step::Content if self.fields.is_empty() => {
                self.answers.content = String::new();
                self.answers.profile = "inferred";
                self.answers.embedder = EmbedderAnswer::Carry;
                self.go_to(Step::Uri);
                Next::Stay
            }
            Step::Content => {
                let Some(name) = chosen else { return Next::Stay };
                let choir = ["thread_id", "created_at"]
                    .iter()
                    .all(|key| self.fields.iter().any(|f| f.name == *key));
                self.answers.profile = if choir && name == "content" {
                    "choir"
                } else {
                    "inferred"
                };
                self.answers.content = name;
                self.go_to(Step::Uri);
                Next::Stay
            }
            Step::Uri if text.is_empty() => self.refuse("name a directory"),
            Step::Uri => {
                self.answers.uri = text;
                self.go_to(Step::Table);
                Next::Stay
            }
            Step::Table => {
                if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
                    return self.refuse("use letters, digits, '_', '-' and '.'");
                }
                self.answers.table.clone_from(&text);
                let uri = self.answers.uri.clone();
                self.tried_with(Try::Target(uri, text))
            }
            Step::Embedder => self.embedder_chosen(),
            Step::BaseUrl | Step::Model | Step::Dimensions | Step::EmbedKey => self.embedder_answer(text),
            Step::Review => Next::Write(self.answers.to_toml()),
        }
    }

    /// What came of an answer that was tried.
    pub fn tried(&mut self, tried: Tried) {
        if !std::mem::take(&mut self.trying) {
            return;
        }
        match (self.step, tried) {
            (Step::Url | Step::SourceKey, Tried::Collections(Ok(collections))) => {
                self.collections = collections;
                self.go_to(Step::Collection);
            }
            (Step::Url, Tried::Collections(Err(Refusal::NeedsKey(why)))) => {
                self.go_to(Step::SourceKey);
                self.error = Some(why);
            }
            (Step::Collection | Step::Vector, Tried::Fields(Ok(fields))) if fields.is_empty() && !self.can_carry => {
                let why =
                    "no payload field of its sampled points holds a text, and it has no dense vector to carry over";
                self.error = Some(why.into());
            }
            (Step::Collection | Step::Vector, Tried::Fields(Ok(fields))) => {
                self.fields = fields;
                self.go_to(Step::Content);
            }
            // Where nothing can be embedded, it is settled who does.
            (Step::Table, Tried::Target(Ok(()))) if self.fields.is_empty() => self.go_to(Step::Review),
            (Step::Table, Tried::Target(Ok(()))) => self.go_to(Step::Embedder),
            (Step::BaseUrl, Tried::Server(Ok(()))) => self.go_to(Step::Model),
            (Step::Embedder | Step::EmbedKey, Tried::Embedder(Ok(_))) => self.go_to(Step::Review),
            (
                _,
                Tried::Collections(Err(why))
                | Tried::Fields(Err(why))
                | Tried::Target(Err(why))
                | Tried::Server(Err(why))
                | Tried::Embedder(Err(why)),
            ) => {
                self.error = Some(why.why().to_owned());
            }
            _ => {}
        }
    }
}

fn owned(choices: &[(&str, &str)]) -> Vec<(String, String)> {
    choices
        .iter()
        .map(|(name, about)| ((*name).to_owned(), (*about).to_owned()))
        .collect()
}

/// Whether a text can name an environment variable; a pasted key cannot.
fn is_variable(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !text.is_empty() && text.len() <= 64 && text.chars().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// A name fit for files and tables.
fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    if plain.is_empty() { "points".to_owned() } else { plain }
}

#[cfg(test)]
mod tests;
