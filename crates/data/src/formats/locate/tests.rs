use super::*;

#[test]
fn splits_go_by_many_names() {
    for (name, split) in [
        ("train", Some(SplitName::Train)),
        ("instances_val2017", Some(SplitName::Val)),
        ("custom-Valid", Some(SplitName::Val)),
        ("testing", Some(SplitName::Test)),
        ("trainable", None),
        ("", None),
    ] {
        assert_eq!(SplitName::within(name), split, "{name}");
    }
    assert_eq!(SplitName::from_word("my train"), None);
}

#[test]
fn splits_come_in_the_order_of_use() {
    let mut names = ["b", "test", "a", "val", "train"];
    names.sort_by_key(|name| by_use(name));
    assert_eq!(names, ["train", "val", "test", "a", "b"]);
}

#[test]
fn a_byte_that_is_no_text_has_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, b"\xef\xbb\xbfone\ntwo\n\xff").unwrap();
    let error = read_text(&path).unwrap_err().to_string();
    assert!(error.contains("a.txt:3") && error.contains("0xff"), "{error}");
    fs::write(&path, b"\xef\xbb\xbfone").unwrap();
    assert_eq!(read_text(&path).unwrap(), "one");
}

#[test]
fn a_name_alone_lies_in_the_working_folder() {
    assert_eq!(folder_of(Path::new("a.json")), Path::new("."));
    assert_eq!(folder_of(Path::new("a/b.json")), Path::new("a"));
}

#[test]
fn lines_are_counted_from_one() {
    let text = "a\nbc\n\nd";
    let lines = Lines::new(text);
    for (at, line) in [(0, 1), (1, 1), (2, 2), (3, 2), (5, 3), (6, 4)] {
        assert_eq!(lines.line_of(&text[at..]), line, "byte {at}");
    }
}

#[test]
fn a_picture_is_found_where_the_first_one_was() {
    let folder = tempfile::tempdir().unwrap();
    let folders = ["old", "new"].map(|name| folder.path().join(name));
    for (folder, name) in [(0, "b.png"), (1, "a.png"), (1, "b.png"), (1, "sub/c.png")] {
        let path = folders[folder].join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let mut found = ImageFolders::new(folders.clone());
    assert_eq!(found.path_of("C:/photos/a.png"), folders[1].join("a.png"));
    assert_eq!(found.path_of("b.png"), folders[1].join("b.png"), "both folders have it");
    assert_eq!(found.path_of("sub/c.png"), folders[1].join("sub/c.png"));
    assert_eq!(found.path_of("gone.png"), folders[1].join("gone.png"));
}
