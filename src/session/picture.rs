//! Pictures: the view with who is attached, as JSON, with what it takes to get there from the one before.

use std::sync::Arc;

use serde_json::Value;

use crate::series::patch;
use crate::view::{Attached, View, slim};

use super::{SessionError, pack, wire};

/// One picture.
#[derive(Debug)]
pub struct Picture {
    /// Its number; the first has 1.
    pub number: u64,
    /// The view.
    pub value: Value,
    /// The frame that leads here from the picture before; empty for the first.
    pub step: Vec<u8>,
}

impl Picture {
    /// Nothing yet.
    pub const fn none() -> Self {
        Self { number: 0, value: Value::Null, step: Vec::new() }
    }

    /// The picture after `before`.
    pub fn after(before: &Self, view: &View, people: &[Attached]) -> Result<Self, SessionError> {
        let mut value = slim(view).map_err(|e| SessionError::Protocol(e.to_string()))?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("people".into(), serde_json::json!(people));
        }
        let number = before.number + 1;
        let step = if before.number == 0 { Vec::new() } else { between(before, number, &value)? };
        Ok(Self { number, value, step })
    }

    /// The whole of it as a frame.
    pub fn whole(&self) -> Result<Vec<u8>, SessionError> {
        Ok(wire::whole(self.number, &pack::pack(&self.value)?))
    }

    /// The frame that leads here from what a client was sent last.
    pub fn from(&self, sent: Option<&Arc<Self>>) -> Result<Vec<u8>, SessionError> {
        match sent {
            None => self.whole(),
            Some(sent) if sent.number + 1 == self.number => Ok(self.step.clone()),
            Some(sent) => between(sent, self.number, &self.value),
        }
    }
}

fn between(before: &Picture, number: u64, value: &Value) -> Result<Vec<u8>, SessionError> {
    let patch = patch::diff(&before.value, value).unwrap_or_else(|| serde_json::json!([1, []]));
    Ok(wire::delta(before.number, number, &pack::pack(&patch)?))
}
