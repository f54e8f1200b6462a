//! The set-up: a few questions where there is no configuration, each answer tried at once. State only; what is tried is
//! asked for as a [`Try`] and comes back as a [`Tried`].
//!
//! ```text
//! url -> (key) -> collection -> content -> uri -> table -> embedder -> (base url -> model -> dimensions -> key) -> review
//! ```

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use crate::config::template::{Answers, EmbedderAnswer};
use crate::tasks::setup::{CollectionChoice, FieldChoice, Refusal, SourceAnswer};

/// Characters of an answer.
const MAX_CHARS: usize = 500;

/// The questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Where Qdrant is.
    Url,
    /// Which variable holds its key.
    SourceKey,
    /// Which collection.
    Collection,
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
            Self::Content => "Which payload field holds the text to embed?",
            Self::Uri => "Where does the LanceDB database lie? (a directory)",
            Self::Table => "What is the table called?",
            Self::Embedder => "Who makes the embeddings?",
            Self::BaseUrl => "Where is the embedder? (up to and with /v1)",
            Self::Model => "Which model?",
            Self::Dimensions => "How many numbers does an embedding have?",
            Self::EmbedKey => "Which environment variable holds the embedder's key? (empty: none is needed)",
            Self::Review => "This is written. Enter writes it and shows what a run would do.",
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
    /// The chosen one.
    pub selected: usize,
    /// Whether an answer is being tried.
    pub trying: bool,
    /// Why the last answer was not taken.
    pub error: Option<String>,
    /// The answers so far.
    pub answers: Answers,
    collections: Vec<CollectionChoice>,
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
        self.choices = match step {
            Step::Collection => self
                .collections
                .iter()
                .map(|c| (c.name.clone(), c.about.clone()))
                .collect(),
            Step::Content => self
                .fields
                .iter()
                .map(|field| {
                    let about = format!(
                        "in {:.0} % of a sample, {:.0} characters",
                        field.share * 100.0,
                        field.mean_chars
                    );
                    (field.name.clone(), about)
                })
                .collect(),
            Step::Embedder => [
                ("all-MiniLM-L6-v2 in process", "384 numbers, text only, free, no server"),
                (
                    "OpenAI, or a server that speaks its API",
                    "text-embedding-3-large and others",
                ),
                ("nobody: carry Qdrant's vectors over", "nothing is embedded"),
            ]
            .map(|(name, about)| (name.to_owned(), about.to_owned()))
            .into(),
            _ => Vec::new(),
        };
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
        let last = self.choices.len().saturating_sub(1);
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
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down => self.selected = (self.selected + 1).min(last),
            KeyCode::Char(_) if self.input.value().chars().count() >= MAX_CHARS => {}
            _ if self.choices.is_empty() && self.step != Step::Review => {
                self.error = None;
                self.input.handle_event(&Event::Key(key));
            }
            _ => {}
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
                self.answers.vector = self.collections[self.selected]
                    .vectors
                    .first()
                    .map_or_else(String::new, |(name, _)| name.clone());
                self.answers.collection = name;
                let source = self.source();
                self.tried_with(Try::Fields(source))
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

    fn embedder_chosen(&mut self) -> Next {
        match self.selected {
            1 => {
                if !matches!(self.answers.embedder, EmbedderAnswer::Openai { .. }) {
                    self.answers.embedder = EmbedderAnswer::Openai {
                        base_url: String::new(),
                        model: String::new(),
                        dimensions: 0,
                        api_key_env: None,
                    };
                }
                self.go_to(Step::BaseUrl);
            }
            carry => {
                self.answers.embedder = if carry == 0 {
                    EmbedderAnswer::Minilm
                } else {
                    EmbedderAnswer::Carry
                };
                if carry == 0 {
                    let text = self.answers.to_toml();
                    return self.tried_with(Try::Embedder(text));
                }
                self.go_to(Step::Review);
            }
        }
        Next::Stay
    }

    fn embedder_answer(&mut self, text: String) -> Next {
        let step = self.step;
        let EmbedderAnswer::Openai {
            base_url,
            model,
            dimensions,
            api_key_env,
        } = &mut self.answers.embedder
        else {
            return Next::Stay;
        };
        let next = match step {
            Step::BaseUrl if !["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) => {
                return self.refuse("say for example http://localhost:8000/v1");
            }
            Step::BaseUrl => {
                *base_url = text;
                Step::Model
            }
            Step::Model if text.is_empty() => return self.refuse("name the model as the server knows it"),
            Step::Model => {
                *model = text;
                Step::Dimensions
            }
            Step::Dimensions => match text.parse().ok().filter(|number| (1..=65_536).contains(number)) {
                Some(number) => {
                    *dimensions = number;
                    Step::EmbedKey
                }
                None => return self.refuse("say a number from 1 to 65536"),
            },
            _ => {
                if !text.is_empty() && !is_variable(&text) {
                    return self.refuse("say the name of the variable, not the key");
                }
                *api_key_env = (!text.is_empty()).then_some(text);
                let file = self.answers.to_toml();
                return self.tried_with(Try::Embedder(file));
            }
        };
        self.go_to(next);
        Next::Stay
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
            (Step::Collection, Tried::Fields(Ok(fields))) if fields.is_empty() => {
                self.error =
                    Some("no payload field of its sampled points holds a text; only `carry` would work".into());
            }
            (Step::Collection, Tried::Fields(Ok(fields))) => {
                self.fields = fields;
                self.go_to(Step::Content);
            }
            (Step::Table, Tried::Target(Ok(()))) => self.go_to(Step::Embedder),
            (Step::Embedder | Step::EmbedKey, Tried::Embedder(Ok(_))) => self.go_to(Step::Review),
            (
                _,
                Tried::Collections(Err(why))
                | Tried::Fields(Err(why))
                | Tried::Target(Err(why))
                | Tried::Embedder(Err(why)),
            ) => {
                let (Refusal::NeedsKey(why) | Refusal::Because(why)) = why;
                self.error = Some(why);
            }
            _ => {}
        }
    }
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
mod tests {
    use super::*;
    use crate::config::Config;
    use crossterm::event::KeyModifiers;

