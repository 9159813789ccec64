//! What targets say of their metric families: type, help and unit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::scrape::exposition::{MetricKind, Said};
use crate::series::Timestamp;

use super::head::Store;

/// What is known of a metric family. What no target said is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `# TYPE`.
    pub kind: MetricKind,
    /// `# HELP`, as the reader cleaned and cut it.
    pub help: Box<str>,
    /// `# UNIT`, likewise.
    pub unit: Box<str>,
}

/// Families by name. The last word counts, whichever target said it.
#[derive(Debug, Default)]
pub(super) struct Families {
    known: BTreeMap<Box<str>, Metadata>,
    bytes: usize,
    /// When those without a series were last looked for.
    swept: Option<Timestamp>,
}

/// They are looked for this often at most.
const SWEPT: Duration = Duration::from_secs(60);

/// Heap bytes of an entry beside its texts.
const ENTRY: usize = size_of::<(Box<str>, Metadata)>() + 16;

/// What the names of a family's series end with.
const SUFFIXES: [&str; 8] = ["_total", "_bucket", "_count", "_sum", "_info", "_gsum", "_gcount", "_created"];

impl Metadata {
    fn bytes(&self) -> usize {
        ENTRY + self.help.len() + self.unit.len()
    }

    /// Whether series of a family of this type have names that end so.
    fn has(&self, suffix: &str) -> bool {
        match self.kind {
            MetricKind::Counter => matches!(suffix, "_total" | "_created"),
            MetricKind::Histogram => matches!(suffix, "_bucket" | "_count" | "_sum" | "_created"),
            MetricKind::GaugeHistogram => matches!(suffix, "_bucket" | "_gcount" | "_gsum"),
            MetricKind::Summary => matches!(suffix, "_count" | "_sum" | "_created"),
            MetricKind::Info => suffix == "_info",
            MetricKind::Gauge | MetricKind::StateSet | MetricKind::Unknown => false,
        }
    }
}

/// The family that `metric` belongs to, of those that `known` knows by name: its own, or the one of which its name is
/// a series.
pub fn family_of<'a>(metric: &str, known: impl Fn(&str) -> Option<&'a Metadata>) -> Option<&'a Metadata> {
    known(metric).or_else(|| {
        SUFFIXES.iter().find_map(|suffix| {
            let family = known(metric.strip_suffix(suffix)?)?;
            family.has(suffix).then_some(family)
        })
    })
}

impl Families {
    /// Takes in what was said of a family, unless that would make more than `most`; whether it was taken.
    fn tell(&mut self, name: &str, said: &Said, most: usize) -> bool {
        if !self.known.contains_key(name) {
            if self.known.len() >= most {
                return false;
            }
            self.bytes += ENTRY + name.len();
            self.known.insert(name.into(), Metadata::default());
        }
        let Some(known) = self.known.get_mut(name) else { return false };
        let before = known.bytes();
        match said {
            Said::Kind(kind) => known.kind = *kind,
            Said::Help(help) if *known.help != **help => known.help = help.as_str().into(),
            Said::Unit(unit) if *known.unit != **unit => known.unit = unit.as_str().into(),
            Said::Help(_) | Said::Unit(_) => {}
        }
        self.bytes = (self.bytes + known.bytes()).saturating_sub(before);
        true
    }

    /// The family that a metric belongs to.
    fn of(&self, metric: &str) -> Option<&Metadata> {
        family_of(metric, |name| self.known.get(name))
    }

    /// Forgets families without a metric in the store.
    fn sweep(&mut self, metrics: &BTreeMap<Arc<str>, usize>) {
        let bytes = &mut self.bytes;
        self.known.retain(|name, family| {
            let live = metrics.contains_key(name.as_ref())
                || SUFFIXES
                    .iter()
                    .any(|s| family.has(s) && metrics.contains_key(format!("{name}{s}").as_str()));
            if !live {
                *bytes = bytes.saturating_sub(family.bytes() + name.len());
            }
            live
        });
    }

    /// Heap bytes held, estimated.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Store {
    /// Type, help and unit of a metric, by the name of its family or of one of its series.
    pub fn metadata(&self, metric: &str) -> Option<&Metadata> {
        self.families.of(metric)
    }

    /// Number of families of which something is known.
    pub fn family_count(&self) -> usize {
        self.families.known.len()
    }

