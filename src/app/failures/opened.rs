//! The failure that is opened beside the list, and its content mended in place.

use super::{Failures, MOST_SCROLL};
use crate::app::actions::Motion;
use crate::app::editor::Editor;
use crate::app::kept::Kept;
use crate::journal::State;
use crate::point::PointId;
use crate::tasks::FailureDetail;

impl Failures {
    /// Whether the keys go to an opened failure.
    pub fn is_in_detail(&self) -> bool {
        self.in_detail && self.detail.is_some()
    }

    /// The failure that is being read.
    pub fn opening(&self) -> Option<PointId> {
        self.opening
    }

    /// Whether this point is the opened one.
    pub fn is_opened(&self, id: PointId) -> bool {
        self.detail.as_ref().is_some_and(|detail| detail.row.id == id)
    }

    /// Whether this point was opened and its payload could not be read: there is nothing to edit.
    pub fn is_unreadable(&self, id: PointId) -> bool {
        let payload = self.detail.as_ref().map(|detail| &detail.payload);
        self.is_opened(id) && payload.is_some_and(Result::is_err)
    }

    /// Whether what is done to the chosen points is done to the opened one and to no other.
    pub fn is_opened_meant(&self) -> bool {
        let chosen = match self.marked.first_key_value() {
            Some((id, _)) if !self.is_in_detail() => (self.marked.len() == 1).then_some(*id),
            _ => self.selected().map(|row| row.id),
        };
        chosen.is_some_and(|id| self.is_opened(id))
    }

    /// Moves in the pane that has the keys.
    pub(in crate::app) fn move_in_pane(&mut self, motion: Motion) {
        if !self.is_in_detail() {
            self.go(motion);
            return;
        }
        let page = self.page.min(100) as u16;
        self.scroll = match motion {
            Motion::Up => self.scroll.saturating_sub(1),
            Motion::Down => self.scroll.saturating_add(1).min(MOST_SCROLL),
            Motion::PageUp => self.scroll.saturating_sub(page),
            Motion::PageDown => self.scroll.saturating_add(page).min(MOST_SCROLL),
            Motion::Top => 0,
            Motion::Bottom => MOST_SCROLL,
            Motion::Left | Motion::Right => self.scroll,
        };
    }

    pub(in crate::app) fn next_pane(&mut self) {
        self.in_detail = !self.in_detail && self.detail.is_some();
    }

    pub(in crate::app) fn open(&mut self) -> Option<PointId> {
        let id = self.selected()?.id;
        self.opening = Some(id);
        Some(id)
    }

    /// The content of the selected point is to be edited; answers whose payload must be read for it.
    pub(in crate::app) fn edit(&mut self) -> Option<PointId> {
        let id = self.open()?;
        self.editing = Some(id);
        Some(id)
    }

    /// Whether the content of a point is to be edited as soon as its payload is here.
    pub(in crate::app) fn is_to_edit(&self, id: PointId) -> bool {
        self.editing == Some(id)
    }

    /// The content is no longer to be edited.
    pub(in crate::app) fn give_up_editing(&mut self) {
        self.editing = None;
    }

    /// Opens the editor, now that the payload is here: on what was mended before, where no row in the table has it yet.
    fn begin_editing(&mut self, content: &str) -> Result<(), String> {
        let Some(detail) = &self.detail else { return Ok(()) };
        let payload = detail
            .payload
            .as_ref()
            .map_err(|error| format!("its payload cannot be read: {error}"))?;
        let mended = detail.edit.as_ref().filter(|_| detail.row.state != State::Recovered);
        let text = match (mended, payload.get(content)) {
            (Some(edit), _) => edit.after.clone(),
            (None, Some(serde_json::Value::String(text))) => text.clone(),
            (None, None | Some(serde_json::Value::Null)) => String::new(),
            (None, Some(other)) => other.to_string(),
        };
        let editor = Editor::new(detail.row.id, &text);
        self.editor = Some(editor.ok_or("its content is too long to be edited here")?);
        Ok(())
    }

    /// An opened failure is here. `content` is the payload key that can be edited.
    ///
    /// # Errors
    /// It was to be edited, and cannot be.
    pub(in crate::app) fn read(&mut self, detail: FailureDetail, content: &str) -> Result<(), String> {
        let id = detail.row.id;
        if self.opening != Some(id) {
            return Ok(());
        }
        self.opening = None;
        // Read again, it stays where it was.
        if !self.is_opened(id) {
            self.scroll = 0;
        }
        self.payload_lines = Kept::default();
        self.detail = Some(detail);
        if self.editing.take() == Some(id) {
            return self.begin_editing(content);
        }
        Ok(())
    }

    pub(in crate::app) fn not_read(&mut self, id: PointId) {
        if self.opening == Some(id) {
            self.opening = None;
            self.editing = None;
        }
    }

    /// The opened failure was tried again: with another error it is read again, in the table it is none any more.
    pub(super) fn tried_again(&mut self, id: PointId, recovered: bool) -> Option<PointId> {
        let open = self.is_opened(id);
        if open && recovered {
            self.detail = None;
            self.in_detail = false;
        }
        // Another one that is being read takes its place in a moment.
        if !open || recovered || self.opening.is_some() {
            return None;
        }
        self.opening = Some(id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::failures::row;
    use crate::point::Payload;

    fn open(failures: &mut Failures, number: u64) {
        failures.opening = Some(PointId::Num(number));
        let detail = FailureDetail {
            row: row(number),
            attempts: Vec::new(),
            payload: Ok(Payload::new()),
            edit: None,
        };
        failures.read(detail, "content").expect("it is not edited");
    }

    #[test]
    fn a_payload_is_counted_once_for_a_width_and_anew_when_it_is_read_again() {
        let mut failures = Failures::new();
        open(&mut failures, 1);
        assert_eq!(failures.payload_lines.get(80, || 7), 7);
        assert_eq!(failures.payload_lines.get(80, || 8), 7, "it is known");
        assert_eq!(failures.payload_lines.get(40, || 9), 9, "another width");
        open(&mut failures, 2);
        assert_eq!(failures.payload_lines.get(40, || 3), 3, "another failure");
        open(&mut failures, 2);
        assert_eq!(failures.payload_lines.get(40, || 4), 4, "the same, read again");
    }
}
