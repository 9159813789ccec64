//! What a platform refused at the write is not proposed anew at once: an admission policy, a quota or a role says the same to the
//! same question. It is asked again when the object or its value changes, when clearly less is asked for, or after a while, since
//! somebody may have changed the rule.

use std::time::Duration;

use crate::execution::{Operation, OperationState};
use crate::fleet::WorkloadId;
use crate::plan::guardrails::REFUSED;
use crate::plan::{Exhaustion, GuardrailResult, Plan, PlannedChange, Verdict};
use crate::proposal::Target;
use crate::series::Timestamp;

use super::State;

/// Until it is asked again, as after a person's rejection.
const WAIT: Duration = Duration::from_secs(600);
/// The same where capacity is short now, or may be before that.
const WAIT_SHORT: Duration = Duration::from_secs(120);
/// So long the card says that the last try was refused.
const TOLD: Duration = Duration::from_secs(3600);

/// Holds back a plan that wishes for what its platform has just refused.
pub fn hold_back(state: &State, workload: &WorkloadId, plan: &mut Plan, now: Timestamp) {
    let Verdict::Change(change) = &plan.verdict else { return };
    let change = change.clone();
    let target = state.fleet.get(workload).and_then(|f| f.platform.as_ref()).map(|p| &p.target);
    let is_near = match plan.exhaustion {
        Exhaustion::Now => true,
        Exhaustion::In { earliest, .. } => earliest <= WAIT,
        Exhaustion::Beyond { .. } | Exhaustion::Unknown => false,
    };
    let wait = if is_near { WAIT_SHORT } else { WAIT };
    let Some(result) = target.and_then(|target| guardrail(state, target, &change, wait, now)) else { return };
    if !result.passed {
        plan.verdict = Verdict::Blocked { change, by: format!("{REFUSED}: {}", result.detail) };
    }
    plan.guardrails.push(result);
}

/// What the platform said to the same change of the same object lately, if it refused it; passed once it was for so long.
fn guardrail(
    state: &State,
    target: &Target,
    change: &PlannedChange,
    wait: Duration,
    now: Timestamp,
) -> Option<GuardrailResult> {
    let of_it = state.operations.values().filter(|o| o.target == *target && is_same(&o.change, change));
    let (at, last) = of_it.filter_map(|o| Some((o.ended?, o))).max_by_key(|(at, _)| *at)?;
    let why = refusal(last).filter(|_| now.since(at) < TOLD)?;
    let clock = |at: Timestamp| at.to_jiff().strftime("%H:%M");
    let passed = now.since(at) >= wait;
    let next = if passed {
        String::new()
    } else {
        format!("; asked again when the object or its value changes, or at {} UTC", clock(at + wait))
    };
    let why = why.strip_prefix("refused: ").unwrap_or(why);
    let detail = format!("{} was refused at {} UTC: {why}{next}", last.id, clock(at));
    Some(GuardrailResult { name: REFUSED.to_owned(), passed, detail })
}

/// With what it was refused, if it ended by that.
fn refusal(operation: &Operation) -> Option<&str> {
    let ended =
        matches!(operation.state, OperationState::Cancelled { .. } | OperationState::RolledBack { .. });
    operation.refused.as_deref().filter(|_| ended)
}

