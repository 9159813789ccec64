//! Pictures: the view with who is attached, as JSON, with what it takes to get there from the one before.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::series::patch;
use crate::view::{Attached, View, fans, slim};

use super::first::light;
use super::{SessionError, pack, wire};

/// One picture.
#[derive(Debug)]
pub struct Picture {
    /// Its number; the first has 1.
    pub number: u64,
    /// The view as it is sent.
    pub value: Value,
    /// The frame that leads here from the picture before; empty for the first.
    pub step: Vec<u8>,
    /// The view; `None` before there is one.
    view: Option<Arc<View>>,
}

impl Picture {
    /// Nothing yet.
    pub const fn none() -> Self {
        Self { number: 0, value: Value::Null, step: Vec::new(), view: None }
    }

    /// The picture after `before`.
    pub fn after(before: &Self, view: &Arc<View>, people: &[Attached]) -> Result<Self, SessionError> {
        let mut value = with_people(view, json!(people))?;
        fans::settle(Some(&before.value), &mut value);
        let number = before.number + 1;
        let step = if before.number == 0 { Vec::new() } else { between(before, number, &value)? };
        Ok(Self { number, value, step, view: Some(Arc::clone(view)) })
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

    /// What a screen needs to be there at once: the frame, and its value for [`Self::rest`]; `None` before there is a
    /// view.
    pub fn first(&self) -> Result<Option<(Vec<u8>, Value)>, SessionError> {
        let Some(view) = &self.view else { return Ok(None) };
        let people = self.value.get("people").cloned().unwrap_or_default();
        let first = with_people(&light(view), people)?;
        Ok(Some((wire::whole(self.number, &pack::pack(&first)?), first)))
    }

    /// The frame that leads here from the first one.
    pub fn rest(&self, first: &Value) -> Result<Vec<u8>, SessionError> {
        let rest = patch::diff(first, &self.value).unwrap_or_else(|| json!([1, []]));
        Ok(wire::delta(self.number, self.number, &pack::pack(&rest)?))
    }
}

fn with_people(view: &View, people: Value) -> Result<Value, SessionError> {
    let mut value = slim(view).map_err(|e| SessionError::Protocol(e.to_string()))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("people".into(), people);
    }
    Ok(value)
}

fn between(before: &Picture, number: u64, value: &Value) -> Result<Vec<u8>, SessionError> {
    let mut sent = value.clone();
    fans::fold(&before.value, &mut sent);
    let patch = patch::diff(&before.value, &sent).unwrap_or_else(|| json!([1, []]));
    Ok(wire::delta(before.number, number, &pack::pack(&patch)?))
}
