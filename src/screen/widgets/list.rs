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
    /// As in the border.
    pub title: &'static str,
    /// Draws it with border and title.
    pub draw: fn(&Pen<'_>, Rect, &mut Buffer),
    /// The one line that stands for it where there is no room.
    pub summary: fn(&Pen<'_>) -> Line<'static>,
}

macro_rules! entry {
    ($module:ident) => {
        WidgetEntry { title: $module::TITLE, draw: $module::draw, summary: $module::summary }
    };
}

/// All sixteen, four per panel, in the specification's order.
pub static WIDGETS: [WidgetEntry; 16] = [
    entry!(operations),      // activeScalingOperations
    entry!(capacity),        // systemCapacityUtilization
    entry!(performance),     // performanceMetrics
    entry!(cost),            // costMetrics
    entry!(forecast),        // demandForecast
    entry!(recommendations), // scalingRecommendations
    entry!(resources),       // resourceOptimization
    entry!(projection),      // costProjections
    entry!(satisfaction),    // userSatisfactionTrends
    entry!(continuity),      // personalizationQuality
    entry!(response_times),  // responseTimeDistribution
    entry!(regions),         // geographicalPerformance
    entry!(learning),        // learningEffectiveness
    entry!(knowledge),       // knowledgeDistribution
    entry!(growth),          // collectiveIntelligenceGrowth
    entry!(lessons),         // wisdomSynthesisMetrics
];
