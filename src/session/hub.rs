//! What all clients share: who is there, the newest picture, and which wishes were answered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::series::Timestamp;
use crate::view::{Answer, Attached, Caller, Command, Company, Role, Spot, View, Wish, in_shadow};

use super::pace::Pace;
use super::picture::Round;
use super::sight::Sight;
use super::wheel::{Wheel, decides};
use super::wire::Wants;

/// Wishes remembered, so that one that comes twice is carried out once.
const REMEMBERED: usize = 512;
/// Time between two pictures.
const REST: Duration = Duration::from_millis(200);
/// How long the engine may take to answer a wish.
const PATIENCE: Duration = Duration::from_secs(30);

/// A wish that was seen: whose, its number, and the answer once there is one.
type Seen = (u32, String, Option<Answer>);

/// What all clients share.
#[derive(Debug)]
pub struct Hub {
    clock: Clock,
    pub(super) wishes: mpsc::Sender<Wish>,
    pub(super) people: Mutex<BTreeMap<u64, Attached>>,
    seen: Mutex<VecDeque<Seen>>,
    pace: Mutex<Pace>,
    pub(super) wheel: Mutex<Wheel>,
    learners: Vec<u32>,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) haste: Clock,
    /// Since when somebody looks without a break.
    attended: Mutex<Option<Timestamp>>,
    /// How long the engine may take to answer a wish.
    pub(super) patience: Duration,
    next: AtomicU64,
    viewers: AtomicUsize,
    /// Number of the newest picture when the first of those who look now came.
    stale: AtomicU64,
    changed: watch::Sender<u64>,
    rounds: watch::Sender<Arc<Round>>,
}

