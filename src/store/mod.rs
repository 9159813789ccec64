//! Stage 2, keep: in-memory series with an index, retention and bounds; PromQL over it.
