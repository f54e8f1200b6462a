//! The questions about who embeds.

use super::answer::is_variable;
use super::{Next, Setup, Step, Try};
use crate::config::template::EmbedderAnswer;

impl Setup {
    pub(super) fn embedder_chosen(&mut self) -> Next {
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

    pub(super) fn embedder_answer(&mut self, text: String) -> Next {
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
                if *base_url != text {
                    // A key is for one server.
                    *api_key_env = None;
                }
                base_url.clone_from(&text);
                return self.tried_with(Try::Server(text));
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
}
