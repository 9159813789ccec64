//! The list of the sixteen widgets. A new widget is one file and one line here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::pen::Pen;
use super::{
    capacity, continuity, cost, forecast, growth, knowledge, learning, lessons, operations, performance,
    projection, recommendations, regions, resources, response_times, satisfaction,
};

/// A widget as panels know it.
#[derive(Clone, Copy, Debug)]
pub struct WidgetEntry {
    /// The specification's name.
    pub id: &'static str,
    /// As in the border.
    pub title: &'static str,
    /// Draws it with border and title.
    pub draw: fn(&Pen<'_>, Rect, &mut Buffer),
    /// The one line that stands for it where there is no room.
    pub summary: fn(&Pen<'_>) -> Line<'static>,
}

macro_rules! entry {
    ($id:literal, $module:ident) => {
        WidgetEntry { id: $id, title: $module::TITLE, draw: $module::draw, summary: $module::summary }
    };
}

/// All sixteen, four per panel, in the specification's order.
pub static WIDGETS: [WidgetEntry; 16] = [
    entry!("activeScalingOperations", operations),
    entry!("systemCapacityUtilization", capacity),
    entry!("performanceMetrics", performance),
    entry!("costMetrics", cost),
    entry!("demandForecast", forecast),
    entry!("scalingRecommendations", recommendations),
    entry!("resourceOptimization", resources),
    entry!("costProjections", projection),
    entry!("userSatisfactionTrends", satisfaction),
    entry!("personalizationQuality", continuity),
    entry!("responseTimeDistribution", response_times),
    entry!("geographicalPerformance", regions),
    entry!("learningEffectiveness", learning),
    entry!("knowledgeDistribution", knowledge),
    entry!("collectiveIntelligenceGrowth", growth),
    entry!("wisdomSynthesisMetrics", lessons),
];
