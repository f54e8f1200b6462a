//! What an answer leads to: the next question, or a try, and what came of that. An answer that cannot be is refused
//! with the reason, and the question stays.

use super::{Next, Setup, Step, Tried, Try};
use crate::config::template::EmbedderAnswer;
use crate::tasks::setup::{Refusal, SourceAnswer};

impl Setup {
    fn source(&self) -> SourceAnswer {
        SourceAnswer {
            url: self.answers.url.clone(),
            api_key_env: self.answers.source_key_env.clone(),
            collection: self.answers.collection.clone(),
        }
    }

    pub(super) fn refuse(&mut self, why: impl Into<String>) -> Next {
        self.error = Some(why.into());
        Next::Stay
    }

    pub(super) fn tried_with(&mut self, what: Try) -> Next {
        self.trying = true;
        self.error = None;
        Next::Try(what)
    }

    pub(super) fn answer(&mut self) -> Next {
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
            // Nothing was refused yet: the next question says what is wanted.
            (Step::Url, Tried::Collections(Err(Refusal::NeedsKey(_)))) => self.go_to(Step::SourceKey),
            (Step::Collection | Step::Vector, Tried::Fields(Ok(sample))) => {
                (self.sampled, self.fields) = (sample.points, sample.fields);
                if self.fields.is_empty() && !self.can_carry {
                    let why = format!("{}, and it has no dense vector to carry over", self.no_text());
                    self.error = Some(why);
                } else {
                    self.go_to(Step::Content);
                }
            }
            // Where nothing can be embedded, it is settled who does.
            (Step::Table, Tried::Target(Ok(()))) if self.fields.is_empty() => self.go_to(Step::Review),
            (Step::Table, Tried::Target(Ok(()))) => self.go_to(Step::Embedder),
            (Step::BaseUrl, Tried::Server(Ok(()))) => self.go_to(Step::Model),
            (Step::Embedder | Step::EmbedKey, Tried::Embedder(Ok(_))) => self.go_to(Step::Review),
            // It can be said where it was asked for, with the right one in place.
            (Step::EmbedKey, Tried::Embedder(Err(Refusal::OtherSize { why, size }))) => {
                if let EmbedderAnswer::Openai { dimensions, .. } = &mut self.answers.embedder {
                    *dimensions = size;
                }
                self.back_to(Step::Dimensions);
                self.error = Some(why);
            }
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

/// Whether a text can name an environment variable; a pasted key cannot.
pub(super) fn is_variable(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !text.is_empty() && text.len() <= 64 && text.chars().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit())
}
