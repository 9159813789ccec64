//! A simulated fleet behind real HTTP endpoints: the demo and the scenarios.
