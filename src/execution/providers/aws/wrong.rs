//! What AWS's refusals mean to the executor.

use crate::execution::provider::ProviderError;
use crate::scrape::aws::{AwsError, Call, Effect};
use crate::series::text::clean;

/// Longest sentence made, characters.
const MAX_TEXT: usize = 400;

/// `error` of `call`, in the executor's terms. A read that got no answer had no effect; a write may have had one.
pub(super) fn wrong(error: &AwsError, call: &Call) -> ProviderError {
    let what = format!("{} {error}", call.action);
    let why = clean(&what, MAX_TEXT);
    if error.is_identity() {
        return ProviderError::Unauthenticated(why);
    }
    if error.is_denied() {
        let hint =
            format!("allow {} in the policy of this identity (assets/aws-iam-policy.json)", call.right());
        return ProviderError::Forbidden(format!("{why}; {hint}"));
    }
    if error.is_throttling() {
        return ProviderError::Unavailable { why, retry_after: error.retry_after() };
    }
    match error {
        AwsError::NotSent(_) => ProviderError::Unavailable { why, retry_after: None },
        AwsError::NoAnswer(_) if call.effect == Effect::Read => {
            ProviderError::Unavailable { why, retry_after: None }
        }
        AwsError::NoAnswer(_) => ProviderError::Unknown(why),
        AwsError::Refused { code, message, .. } => refused(code, message, why),
        AwsError::Credentials(_) => ProviderError::Unauthenticated(why),
    }
}

fn refused(code: &str, message: &str, why: String) -> ProviderError {
    match code {
        // Refused for what is going on just now, without effect: another try after a pause may do.
        "ScalingActivityInProgress"
        | "ScalingActivityInProgressFault"
        | "ResourceContention"
        | "ResourceContentionFault"
        | "ResourceInUse"
        | "ConcurrentUpdateException"
        | "UpdateInProgressException" => ProviderError::Unavailable { why, retry_after: None },
        "ServiceNotFoundException"
        | "ServiceNotActiveException"
        | "ClusterNotFoundException"
        | "ObjectNotFoundException"
        | "ResourceNotFoundException" => ProviderError::NotFound(why),
        // The Query protocol says of a group that is gone that its name is not valid.
        "ValidationError" if message.contains("not found") => ProviderError::NotFound(why),
        _ => ProviderError::Invalid(why),
    }
}

/// An answer that was a success and makes no sense.
pub(super) fn senseless(call: &Call, why: &str) -> ProviderError {
    let text = clean(&format!("{}: the answer is not as documented: {why}", call.action), MAX_TEXT);
    if call.effect == Effect::Read {
        ProviderError::Unavailable { why: text, retry_after: None }
    } else {
        ProviderError::Unknown(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, message: &str, effect: Effect) -> ProviderError {
        let call = Call::query("UpdateAutoScalingGroup", "v", &[], effect);
        let error =
            AwsError::Refused { status: 400, code: code.into(), message: message.into(), retry_after: None };
        wrong(&error, &call)
    }

    #[test]
    fn refusals_mean_what_aws_documents() {
        let denied = of("AccessDenied", "User x is not authorized", Effect::Write);
        assert!(matches!(&denied, ProviderError::Forbidden(why)
            if why.contains("autoscaling:UpdateAutoScalingGroup") && why.contains("User x")));
        assert!(matches!(
            of("Throttling", "Rate exceeded", Effect::Write),
            ProviderError::Unavailable { .. }
        ));
        assert!(matches!(
            of("ScalingActivityInProgress", "", Effect::Write),
            ProviderError::Unavailable { .. }
        ));
        assert!(matches!(of("ExpiredToken", "", Effect::Read), ProviderError::Unauthenticated(_)));
        let gone = of("ValidationError", "AutoScalingGroup name not found - null", Effect::Write);
        assert!(matches!(gone, ProviderError::NotFound(_)));
        assert!(matches!(of("ValidationError", "Max bound, 3", Effect::Write), ProviderError::Invalid(_)));
        assert!(matches!(of("LimitExceededException", "", Effect::Write), ProviderError::Invalid(_)));
    }

    #[test]
    fn silence_after_a_write_is_not_a_failure() {
        let silent = AwsError::NoAnswer("timed out".into());
        let call = |effect| Call::query("UpdateAutoScalingGroup", "v", &[], effect);
        assert!(matches!(wrong(&silent, &call(Effect::Write)), ProviderError::Unknown(_)));
        assert!(matches!(wrong(&silent, &call(Effect::Read)), ProviderError::Unavailable { .. }));
        let unsent = AwsError::NotSent("cannot connect".into());
        assert!(matches!(wrong(&unsent, &call(Effect::Write)), ProviderError::Unavailable { .. }));
        assert!(matches!(senseless(&call(Effect::Write), "x"), ProviderError::Unknown(_)));
    }
}
