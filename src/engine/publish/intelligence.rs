//! The Intelligence panel.

use std::time::Duration;

use crate::engine::{State, WorkloadFacts, decisions, kpi, lessons as evidence};
use crate::learning::{Mined, SUPPORT};
use crate::series::Timestamp;
use crate::signals::SignalKind;
use crate::view::{Growth, Knowledge, LearningView, Lesson, Widget, WidgetState};

/// Widget 13.
pub fn learning(state: &State) -> Widget<LearningView> {
    let data = LearningView {
        horizons: state.learned.accuracy.horizons(),
        decisions: decisions::stats(state),
        scoreboard: state.learned.scores.board(),
    };
    if data.horizons.is_empty() && data.scoreboard.rows.is_empty() {
        let waiting_for =
            "the first forecast to come true: fans are scored as their instants pass".to_owned();
        return Widget {
            state: WidgetState::Loading { waiting_for, progress: None },
            data: LearningView::default(),
        };
    }
    Widget::live(data)
}

/// Widget 14.
pub fn knowledge(state: &State, now: Timestamp) -> Widget<Vec<Knowledge>> {
    let rows: Vec<Knowledge> = state
        .fleet
        .values()
        .filter(|w| w.signals.get(SignalKind::Demand).is_some())
        .map(|w| known(state, w, now))
        .collect();
    let any = !rows.is_empty();
    super::widget::of(state, &[SignalKind::Demand], now, rows, any)
}

fn known(state: &State, w: &WorkloadFacts, now: Timestamp) -> Knowledge {
    let fan = w.forecast.fan();
    let quality = kpi::quality(state, w);
    Knowledge {
        workload: w.workload.id.clone(),
        model: fan.is_some(),
        fresh: fan.is_some_and(|f| now.since(f.issued) < Duration::from_secs(86_400)),
        skilled: quality.map(|(skill, _)| skill > 0.0),
        calibrated: quality.map(|(_, coverage)| (coverage - 0.9).abs() <= 0.05),
        load_points: w.capacity.observations(),
        reviewers: kpi::reviewers(state, w, now).len(),
        best_model: fan.and_then(|f| f.models.first()).map(|m| m.name.clone()).unwrap_or_default(),
    }
}

/// Widget 15. Where nothing is pooled the widget says what is lacking.
pub fn growth(state: &State, now: Timestamp) -> Widget<Growth> {
    let rows: Vec<&WorkloadFacts> =
        state.fleet.values().filter(|w| w.signals.get(SignalKind::Demand).is_some()).collect();
    let pooled = crate::learning::kpi::growth(&state.learned.pool.scores());
    let data = Growth {
        covered: (rows.iter().filter(|w| w.forecast.fan().is_some()).count(), rows.len()),
        pooled_gain: pooled.value,
        n: pooled.n,
        lessons_validated: evidence::mined(state).iter().filter(|l| l.stands_out).count(),
        autonomy: evidence::autonomy(state),
    };
    let any = !rows.is_empty();
    let mut widget = super::widget::of(state, &[SignalKind::Demand], now, data, any);
    if widget.state == WidgetState::Live && pooled.value.is_none() {
        let shapes = state.learned.pool.shapes();
        let missing = format!("young services to forecast by the {shapes} shapes of the fleet");
        widget.state = WidgetState::Degraded { missing: vec![missing] };
    }
    widget
}

/// Widget 16.
pub fn lessons(state: &State) -> Widget<Vec<Lesson>> {
    let lessons: Vec<Lesson> = evidence::mined(state).into_iter().map(lesson).collect();
    if lessons.is_empty() {
        let most = evidence::most_support(state);
        return Widget {
            state: WidgetState::Empty {
                lacks: format!("outcomes: {most} of {SUPPORT} of one kind"),
                provide:
                    "approve or reject proposals with `a` or `r`: each is scored when its window is over"
                        .into(),
            },
            data: Vec::new(),
        };
    }
    Widget::live(lessons)
}

fn lesson(mined: Mined) -> Lesson {
    let rule = if mined.stands_out {
        format!("{}, against {:.0} % overall", mined.rule, mined.base * 100.0)
    } else {
        mined.rule
    };
    Lesson {
        rule,
        support: mined.support,
        success: mined.success,
        interval: mined.interval,
        counter_example: mined.counter_example,
    }
}
