//! The Intelligence panel.

use std::time::Duration;

use crate::engine::{State, WorkloadFacts, decisions, kpi, lessons as evidence};
use crate::learning::{Held, Learnt, Mined, SUPPORT, Stance, wilson};
use crate::series::Timestamp;
use crate::signals::SignalKind;
use crate::view::{Growth, Knowledge, LearningView, Lesson, Widget, WidgetState};

/// Classes whose utility is shown.
const UTILITIES: usize = 40;

/// Widget 13.
pub fn learning(state: &State, now: Timestamp) -> Widget<LearningView> {
    let data = LearningView {
        horizons: state.learned.accuracy.horizons(),
        decisions: decisions::stats(state, now),
        scoreboard: state.learned.scores.board(),
        shadows: state.learned.people.shadows.agreements(),
        utilities: state.learned.utilities.iter().take(UTILITIES).cloned().collect(),
        approvals: state.learned.people.approvals.kinds(),
        taught: state.learned.people.objections.taught(now, |id| state.learned.scores.needed(id)),
    };
    if data.approvals.is_empty()
        && data.shadows.is_empty()
        && data.horizons.is_empty()
        && data.scoreboard.rows.is_empty()
    {
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
pub fn growth(state: &State, mined: &[Mined], now: Timestamp) -> Widget<Growth> {
    let rows: Vec<&WorkloadFacts> =
        state.fleet.values().filter(|w| w.signals.get(SignalKind::Demand).is_some()).collect();
    let pooled = crate::learning::kpi::growth(&state.learned.pool.scores());
    let (earned, classes) = evidence::autonomy(state, now);
    let data = Growth {
        covered: (rows.iter().filter(|w| w.forecast.fan().is_some()).count(), rows.len()),
        pooled_gain: pooled.value,
        n: pooled.n,
        lessons_validated: mined.iter().filter(|l| l.stands_out).count(),
        autonomy: (earned.len(), classes),
        earned,
        shared: shared(state),
    };
    let any = !rows.is_empty();
    // A fleet without young services lacks nothing: there is nobody to learn from others.
    super::widget::of(state, &[SignalKind::Demand], now, data, any)
}

/// Lessons of others that were adopted, and those that concern something here.
fn shared(state: &State) -> (usize, usize) {
    let others = || state.learned.people.lessons.all().filter(|h| !h.lesson.source.is_empty());
    let concerns = |h: &&Held| h.lesson.subject.concerns(|id| state.fleet.contains_key(id));
    (others().filter(|h| h.stance == Stance::Adopted).count(), others().filter(concerns).count())
}

/// Widget 16: adopted ones first, then as mined, then those of others; muted ones last.
pub fn lessons(state: &State, mined: &[Mined]) -> Widget<Vec<Lesson>> {
    let book = &state.learned.people.lessons;
    let kept = book.all().filter(|h| mined.iter().all(|m| m.key != h.lesson.key)).map(kept);
    let mut lessons: Vec<Lesson> = mined.iter().map(|m| lesson(m, book.get(&m.key))).chain(kept).collect();
    lessons.sort_by_key(|l| match l.stance {
        Stance::Adopted => 0,
        Stance::Candidate => 1,
        Stance::Muted => 2,
    });
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

fn lesson(mined: &Mined, held: Option<&Held>) -> Lesson {
    let rule = if mined.stands_out {
        format!("{}, against {:.0} % overall", mined.rule, mined.base * 100.0)
    } else {
        mined.rule.clone()
    };
    let learnt = Learnt::of(mined);
    Lesson {
        rule,
        support: mined.support,
        success: mined.success,
        interval: mined.interval,
        counter_example: mined.counter_example.clone(),
        key: mined.key.clone(),
        stands_out: mined.stands_out,
        q: Some(mined.q),
        stance: held.map_or(Stance::Candidate, |h| h.stance),
        said: held.and_then(said),
        source: String::new(),
        effect: learnt.effect(),
        learnt: Some(learnt),
    }
}

/// A lesson of others, or one of ours whose evidence is no longer held.
fn kept(held: &Held) -> Lesson {
    let l = &held.lesson;
    Lesson {
        rule: l.sentence(),
        support: l.support,
        success: if l.support > 0 { l.good as f64 / l.support as f64 } else { 0.0 },
        interval: wilson(l.good, l.support),
        counter_example: l.counter_example.clone(),
        key: l.key.clone(),
        stands_out: false,
        q: None,
        stance: held.stance,
        said: said(held),
        source: l.source.clone(),
        effect: l.effect(),
        learnt: Some(l.clone()),
    }
}

fn said(held: &Held) -> Option<(String, Timestamp)> {
    (!held.by.is_empty()).then(|| (held.by.clone(), held.at))
}
