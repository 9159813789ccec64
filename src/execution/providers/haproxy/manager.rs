//! A backend of `HAProxy` as [`TrafficManager`].

use crate::approval::{Setting, TurnOrder};
use crate::execution::{Backend, Pending, TrafficError, TrafficManager};
use crate::series::text::clean;

use super::parse;
use super::socket::{Address, ask};

/// One backend behind one runtime socket.
#[derive(Clone, Debug)]
pub struct HaproxyManager {
    address: Address,
    backend: String,
    name: String,
}

impl HaproxyManager {
    /// The error says what is wrong with the backend's name.
    pub fn new(address: Address, backend: &str) -> Result<Self, TrafficError> {
        if !parse::is_name(backend) {
            return Err(TrafficError::Refused(format!(
                "{:?} is no name of a backend; letters, digits and -_.: only",
                clean(backend, 128)
            )));
        }
        Ok(Self { address, name: format!("haproxy {backend}"), backend: backend.to_owned() })
    }

    /// Where it is.
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    async fn read(&self) -> Result<Backend, TrafficError> {
        let state = ask(&self.address, &format!("show servers state {}", self.backend)).await?;
        // Backends and servers: 2 and 4.
        let stat = ask(&self.address, &format!("show stat {} 6 -1", self.backend)).await?;
        parse::backend(&state, &stat)
    }

    async fn send(&self, order: &TurnOrder) -> Result<(), TrafficError> {
        if order.manager() != self.name {
            return Err(self.stranger());
        }
        self.set(order.server(), order.set()).await
    }

    fn stranger(&self) -> TrafficError {
        TrafficError::Refused(format!("that is no server of {}", self.name))
    }

    /// Sets one server, once.
    pub(super) async fn set(&self, server: &str, setting: Setting) -> Result<(), TrafficError> {
        if !parse::is_name(server) {
            return Err(self.stranger());
        }
        let what = match setting {
            Setting::Weight(weight) => format!("weight {weight}"),
            Setting::Drain => "state drain".to_owned(),
            Setting::Ready => "state ready".to_owned(),
        };
        let command = format!("set server {}/{server} {what}", self.backend);
        parse::done(&ask(&self.address, &command).await?)
    }
}

impl TrafficManager for HaproxyManager {
    fn name(&self) -> &str {
        &self.name
    }

    /// Written when it was one of several, it ends with where that one is.
    fn called(&self, server: &str) -> Option<String> {
        match server.split_once('@') {
            Some((server, at)) => (at == self.address.to_string()).then(|| server.to_owned()),
            None => Some(server.to_owned()),
        }
    }

    fn allowed(&self) -> Pending<'_, Result<(), TrafficError>> {
        Box::pin(async { parse::level(&ask(&self.address, "show cli level").await?) })
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
    fn a_server_of_one_of_several_is_known_to_that_one_alone() {
        let one = HaproxyManager::new("/run/a.sock".parse().unwrap(), "shop").unwrap();
        assert_eq!(one.called("s4").as_deref(), Some("s4"));
        assert_eq!(one.called("s4@/run/a.sock").as_deref(), Some("s4"));
        assert_eq!(one.called("s4@/run/b.sock"), None, "it may still be drained there");
    }
}
