use proptest::prelude::*;

use super::*;

fn round_trip(old: &Value, new: &Value) -> usize {
    let mut value = old.clone();
    let Some(patch) = diff(old, new) else {
        assert_eq!(old, new);
        return 0;
    };
    let size = patch.to_string().len();
    apply(&mut value, patch).unwrap();
    assert_eq!(&value, new);
    size
}

#[test]
fn sliding_windows_and_growing_lists_cost_one_element() {
    let window = |from: u64| json!((from..from + 500).collect::<Vec<_>>());
    assert!(round_trip(&window(0), &window(1)) < 40);
    assert!(round_trip(&window(1), &window(0)) < 40);
    let list = |n: u64| json!((0..n).rev().map(|i| json!({ "seq": i, "text": "x" })).collect::<Vec<_>>());
    assert!(round_trip(&list(100), &list(101)) < 60);
    assert!(round_trip(&list(101), &list(100)) < 60);
    assert_eq!(round_trip(&window(3), &window(3)), 0);
    // The value of the minute that is not over changes while the window stands, and when it slides.
    assert!(round_trip(&json!([1, 2, 3, 4]), &json!([1, 2, 3, 5])) < 20);
    assert!(round_trip(&json!([1, 2, 3, 4]), &json!([2, 3, 9, 8])) < 30);
}

#[test]
fn rows_that_change_places_and_numbers_that_move_are_small() {
    let rows = json!([{ "id": "a", "x": 1 }, { "id": "b", "x": 2 }]);
    let swapped = json!([{ "id": "b", "x": 2 }, { "id": "a", "x": 1 }]);
    assert_eq!(diff(&rows, &swapped), Some(json!([2, [1, 1, 0, 1]])));
    let (old, new) = (json!({ "a": { "b": 1, "c": 2 } }), json!({ "a": { "b": 1, "c": 3 } }));
    assert_eq!(diff(&old, &new), Some(json!([1, [0, [1, [1, 3]]]])));
    assert_eq!(diff(&json!({ "a": 1 }), &json!({ "b": [2] })), Some(json!([1, [], [0], { "b": [2] }])));
}

#[test]
fn instants_that_move_by_little_are_written_as_steps_where_that_is_asked_for() {
    let (old, new) =
        (json!({ "at": 1_780_986_753_157_i64, "n": 16 }), json!({ "at": 1_780_986_762_965_i64, "n": 17 }));
    let steps = diff_in_steps(&old, &new).unwrap();
    assert_eq!(steps, json!([1, [0, [3, 9808], 1, 17]]));
    let mut value = old.clone();
    apply(&mut value, steps).unwrap();
    assert_eq!(value, new);
    assert_eq!(
        diff(&old, &new),
        Some(json!([1, [0, 1_780_986_762_965_i64, 1, 17]])),
        "records are as they were"
    );
    let back = diff_in_steps(&new, &old).unwrap();
    apply(&mut value, back).unwrap();
    assert_eq!(value, old);
    for (number, patch) in [
        (json!(i64::MAX), json!([3, 1])),
        (json!(1.5), json!([3, 1])),
        (json!("x"), json!([3, 1])),
        (json!(1), json!([3, 1.5])),
        (json!(1), json!([3])),
        (json!(1), json!([3, 1, 1])),
    ] {
        let mut value = number.clone();
        assert_eq!(apply(&mut value, patch.clone()), Err(Misfit), "{number} {patch}");
    }
}

#[test]
fn patches_that_do_not_fit_are_refused() {
    for patch in [
        json!([]),
        json!(["x"]),
        json!([9]),
        json!([0]),
        json!([0, 1, 2]),
        json!([1, []]),
        json!([2, [0, 2, 0, 1]]),
        json!([2, [0, 1, 0, 1]]),
        json!([2, [0, 9]]),
        json!([2, [1]]),
        json!([2, [-1, 4_000_000_000_u64]]),
        json!([2, [9_000_000_000_000_000_u64, 1]]),
        json!([2, [0, 2], [7, 1]]),
        json!([2, [0, 2], [0]]),
        json!([2, [0, 2], 3]),
    ] {
        assert_eq!(apply(&mut json!([1, 2]), patch.clone()), Err(Misfit), "{patch}");
    }
    for patch in [json!([1, [3, 1]]), json!([1, [], [3]]), json!([1, [], [], 3]), json!([2, []])] {
        assert_eq!(apply(&mut json!({ "a": 1 }), patch.clone()), Err(Misfit), "{patch}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5i64..5).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("id|seq|[a-d]", inner, 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_differs_makes_the_new_value(old in values(), new in values()) {
        round_trip(&old, &new);
    }

    #[test]
    fn patches_of_something_else_are_refused_or_make_something(old in values(), patch in values()) {
        let _ = apply(&mut old.clone(), patch);
    }
}
