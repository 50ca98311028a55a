use super::*;

fn with_results<T>(look: impl FnOnce(&[ClassResult<'_>]) -> T) -> T {
    let classes = ["cat, big", "\"dog\"", "eel"].map(str::to_owned);
    let prediction = |class, score| Prediction { class, score };
    let [first, second] = [[prediction(1, 0.75), prediction(0, 0.2)], [prediction(2, 0.5); 2]];
    let result = |path, predictions| ClassResult {
        path: Path::new(path),
        image_size: ImageSize::new(4, 8),
        predictions,
        classes: &classes,
    };
    look(&[result("bilder/Käfer 1.jpg", &first), result("b.png", &second)])
}

fn written(write: fn(&mut dyn Write, &ClassResult<'_>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    with_results(|results| results.iter().for_each(|it| write(&mut bytes, it).unwrap()));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn json_is_a_line_an_image() {
    let expected = r#"{"image":"bilder/Käfer 1.jpg","width":8,"height":4,"classes":[{"class":"\"dog\"","index":1,"score":0.75},{"class":"cat, big","index":0,"score":0.2}]}"#;
    let text = written(write_json);
    assert_eq!((text.lines().next(), text.lines().count()), (Some(expected), 2));
}

#[test]
fn csv_is_a_line_a_class() {
    let expected = "bilder/Käfer 1.jpg,8,4,1,1,\"\"\"dog\"\"\",0.75\n\
                    bilder/Käfer 1.jpg,8,4,2,0,\"cat, big\",0.2\n\
                    b.png,8,4,1,2,eel,0.5\nb.png,8,4,2,2,eel,0.5\n";
    assert_eq!(written(write_csv), expected);
}

#[test]
fn one_image_shows_its_classes_and_several_a_line_each() {
    let rendered = |count: usize| {
        with_results(|results| {
            let mut table = ClassTable::default();
            results.iter().take(count).for_each(|result| table.add(result));
            table.render()
        })
    };
    let expected = "\
bilder/Käfer 1.jpg, 8x4

  class      score
────────────────────
  \"dog\"      0.750
  cat, big   0.200
";
    assert_eq!((rendered(0).as_str(), rendered(1).as_str()), ("", expected));
    let expected = "  \
  image                class   score   or
──────────────────────────────────────────────────────
  bilder/Käfer 1.jpg   \"dog\"    0.75   cat, big 0.20
  b.png                eel      0.50   eel 0.50
";
    assert_eq!(rendered(2), expected);
}

#[test]
fn a_table_goes_to_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("found.txt");
    let mut sink = ClassSink::open(ClassFormat::Table, &path.clone().into()).unwrap();
    with_results(|results| sink.write(&results[0]).unwrap());
    sink.finish().unwrap();
    assert!(std::fs::read_to_string(path).unwrap().contains("\"dog\"      0.750"));
}
