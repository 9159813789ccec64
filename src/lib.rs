//! weescale: a terminal real-time scaling dashboard for site reliability engineers.
//!
//! It watches services through the metrics they have, forecasts demand, proposes changes of capacity, lets a person
//! approve or reject them, executes what was approved in stages, measures what that did, and shows all of it. One
//! binary, no agent. This page is the architecture; how to work on it is in `CONTRIBUTING.md`.
//!
//! # The data path
//!
//! The modules are declared in the order in which data goes through them. Three are vocabulary ([`clock`], [`series`],
//! [`fleet`]); ten are stages; the others stand around the path.
//!
//! | | module | from | to |
//! |---|---|---|---|
//! | 1 | [`scrape`] collects | endpoints and PromQL servers | samples, answers, health of sources |
//! | 2 | [`store`] keeps | samples | series within bounds, and PromQL over them |
//! | 3 | [`signals`] understands | answers to recipes | what each workload lives by, with unit, provenance, freshness |
//! | 4 | [`forecast`] looks ahead | the history of a signal | a fan, or why there is none |
//! | 5 | [`plan`] decides | signals, fan, objective, price | capacity, need, a wanted change with its reasons, guardrails |
//! | 6 | [`proposal`] puts it to a person | plans | cards with a life: shown, superseded, expired, decided |
//! | 7 | [`approval`] authorises | a decision and the hash of what was shown | a one-use permit, or a refusal |
//! | 8 | [`execution`] acts | a permit | an operation in stages with gates; a lease; a rollback |
//! | 9 | [`outcome`] looks back | a finished operation and the signals around it | before, expected, observed, verdict |
//! | 10 | [`learning`] gets better | forecasts as issued, decisions, outcomes | skill, coverage, scoreboard |
//! | | [`journal`] records | all of the above | an append-only, hash-chained file |
//! | | [`view`] is the read model | what the stages know | one immutable picture for people |
//! | | [`replay`] goes back in time | recorded frames | the same view, as it was |
//! | | [`screen`], [`report`] show | the view | a terminal, text, JSON |
//! | | [`engine`] wires | messages | runs the path every tick and publishes the view |
//! | | [`session`] serves and attaches | the view, wishes | frames on a unix socket, answers |
//! | | [`sandbox`] is a fleet to try it on | a scenario and a seed | the same HTTP that a real fleet has |
//! | | [`backtest`] replays history | a trace | what each policy would have done, at equal minutes short |
//! | | [`config`], [`telemetry`], [`cli`] | files, logs, arguments | settings, our own log, an exit code |
//!
//! A signal is a PromQL expression with a unit and a fallback order, so that one definition serves every source: it is
//! pushed down to a PromQL server, and evaluated over the store for endpoints that are scraped directly.
//!
//! # Messages
//!
//! ```text
//! pollers ──mpsc──▶ engine (sole owner of the store) ──watch<Arc<View>>──▶ screen
//! screen  ──mpsc<Command>──▶ engine
//! session ──mpsc<Wish>──▶ engine ──oneshot<Answer>──▶ session (view out, wishes in, over a unix socket)
//! engine  ──Snapshot──▶ queries over the store, on a thread of their own ──answers──▶ engine
//! engine  ──mpsc<Job + Permit>──▶ executor ──mpsc<Receipt>──▶ engine
//! engine, executor ──mpsc──▶ journal writer, which answers when the record is synchronised
//! ```
//!
//! Every queue is bounded and counts what it drops. The pollers, the engine, queries, forecasts, the journal and the screen
//! have threads of their own; one more carries executor and sessions, so that a long tick holds up neither. The screen never
//! waits for the network, the disk or a lock; drawing mutates nothing and never fails.
//!
//! # Invariants
//!
//! Of structure, checked by `tests/architecture.rs`:
//!
//! - A stage never imports a later one; nothing imports `screen`, `report`, `engine`, `session` or
//!   `cli`, except `cli` itself.
//! - `screen` and `report` know only `view`, the vocabulary and themselves. Only `screen` names ratatui or crossterm.
//! - Only `scrape/http`, `scrape/sources` and `execution/providers` name an HTTP client.
//! - Stages 2 to 7, 9 and 10 and [`backtest`] do no I/O, are not `async`, and take `now` as an argument.
//! - Clocks are read in `clock.rs` and nowhere else. Every wait and deadline is on the monotonic clock.
//! - There is no `unsafe`, and outside tests nothing unwraps, indexes or panics.
//!
//! Of behaviour, held by tests of the stages:
//!
//! - Nothing is written to a provider without an `intent` in the journal, synchronised to disk, that names object, from,
//!   to, approver and expiry. One gate, one permit type (made only in [`approval`]), one write path.
//! - An approval is bound to the hash of what was shown; anything else is refused. Drift of the live object cancels.
//!   A day's plan is approved like that as a whole ([`approval::DayApproval`]): its corridors are what a person can
//!   decide on beforehand, and what the backtests measure; one proposal at a time would be sixty keys a day and fleet.
//! - A turn of a load balancer goes the same way as a write. What is ours there is given back at the end, while a person is
//!   asked (but a new server that fails keeps its step), and after a restart, and never over what somebody else has set.
//! - Per decision replicas go from → to, then possibly back: no value is applied twice in one direction. A rollback
//!   writes only where the live value is still ours.
//! - Missing is never zero. Non-finite values stop at [`series`]. Absent, stale, partial or suspect data never lowers a
//!   target.
//! - Minimum, maximum, step, cool-down, freeze and budget are checked in the function that sends. A fleet of which
//!   readiness or freshness is not known begins nothing; a violated invariant halts all executing.
//! - A record that was acknowledged survives a power cut; damage is reported, not repaired in silence.
//! - Text from outside passes [`series::text`] before it reaches a terminal, a log or a file. No secret has a `Display`,
//!   `Debug` or `Serialize` that shows it.
//! - Every queue, buffer, cache, body and retry has a bound.
//! - A fan is stored as issued and never edited; what is scored later is what was said then.
//!
//! # Extension
//!
//! A source, recipe, candidate forecast, planner, provider, panel, widget or theme is one new file and one line in that
//! folder's list; `CONTRIBUTING.md` names each list.
//!
//! # Dependencies
//!
//! Asked for by the product's owner: `ratatui` and `crossterm` (the terminal), `tokio` (tasks and timers), `reqwest`
//! (HTTP client), `serde`, `color-eyre` (errors at the binary), `tui-logger` (the logs panel), `directories` (XDG places),
//! `prometheus-parse` (a second opinion on exposition text, in tests; it has neither OpenMetrics nor limits).
//!
//! | crate | why it, rather than something else or a page of our own |
//! |---|---|
//! | `reqwest` without default features | brings no TLS of its own choice: `rustls` is given with `ring`, which needs only a C compiler; `aws-lc`, the default, wants cmake and doubles the build |
//! | `hyper`, on which `reqwest` stands, with `hyper-util`, `http`, `http-body-util` | thousands of plain endpoints every few seconds: a client that keeps a task for each connection, parses each address anew and passes each request through layers costs more than all that is done with the answer. TLS, proxies and redirects stay with `reqwest` |
//! | `anstyle-parse` | the state machine of DEC's terminals, which `clap` brings anyway: crossterm's reader takes what terminals report for typing, or waits for an end that never comes |
//! | `promql-parser` | reads, rewrites and groups the expressions of recipes. Queries over the store have a parser of their own: this one has neither places, which warnings name, nor duration expressions, `anchored`, `smoothed` |
//! | `kube`, `k8s-openapi` | kubeconfig, exec plugins, client certificates, watches with bookmarks: what a page of our own would get wrong; its hidden retries are off |
//! | `aws-sigv4`, `aws-credential-types`, `quick-xml` | signs requests that `reqwest` sends once: the SDK costs five times the build and repeats writes by itself |
//! | `rusqlite`, bundled | durable, inspectable with a tool everyone has; bundled, so that its version and options are known |
//! | `jiff` | time zones and calendars with daylight saving done right; the zones are bundled for bare machines |
//! | `axum` | the sandbox's HTTP server, on the `hyper` that `reqwest` brings anyway |
//! | `flate2` with `zlib-rs` | gzip answers, pictures for attached screens and the frames of the record, inflated by us within a bound of decoded bytes; the back end is Rust |
//! | `hashbrown` | the standard library's hash table without its map: a table of numbers, looked up by what they stand for, which a map would hold twice |
//! | `memchr` | finds line ends and quotes with vector instructions and without `unsafe` of ours; `regex` brings it anyway |
//! | `mimalloc` | a million series are a million small pieces of memory: measured against the system's allocator, 29 % less resident memory and 12 % less CPU time for the same targets |
//! | `regex` | PromQL's matchers are RE2: nearly the same language, translated where it differs, and the same promise of linear time |
//! | `ring` | signs and checks lessons that travel between teams (Ed25519); `rustls` brings it anyway |
//! | `sha2` | the journal's chain, and the hash an approval is bound to |
//! | `rustix` | `poll`, process and terminal calls, and one `prctl` against huge pages, without `unsafe` of ours |
//! | `fastrand` | small seeded generators: jitter, simulation; nothing secret is made of it |
//! | `clap`, `clap_complete`, `clap_mangen` | one definition yields parser, help, completions and man page |
//! | `toml`, `serde_json` | configuration, recipes and themes; machine output and HTTP bodies |
//! | `thiserror` | error enums inside the stages, matched on by callers |
//! | `tracing`, `tracing-subscriber` | structured logs; to a file and to the logs panel |
//! | `unicode-width` | columns of text, by the tables ratatui uses |
//! | `divan` (benchmarks) | times small functions and prints items a second, which a limit beside them needs |
//! | `insta`, `proptest`, `tempfile` (tests) | pictures of the screen that are reviewed as text; inputs nobody thinks of; folders that go away |
//! | `rcgen`, `tokio-rustls` (tests) | certificates and a server for real TLS handshakes; both on the `rustls` that is there |
//!
//! # Where this deviates from the design, and why
//!
//! - `screen` also knows [`clock`]: dialogues and redraws have deadlines, and clocks may be read nowhere else.
//! - `scrape/target.rs` names `reqwest::Url`, the type of an address, not a client.
//! - `clock`, `series` and `fleet` are one vocabulary and may know each other.
//! - [`sandbox`] uses the store's PromQL and the provider contract's types: it is the other side of both wires. Only `cli`
//!   starts it, and no stage knows it.
//! - Forecasts come from one regularised regression over candidates per range of leads, not from a weighted pool with
//!   conformal intervals: on held-out series it was more accurate and its intervals meant what they say, at a fiftieth of
//!   the time. The bare distributions of what was seen enter with shares learned by pinball loss.
//! - The queries of signals are evaluated on a snapshot off the engine's loop; what arrives meanwhile is appended.
//! - The day plan executed live is floors, approved one by one or as a day; the follower of a backtest's corridors is simulated.
//! - A proposal changes one resource of a replica by one step; limits follow upwards and never shrink. Sizes have no lease: they
//!   are changed for good, and the size that replicas run with may differ from that of their template.
//! - A signal over scraped endpoints ends with its last live series: PromQL would let a rate shrink over its window, and falling
//!   demand that nobody measured is no demand.
//! - The wire to AWS (credentials, signing) is in `scrape/sources/aws`: the stage that collects needs it first, and a stage may
//!   not import a later one.
//! - `kube`'s watcher is not used: reads need bounds, ages and plain-text refusals, which it hides.
//! - Aggregations asked again and again keep their groups between answers, beside the ordinary evaluator and held to it by a
//!   property test.
//! - Screens and records get four digits of every number, and fans to a thousandth of their peak: nothing shows more. What
//!   is scored later is kept the same way in the journal. Attached screens get fans to a 256th of their peak, and what moved
//!   by less stays where it was.
//! - The fans of a recorded frame are those of its key frame (at most sixty frames earlier), except at a decision.
//! - A full disk, a hung journal and unknown readiness stop writes, never reads.
//! - Of traffic managers there is `HAProxy`. In front of an autoscaler's minimum it drains nothing: which pods go, and when, is
//!   the autoscaler's to say.

pub mod clock;
pub mod series;
pub mod fleet;
pub mod scrape;
pub mod store;
pub mod signals;
pub mod forecast;
pub mod plan;
pub mod proposal;
pub mod approval;
pub mod execution;
pub mod outcome;
pub mod learning;
pub mod journal;
pub mod view;
pub mod replay;
pub mod screen;
pub mod report;
pub mod engine;
pub mod session;
pub mod sandbox;
pub mod backtest;
pub mod config;
pub mod telemetry;
pub mod cli;
