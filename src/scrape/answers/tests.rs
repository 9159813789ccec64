use super::*;
use crate::scrape::Limits;
use crate::series::{Labels, Sample, Timestamp};

fn parse(json: &str) -> Result<Envelope<Data>, AnswerError> {
    query(json.as_bytes(), &Limits::default())
}

fn data(json: &str) -> Data {
    parse(json).unwrap().data.unwrap()
}

#[test]
fn the_four_shapes_in_any_order_of_fields() {
    let vector = parse(
        r#"{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up","x":"a\u001bb"},"value":[1700000000.123,"NaN"]},
            {"metric":{},"value":[1,"-Inf"]},{"metric":{},"histogram":[1,{"count":"1"}]}]},"stats":{"a":[1]}}"#,
    )
    .unwrap();
    assert_eq!((vector.partial, vector.left_out), (None, 1));
    let Some(Data::Vector(items)) = vector.data else { panic!() };
    assert_eq!(items[0].0.to_string(), "up{x=\"a\\\\u{1b}b\"}");
    assert!(items[0].1.is_nan());
    assert_eq!(items[1], (Labels::empty(), f64::NEG_INFINITY));
    let matrix = r#"{"data":{"result":[{"values":[[1.5,"2"],[3,"4e3"]],"metric":{"a":"b"}}],"resultType":"matrix"},"status":"success"}"#;
    let points =
        vec![Sample::new(Timestamp::from_millis(1500), 2.0), Sample::new(Timestamp::from_secs(3), 4000.0)];
    assert_eq!(data(matrix), Data::Matrix(vec![(Labels::from_pairs([("a", "b")]), points)]));
    let scalar = r#"{"status":"success","data":{"result":[1,"2.5"],"resultType":"scalar"}}"#;
    assert_eq!(data(scalar), Data::Scalar(2.5));
    let string = r#"{"status":"success","data":{"resultType":"string","result":[1.2,"x"]}}"#;
    assert_eq!(data(string), Data::Text);
    for (kind, empty) in [("vector", Data::Vector(vec![])), ("matrix", Data::Matrix(vec![]))] {
        for result in ["[]", "null"] {
            let text =
                format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#);
            assert_eq!(data(&text), empty);
        }
    }
}

#[test]
fn partial_data_are_recognised_and_annotations_are_not() {
    let with = |tail: &str| parse(&format!(r#"{{"status":"success"{tail}}}"#)).unwrap();
    assert!(with(r#","isPartial":true"#).partial.is_some());
    assert_eq!(
        with(r#","warnings":["No StoreAPIs matched"]"#).partial.as_deref(),
        Some("No StoreAPIs matched")
    );
    let told = with(r#","warnings":["PromQL warning: x"],"infos":["PromQL info: y","z"]"#);
    assert_eq!((told.partial, told.said.len()), (None, 3));
    assert_eq!(with(r#","warnings":null,"isPartial":null,"data":null"#).data, None);
    let many = format!(r#","warnings":[{}"a store"]"#, r#""PromQL warning: x","#.repeat(50));
    let told = with(&many);
    assert_eq!((told.partial.as_deref(), told.said.len()), (Some("a store"), Limits::default().warnings));
}

#[test]
fn labels_over_a_bound_cost_their_series_only() {
    let limits = Limits { labels: 2, name_bytes: 10, value_bytes: 5, ..Limits::default() };
    let text = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","a":"1","b":"2"},"value":[1,"1"]},
        {"metric":{"__name__":"up","a":"1","b":"2","c":"3"},"value":[1,"2"]},
        {"metric":{"__name__":"up","a":"123456"},"value":[1,"3"]},
        {"metric":{"a_long_name":"1","b":"2"},"value":[1,"4"]},
        {"metric":{"__name__":"up","a":"1","b":"3"},"value":[1,"5"]}]}}"#;
    let told = query(text.as_bytes(), &limits).unwrap();
    assert_eq!(told.left_out, 3);
    let Some(Data::Vector(series)) = told.data else { panic!() };
    let shown: Vec<String> = series.iter().map(|(l, v)| format!("{l} {v}")).collect();
    assert_eq!(shown, [r#"up{a="1",b="2"} 1"#, r#"up{a="1",b="3"} 5"#]);
}

#[test]
fn too_many_series_or_points_name_the_limit() {
    let limits = Limits { samples: 2, points: 3, names: 1, metadata: 1, ..Limits::default() };
    let over = |limit, bound| AnswerError::Over { limit, bound };
    let document = |items: &[&str]| {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, items.join(","))
    };
    let two = r#"{"metric":{},"values":[[1,"1"],[2,"1"]]}"#;
    assert_eq!(query(document(&[two, two]).as_bytes(), &limits), Err(over("points", 3)));
    let none = r#"{"metric":{},"histograms":[]}"#;
    assert_eq!(query(document(&[none, none, none]).as_bytes(), &limits), Err(over("samples", 2)));
    let list = br#"{"status":"success","data":[{"a":"1"},{"b":"2"},{}]}"#;
    assert_eq!(series(list, &limits), Err(over("samples", 2)));
    let told = names(br#"{"status":"success","data":["a","b","c"]}"#, &limits).unwrap();
    assert_eq!((told.data.unwrap(), told.left_out), (vec!["a".to_owned()], 2));
}

#[test]
fn lists_are_read() {
    let limits = Limits::default();
    let told = names(br#"{"status":"success","data":["a","b\u001b"]}"#, &limits).unwrap();
    assert_eq!(told.data.unwrap(), ["a", "b\\u{1b}"]);
    let told = series(br#"{"status":"success","data":[{"__name__":"up","job":"x"}]}"#, &limits).unwrap();
    assert_eq!(told.data.unwrap()[0].to_string(), "up{job=\"x\"}");
    let text =
        br#"{"status":"success","data":{"up":[{"type":"gauge","help":"h","unit":""},{"type":"x"}],"e":[]}}"#;
    let described = Described { kind: "gauge".into(), help: "h".into(), unit: String::new() };
    assert_eq!(metadata(text, &limits).unwrap().data.unwrap(), [("up".to_owned(), described)]);
}

#[test]
fn hostile_documents_are_refused() {
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(parse(&format!(r#"{{"status":"success","data":{}}}"#, deep(100_000))).is_err());
    // An unknown field is skipped without recursion.
    assert!(parse(&format!(r#"{{"status":"success","x":{}}}"#, deep(100_000))).is_ok());
    let first =
        format!(r#"{{"status":"success","data":{{"result":{},"resultType":"vector"}}}}"#, deep(100_000));
    assert!(parse(&first).is_err());
    for bad in [
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,2]}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1",2]}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"values":[[1,"1"]]}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[1,"1"]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1","1"]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"#,
        r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#,
        r#"{"status":"success"} {"#,
        r#"{"data":{"resultType":"vector","result":[]}}"#,
        "null",
        "",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
