//! Panel 0: weescale's own log, kept by tui-logger.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use tui_logger::{TuiLoggerLevelOutput, TuiLoggerWidget};

use super::super::canvas::{frame, put_wrapped};
use super::super::context::PanelContext;
use super::super::theme::Role;

/// Draws the latest log lines.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let inner = frame(ctx, area, buf, "Logs", "latest last");
    if inner.is_empty() {
        return;
    }
    TuiLoggerWidget::default()
        .style(ctx.style(Role::Text))
        .style_error(ctx.style(Role::Bad))
        .style_warn(ctx.style(Role::Warn))
        .style_info(ctx.style(Role::Text))
        .style_debug(ctx.style(Role::Dim))
        .style_trace(ctx.style(Role::Dim))
        .output_level(Some(TuiLoggerLevelOutput::Long))
        .output_timestamp(Some("%H:%M:%S".to_owned()))
        .output_file(false)
        .output_line(false)
        .output_separator(' ')
        .render(inner, buf);
    let is_blank = |x, y| buf.cell((x, y)).is_none_or(|cell| cell.symbol() == " ");
    if inner.positions().all(|at| is_blank(at.x, at.y)) {
        put_wrapped(
            buf,
            inner,
            0,
            "Nothing was logged since the start. Warnings and errors come here.",
            ctx.style(Role::Dim),
        );
    }
}
