//! Configuration files, and files that they name, as nobody writes them by mistake: refused in a sentence, soon, and
//! without much memory; and what is said drives no terminal.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use weescale::clock::Clock;
use weescale::series::text::is_inert;

use super::{Home, text};

/// The largest file that is looked at.
const LARGEST: usize = 1 << 20;
/// An unoptimised build on a busy machine; the promise is a second.
const SOON: Duration = Duration::from_secs(20);
/// Most memory, KiB.
const MEMORY: u64 = 300 << 10;

/// What came of a run that was watched.
struct Watched {
    code: Option<i32>,
    said: String,
    took: Duration,
    /// Most memory it was seen to have, KiB.
    most: u64,
}

/// Runs the program, this build or the one that `WEESCALE_BIN` names, and ends it if it does not end by itself.
fn watched(home: &Home, args: &[&str], env: &[(&str, &Path)]) -> Watched {
    let program = std::env::var("WEESCALE_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_weescale").into());
    let files = ["out", "err"].map(|name| home.path().join(name));
    let [out, err] = files.each_ref().map(|path| std::fs::File::create(path).unwrap());
    let clock = Clock::real();
    let began = clock.monotonic();
    let mut child = Command::new(program)
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    let ended = loop {
        let now = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = now.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
        if let Some(ended) = child.try_wait().unwrap() {
            break Some(ended);
        }
        if clock.monotonic().since(began) > SOON {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
    };
    let took = clock.monotonic().since(began);
    let said = files.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).concat();
    Watched { code: ended.and_then(|e| e.code()), said, took, most }
}

/// Checks a configuration that must be refused (or, where `good` says so, may be taken).
fn refuses(home: &Home, what: &str, config: &Path, good: bool, word: &str) {
    let ran = watched(home, &["config", "check", text(config)], &[]);
    let said: String = ran.said.chars().take(400).collect();
    println!("{what}: {:?} after {:.2?}, {} MiB: {said}", ran.code, ran.took, ran.most >> 10);
    assert!(ran.code == Some(2) || (good && ran.code == Some(0)), "{what}: {:?} {said}", ran.code);
    assert!(ran.took < SOON && ran.most < MEMORY, "{what}: {:?}, {} KiB", ran.took, ran.most);
    assert!(ran.said.len() < 100_000, "{what}: {} bytes are said", ran.said.len());
    assert!(ran.said.contains(word), "{what} does not say {word:?}: {said}");
    inert(what, &ran.said);
}

fn inert(what: &str, said: &str) {
    let bad = said.chars().find(|c| *c != '\n' && !is_inert(*c));
    assert_eq!(bad, None, "{what}: {said:?}");
}

/// A file of as many repetitions as fit.
fn many(head: &str, one: impl Fn(usize) -> String, tail: &str) -> String {
    let mut all = head.to_owned();
    for i in 0.. {
        let more = one(i);
        if all.len() + more.len() + tail.len() > LARGEST {
            break;
        }
        all.push_str(&more);
    }
    all + tail
}

#[test]
fn texts_that_no_person_writes_are_refused_soon_and_in_one_sentence() {
    let home = Home::new();
    let deep = 400_000;
    let path = vec!["a"; 70].join(".");
    let nested = format!("{path} = {}1{}", format!("{{ {path} = ").repeat(70), " }".repeat(70));
    for (what, content, word) in [
        ("lists in lists", format!("a = {}", "[".repeat(deep)), "recurs"),
        ("tables in tables", format!("a = {}", "{a=".repeat(deep / 2)), "recurs"),
        ("a key of many parts", format!("{}a = 1", "a.".repeat(deep)), "recursion"),
        ("a heading of many parts", format!("[{}a]", "a.".repeat(deep)), "recursion"),
        ("parts in tables in parts", nested, ""),
        ("a NUL", "mode = \"ask\"\0\n".to_owned(), ":1:"),
        ("an escape", "theme = \"\u{1b}]0;x\u{7}\"\n".to_owned(), ":1:"),
        ("an escape outside of a text", "\u{1b}[2J\n".to_owned(), ":1:"),
        ("an endless text", format!("mode = \"{}", "x".repeat(LARGEST - 20)), ":1:"),
        ("an endless number", format!("mode = {}", "1".repeat(LARGEST - 20)), ":1:"),
        ("a long mode", format!("mode = \"{}\"", "x".repeat(LARGEST - 20)), "mode"),
        ("quotes", "\"".repeat(LARGEST), ":1:"),
        ("equal signs", "=\n".repeat(LARGEST / 2), ":1:"),
        ("unknown keys", many("", |i| format!("k{i}=1\n"), ""), "unknown field"),
        ("one key again and again", many("", |_| "mode='ask'\n".into(), ""), "duplicate key"),
        ("services without a name", many("service=[", |_| "{name=''},".into(), "]"), "more problems"),
        ("providers", many("provider=[", |i| format!("{{name='{i}',url='http://h'}},"), "]"), "1000"),
        ("clusters", many("kubernetes=[", |i| format!("{{name='{i}',region='{i}'}},"), "]"), "1000"),
        ("balancers", many("haproxy=[", |i| format!("{{backend='{i}',workload='{i}'}},"), "]"), "1000"),
        ("endpoints", many("scrape=[", |i| format!("{{url='h:{i}'}},"), "]"), "10000"),
    ] {
        refuses(&home, what, &home.file("c.toml", &content), false, word);
    }
    // Nothing is wrong with these but their length.
    for (what, content) in [
        ("empty lines", "\n".repeat(LARGEST)),
        ("services", many("service=[", |i| format!("{{name='s{i}'}},"), "]")),
        ("keys", many("[keys]\n", |i| format!("k{i}='x'\n"), "")),
        ("labels", many("[[scrape]]\nurl='h:1'\nlabels={", |i| format!("l{i}='x',"), "}")),
        ("a mark of byte order", "\u{feff}mode = \"ask\"\n".to_owned()),
    ] {
        refuses(&home, what, &home.file("c.toml", &content), true, "");
    }
}

