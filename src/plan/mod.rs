//! Stage 5, decide: capacity, need, quantile, cost, guardrails; one planner per dimension.
