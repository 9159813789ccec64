//! The house rules that a compiler does not check: who may import whom, what no file may name, how long files and
//! functions may be, and that every file is in its list.
//!
//! Sources are read as text: comments and literals are blanked, test code is left out ([`source`]). Each rule is a
//! function from sources to a list of violations, held to small made-up sources first, so that it is known to fail.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/lists.rs"]
mod lists;
#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/sizes.rs"]
mod sizes;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tree.rs"]
mod tree;

/// Fails with every violation, one a line.
fn none(rule: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{rule}:\n  {}", violations.join("\n  "));
}

#[test]
fn modules_are_declared_in_path_order() {
    let declared = imports::declared(&tree::read("src/lib.rs"));
    assert_eq!(declared, imports::PATH_ORDER, "src/lib.rs lists the modules along the data path");
}

#[test]
fn imports_go_down_the_path() {
    none(
        "a module may only import what its line in imports.rs allows",
        &imports::between_modules(&tree::product()),
    );
}

#[test]
fn each_outside_crate_stays_in_its_place() {
    none("a crate is named outside the folder that owns it", &imports::of_crates(&tree::product()));
}

#[test]
fn inner_stages_do_no_io() {
    none(
        "stages 2 to 7, 9 and 10 are pure: no I/O, not async, no clock",
        &imports::of_pure_stages(&tree::product()),
    );
}

#[test]
fn banned_names_are_absent() {
    none("banned", &names::banned(&tree::product()));
    none("banned in tests too", &names::banned_everywhere(&tree::everything()));
}

#[test]
fn every_expectation_has_a_reason() {
    none("#[expect] says why", &names::expectations_without_reason(&tree::everything()));
}

#[test]
fn files_and_functions_are_short() {
    none("longer than 500 lines", &sizes::long_files(&tree::everything()));
    none("function of 70 lines or more", &sizes::long_functions(&tree::product()));
    let median = sizes::median_lines(&tree::product());
    println!("median file: {median} lines");
    assert!(median <= sizes::MEDIAN_MAX, "the median file has {median} lines; aim for about 120");
}

#[test]
fn mod_files_only_list() {
    none("a mod.rs holds docs, mod lines and re-exports", &sizes::busy_mod_files(&tree::product()));
}

#[test]
fn every_fault_has_the_test_it_names() {
    let table = tree::read("tests/FAULTS.md").raw;
    none("no such test", &lists::unknown_tests(&table, &tree::everything()));
}

#[test]
fn every_file_is_in_its_list() {
    none("no mod line leads to", &lists::orphans(&tree::everything()));
    none("not embedded", &lists::unlisted("assets/recipes", "toml", "src/signals/catalogue.rs"));
    none("not embedded", &lists::unlisted("themes", "toml", "src/screen/theme/load.rs"));
}
