//! The KPI board: the last measures beside their targets.

use crate::engine::State;
use crate::learning::kpi::{Measure, SPECS, Spec, Standing};
use crate::view::{Kpi, KpiState};

/// The sixteen, in the specification's order; without data before the first minute was looked back on.
pub fn board(state: &State) -> Vec<Kpi> {
    let waiting = Measure::lacking("waiting for the first look back, within a minute");
    let measures = state.learned.kpis.measures.iter().chain(std::iter::repeat(&waiting));
    SPECS.iter().zip(measures).map(|(spec, measure)| kpi(spec, measure)).collect()
}

fn kpi(spec: &Spec, measure: &Measure) -> Kpi {
    let value = measure.value.filter(|v| v.is_finite() && measure.n >= spec.n_min);
    let finite = |(a, b): &(f64, f64)| a.is_finite() && b.is_finite();
    let note = match value {
        None if measure.n > 0 => {
            let counted = format!("{} of {} {}", measure.n, spec.n_min, spec.counted);
            if measure.note.is_empty() { counted } else { format!("{counted} · {}", measure.note) }
        }
        _ => measure.note.clone(),
    };
    Kpi {
        number: spec.number,
        name: spec.name.into(),
        title: spec.title.into(),
        target: spec.target,
        higher_is_better: spec.higher_is_better,
        unit: spec.unit,
        value,
        interval: measure.interval.filter(|i| value.is_some() && finite(i)),
        trend: value.zip(measure.previous).map(|(v, p)| v - p).filter(|t| t.is_finite()),
        n: measure.n,
        n_min: spec.n_min,
        window: spec.window.into(),
        state: value.map_or(KpiState::NoData, |v| match spec.standing(v) {
            Standing::Ok => KpiState::Ok,
            Standing::Warn => KpiState::Warn,
            Standing::Bad => KpiState::Bad,
        }),
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_n_min_there_is_no_value_and_no_colour() {
        let spec = &SPECS[0];
        let measure = Measure {
            value: Some(0.95),
            interval: Some((0.9, 1.0)),
            previous: Some(0.9),
            n: 4,
            note: "below 100 %".into(),
        };
        let shown = kpi(spec, &measure);
        assert_eq!((shown.value, shown.interval, shown.trend), (None, None, None));
        assert_eq!((shown.state, shown.n, shown.n_min), (KpiState::NoData, 4, 5));
        assert_eq!(shown.note, "4 of 5 operations · below 100 %");
        let shown = kpi(spec, &Measure { n: 5, ..measure.clone() });
        assert_eq!((shown.value, shown.state), (Some(0.95), KpiState::Ok));
        assert!((shown.trend.unwrap() - 0.05).abs() < 1e-12);
        let broken = Measure { value: Some(f64::NAN), n: 9, ..measure };
        assert_eq!(kpi(spec, &broken).state, KpiState::NoData);
    }
}
