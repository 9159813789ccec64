//! Panel 1, Status: the service table above operations, capacity, performance and cost.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::view::ServiceRow;

use super::super::context::PanelContext;
use super::super::state::RowId;
use super::super::widgets::{Ink, Pen, services};
use super::four::{self, Cut};

/// Rows for one widget to be open above the others' lines: its heading and four more, those lines, and borders.
const OPEN: u16 = 10;
/// Places of widgets among the panel's.
const OPERATIONS: usize = 0;
const CAPACITY: usize = 1;

/// Draws the panel.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen { workload: ctx.workload(), ..Pen::new(ctx, &ink) };
    let widgets = four::widgets(0);
    let cut = Cut { above: 50, below: 58, upper: 50 };
    if let Some(zoomed) = ctx.state.zoomed() {
        four::draw(&pen, area, buf, widgets, (Some(zoomed), None), cut);
        return;
    }
    let order = order(ctx);
    let below = if area.height >= 36 && area.width >= 120 { area.height / 2 } else { 6 };
    // Room for the rows, the heading, two lines about the selected one, and the border.
    let wanted = (order.len() as u16).saturating_add(5).max(8);
    let table = if area.height < 12 { area.height } else { wanted.min(area.height - below + 1) };
    // A short list leaves its room to the widgets: to all of them, or to one of them and a line for each other, or, on small
    // terminals, to lines only.
    let fits = below == 6 && !order.is_empty() && wanted + OPEN <= area.height;
    let open = fits.then(|| opened(ctx));
    let table =
        if below == 6 && area.height >= 12 && open.is_none() { area.height - below + 1 } else { table };
    services::draw(&pen, Rect { height: table, ..area }, buf, &order);
    if table < area.height {
        let y = area.y + table - 1;
        let rest = Rect { y, height: area.bottom() - y, ..area };
        four::draw(&pen, rest, buf, widgets, (None, open), cut);
    }
}

/// What is worth the room that is left: what is being done, or else who has room.
fn opened(ctx: &PanelContext<'_>) -> usize {
    let at_work = ctx.view.operations.data.iter().any(|o| !o.state.is_final());
    if at_work { OPERATIONS } else { CAPACITY }
}

/// Services in the order that the selection moves in.
fn order<'a>(ctx: &PanelContext<'a>) -> Vec<&'a ServiceRow> {
    let services = &ctx.view.services.data;
    let find = |row| match row {
        RowId::Workload(id) => services.iter().find(|s| s.workload == id),
        _ => None,
    };
    ctx.rows().into_iter().filter_map(find).collect()
}
