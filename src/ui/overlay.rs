//! Where what lies over a screen stands: a box in the middle, or from edge to edge where too little would be seen beside
//! it. A column or two of the screen beside a box read like keys.

use ratatui::layout::Rect;

/// Columns of the screen that are left beside a box on each side; where there are fewer, none are.
const BESIDE: u16 = 10;

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
    let (width, height) = (width(area, most), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
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
}
