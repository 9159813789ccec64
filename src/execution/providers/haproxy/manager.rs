//! A backend of HAProxy as [`TrafficManager`].

use super::parse;
use super::socket::{Address, ask};
use crate::execution::Pending;
use crate::execution::traffic::{Server, TrafficError, TrafficManager, Turn};

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
                crate::series::text::clean(backend, 128)
            )));
        }
        Ok(Self { address, name: format!("haproxy {backend}"), backend: backend.to_owned() })
    }

    async fn read(&self) -> Result<Vec<Server>, TrafficError> {
        let state = ask(&self.address, &format!("show servers state {}", self.backend)).await?;
        let stat = ask(&self.address, &format!("show stat {} 4 -1", self.backend)).await?;
        parse::servers(&state, &stat)
    }

    async fn change(&self, server: &str, turn: Turn) -> Result<Server, TrafficError> {
        if !parse::is_name(server) {
            return Err(TrafficError::Refused("that is no name of a server".into()));
        }
        let what = match turn {
            Turn::Weight(weight) => format!("weight {weight}"),
            Turn::Drain => "state drain".to_owned(),
            Turn::Ready => "state ready".to_owned(),
        };
        let answer = ask(&self.address, &format!("set server {}/{server} {what}", self.backend)).await;
        if let Ok(answer) = &answer {
            parse::done(answer)?;
        }
        // Whether or not an answer came: only reading shows what became of it.
        let found = self.read().await?.into_iter().find(|s| s.name == server);
        match (found, answer) {
            (Some(now), _) if turn.holds(&now) => Ok(now),
            (_, Err(error)) => Err(error),
            (found, Ok(_)) => Err(TrafficError::NotDone(format!(
                "haproxy took `{what}` for {}/{server}, and it is {}",
                self.backend,
                found.map_or_else(|| "gone".to_owned(), |s| format!("at weight {}", s.weight))
            ))),
        }
    }
}

impl TrafficManager for HaproxyManager {
    fn name(&self) -> &str {
        &self.name
    }

    fn allowed(&self) -> Pending<'_, Result<(), TrafficError>> {
        Box::pin(async { parse::level(&ask(&self.address, "show cli level").await?) })
    }

    fn servers(&self) -> Pending<'_, Result<Vec<Server>, TrafficError>> {
        Box::pin(self.read())
    }

    fn turn<'a>(&'a self, server: &'a str, turn: Turn) -> Pending<'a, Result<Server, TrafficError>> {
        Box::pin(self.change(server, turn))
    }
}
