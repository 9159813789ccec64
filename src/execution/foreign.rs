//! Somebody else's hand on what is being changed: what was changed, and by whom where the platform tells. Pure.

use crate::fleet::Field;
use crate::plan::PlannedChange;

use super::providers::contract::{Odd, WorkloadState};

/// `; last written by kubectl-edit`; empty where the platform does not say, or says that it was us.
pub(super) fn by(state: &WorkloadState, field: Field) -> String {
    let odd = state.sizing.iter().flat_map(|s| &s.odd);
    let writer = if field.is_in_place() {
        odd.map(|o| o.by.as_str()).find(|by| !by.is_empty())
    } else {
        state.written_by.get(&field).map(String::as_str)
    };
    writer.map_or_else(String::new, |by| format!("; last written by {by}"))
}

/// That the field does not hold what we wrote, in one sentence.
pub(super) fn changed(state: &WorkloadState, field: Field, ours: u32) -> String {
    let found = state.fields.get(field).map_or_else(|| "gone".to_owned(), |v| field.word(v));
    let (name, ours, by) = (field.name(), field.word(ours), by(state, field));
    format!("someone else changed {name}: it is {found}, ours was {ours}{by}")
}

/// Why running replicas are not what was shown any more, in one sentence: another template, or a size that is neither
/// the template's nor ours.
pub(super) fn drifted(change: &PlannedChange, state: &WorkloadState) -> Option<String> {
    template(change, state).or_else(|| third(change, state))
}

/// That the template has another size than the replicas were resized over.
pub(super) fn template(change: &PlannedChange, state: &WorkloadState) -> Option<String> {
    let (field, size) = (change.field.in_template(), change.size?);
    let is = state.fields.get(field).filter(|is| *is != size.from)?;
    let (name, is, was) = (field.name(), field.word(is), field.word(size.from));
    Some(format!(
        "someone else changed {name} of the template: it is {is}, {was} was shown{}",
        by(state, field)
    ))
}

/// That a replica has a size of somebody else's making.
pub(super) fn third(change: &PlannedChange, state: &WorkloadState) -> Option<String> {
    let size = change.size?;
    let field = change.field.in_template();
    let odd = state.sizing.as_ref()?.odd.iter();
    let mut theirs =
        odd.filter(|o| of(o, change.field) != Some(size.to) && of(o, change.field) != Some(size.from));
    let first = theirs.next()?;
    let more = theirs.count();
    let is = of(first, change.field).map_or_else(|| "none".to_owned(), |v| field.word(v));
    let by = if first.by.is_empty() { String::new() } else { format!("; last written by {}", first.by) };
    let more = if more == 0 { String::new() } else { format!(" (and {more} more replicas)") };
    let (name, from, to) = (field.name(), field.word(size.from), field.word(size.to));
    Some(format!(
        "someone else changed the size of {}{more}: its {name} is {is}, the template's is {from}, ours {to}{by}",
        first.pod
    ))
}

/// How many running replicas have our size still.
pub(super) fn ours(change: &PlannedChange, state: &WorkloadState) -> usize {
    let (Some(size), Some(sizing)) = (change.size, &state.sizing) else { return 0 };
    sizing.odd.iter().filter(|o| of(o, change.field) == Some(size.to)).count()
}

fn of(odd: &Odd, field: Field) -> Option<u32> {
    if field.in_template() == Field::MemoryRequest { odd.memory } else { odd.cpu }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::providers::contract::{Fields, SizeFields, Sizing};
    use crate::plan::{Dimension, Resize};

    fn resize() -> PlannedChange {
        PlannedChange {
            dimension: Dimension::Vertical,
            field: Field::CpuPods,
            from: 0,
            to: 4,
            until: None,
            size: Some(Resize { from: 250, to: 400 }),
        }
    }

    fn seen(template: u32, odd: &[(&str, u32, &str)]) -> WorkloadState {
        let odd = odd.iter().map(|(pod, cpu, by)| Odd {
            pod: (*pod).into(),
            cpu: Some(*cpu),
            memory: Some(256),
            by: (*by).into(),
        });
        let odd: Vec<Odd> = odd.collect();
        let sizes = SizeFields {
            cpu_request: Some(template),
            cpu_pods: Some(odd.len() as u32),
            ..SizeFields::default()
        };
        WorkloadState {
            fields: Fields { sizes, ..Fields::default() },
            sizing: Some(Box::new(Sizing { odd, ..Sizing::default() })),
            ..WorkloadState::default()
        }
    }

    #[test]
    fn only_what_is_neither_the_templates_nor_ours_is_somebody_elses() {
        let ours_only = seen(250, &[("a", 400, ""), ("b", 400, "")]);
        assert_eq!((drifted(&resize(), &ours_only), ours(&resize(), &ours_only)), (None, 2));
        let third = seen(250, &[("a", 400, ""), ("b", 700, "kubectl-edit"), ("c", 90, "")]);
        let why = drifted(&resize(), &third).unwrap();
        assert_eq!(
            why,
            "someone else changed the size of b (and 1 more replicas): its cpu_request is 700m, the template's is \
             250m, ours 400m; last written by kubectl-edit"
        );
        assert_eq!(ours(&resize(), &third), 1);
        let rolled = drifted(&resize(), &seen(300, &[("a", 400, "")])).unwrap();
        assert!(rolled.contains("cpu_request of the template: it is 300m, 250m was shown"), "{rolled}");
    }

    #[test]
    fn who_wrote_a_field_is_told_where_it_is_known() {
        let mut state = seen(250, &[]);
        state.fields.replicas = Some(9);
        assert_eq!(changed(&state, Field::Replicas, 8), "someone else changed replicas: it is 9, ours was 8");
        state.written_by.insert(Field::Replicas, "kubectl-scale".into());
        assert!(changed(&state, Field::Replicas, 8).ends_with("ours was 8; last written by kubectl-scale"));
    }
}
