//! Vocabulary of what is scaled: workloads, replicas with bounds, objectives, teams, regions, contexts.

mod context;
mod objective;
mod owner;
mod region;
mod replicas;
mod scale_in;
mod workload;

pub use context::Context;
pub use objective::{Objective, ObjectiveError};
pub use owner::{Field, Owner};
pub use region::Region;
pub use replicas::{Replicas, ReplicasError};
pub use scale_in::ScaleIn;
pub use workload::{PodResources, Workload, WorkloadId};