/// Whether `wish` asks for what `refused` did, or for more of it: from the same value, and at least nearly as far.
fn is_same(refused: &PlannedChange, wish: &PlannedChange) -> bool {
    let alike = refused.field == wish.field && refused.is_more() == wish.is_more();
    match (refused.request(), wish.request()) {
        // What was used moves every minute.
        (Some((from, to)), Some((now_from, now_to))) => {
            let (far, now_far) = (f64::from(to.abs_diff(from)), f64::from(now_to.abs_diff(now_from)));
            alike && from == now_from && now_far >= 0.9 * far
        }
        (None, None) => {
            let far = |c: &PlannedChange| c.to.abs_diff(c.from);
            alike && refused.from == wish.from && far(wish).saturating_add(1) >= far(refused)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::tests::{NOW, at_work, listed, state, told};
    use crate::engine::{fleet, planning, publish};
    use crate::execution::OperationId;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const WHY: &str = "refused: 422 denied request: no more than nine replicas";

    fn refused(name: &str, ended: Timestamp, (from, to): (u32, u32)) -> Operation {
        let mut operation = at_work(name);
        (operation.change.from, operation.change.to) = (from, to);
        operation.state = OperationState::Cancelled { why: format!("dry run: {WHY}") };
        (operation.ended, operation.refused) = (Some(ended), Some(WHY.into()));
        operation
    }

    fn told_of(s: &State, change: &PlannedChange, at: Timestamp) -> Option<String> {
        guardrail(s, &at_work("op-0").target, change, WAIT, at).filter(|g| !g.passed).map(|g| g.detail)
    }

    #[test]
    fn what_was_refused_waits_until_the_object_its_value_or_the_hour_changes() {
        let mut s = state(vec![]);
        let wish = |from, to| PlannedChange { from, to, ..at_work("op-0").change };
        assert_eq!(told_of(&s, &wish(6, 12), NOW), None);
        s.operations.insert(OperationId::new("op-1"), refused("op-1", NOW, (6, 12)));
        let why = told_of(&s, &wish(6, 12), NOW + MINUTE).unwrap();
        assert_eq!(
            why,
            format!(
                "op-1 was refused at 22:13 UTC: 422 denied request: no more than nine replicas; asked again when the object or its value changes, or at \
                 22:23 UTC"
            )
        );
        let again = |change, minutes: u32| told_of(&s, &change, NOW + MINUTE * minutes).is_none();
        assert!(!again(wish(6, 11), 1) && !again(wish(6, 13), 1), "nearly the same, or more");
        assert!(again(wish(6, 9), 1), "clearly less may be allowed");
        assert!(again(wish(7, 12), 1), "its value changed");
        assert!(again(wish(6, 3), 1), "the other way");
        assert!(!again(wish(6, 12), 9) && again(wish(6, 12), 10), "somebody may have changed the rule");
        let last =
            |minutes| guardrail(&s, &at_work("op-0").target, &wish(6, 12), WAIT, NOW + MINUTE * minutes);
        let told = last(10).unwrap();
        assert!(
            told.passed && told.detail.ends_with("no more than nine replicas"),
            "the card says so: {told:?}"
        );
        assert_eq!(last(60), None);
        let other = Target { uid: "u-2".into(), ..at_work("op-0").target };
        assert_eq!(guardrail(&s, &other, &wish(6, 12), WAIT, NOW + MINUTE), None, "made anew");
        // What was not refused by a rule, or went its way after that, bars nothing.
        let mut later = refused("op-2", NOW + MINUTE, (6, 12));
        later.refused = None;
        s.operations.insert(OperationId::new("op-2"), later);
        assert_eq!(told_of(&s, &wish(6, 12), NOW + MINUTE * 2), None);
    }

    #[test]
    fn of_a_size_its_request_counts_and_not_how_many_replicas_get_it() {
        use crate::fleet::Field;
        use crate::plan::Resize;
        let size = |from, to| Some(Resize { from, to });
        let change = |from, to| PlannedChange {
            field: Field::CpuPods,
            from: 0,
            to: 4,
            size: size(from, to),
            ..at_work("op-0").change
        };
        assert!(is_same(&change(250, 400), &change(250, 390)));
        assert!(is_same(&change(250, 400), &change(250, 500)));
        assert!(!is_same(&change(250, 400), &change(250, 300)));
        assert!(!is_same(&change(250, 400), &change(300, 400)));
    }

    #[test]
    fn it_stands_on_the_service_and_nothing_is_proposed() {
        let mut s = state(vec![]);
        let id = WorkloadId::new("shop", "checkout", "");
        fleet::list(&mut s, "p", vec![listed("u-1", "checkout")], NOW);
        fleet::merge(&mut s, vec![told(&id, 900.0)], NOW);
        s.operations.insert(OperationId::new("op-1"), refused("op-1", NOW, (6, 12)));
        let change = PlannedChange { from: 6, to: 12, ..at_work("op-0").change };
        let plan = planning::plan_one(&s, &s.fleet[&id], NOW);
        let mut plan = Plan { verdict: Verdict::Change(change), exhaustion: Exhaustion::Now, ..plan };
        let mut later = Plan { verdict: plan.verdict.clone(), ..planning::plan_one(&s, &s.fleet[&id], NOW) };
        later.exhaustion = Exhaustion::Now;
        later.exhaustion = Exhaustion::In { earliest: WAIT, median: None };
        hold_back(&s, &id, &mut later, NOW + MINUTE * 2);
        assert!(
            matches!(later.verdict, Verdict::Change(_)),
            "users wait: it is asked sooner, {:?}",
            later.verdict
        );
        hold_back(&s, &id, &mut plan, NOW + MINUTE);
        let Verdict::Blocked { by, .. } = &plan.verdict else { panic!("{:?}", plan.verdict) };
        assert!(
            by.starts_with("refused before: op-1 was refused at") && by.contains("nine replicas"),
            "{by}"
        );
        assert!(plan.guardrails.iter().any(|g| g.name == REFUSED && !g.passed));
        s.fleet.get_mut(&id).unwrap().plan = Some(plan);
        let view = publish::view(&s, NOW + MINUTE);
        let alarm = "shop/checkout is short of capacity; refused before: op-1 was refused at";
        assert!(view.header.alarm.text.starts_with(alarm), "{:?}", view.header.alarm);
    }
}
