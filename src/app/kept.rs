//! What is found out once and kept, where every frame and every key would find it out anew. Owns nothing that could not
//! be found out again: whoever changes what it is about puts an empty one in its place.

use std::cell::Cell;

/// A value, and what it was found for.
#[derive(Debug, Clone)]
pub struct Kept<K: Copy, V: Copy>(Cell<Option<(K, V)>>);

impl<K: Copy, V: Copy> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Cell::new(None))
    }
}

impl<K: Copy + PartialEq, V: Copy> Kept<K, V> {
    /// The value for this key: the kept one, or it is found out now.
    pub fn get(&self, key: K, find: impl FnOnce() -> V) -> V {
        match self.0.get() {
            Some((known, value)) if known == key => value,
            _ => {
                let value = find();
                self.0.set(Some((key, value)));
                value
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_out_once_for_a_key() {
        let kept = Kept::default();
        assert_eq!(kept.get(80, || 7), 7);
        assert_eq!(kept.get(80, || 8), 7, "it is known");
        assert_eq!(kept.get(40, || 9), 9, "another key");
        assert_eq!(kept.get(80, || 10), 10, "only the last is kept");
    }
}