#[test]
fn what_is_no_small_plain_file_is_not_read_as_a_configuration() {
    let home = Home::new();
    let place = |name: &str| home.path().join(name);
    for (name, size) in
        [("hundred.toml", 100 << 20), ("gigabyte.toml", 1 << 30), ("just.toml", LARGEST as u64 + 1)]
    {
        std::fs::File::create(place(name)).unwrap().set_len(size).unwrap();
        refuses(&home, name, &place(name), false, "larger than 1048576 bytes");
    }
    std::fs::write(place("latin.toml"), b"theme = \"caf\xe9\"").unwrap();
    refuses(&home, "latin", &place("latin.toml"), false, "not UTF-8 at byte 12");
    pipe(&place("pipe"));
    std::os::unix::fs::symlink(place("pipe"), place("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place("socket")).unwrap();
    for name in ["pipe", "link"] {
        refuses(&home, name, &place(name), false, "not a plain file");
    }
    refuses(&home, "a socket", &place("socket"), false, "socket");
    refuses(&home, "a device", Path::new("/dev/zero"), false, "/dev/zero");
    refuses(&home, "a folder", home.path(), false, "not a plain file");
    // It says that it is empty, and never ends to be written.
    refuses(&home, "a file of the system", Path::new("/proc/self/smaps"), false, "/proc/self/smaps");
    std::os::unix::fs::symlink("loop", place("loop")).unwrap();
    refuses(&home, "a link to itself", &place("loop"), false, "loop");
}

fn pipe(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
}

/// Each is looked at when the configuration is, or when what it configures is connected to.
#[test]
fn pipes_where_a_configuration_names_files_are_refused_and_not_waited_for() {
    let home = Home::new();
    let place = home.path().join("pipe.toml");
    pipe(&place);
    let named = text(&place);
    let recipes = home.path().join("recipes");
    std::fs::create_dir(&recipes).unwrap();
    pipe(&recipes.join("one.toml"));
    for (what, content) in [
        ("a token of a provider", format!("[[provider]]\nname='p'\nurl='http://h'\ntoken_file='{named}'")),
        ("an authority of a provider", format!("[[provider]]\nname='p'\nurl='http://h'\nca_file='{named}'")),
        ("a token of a source", format!("[[scrape]]\nurl='h'\nbearer_file='{named}'")),
        ("an authority of a source", format!("[[prometheus]]\nurl='http://h'\nca_file='{named}'")),
        (
            "a certificate of a source",
            format!("[[scrape]]\nurl='h'\ncert_file='{named}'\nkey_file='{named}'"),
        ),
        ("a kubeconfig", format!("[[kubernetes]]\nname='k'\nkubeconfig='{named}'")),
    ] {
        refuses(&home, what, &home.file("c.toml", &content), false, "not a plain file");
    }
    let config = home.file("c.toml", &format!("recipes='{}'\n", recipes.display()));
    let ran = watched(&home, &["config", "check", text(&config)], &[]);
    assert_eq!(ran.code, Some(1), "{} after {:?}", ran.said, ran.took);
    assert!(ran.said.contains("one.toml: not a plain file"), "{}", ran.said);
}

/// What becomes of kubeconfigs, which are YAML.
#[test]
fn a_kubeconfig_that_is_a_bomb_a_pipe_or_endless_is_refused() {
    let home = Home::new();
    let mut bomb = "apiVersion: v1\nkind: Config\na0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..30 {
        let last = format!("*a{},", i - 1).repeat(9);
        bomb.push_str(&format!("a{i}: &a{i} [{}]\n", last.trim_end_matches(',')));
    }
    bomb.push_str("clusters: *a29\n");
    let deep = format!("clusters: {}", "[".repeat(500_000));
    let secret = "users:\n- name: ann\n  user:\n    token: hunter2\n    password: [hunter2\n";
    let (pipe_at, large) = (home.path().join("kube-pipe"), home.path().join("kube-large"));
    pipe(&pipe_at);
    std::fs::File::create(&large).unwrap().set_len(100 << 20).unwrap();
    for (what, path) in [
        ("a bomb of aliases", home.file("bomb", &bomb)),
        ("lists in lists", home.file("deep", &deep)),
        (
            "escapes",
            home.file("escapes", "clusters: \"\\u001b]0;x\\u0007\"\ncurrent-context: \"\\u001b[2J\"\n"),
        ),
        ("a mistake beside a secret", home.file("secret", secret)),
        ("a pipe", pipe_at),
        ("a hundred megabytes", large),
    ] {
        for args in [&["check"][..], &["--context", "c", "check"]] {
            let ran = watched(&home, args, &[("KUBECONFIG", &path)]);
            let said: String = ran.said.chars().take(300).collect();
            println!("{what}: {:?} after {:.2?}, {} MiB: {said}", ran.code, ran.took, ran.most >> 10);
            assert!(ran.code.is_some_and(|code| code == 1 || code == 2), "{what}: {:?} {said}", ran.code);
            assert!(ran.took < SOON && ran.most < MEMORY, "{what}: {:?}, {} KiB", ran.took, ran.most);
            assert!(ran.said.len() < 10_000, "{what}: {}", ran.said.len());
            assert!(!ran.said.contains("hunter2"), "{what} is shown with its secrets: {said}");
            inert(what, &ran.said);
        }
    }
}

/// TOML writes any character in a text; whatever field has one, what is said of it is plain.
#[test]
fn escapes_written_as_such_in_any_field_drive_no_terminal() {
    let home = Home::new();
    let evil = "\\u001b]0;evil\\u0007\\u009b2J\\r\\u202e";
    for field in [
        "mode='X'",
        "theme='X'",
        "journal='X'",
        "recipes='/X'",
        "[context]\nname='X'",
        "[keys]\n'X'='X'",
        "[session]\nsocket='/X'\ngroups=['X']\nlearners=['X']",
        "[[prometheus]]\nurl='X'",
        "[[prometheus]]\nurl='http://h'\nparams={ 'X'='X' }\nheaders={ 'X'='X' }",
        "[[scrape]]\nurl='http://h/X'\njob='X'\nlabels={ 'X'='X' }\nbearer_env='X'\nca_file='/X'",
        "[[scrape]]\nurl='h'\nuser='X'\npassword_file='/X'\ninterval='X'",
        "[[provider]]\nname='X'\nurl='http://X'\ntoken_file='/X'",
        "[[provider]]\nname='X'\ntype='X'\nurl='http://h'",
        "[[kubernetes]]\nname='X'\ncontext='X'\nkubeconfig='/X'\nregion='X'\nproxy='X'",
        "[[aws]]\nname='X'\nregions=['X']\nservices=['X']\nendpoint='X'\nprofile='X'",
        "[[cloudwatch]]\nname='X'\nregion='X'",
        "[[haproxy]]\nsocket='/X'\nbackend='X'\nworkload='X'\nmatch='X'",
        "[[service]]\nname='X'\nteam='X'\nresidency=['X']\noptional_routes=['X']",
        "[[region]]\nname='X'\ntime_zone='X'\nlatitude=0\nlongitude=0",
        "[[event]]\nname='X'\nfrom='X'\nto='X'\ntime_zone='X'",
        "[[freeze]]\nfrom='X'\nto='X'\nreason='X'",
        "[[team]]\nname='X'\npeople=['X']\nservices=['X']",
        "'X'=1",
        "['X']\n'X'=1",
    ] {
        let content = field.replace("'X'", &format!("\"{evil}\"")).replace('\'', "\"").replace('X', evil);
        let config = home.file("c.toml", &content);
        for command in [&["config", "check"][..], &["config", "show"]] {
            let args: Vec<&str> = ["--config", text(&config)].iter().chain(command).copied().collect();
            let ran = watched(&home, &args, &[]);
            assert!(matches!(ran.code, Some(0..=2)), "{field}: {:?} {}", ran.code, ran.said);
            inert(field, &ran.said);
        }
    }
}
