//! Stage 3, understand: what each workload lives by, from recipes of PromQL expressions.
