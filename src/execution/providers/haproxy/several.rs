//! Several `HAProxy`s in front of one workload: each has a server of its own for every replica, called `NAME@SOCKET`.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::approval::TurnOrder;
use crate::execution::{Backend, Pending, TrafficError, TrafficManager};

use super::manager::HaproxyManager;

/// Longest wait for the others once one has answered: its answer must not be old when something is turned by it.
const LONGER: Duration = Duration::from_secs(1);

/// One backend on all of them.
#[derive(Clone, Debug)]
pub struct SeveralHaproxies {
    all: Vec<HaproxyManager>,
    name: String,
}

type Answers = BTreeMap<String, Result<Backend, TrafficError>>;

impl SeveralHaproxies {
    /// Of at least one; they have the same backend.
    pub fn new(all: Vec<HaproxyManager>) -> Self {
        let name = all.first().map_or_else(String::new, |first| first.name().to_owned());
        Self { all, name }
    }

    /// Asks all at once. Who is too late is not in it.
    async fn ask(&self) -> Answers {
        let mut asked = JoinSet::new();
        for one in &self.all {
            let one = one.clone();
            asked.spawn(async move { (one.address().to_string(), one.look().await) });
        }
        let mut answers = Answers::new();
        while !answers.values().any(Result::is_ok) {
            let Some(next) = asked.join_next().await else { return answers };
            answers.extend(next);
        }
        let others = async {
            while let Some(next) = asked.join_next().await {
                answers.extend(next);
            }
        };
        let _ = timeout(LONGER, others).await;
        answers
    }

    async fn read(&self) -> Result<Backend, TrafficError> {
        let mut answers = self.ask().await;
        let mut whole = Backend::default();
        for front in self.fronts() {
            let late =
                || TrafficError::Unavailable(format!("haproxy at {front}: no answer beside the others"));
            match answers.remove(&front).unwrap_or_else(|| Err(late())) {
                Ok(one) => {
                    whole.counters.extend(one.counters.into_values().map(|c| (front.clone(), c)));
                    whole.servers.extend(one.servers.into_iter().map(|mut server| {
                        server.name = format!("{}@{front}", server.name);
                        server
                    }));
                }
                Err(error) => drop(whole.silent.insert(front, error)),
            }
        }
        if whole.silent.len() < self.all.len() {
            return Ok(whole);
        }
        whole.whole().map(|()| whole)
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

impl TrafficManager for SeveralHaproxies {
    fn name(&self) -> &str {
        &self.name
    }

    fn fronts(&self) -> Vec<String> {
        self.all.iter().map(|one| one.address().to_string()).collect()
    }

    /// Written when there was one alone, it is the first's.
    fn called(&self, server: &str) -> Option<String> {
        let fronts = self.fronts();
        match server.split_once('@') {
            Some((_, at)) => fronts.iter().any(|front| front == at).then(|| server.to_owned()),
            None => fronts.first().map(|front| format!("{server}@{front}")),
        }
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    use super::*;

    const STATE: &str = "1\n# be_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_check_state \
        srv_agent_state srv_port\n2 s1 127.0.0.1 2 0 100 100 6 0 81\n\n";
    const STAT: &str = "# pxname,svname,scur,req_tot\nshop,s1,0,7\nshop,BACKEND,0,9\n\n";

    /// One that answers after `wait`, until it is dropped.
    fn peer(dir: &std::path::Path, name: &str, wait: Duration) -> (HaproxyManager, JoinSet<()>) {
        let path = dir.join(name);
        let listener = UnixListener::bind(&path).unwrap();
        let mut serves = JoinSet::new();
        serves.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; 200];
                let n = stream.read(&mut asked).await.unwrap();
                tokio::time::sleep(wait).await;
                let state = asked[..n].starts_with(b"show servers");
                let _ = stream.write_all(if state { STATE } else { STAT }.as_bytes()).await;
            }
        });
        (HaproxyManager::new(path.to_str().unwrap().parse().unwrap(), "shop").unwrap(), serves)
    }

    fn at(path: &str) -> HaproxyManager {
        HaproxyManager::new(path.parse().unwrap(), "shop").unwrap()
    }

    #[tokio::test]
    async fn all_are_asked_at_once_and_what_answers_is_told_without_those_that_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let slow = Duration::from_millis(300);
        let peers: Vec<_> = ["a", "b", "c", "d"].iter().map(|n| peer(dir.path(), n, slow)).collect();
        let (hung, _hung) = peer(dir.path(), "hung", Duration::from_secs(60));
        let mut all: Vec<HaproxyManager> = peers.iter().map(|(one, _)| one.clone()).collect();
        let both = SeveralHaproxies::new(all.clone());
        // Two questions to each: 0.6 s at once, 2.4 s one after the other.
        let told = timeout(Duration::from_secs(2), both.look()).await.expect("asked at once").unwrap();
        assert_eq!((told.servers.len(), told.counters.len(), told.whole()), (4, 4, Ok(())));
        assert_eq!(told.servers[1].front(), dir.path().join("b").display().to_string());

        all.extend([hung.clone(), at("/nonexistent/s")]);
        let six = SeveralHaproxies::new(all);
        let told = timeout(Duration::from_secs(4), six.look()).await;
        let told = told.expect("not the whole deadline of one that hangs").unwrap();
        assert_eq!((told.servers.len(), told.counters.len(), told.silent.len()), (4, 4, 2));
        assert!(told.whole().is_err() && told.lacks("s9@/elsewhere"));
        assert!(!told.lacks(&format!("s1@{}", hung.address())), "it is not known to be gone");

        let none = SeveralHaproxies::new(vec![at("/nonexistent/s"), at("/nonexistent/t")]).look().await;
        assert!(matches!(none, Err(TrafficError::Unavailable(_))), "{none:?}");
    }

    #[test]
    fn a_server_written_down_with_one_alone_is_the_firsts() {
        let both = SeveralHaproxies::new(vec![at("/run/a.sock"), at("/run/b.sock")]);
        assert_eq!(both.called("s4").as_deref(), Some("s4@/run/a.sock"));
        assert_eq!(both.called("s4@/run/b.sock").as_deref(), Some("s4@/run/b.sock"));
        assert_eq!(both.called("s4@/run/c.sock"), None);
    }
}
