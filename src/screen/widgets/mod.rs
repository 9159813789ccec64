//! The sixteen widgets, one file each: `fn draw(&PanelContext, Rect, &mut Buffer)`.
