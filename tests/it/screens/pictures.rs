//! The pictures of the README and the docs: real screens, drawn as they are.

use super::{COLORS, Scene, diff, divergence, failures, migrate};
use crate::support::svg::svg;

/// Their names and what they show, at 120 x 40.
pub(crate) fn pictures() -> Vec<(&'static str, String)> {
    let draw = |scene: Scene| svg(&scene.later().draw(COLORS, (120, 40)));
    vec![
        ("before-the-start", draw(migrate::ready(migrate::plan()))),
        ("divergence", draw(divergence::opened_at((120, 40)))),
        ("failures", draw(failures::opened())),
        ("diff", draw(diff::opened())),
    ]
}