/// Nothing is left half done under these locks, so a panic elsewhere spoils nothing.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Nobody is there yet. Whoever has a user id of `learners` decides nothing.
    pub fn new(
        clock: Clock,
        wishes: mpsc::Sender<Wish>,
        view: watch::Receiver<Arc<View>>,
        learners: Vec<u32>,
    ) -> Self {
        Self {
            wheel: Mutex::default(),
            learners,
            view,
            clock,
            wishes,
            people: Mutex::default(),
            seen: Mutex::default(),
            pace: Mutex::default(),
            haste: Clock::real(),
            attended: Mutex::default(),
            patience: PATIENCE,
            next: AtomicU64::new(1),
            viewers: AtomicUsize::new(0),
            stale: AtomicU64::new(0),
            changed: watch::channel(0).0,
            rounds: watch::channel(Arc::default()).0,
        }
    }

    /// Takes a client in, until the ticket is dropped.
    pub fn enter(self: &Arc<Self>, caller: &Caller, wants: Wants, learns: bool) -> Ticket {
        let learns = learns || self.learners.contains(&caller.person.uid);
        let you = Attached {
            screen: self.next.fetch_add(1, Ordering::Relaxed),
            uid: caller.person.uid,
            name: caller.person.name.clone(),
            tty: caller.tty.clone(),
            since: self.clock.now(),
            spot: Spot::default(),
            role: if learns { Role::Learner } else { Role::Partner },
            asks: false,
        };
        // Subscribed before it asks for a picture: the next one is for it too.
        let mut pictures = (wants != Wants::Nothing).then(|| self.rounds.subscribe());
        let number = self.rounds.borrow().number;
        // What was made before anybody looked is of then.
        if wants != Wants::Nothing && self.viewers.load(Ordering::SeqCst) == 0 {
            self.stale.store(number, Ordering::SeqCst);
        }
        // Where somebody looks, the picture is as new as pictures are: this one need not wait for the next.
        if self.viewers.load(Ordering::SeqCst) > 0 && number > self.stale.load(Ordering::SeqCst) {
            pictures.iter_mut().for_each(watch::Receiver::mark_changed);
        }
        if wants == Wants::Pictures {
            let mut people = lock(&self.people);
            if people.is_empty() {
                *lock(&self.attended) = Some(you.since);
            }
            people.insert(you.screen, you.clone());
        }
        if wants != Wants::Nothing {
            self.viewers.fetch_add(1, Ordering::SeqCst);
            self.note_change();
        }
        Ticket { hub: Arc::clone(self), you, wants, pictures }
    }

    pub(super) fn note_change(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Notes where somebody looks.
    pub fn look(&self, screen: u64, spot: &Spot) {
        let spot = Spot {
            panel: spot.panel.chars().take(1).collect(),
            kind: crate::series::text::clean(&spot.kind, 20),
            id: crate::series::text::clean(&spot.id, 300),
            zoomed: spot.zoomed,
            pan: spot.pan,
            zoom: spot.zoom,
            pointed: spot.pointed,
            evidence: spot.evidence,
            sorted: crate::series::text::clean(&spot.sorted, 20),
            tiny: spot.tiny,
        };
        if let Some(there) = lock(&self.people).get_mut(&screen).filter(|a| a.spot != spot) {
            there.spot = spot;
        } else {
            return;
        }
        self.note_change();
    }

    /// What a screen looks at, once it has said so.
    pub fn sight(&self, screen: u64) -> Sight {
        lock(&self.people).get(&screen).map(|a| Sight::of(&a.spot)).unwrap_or_default()
    }

    /// Carries a wish of `you` out once, however often it comes.
    pub async fn wish(
        self: &Arc<Self>,
        caller: &Caller,
        you: &Attached,
        id: String,
        command: Command,
    ) -> Answer {
        if matches!(command, Command::Unattended | Command::WheelTurned(_)) {
            return Answer::no("only weescale itself says that");
        }
        let uid = caller.person.uid;
        {
            let mut seen = lock(&self.seen);
            if let Some((.., answer)) = seen.iter().find(|(u, known, _)| *u == uid && *known == id) {
                let waits = || Answer::no(format!("{id} is being carried out already"));
                return answer.clone().unwrap_or_else(waits);
            }
            // People hurry in real time, however fast the engine's clock runs.
            if !lock(&self.pace).allows(uid, &command, self.haste.monotonic()) {
                return Answer::no(
                    "too many wishes at once; this one was not carried out: ask again in a second",
                );
            }
            if seen.len() >= REMEMBERED {
                seen.pop_front();
            }
            seen.push_back((uid, id.clone(), None));
        }
        let answer = match self.allowed(you, command) {
            Ok(Command::Wheel) => self.turn(caller, you).await,
            Ok(command) => self.ask(caller, command).await,
            Err(why) => Answer::no(why),
        };
        let mut seen = lock(&self.seen);
        if let Some(entry) = seen.iter_mut().find(|(u, known, _)| *u == uid && *known == id) {
            entry.2 = Some(answer.clone());
        }
        answer
    }

    /// What becomes of a wish by who may decide; or why nothing does.
    fn allowed(&self, you: &Attached, command: Command) -> Result<Command, String> {
        if you.role == Role::Learner {
            return in_shadow(command).map_err(str::to_owned);
        }
        let Some(driver) = lock(&self.wheel).driver().filter(|_| decides(&command)) else {
            return Ok(command);
        };
        let people = lock(&self.people);
        let Some(drives) = people.get(&driver) else { return Ok(command) };
        // A screen is one person's hands; a tool without a screen goes by who runs it.
        let same = driver == you.screen || (!people.contains_key(&you.screen) && drives.uid == you.uid);
        if same || self.is_second_key(&command) {
            return Ok(command);
        }
        Err(format!("{} drives: D asks for the wheel, o points at what you mean", drives.name))
    }

    /// Whether a first person approved the same, so that this is the second key; the engine checks that it is another's.
    fn is_second_key(&self, command: &Command) -> bool {
        let Command::Approve { proposal, .. } = command else { return false };
        let view = self.view.borrow();
        let shown = view.proposals.data.iter().find(|p| p.proposal.id == *proposal);
        shown.and_then(|p| p.two_keys.as_ref()).is_some_and(|keys| keys.first.is_some())
    }

    /// Who looks, for the record of what `uid` wishes.
    pub(super) fn company(&self, uid: u32) -> Company {
        let mut uids: Vec<u32> = lock(&self.people).values().map(|a| a.uid).chain([uid]).collect();
        uids.sort_unstable();
        uids.dedup();
        let people = u32::try_from(uids.len()).unwrap_or(u32::MAX);
        Company { people, since: *lock(&self.attended) }
    }

    /// Makes pictures while somebody looks, until the engine is gone.
    pub async fn publish(self: Arc<Self>, mut view: watch::Receiver<Arc<View>>) {
        let mut changed = self.changed.subscribe();
        loop {
            tokio::select! {
                fresh = view.changed() => if fresh.is_err() { break },
                _ = changed.changed() => {}
            }
            if self.viewers.load(Ordering::SeqCst) == 0 {
                continue;
            }
            changed.borrow_and_update();
            let now = Arc::clone(&view.borrow_and_update());
            let before = Arc::clone(&self.rounds.borrow());
            let mut people: Vec<Attached> = lock(&self.people).values().cloned().collect();
            people.sort_by_key(|a| a.screen);
            {
                let (wheel, now) = (lock(&self.wheel), self.haste.monotonic());
                for person in people.iter_mut().filter(|a| a.role != Role::Learner) {
                    (person.role, person.asks) = (wheel.role(person.screen), wheel.asks(person.screen, now));
                }
            }
            let sights = people.iter().map(|a| Sight::of(&a.spot)).collect();
            let at = self.haste.monotonic();
            match tokio::task::spawn_blocking(move || Round::after(&before, &now, &people, &sights, at)).await
            {
                Ok(Ok(round)) => _ = self.rounds.send_replace(Arc::new(round)),
                Ok(Err(error)) => tracing::error!("no picture for attached screens: {error}"),
                Err(error) => tracing::error!("no picture for attached screens: {error}"),
            }
            // Faster than this nobody reads; what comes meanwhile is in the next one.
            tokio::time::sleep(REST).await;
        }
    }
}

