//! What a question offers: the likeliest answer in its place, and what can be chosen.

use tui_input::Input;

use super::{Setup, Step};
use crate::config::template::EmbedderAnswer;
use crate::point::counted;
use crate::tasks::setup::{called, numbers};

impl Setup {
    /// Asks a question, with the likeliest answer in place.
    pub(super) fn ask(&mut self, step: Step) {
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
        let (base_url, model, dimensions, key) = match &self.answers.embedder {
            EmbedderAnswer::Openai {
                base_url,
                model,
                dimensions,
                api_key_env,
            } => (
                base_url.clone(),
                model.clone(),
                *dimensions,
                api_key_env.clone().unwrap_or_default(),
            ),
            _ => (String::new(), String::new(), 0, String::new()),
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
            Step::Dimensions => likeliest(&model, openai, self.vector().map(|(_, size)| size)),
            Step::EmbedKey => kept(&key, if openai { "OPENAI_API_KEY" } else { "" }),
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
                .map(|(name, size)| (called(name).to_owned(), numbers(*size)))
                .collect(),
            Step::Content if self.fields.is_empty() => owned(&[carry]),
            Step::Content => self
                .fields
                .iter()
                .map(|field| {
                    let about = format!(
                        "in {} % of a sample, mean {}",
                        percent(field.share),
                        counted(field.mean_chars.round() as u64, "character", "characters")
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
    pub fn question(&self) -> String {
        if self.step == Step::Content && self.fields.is_empty() {
            return format!("{} ({})", Step::Embedder.question(), self.no_text());
        }
        self.step.question().to_owned()
    }

    /// What is said where no field holds a text: nobody knows more than the sample shows.
    pub fn no_text(&self) -> String {
        match self.sampled {
            0 => "there is no point to sample".to_owned(),
            points => format!(
                "of {} none holds a text",
                counted(points, "sampled point", "sampled points")
            ),
        }
    }
}

/// The likeliest size of a model's embeddings: as the chosen vector's where the model can be asked for that. Only
/// OpenAI itself is asked; elsewhere a model gives all it has.
fn likeliest(model: &str, openai: bool, vector: Option<usize>) -> String {
    let (usual, most) = match model {
        "text-embedding-3-large" => (1_536, 3_072),
        "text-embedding-3-small" => (1_536, 1_536),
        "text-embedding-ada-002" => return "1536".to_owned(),
        _ => return String::new(),
    };
    let size = if openai {
        vector.filter(|size| *size <= most).unwrap_or(usual)
    } else {
        most
    };
    size.to_string()
}

/// A share as percent: what is not whole is never 100, and what is there never 0.
fn percent(share: f64) -> u64 {
    match (share * 100.0).round() as u64 {
        _ if share >= 1.0 => 100,
        rounded => rounded.clamp(1, 99),
    }
}

fn owned(choices: &[(&str, &str)]) -> Vec<(String, String)> {
    choices
        .iter()
        .map(|(name, about)| ((*name).to_owned(), (*about).to_owned()))
        .collect()
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
