//! Splitting areas so that neighbours share one border.

use ratatui::layout::Rect;

/// Splits `area` into columns by weight. Neighbours overlap by one column: the border they share.
pub fn columns(area: Rect, weights: &[u16]) -> Vec<Rect> {
    split(area.x, area.width, weights).into_iter().map(|(x, width)| Rect { x, width, ..area }).collect()
}

/// Splits `area` into rows by weight. Neighbours overlap by one row: the border they share.
pub fn rows(area: Rect, weights: &[u16]) -> Vec<Rect> {
    split(area.y, area.height, weights).into_iter().map(|(y, height)| Rect { y, height, ..area }).collect()
}

/// Four areas: top left, top right, bottom left, bottom right, with shared borders.
pub fn grid(area: Rect) -> [Rect; 4] {
    let mut out = [Rect { width: 0, height: 0, ..area }; 4];
    let cells = rows(area, &[1, 1]).into_iter().flat_map(|row| columns(row, &[1, 1]));
    for (slot, cell) in out.iter_mut().zip(cells) {
        *slot = cell;
    }
    out
}

fn split(start: u16, length: u16, weights: &[u16]) -> Vec<(u16, u16)> {
    let total: u32 = weights.iter().map(|w| u32::from(*w)).sum::<u32>().max(1);
    let span = u32::from(length.saturating_sub(1));
    let mut sum = 0u32;
    let mut from = 0u32;
    weights
        .iter()
        .map(|weight| {
            sum += u32::from(*weight);
            let to = span * sum / total;
            let part = (start.saturating_add(from as u16), ((to - from + 1) as u16).min(length));
            from = to;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_border_and_fill_the_area() {
        let [a, b, c, d] = grid(Rect::new(0, 2, 81, 21));
        assert_eq!((a.right() - 1, a.bottom() - 1), (b.x, c.y));
        assert_eq!((d.right(), d.bottom()), (81, 23));
        for size in 0..4 {
            for cell in grid(Rect::new(0, 0, size, size)) {
                assert!(cell.right() <= size.max(1) && cell.bottom() <= size.max(1), "{size} {cell:?}");
            }
        }
        assert_eq!(columns(Rect::new(0, 0, 10, 1), &[]), []);
    }
}