/// A client's place; given back on drop.
#[derive(Debug)]
pub struct Ticket {
    hub: Arc<Hub>,
    /// The client.
    pub you: Attached,
    wants: Wants,
    /// Pictures, if it wants any.
    pub pictures: Option<watch::Receiver<Arc<Round>>>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.wants != Wants::Nothing {
            self.hub.viewers.fetch_sub(1, Ordering::SeqCst);
        }
        if self.wants != Wants::Pictures {
            return;
        }
        let last = {
            let mut people = lock(&self.hub.people);
            people.remove(&self.you.screen);
            if people.is_empty() {
                *lock(&self.hub.attended) = None;
            }
            people.is_empty()
        };
        let drove = lock(&self.hub.wheel).left(self.you.screen);
        self.hub.note_change();
        let tell = |command| {
            let person = crate::view::Person { uid: self.you.uid, name: self.you.name.clone() };
            let caller = Caller { person, tty: self.you.tty.clone(), company: None };
            let (reply, _) = oneshot::channel();
            // What is to be recorded waits for its place; without a runtime everything ends anyway.
            if let Err(mpsc::error::TrySendError::Full(wish)) =
                self.hub.wishes.try_send(Wish { command, caller, reply })
                && let Ok(runtime) = tokio::runtime::Handle::try_current()
            {
                let wishes = self.hub.wishes.clone();
                runtime.spawn(async move { wishes.send(wish).await });
            }
        };
        if drove {
            tell(Command::WheelTurned(format!("{} left with the wheel: everybody decides", self.you.name)));
        }
        if last {
            tell(Command::Unattended);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::screen::fixture;
    use crate::view::{JournalLine, Person};

    use super::*;

    fn hub(places: usize) -> (Arc<Hub>, mpsc::Receiver<Wish>, watch::Sender<Arc<View>>) {
        let (wishes, engine) = mpsc::channel(places);
        let (views, view) = watch::channel(Arc::new(fixture::view()));
        (Arc::new(Hub::new(Clock::real(), wishes, view, vec![7])), engine, views)
    }

    fn caller(uid: u32) -> Caller {
        Caller { person: Person { uid, name: format!("uid {uid}") }, tty: String::new(), company: None }
    }

    #[tokio::test]
    async fn learners_are_known_by_their_uid_whatever_their_name_is_here() {
        let (hub, ..) = hub(1);
        assert_eq!(hub.enter(&caller(7), Wants::Pictures, false).you.role, Role::Learner);
        assert_eq!(hub.enter(&caller(8), Wants::Pictures, false).you.role, Role::Partner);
    }

    #[tokio::test]
    async fn nobody_is_given_a_picture_of_before_anybody_looked() {
        let (hub, _engine, views) = hub(1);
        let publisher = tokio::spawn(Arc::clone(&hub).publish(views.subscribe()));
        // It listens before anybody comes, as in the service.
        tokio::task::yield_now().await;
        let enter = || hub.enter(&caller(8), Wants::Pictures, false);
        let has = |ticket: &Ticket| ticket.pictures.as_ref().unwrap().has_changed().unwrap();
        let next = async |ticket: &mut Ticket| {
            let pictures = ticket.pictures.as_mut().unwrap();
            tokio::time::timeout(PATIENCE, pictures.changed()).await.unwrap().unwrap();
            pictures.borrow_and_update().number
        };
        let mut first = enter();
        let number = next(&mut first).await;
        assert!(has(&enter()), "somebody looks: it is of now");
        drop(first);
        let (second, mut third) = (enter(), enter());
        assert!(!has(&second) && !has(&third), "it may be hours old");
        assert!(next(&mut third).await > number);
        assert!(has(&enter()));
        publisher.abort();
    }

    #[tokio::test]
    async fn a_late_turn_holds_if_it_was_recorded_and_is_taken_back_if_not() {
        let (hub, mut engine, views) = hub(1);
        let mut hub = Arc::try_unwrap(hub).unwrap();
        hub.patience = Duration::from_millis(30);
        let hub = Arc::new(hub);
        let ticket = hub.enter(&caller(8), Wants::Pictures, false);
        let mut late = async |id: &str| {
            let me = caller(8);
            let said = hub.wish(&me, &ticket.you, id.to_owned(), Command::Wheel).await;
            assert!(!said.accepted && said.text.contains("if it is recorded"), "{}", said.text);
            let wish = engine.recv().await.unwrap();
            assert_eq!(wish.caller.company.map(|c| (c.people, c.since.is_some())), Some((1, true)));
            wish
        };
        let driver = || lock(&hub.wheel).driver();
        let eventually = async |wanted: Option<u64>| {
            for _ in 0..500 {
                if driver() == wanted {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            false
        };
        // Recorded after all: the answer comes late, and until then nobody turns it again.
        let wish = late("1").await;
        assert_eq!(driver(), Some(ticket.you.screen), "it may be recorded");
        let again = hub.wish(&caller(8), &ticket.you, "1b".to_owned(), Command::Wheel).await;
        assert!(!again.accepted && again.text.contains("not recorded yet"), "{}", again.text);
        wish.reply.send(Answer::yes("recorded")).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(driver(), Some(ticket.you.screen));
        // Not recorded after all.
        let wish = late("2").await;
        assert_eq!(driver(), None);
        wish.reply.send(Answer::no("the disk is full")).unwrap();
        assert!(eventually(Some(ticket.you.screen)).await, "nobody let go of it");
        // No answer ever comes, and the record has it.
        let wish = late("3").await;
        let Command::WheelTurned(text) = wish.command.clone() else { panic!("{:?}", wish.command) };
        views.send_modify(|view| {
            let mut recorded = view.as_ref().clone();
            let (kind, user) = ("wheel".to_owned(), "uid 8".to_owned());
            recorded.journal.insert(0, JournalLine { seq: 9_000_000, at: recorded.at, kind, user, text });
            *view = Arc::new(recorded);
        });
        drop(wish);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(driver(), None, "let go, as recorded");
        // No answer ever comes, and the record does not have it.
        let wish = late("4").await;
        assert_eq!(driver(), Some(ticket.you.screen));
        drop(wish);
        assert!(eventually(None).await, "never taken");
    }

    #[tokio::test]
    async fn company_is_counted_by_person_and_begins_when_somebody_comes() {
        let (hub, ..) = hub(1);
        assert_eq!(hub.company(8), Company { people: 1, since: None }, "a tool, and nobody looks");
        let first = hub.enter(&caller(8), Wants::Pictures, false);
        let again = hub.enter(&caller(8), Wants::Pictures, false);
        let _tool = hub.enter(&caller(9), Wants::Nothing, false);
        assert_eq!(
            hub.company(8),
            Company { people: 1, since: Some(first.you.since) },
            "twice the same person"
        );
        let other = hub.enter(&caller(9), Wants::Pictures, false);
        assert_eq!(hub.company(8).people, 2);
        let since = first.you.since;
        drop((first, again));
        assert_eq!(hub.company(9), Company { people: 1, since: Some(since) }, "somebody looked all the time");
        drop(other);
        assert_eq!(hub.company(9).since, None);
    }

    #[tokio::test]
    async fn a_turn_that_the_engine_does_not_record_is_taken_back_and_a_leaving_driver_is_always_recorded() {
        let (hub, mut engine, _views) = hub(1);
        let ticket = hub.enter(&caller(8), Wants::Pictures, false);
        let mut turn = async |id: &str, answer: Answer| {
            let me = caller(8);
            let asked = hub.wish(&me, &ticket.you, id.to_owned(), Command::Wheel);
            let (said, ()) = tokio::join!(asked, async {
                let wish = engine.recv().await.unwrap();
                assert!(matches!(wish.command, Command::WheelTurned(_)));
                wish.reply.send(answer).unwrap();
            });
            (said.accepted, lock(&hub.wheel).driver())
        };
        assert_eq!(turn("1", Answer::no("the disk is full")).await, (false, None));
        assert_eq!(turn("2", Answer::yes("taken")).await, (true, Some(ticket.you.screen)));
        let (reply, _) = oneshot::channel();
        hub.wishes.try_send(Wish { command: Command::PollNow, caller: caller(8), reply }).unwrap();
        drop(ticket);
        assert_eq!(engine.recv().await.unwrap().command, Command::PollNow);
        let mut told = Vec::new();
        for _ in 0..2 {
            told.push(tokio::time::timeout(PATIENCE, engine.recv()).await.unwrap().unwrap().command);
        }
        let left =
            |c: &Command| matches!(c, Command::WheelTurned(text) if text.contains("left with the wheel"));
        assert!(told.iter().any(left) && told.contains(&Command::Unattended), "{told:?}");
    }
}
