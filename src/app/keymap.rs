//! Which key does what: the registry's own keys, and those that the configuration puts in their place.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::actions::{ACTIONS, Action};
use super::key::{Key, ParseKeyError};
use super::screen::Screen;
use crate::config::Keys;

/// What is wrong with `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// There is no such action.
    #[error("keys.{name}: there is no such action{hint}")]
    UnknownAction {
        /// The name in the configuration.
        name: String,
        /// The nearest there is.
        hint: String,
    },
    /// The text names no key.
    #[error("keys.{name}: {error}")]
    BadKey {
        /// The action.
        name: String,
        /// What is wrong.
        error: ParseKeyError,
    },
    /// The key cannot be given to anything else.
    #[error("keys.{name}: Ctrl-C stops and Ctrl-Z suspends wherever one is; neither can be changed")]
    Fixed {
        /// The action.
        name: String,
    },
    /// Two actions of one screen have one key.
    #[error("keys: {key} would mean both `{first}` and `{second}`; give one of them another key")]
    Conflict {
        /// The key.
        key: String,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// The keys of every action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// By the action's place in the registry.
    keys: Vec<Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        match Self::new(&BTreeMap::new()) {
            Ok(keymap) => keymap,
            Err(error) => unreachable!("the registry's own keys are tested: {error}"),
        }
    }
}

impl Keymap {
    /// The registry's keys, with those of the configuration in their place.
    ///
    /// # Errors
    /// An unknown action, a text that names no key, or one key for two actions of a screen.
    pub fn new(configured: &BTreeMap<String, Keys>) -> Result<Self, KeymapError> {
        for name in configured.keys() {
            if !ACTIONS.iter().any(|action| action.name == name) {
                let nearest = ACTIONS
                    .iter()
                    .map(|action| (strsim::jaro_winkler(name, action.name), action.name))
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                let hint = nearest.map_or_else(String::new, |(_, nearest)| format!("; did you mean `{nearest}`?"));
                return Err(KeymapError::UnknownAction {
                    name: name.clone(),
                    hint,
                });
            }
        }
        if let Some(name) = configured.keys().find(|name| *name == "suspend") {
            return Err(KeymapError::Fixed { name: name.clone() });
        }
        let mut keys = Vec::with_capacity(ACTIONS.len());
        for action in ACTIONS {
            let texts: Vec<&str> = match configured.get(action.name) {
                Some(own) => own.list().iter().map(String::as_str).collect(),
                None => action.keys.to_vec(),
            };
            let parsed: Result<Vec<Key>, ParseKeyError> = texts.into_iter().map(str::parse).collect();
            let parsed = parsed.map_err(|error| KeymapError::BadKey {
                name: action.name.to_owned(),
                error,
            })?;
            // Ctrl-C and Ctrl-Z hold everywhere, whatever is being typed.
            let fixed = |key: &Key| ["Ctrl-C", "Ctrl-Z"].contains(&key.to_string().as_str());
            if action.name != "suspend" && parsed.iter().any(fixed) {
                return Err(KeymapError::Fixed {
                    name: action.name.to_owned(),
                });
            }
            keys.push(parsed);
        }
        let keymap = Self { keys };
        keymap.refuse_conflicts()?;
        Ok(keymap)
    }

    fn refuse_conflicts(&self) -> Result<(), KeymapError> {
        for (screen, _) in Screen::ALL {
            let mut seen: BTreeMap<String, &'static str> = BTreeMap::new();
            for (action, keys) in ACTIONS.iter().zip(&self.keys) {
                if !action.applies_to(screen) {
                    continue;
                }
                for key in keys {
                    if let Some(first) = seen.insert(key.to_string(), action.name) {
                        return Err(KeymapError::Conflict {
                            key: key.to_string(),
                            first,
                            second: action.name,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// The action of a key on a screen.
    pub fn find(&self, screen: Screen, event: KeyEvent) -> Option<&'static Action> {
        let key = Key::from(event);
        ACTIONS
            .iter()
            .zip(&self.keys)
            .find(|(action, keys)| action.applies_to(screen) && keys.contains(&key))
            .map(|(action, _)| action)
    }

    /// The keys of an action, as text.
    pub fn keys(&self, action: &Action) -> Vec<String> {
        let place = ACTIONS.iter().position(|other| std::ptr::eq(other, action));
        let keys = place.and_then(|place| self.keys.get(place));
        keys.into_iter().flatten().map(Key::to_string).collect()
    }

    /// The first key of an action, for the footer; empty where it has none.
    pub fn first(&self, action: &Action) -> String {
        self.keys(action).into_iter().next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};

    fn configured(name: &str, keys: &[&str]) -> Result<Keymap, KeymapError> {
        let keys = Keys::Many(keys.iter().map(|key| (*key).to_owned()).collect());
        Keymap::new(&BTreeMap::from([(name.to_owned(), keys)]))
    }

    fn name(keymap: &Keymap, screen: Screen, code: KeyCode) -> Option<&'static str> {
        let event = KeyEvent::new(code, KeyModifiers::NONE);
        keymap.find(screen, event).map(|action| action.name)
    }

    #[test]
    fn a_configured_key_takes_the_place_of_the_actions_own() {
        let keymap = configured("retry", &["F5", "t"]).expect("a keymap");
        assert_eq!(name(&keymap, Screen::Failures, KeyCode::F(5)), Some("retry"));
        assert_eq!(name(&keymap, Screen::Failures, KeyCode::Char('t')), Some("retry"));
        assert_eq!(name(&keymap, Screen::Failures, KeyCode::Char('r')), None);
        assert_eq!(name(&keymap, Screen::Migrate, KeyCode::F(5)), None, "another screen");
        let without = configured("sort", &[]).expect("a keymap");
        assert_eq!(name(&without, Screen::Failures, KeyCode::Char('o')), None, "taken away");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (action, keys, wanted) in [
            ("retri", &["r"][..], "did you mean `retry`"),
            ("retry", &["rr"], "names no key"),
            ("retry", &["s"], "both `retry` and `skip`"),
            ("pause-or-resume", &["q"], "`quit`"),
            ("suspend", &["F9"], "neither can be changed"),
            ("retry", &["ctrl-c"], "neither can be changed"),
        ] {
            let error = configured(action, keys).expect_err(action).to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
