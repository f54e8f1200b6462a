//! Where what lies over a screen stands: a box in the middle, or from edge to edge where too little would be seen beside,
//! above or below it. A column or two of the screen beside a box read like keys, a row or two like a second border.

use ratatui::layout::Rect;

/// Columns of the screen that are left beside a box on each side; where there are fewer, none are.
const BESIDE: u16 = 10;
/// Rows that are left above a box and below it; where there are fewer, none are.
const ABOVE: u16 = 3;

/// How wide a box is that wants at most so many columns.
pub(super) fn width(area: Rect, most: u16) -> u16 {
    if area.width < most + 2 * BESIDE {
        area.width
    } else {
        most
    }
}

/// Where a box stands that wants at most so many columns, and so many rows.
pub(super) fn place(area: Rect, most: u16, height: u16) -> Rect {
    let height = height_with(area, height, 2 * ABOVE);
    standing(area, most, (area.height - height) / 2, height)
}

/// The same for a box that hangs from the top: where it grows and shrinks while something is typed in it, that line stays.
pub(super) fn hung(area: Rect, most: u16, height: u16) -> Rect {
    standing(area, most, 0, height_with(area, height, ABOVE))
}

/// The height that is wanted, or all there is where fewer rows than so many would be left.
fn height_with(area: Rect, height: u16, left: u16) -> u16 {
    if area.height < height.saturating_add(left) {
        area.height
    } else {
        height
    }
}

fn standing(area: Rect, most: u16, above: u16, height: u16) -> Rect {
    let width = width(area, most);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + above,
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_box_leaves_a_sliver_beside_it() {
        for most in [72, 90, 110, 116] {
            for columns in 60..220 {
                let area = Rect::new(0, 2, columns, 21);
                let place = place(area, most, 9);
                let (left, right) = (place.x, columns - place.right());
                assert!(left.abs_diff(right) <= 1, "{most} of {columns}");
                assert!(left == 0 && right == 0 || left >= BESIDE && right >= BESIDE);
                assert!(place.width <= columns && place.height == 9 && place.bottom() <= area.bottom());
            }
        }
    }

    #[test]
    fn nor_above_and_below_it() {
        for rows in 13..60 {
            let area = Rect::new(0, 2, 80, rows);
            for height in 1..80 {
                let place = place(area, 72, height);
                let (above, below) = (place.y - area.y, area.bottom() - place.bottom());
                assert!(above.abs_diff(below) <= 1, "{height} of {rows}");
                assert!(above == 0 && below == 0 || above >= ABOVE && below >= ABOVE);
                assert!(place.height >= height.min(rows));
                let hung = hung(area, 72, height);
                let below = area.bottom() - hung.bottom();
                assert!(hung.y == area.y && (below == 0 || below >= ABOVE));
                assert!(hung.height >= height.min(rows));
            }
        }
    }
}