    fn press(setup: &mut Setup, code: KeyCode) -> Next {
        setup.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn say(setup: &mut Setup, text: &str) -> Next {
        setup.input = Input::new(text.to_owned());
        press(setup, KeyCode::Enter)
    }

    fn collection() -> CollectionChoice {
        CollectionChoice {
            name: "messages".into(),
            about: "3 points".into(),
            vectors: vec![(String::new(), 8)],
        }
    }

    fn fields() -> Vec<FieldChoice> {
        ["body", "title"]
            .map(|name| FieldChoice {
                name: name.into(),
                share: 1.0,
                mean_chars: 30.0,
            })
            .into()
    }

    #[test]
    fn a_whole_way_through_writes_a_configuration() {
        let mut setup = Setup::new();
        assert_eq!(setup.input.value(), "http://localhost:6334");
        let Next::Try(Try::Collections(asked)) = press(&mut setup, KeyCode::Enter) else {
            panic!("the address is tried")
        };
        assert_eq!(asked.url, "http://localhost:6334");
        setup.tried(Tried::Collections(Err(Refusal::NeedsKey("no key".into()))));
        assert_eq!((setup.step, setup.error.as_deref()), (Step::SourceKey, Some("no key")));
        assert_eq!(say(&mut setup, "sk-very-secret"), Next::Stay, "a key is not a variable");
        assert!(matches!(say(&mut setup, "QDRANT_KEY"), Next::Try(Try::Collections(_))));
        setup.tried(Tried::Collections(Ok(vec![collection()])));
        assert!(matches!(press(&mut setup, KeyCode::Enter), Next::Try(Try::Fields(_))));
        setup.tried(Tried::Fields(Ok(fields())));
        press(&mut setup, KeyCode::Enter);
        assert_eq!((setup.step, setup.input.value()), (Step::Uri, "messages.lance"));
        press(&mut setup, KeyCode::Enter);
        assert!(matches!(press(&mut setup, KeyCode::Enter), Next::Try(Try::Target(..))));
        setup.tried(Tried::Target(Err(Refusal::Because("it is there".into()))));
        assert_eq!(setup.error.as_deref(), Some("it is there"));
        assert!(matches!(say(&mut setup, "messages2"), Next::Try(Try::Target(..))));
        setup.tried(Tried::Target(Ok(())));
        press(&mut setup, KeyCode::Down);
        press(&mut setup, KeyCode::Enter);
        say(&mut setup, "http://localhost:8000/v1");
        say(&mut setup, "bge");
        say(&mut setup, "many");
        assert!(setup.error.is_some());
        say(&mut setup, "768");
        let Next::Try(Try::Embedder(text)) = say(&mut setup, "") else {
            panic!("the embedder is tried")
        };
        setup.tried(Tried::Embedder(Ok(768)));
        assert_eq!(setup.step, Step::Review);
        assert_eq!(press(&mut setup, KeyCode::Enter), Next::Write(text.clone()));
        let config = Config::parse(&text, "qlance.toml", std::path::Path::new("/base")).expect("a configuration");
        assert_eq!(config.source.content, "body");
        assert_eq!(config.source.api_key_env.as_deref(), Some("QDRANT_KEY"));
        assert_eq!(config.embed.text.model, "bge");
        assert!(!text.contains("secret"));
    }

    #[test]
    fn escape_goes_back_step_by_step_and_late_answers_are_dropped() {
        let mut setup = Setup::new();
        press(&mut setup, KeyCode::Enter);
        assert_eq!(press(&mut setup, KeyCode::Esc), Next::Leave);
        let mut setup = Setup::new();
        press(&mut setup, KeyCode::Enter);
        setup.tried(Tried::Collections(Ok(vec![collection()])));
        press(&mut setup, KeyCode::Enter);
        press(&mut setup, KeyCode::Esc);
        assert_eq!(setup.step, Step::Url);
        setup.tried(Tried::Fields(Ok(fields())));
        assert_eq!(setup.step, Step::Url, "nobody waits for it any more");
    }
}
