//! AWS: Auto Scaling groups, and ECS services with Application Auto Scaling. One provider a region and service.
//!
//! The floor is the group's minimum size or the scalable target's minimum capacity; where no policy and no schedule
//! owns the size, it is the desired size itself. AWS has no conditional writes there. So a write reads right before,
//! compares identity and present value, sends one absolute request, and reads back until the new value shows.

mod ecs;
mod ecs_answers;
mod ecs_tasks;
mod group;
mod group_answers;
mod gaps;
mod instances;
mod note;
mod order;
mod owners;
mod prices;
mod scalable;
mod wrong;

pub use ecs::EcsServices;
pub use gaps::Gaps;
pub use group::ScalingGroups;
pub use prices::{FargatePrices, InstancePrices, region_of_lists};
