//! Several `HAProxy`s in front of one workload: each has a server of its own for every replica, called `NAME@SOCKET`.

use crate::approval::TurnOrder;
use crate::execution::{Backend, Counters, Pending, TrafficError, TrafficManager};

use super::manager::HaproxyManager;

/// One backend on all of them. What one of them does not tell is not known of all.
#[derive(Clone, Debug)]
pub struct SeveralHaproxies {
    all: Vec<HaproxyManager>,
    name: String,
}

impl SeveralHaproxies {
    /// Of at least one; they have the same backend.
    pub fn new(all: Vec<HaproxyManager>) -> Self {
        let name = all.first().map_or_else(String::new, |first| first.name().to_owned());
        Self { all, name }
    }

    async fn read(&self) -> Result<Backend, TrafficError> {
        let mut whole = Backend::default();
        for (i, one) in self.all.iter().enumerate() {
            let backend = one.look().await?;
            whole.counters = if i == 0 { backend.counters } else { sum(whole.counters, backend.counters) };
            whole.servers.extend(backend.servers.into_iter().map(|mut server| {
                server.name = format!("{}@{}", server.name, one.address());
                server
            }));
        }
        Ok(whole)
    }

    async fn send(&self, order: &TurnOrder) -> Result<(), TrafficError> {
        let stranger = || TrafficError::Refused(format!("that is no server of {}", self.name));
        if order.manager() != self.name {
            return Err(stranger());
        }
        let (server, at) = order.server().split_once('@').ok_or_else(stranger)?;
        let one = self.all.iter().find(|one| one.address().to_string() == at).ok_or_else(stranger)?;
        one.set(server, order.set()).await
    }
}

/// Both; what one does not tell is not known of both.
fn sum(a: Counters, b: Counters) -> Counters {
    let both = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
    Counters {
        total: both(a.total, b.total),
        failed: both(a.failed, b.failed),
        cut: both(a.cut, b.cut),
        left: both(a.left, b.left),
        retried: both(a.retried, b.retried),
        moved: both(a.moved, b.moved),
    }
}

impl TrafficManager for SeveralHaproxies {
    fn name(&self) -> &str {
        &self.name
    }

    fn copies(&self) -> usize {
        self.all.len()
    }

    fn allowed(&self) -> Pending<'_, Result<(), TrafficError>> {
        Box::pin(async {
            for one in &self.all {
                one.allowed().await?;
            }
            Ok(())
        })
    }

    fn look(&self) -> Pending<'_, Result<Backend, TrafficError>> {
        Box::pin(self.read())
    }

    fn turn<'a>(&'a self, order: &'a TurnOrder) -> Pending<'a, Result<(), TrafficError>> {
        Box::pin(self.send(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up_and_what_one_does_not_tell_is_not_known() {
        let a = Counters { total: Some(3), failed: Some(1), ..Counters::default() };
        let b = Counters { total: Some(4), cut: Some(2), ..Counters::default() };
        assert_eq!(sum(a, b), Counters { total: Some(7), ..Counters::default() });
    }
}
