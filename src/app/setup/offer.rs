//! What a question offers: the likeliest answer in its place, and what can be chosen.

use tui_input::Input;

use super::{Setup, Step};
use crate::config::template::EmbedderAnswer;
use crate::point::grouped;

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
