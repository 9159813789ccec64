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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;

    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// The real program; `None` where it is not installed.
    fn haproxy(dir: &Path) -> Option<Running> {
        let program = ["/usr/sbin/haproxy", "/usr/bin/haproxy"].into_iter().find(|p| Path::new(p).is_file());
        let Some(program) = program else {
            println!("SKIPPED: haproxy is not installed");
            return None;
        };
        let d = dir.display();
        let config = format!(
            "global\n  stats socket {d}/admin.sock level admin\n  stats socket {d}/operator.sock level operator\n\
             defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s\n\
             backend shop\n  balance roundrobin\n  server a 127.0.0.1:1 weight 100\n  \
             server b 127.0.0.1:2 weight 100 disabled\n\
             backend fixed\n  balance source\n  server a 127.0.0.1:1 weight 100\n"
        );
        std::fs::write(dir.join("haproxy.cfg"), config).unwrap();
        let child = Command::new(program)
            .args(["-db", "-f"])
            .arg(dir.join("haproxy.cfg"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Running(child))
    }

    fn manager(dir: &Path, socket: &str, backend: &str) -> HaproxyManager {
        HaproxyManager::new(Address::Unix(dir.join(socket)), backend).unwrap()
    }

    #[tokio::test]
    async fn the_real_program_is_read_changed_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let Some(_running) = haproxy(dir.path()) else { return };
        let shop = manager(dir.path(), "admin.sock", "shop");
        for _ in 0..500 {
            if shop.servers().await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let servers = shop.servers().await.unwrap();
        assert_eq!(
            servers.iter().map(|s| (s.name.as_str(), s.up)).collect::<Vec<_>>(),
            [("a", true), ("b", false)]
        );
        assert_eq!(shop.allowed().await, Ok(()));
        assert_eq!(shop.turn("a", Turn::Weight(10)).await.unwrap().weight, 10);
        assert!(shop.turn("a", Turn::Drain).await.unwrap().draining);
        assert!(!shop.turn("a", Turn::Ready).await.unwrap().draining);

        let operator = manager(dir.path(), "operator.sock", "shop");
        assert!(operator.allowed().await.unwrap_err().to_string().contains("level admin"));
        let refused = operator.turn("a", Turn::Weight(50)).await.unwrap_err().to_string();
        assert!(refused.contains("level admin"), "{refused}");
        assert_eq!(shop.servers().await.unwrap()[0].weight, 10, "a refused change changes nothing");

        let fixed = manager(dir.path(), "admin.sock", "fixed").turn("a", Turn::Weight(50)).await.unwrap_err();
        assert!(fixed.to_string().contains("balance roundrobin"), "{fixed}");
        assert!(manager(dir.path(), "admin.sock", "gone").servers().await.is_err());
        let down = manager(dir.path(), "nobody.sock", "shop").servers().await.unwrap_err();
        assert!(matches!(down, TrafficError::Unavailable(_)), "{down}");
    }
}
