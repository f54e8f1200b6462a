//! Faults on request, for the tests of what happens when qlance itself is wrong: `QLANCE_PANIC=drawing` (on the Log
//! screen) or `QLANCE_PANIC=migration`. Only in builds with debug assertions; a release has none of this.

/// Panics where the environment asks for it by this name.
pub(crate) fn panic_if_asked(place: &str) {
    let asked = cfg!(debug_assertions) && std::env::var_os("QLANCE_PANIC").is_some_and(|wanted| wanted == place);
    assert!(!asked, "asked to panic while {place}");
}
