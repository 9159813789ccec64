//! Places: how many may be attached at once, and whose they are.
//!
//! Nobody can take them all: others than the engine's own user have a share each and one together, and screens leave
//! some to tools, so that an operation can always be stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::wire::MOST_CLIENTS;

/// Screens at once; the rest is for tools.
pub const SCREENS: usize = 32;
/// Clients at once of one person who is not the engine's own user.
const EACH: usize = 8;
/// Places that only the engine's own user may take.
const OWN: usize = 8;

#[derive(Debug, Default)]
struct Taken {
    clients: BTreeMap<u32, usize>,
    screens: usize,
}

/// The places of a service.
#[derive(Debug)]
pub struct Places {
    own: u32,
    taken: Mutex<Taken>,
}

/// A place; given back on drop.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    uid: u32,
    screen: bool,
}

impl Places {
    /// All free; `own` is the engine's own user id.
    pub fn of(own: u32) -> Arc<Self> {
        Arc::new(Self { own, taken: Mutex::default() })
    }

    /// Nothing is left half done under this lock, so a panic elsewhere spoils nothing.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a client of `uid`, or why there is none.
    pub fn take(self: &Arc<Self>, uid: u32) -> Result<Place, String> {
        let mut taken = self.taken();
        let all: usize = taken.clients.values().sum();
        let others: usize = taken.clients.iter().filter(|(u, _)| **u != self.own).map(|(_, n)| n).sum();
        let here = taken.clients.get(&uid).copied().unwrap_or(0);
        if all >= MOST_CLIENTS || (uid != self.own && others >= MOST_CLIENTS - OWN) {
            return Err(format!("{all} screens and tools are attached already; close one, or try again"));
        }
        if uid != self.own && here >= EACH {
            return Err(format!("you have {here} screens and tools attached already; close one first"));
        }
        *taken.clients.entry(uid).or_default() += 1;
        Ok(Place { places: Arc::clone(self), uid, screen: false })
    }
}

impl Place {
    /// Makes it a screen's place, or says why it cannot be one.
    pub fn for_screen(&mut self) -> Result<(), String> {
        let mut taken = self.places.taken();
        if taken.screens >= SCREENS {
            return Err(format!("{SCREENS} screens are attached already; tools still find a place"));
        }
        taken.screens += 1;
        drop(taken);
        self.screen = true;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.screens -= usize::from(self.screen);
        if let Some(count) = taken.clients.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                taken.clients.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let places = Places::of(1);
        let mut held: Vec<Place> = (0..EACH).map(|_| places.take(7).unwrap()).collect();
        assert!(places.take(7).unwrap_err().contains("8 screens and tools"));
        for uid in 8..11 {
            held.extend((0..EACH).map(|_| places.take(uid).unwrap()));
        }
        assert!(places.take(99).unwrap_err().contains("32 screens and tools"), "the rest is the owner's");
        let mut own: Vec<Place> = (0..OWN).map(|_| places.take(1).unwrap()).collect();
        assert!(places.take(1).unwrap_err().contains("40 screens"));
        own.pop();
        assert!(places.take(1).is_ok(), "given back");
        drop(held);
        assert_eq!(places.taken().clients.len(), 1);
    }

    #[test]
    fn screens_leave_places_to_tools() {
        let places = Places::of(1);
        let mut held: Vec<Place> = (0..MOST_CLIENTS).map(|_| places.take(1).unwrap()).collect();
        let refused = held.iter_mut().filter_map(|p| p.for_screen().err()).count();
        assert_eq!(refused, MOST_CLIENTS - SCREENS);
        held.clear();
        assert!(places.take(1).unwrap().for_screen().is_ok());
    }
}
