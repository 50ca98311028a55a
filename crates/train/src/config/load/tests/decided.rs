//! Values that are left to something found later.

use super::*;

/// `strict: true` in the base leaves `optimizer` to something else; what is said later stays.
#[test]
fn what_is_said_after_it_was_left_open_stays() {
    let folder = TempDir::new().unwrap();
    let base = "strict: true\noptimizer: {lr: 0.5, momentum: 0.4}\n";
    fs::write(folder.path().join("base.yaml"), base).unwrap();
    let mine = folder.path().join("mine.yaml");
    fs::write(&mine, "base: base.yaml\noptimizer: {momentum: 0.3}\n").unwrap();
    let sets = ["optimizer.norm={group: {groups: 4}}".to_owned()];
    let found = Optimizer { lr: 0.25, momentum: 0.25, norm: Norm::Frozen { eps: 0.5 } };
    let decided = |sets: &[String]| {
        let resolved = resolve::<Kitchen>(Source::File(&mine), sets, &[]).unwrap();
        resolved.decided("optimizer", "strict", &found).unwrap()
    };
    let resolved = decided(&sets);
    let expected = Optimizer { lr: 0.25, momentum: 0.3, norm: Norm::Group { groups: 4 } };
    assert_eq!(resolved.value.optimizer, expected);
    assert_eq!(resolved.origin("optimizer.lr").to_string(), "by strict");
    assert!(resolved.origin("optimizer.momentum").to_string().ends_with("mine.yaml"));
    assert_eq!(resolved.origin("optimizer.norm.group.groups").to_string(), "--set");
    assert_eq!(decided(&[]).value.optimizer.norm, found.norm);
    // Said later than all but `--set`: only that stays.
    let sets = ["strict=true".to_owned(), sets[0].clone()];
    let resolved = decided(&sets);
    assert_eq!(resolved.value.optimizer.momentum, 0.25);
    assert_eq!(resolved.value.optimizer.norm, expected.norm);
}
