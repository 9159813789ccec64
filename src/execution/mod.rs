//! Stage 8, act: preflight, stages, gates, rollback, leases, providers.

pub mod providers;
