//! Time travel: where a replay is, and what a person may ask of it.

use serde::{Deserialize, Serialize};

use crate::proposal::ProposalId;
use crate::series::Timestamp;

/// Where a replay is. Present only in views that are replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayState {
    /// Whether it runs.
    pub playing: bool,
    /// Recorded seconds a second.
    pub speed: f64,
    /// Number of the frame shown, from 1.
    pub frame: usize,
    /// Frames in all.
    pub frames: usize,
    /// Instant of the first frame.
    pub from: Timestamp,
    /// Instant of the last frame.
    pub to: Timestamp,
    /// The decision or gate at this frame; empty if it was taken by time.
    pub mark: String,
    /// What the proposals shown would have brought, by the demand that was recorded after: a sentence each.
    #[serde(default)]
    pub what_if: Vec<(ProposalId, String)>,
}

/// A wish of somebody who watches a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayWish {
    /// Run, or stand still.
    Toggle,
    /// Twice as fast, or the next round speed.
    Faster,
    /// The round speed below.
    Slower,
    /// The next decision or gate.
    Next,
    /// The decision or gate before.
    Previous,
    /// One frame on.
    Forward,
    /// One frame back.
    Back,
    /// What another value than the proposed one would have brought, by the demand that was recorded.
    WhatIf {
        /// Which proposal.
        proposal: ProposalId,
        /// The value.
        to: u32,
    },
    /// To a time (`19:05`, `2026-03-02T19:05:00Z`, `+10m`, `-1h`, `start`, `end`), or to the next frame whose decision,
    /// record or notice holds a text.
    Jump(String),
}
