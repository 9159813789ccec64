//! The models themselves: do they earn the CPU they take, and who has none.

use crate::series::Unit;

use super::Dimension;
use super::advice::{Advice, Report, Urgency};
use super::survey::Survey;

/// Forecasts that beat the naive one for less than this share of services are not worth planning by.
const SKILLED: f64 = 0.5;
/// With more than this share of refits put off the CPU budget is too small.
const BEHIND: f64 = 0.1;
/// A fan older than this many of its intervals is late.
const LATE: u32 = 5;

/// Looks at all models at once.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Intelligence, "models");
    let l = survey.learning;
    report.judged = l.with_model;
    if l.put_off as f64 > l.with_model as f64 * BEHIND {
        let what = format!(
            "give forecasts more than {:.0} % of a core (forecast.cpu): refits of {} of {} models are put off",
            l.budget * 100.0,
            l.put_off,
            l.with_model
        );
        let mut advice = base(survey, what)
            .fact("of a core allowed", l.budget, Unit::Ratio)
            .fact("refits put off", l.put_off as f64, Unit::Count)
            .sure(0.9, "fits older than they should be; fans are renewed from them");
        if let Some(busy) = l.busy {
            advice = advice.fact("of a core taken", busy, Unit::Ratio);
        }
        advice.urgency = Urgency::Soon;
        report.advice.push(advice);
    } else if let Some(oldest) = l.oldest.filter(|age| *age > l.every * LATE) {
        let what = "look at why fans come late: the worker is behind".to_owned();
        let mut advice = base(survey, what)
            .fact("oldest fan", oldest.as_secs_f64(), Unit::Seconds)
            .fact("meant to be renewed every", l.every.as_secs_f64(), Unit::Seconds)
            .sure(0.8, "age of the fans themselves");
        advice.urgency = Urgency::Soon;
        report.advice.push(advice);
    }
    let skilled = l.skilled as f64 / l.with_model.max(1) as f64;
    if l.with_model >= 4 && skilled < SKILLED {
        let what = format!(
            "plan by today's demand and reserve rather than by fans: {} of {} beat the naive forecast",
            l.skilled, l.with_model
        );
        report.advice.push(
            base(survey, what)
                .fact("of models with skill", skilled, Unit::Ratio)
                .fact("of models calibrated", l.calibrated as f64 / l.with_model as f64, Unit::Ratio)
                .sure(0.7, "backtests and forecasts as issued"),
        );
    }
    report.fine = format!(
        "{} of {} services have one, {} with skill, {} calibrated{}",
        l.with_model,
        l.services,
        l.skilled,
        l.calibrated,
        l.busy.map_or_else(String::new, |b| format!(
            ", {:.1} % of a core of {:.0} % allowed",
            b * 100.0,
            l.budget * 100.0
        ))
    );
    report
}

fn base(survey: &Survey<'_>, what: String) -> Advice {
    let l = survey.learning;
    let mut advice = Advice::about(Dimension::Intelligence, "forecasts".into(), what, survey.now)
        .fact("services with a model", l.with_model as f64, Unit::Count)
        .fact("services", l.services as f64, Unit::Count);
    advice.not_approvable = "weescale's own setting, not a platform's".into();
    advice
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixture::{Fleet, has};
    use super::super::survey::Learning;
    use super::*;

    #[test]
    fn over_budget_late_unskilled_and_well() {
        let minute = Duration::from_secs(60);
        let well = Learning {
            services: 12,
            with_model: 10,
            skilled: 8,
            calibrated: 9,
            oldest: Some(minute),
            every: minute,
            busy: Some(0.02),
            budget: 0.25,
            put_off: 1,
        };
        let report = |learning| Fleet { learning, ..Fleet::default() }.report(advise);
        assert_eq!(
            report(well).sentence(),
            "nothing to do for 10 models: 10 of 12 services have one, 8 with skill, 9 calibrated, 2.0 % of a core of 25 % allowed"
        );
        let behind = report(Learning { put_off: 2, ..well });
        assert!(
            has(&behind, "more than 25 % of a core (forecast.cpu): refits of 2 of 10 models"),
            "{behind:?}"
        );
        assert!(has(&report(Learning { oldest: Some(minute * 20), ..well }), "come late"));
        assert!(has(&report(Learning { skilled: 3, ..well }), "3 of 10 beat"));
        assert_eq!(report(Learning::default()).sentence(), "no models to judge");
    }
}
