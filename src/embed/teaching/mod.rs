//! The teaching aid: a joint space of 32 numbers over words of colour, shape and pitch, into which texts, pictures and
//! sounds are put by reading them, looking at them and listening to them; and a loopback server that speaks it.
//!
//! **This is not a model.** Nothing was learnt from data: a list of words, a look at outline and colour, a spectrum. It
//! exists so that a demo and a test can show a collection of texts, pictures and sounds in one space on a machine without
//! a model and without a network, with neighbours that anyone can check by eye and ear. Nobody should search with it.
//!
//! ```text
//! text    -> words  \
//! picture -> look    > Traits: colour, shape, pitch, timbre, ground, size, the rest -> 32 numbers of length one
//! sound   -> listen /
//! server  -> request (strict) -> open (base64 to pixels and samples) -> the three above
//! ```
//!
//! Equal inputs give equal vectors. Knows nothing of the rest of `embed`: the server is asked over HTTP
//! like any other.

mod grid;
mod listen;
mod look;
mod open;
mod request;
#[cfg(test)]
mod samples;
pub mod server;
pub mod space;
mod spectrum;
mod words;

pub use server::Teaching;
pub use space::{DIMENSIONS, MODEL, of_image, of_sound, of_text};