    /// Takes in what a target said of its families at `at`. Where there are too many, those without a series make room,
    /// once in [`SWEPT`]: looking for them takes long, and any target may say new ones at every scrape.
    pub(super) fn tell(&mut self, said: &[(Box<str>, Said)], at: Timestamp) {
        let most = self.limits.max_families;
        for (name, said) in said {
            if self.families.tell(name, said, most) {
                continue;
            }
            if self.families.swept.is_none_or(|last| at.since(last) >= SWEPT) {
                self.families.swept = Some(at);
                self.families.sweep(&self.names.metrics);
            }
            if !self.families.tell(name, said, most) {
                self.counters.refused_families += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap as Map;

    use super::*;
    use crate::scrape::exposition::{Format, Reader};
    use crate::scrape::{Limits as ScrapeLimits, SourceId};
    use crate::store::Limits;

    fn scrape(store: &mut Store, reader: &mut Reader, secs: i64, body: &str) {
        let at = Timestamp::from_secs(secs);
        let reading = reader.read(body.as_bytes(), Format::Text, at, true).unwrap();
        let mut block = reading.block;
        block.said = reading.said;
        store.append_block(&block);
    }

    fn reader(name: &str) -> Reader {
        Reader::new(SourceId::new(name), &Map::new(), ScrapeLimits::default())
    }

    #[test]
    fn what_targets_say_is_known_by_family_and_by_series() {
        let (mut store, mut a) = (Store::new(Limits::default()), reader("a"));
        let body = "# HELP d How long.\n# TYPE d histogram\nd_bucket{le=\"+Inf\"} 1\nd_sum 1\nd_count 1\n\
                    # TYPE g gauge\ng 1\ng_total 2\n# TYPE c_total counter\nc_total 1\n";
        scrape(&mut store, &mut a, 100, body);
        let kind = |store: &Store, name: &str| store.metadata(name).map(|m| m.kind);
        assert_eq!(kind(&store, "d_bucket"), Some(MetricKind::Histogram));
        assert_eq!(store.metadata("d").map(|m| &*m.help), Some("How long."));
        assert_eq!(kind(&store, "c_total"), Some(MetricKind::Counter));
        assert_eq!((kind(&store, "g_total"), kind(&store, "nothing")), (None, None));
        // Said again only when it changes; the last word counts.
        scrape(&mut store, &mut a, 115, body);
        scrape(&mut store, &mut reader("b"), 120, "# TYPE g counter\n# HELP d \\\\ \\n x\ng 1\n");
        assert_eq!(kind(&store, "g"), Some(MetricKind::Counter));
        assert_eq!(store.metadata("d_sum").map(|m| &*m.help), Some("\\   x"));
        assert_eq!((store.family_count(), store.counters().refused_families), (3, 0));
    }

    #[test]
    fn families_are_bounded_and_the_gone_make_room() {
        let limits =
            Limits { max_families: 3, retention: std::time::Duration::from_secs(60), ..Limits::default() };
        let (mut store, mut a) = (Store::new(limits), reader("a"));
        let body = |names: &[&str]| {
            names
                .iter()
                .map(|n| format!("# TYPE {n} gauge\n# HELP {n} help of {n}\n{n} 1\n"))
                .collect::<String>()
        };
        scrape(&mut store, &mut a, 100, &body(&["a", "b", "c", "d"]));
        assert_eq!((store.family_count(), store.counters().refused_families), (3, 2));
        assert!(store.metadata("d").is_none());
        let full = store.families.bytes();
        for secs in 0..40 {
            scrape(&mut store, &mut a, 115 + secs * 15, &body(&["a"]));
        }
        // Looked for at most once a minute, whatever is said.
        scrape(&mut store, &mut a, 800, &body(&["a", "x"]));
        scrape(&mut store, &mut a, 815, &body(&["a", "y", "z"]));
        assert!(store.metadata("x").is_some() && store.metadata("z").is_none());
        for secs in 0..10 {
            scrape(&mut store, &mut a, 830 + secs * 15, &body(&["a"]));
        }
        scrape(&mut store, &mut a, 1000, &body(&["a", "e", "f"]));
        assert!(store.metadata("f").is_some() && store.metadata("b").is_none());
        assert_eq!((store.family_count(), store.families.bytes()), (3, full));
    }
}
