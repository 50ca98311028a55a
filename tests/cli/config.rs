//! `kestrel config`: begun, shown, checked.

use crate::support::Workplace;

#[test]
fn a_config_that_was_begun_makes_a_run_and_is_the_folder_s() {
    let work = Workplace::with_micrographs(2);
    let answer = work.run("config init --data drawn -o runs.yaml").done();
    assert!(answer.stdout.contains("kestrel train runs.yaml"), "{answer:?}");
    let text = work.read("runs.yaml");
    assert!(text.contains("# 2 images with 14 objects of nucleus\n  path: drawn\n"), "{text}");
    let checked = work.run("config check runs.yaml").done().stdout;
    assert!(checked.starts_with("runs.yaml makes a run: "), "{checked}");
    // Nothing in it differs from what `kestrel train --data drawn` does.
    let values = |file: &str| -> Vec<String> {
        let shown = work.run(&format!("config show {file} --set data.path=drawn")).done().stdout;
        let value =
            |line: &str| line.split("  # ").next().unwrap_or_default().trim_end().to_owned();
        shown.lines().map(value).collect()
    };
    assert_eq!(values("runs.yaml"), values("base/folder.yaml"));
    let again = work.run("config init -o runs.yaml").refused();
    assert!(again.contains("there already"), "{again}");
    assert!(work.run("config init -o -").done().stdout.contains("path: photos"));
}

#[test]
fn class_folders_get_a_classifier_s_config() {
    let work = Workplace::new();
    work.run("data synth shapes -o drawn --count 2 --side 128 --seed 3").done();
    work.run("data crops drawn -o crops").done();
    work.run("config init --data crops -o c.yaml").done();
    let text = work.read("c.yaml");
    assert!(text.contains("\ntask: classify\n") && text.contains("bar, disc, ring"), "{text}");
    let checked = work.run("config check c.yaml").done().stdout;
    let expected = "a classifier of whole pictures, 30 epochs in steps of 64 images";
    assert!(checked.contains(expected), "{checked}");
    let small = "--set model.architecture.backbone.blocks=[1,1,1,1] \
                 --set model.architecture.backbone.base_channels=8";
    work.run(&format!("train c.yaml -o run --batch 4 --set train.steps=1 {small}")).done();
    // What `train` refuses.
    let error = work.run("config check base/folder.yaml --data crops").refused();
    assert!(error.contains("says nothing about boxes; `--task classify`"), "{error}");
    std::fs::create_dir_all(work.path("one/disc")).unwrap();
    let drawn = std::fs::read_dir(work.path("crops/truth/disc")).unwrap().next().unwrap().unwrap();
    std::fs::copy(drawn.path(), work.path("one/disc/a.png")).unwrap();
    work.write("one.yaml", "name: one\nformat: class-folders\npath: one\n");
    let error = work.run("config check c.yaml --data one.yaml").refused();
    assert!(error.contains("found `disc` as the only class"), "{error}");
}

#[test]
fn a_config_is_checked_with_data_from_the_command_line() {
    let work = Workplace::with_micrographs(1);
    let error = work.run("config check quick/nuclei.yaml").refused();
    assert!(error.contains("name another one, there or with --data"), "{error}");
    let error = work.run("config check quick/nuclei.yaml --data gone").refused();
    assert!(error.contains("--data: there is no gone"), "{error}");
    let check = "config check quick/nuclei.yaml --data drawn --set train.steps=1";
    let checked = work.run(&format!("{check} --set loader.batches.batch_size=1")).done();
    assert!(checked.stdout.contains(", 1 step of 1 image, "), "{checked:?}");
    assert!(checked.stderr.is_empty(), "{checked:?}");
    let without = work.run("config check base/folder.yaml --set train.epochs=1").done();
    assert!(without.stderr.contains("it names no data; give some with `--data`"), "{without:?}");
    assert!(without.stdout.contains(", 1 epoch in steps of 4 images, "), "{without:?}");
}

#[test]
fn paths_of_data_are_right_from_the_config_s_folder() {
    let work = Workplace::with_micrographs(1);
    std::fs::create_dir(work.path("deep")).unwrap();
    work.run("config init --data drawn -o deep/a.yaml").done();
    work.run("config check deep/a.yaml").done();
    work.write("deep/b.yaml", "base: a.yaml\n");
    work.run("config check deep/b.yaml").done();
    work.write("deep/c.yaml", "base: a.yaml\ndata: {path: drawn}\n");
    let error = work.run("config check deep/c.yaml").refused();
    assert!(error.contains("deep/c.yaml:2: data.path: there is no deep/drawn"), "{error}");
}

#[test]
fn what_is_shown_names_who_said_it_and_reads_back() {
    let work = Workplace::new();
    work.write("mine.yaml", "version: 1\nbase: custom/nuclei.yaml\ntrain: {lr: 0.01}\n");
    let shown = work.run("config show mine.yaml --set train.epochs=3").done().stdout;
    let line = |key: &str| {
        let found = shown.lines().find(|line| line.trim_start().starts_with(key));
        found.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("epochs:"), "epochs: 3.0 # --set");
    assert_eq!(line("lr:"), "lr: 0.01 # mine.yaml");
    assert_eq!(line("clip_norm:"), "clip_norm: 10.0 # custom/nuclei.yaml");
    assert_eq!(
        line("- horizontal_flip:"),
        "- horizontal_flip: {probability: 0.5} # custom/nuclei.yaml"
    );
    assert_eq!(line("seed:"), "seed: 0 # default");
    work.write("again.yaml", &shown);
    let again = work.run("config show again.yaml").done().stdout;
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap_or("").trim().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&shown));
}

#[test]
fn faults_are_named_with_file_line_and_key() {
    let work = Workplace::new();
    work.write("typo.yaml", "version: 1\ntrain:\n  shedule: {curve: cosine}\n");
    work.write("value.yaml", "train:\n\n  lr: 0\n");
    for (arguments, said) in [
        ("config check typo.yaml", "typo.yaml:3: train.shedule: unknown field `shedule`"),
        ("config show typo.yaml", "did you mean `schedule`?"),
        ("config check value.yaml", "value.yaml:3: train.lr is 0.0; expected above 0"),
        ("config check value.yaml --set train.lr=x", "--set train.lr=x: train.lr: invalid type"),
        ("config check quick/nuclie.yaml", "did you mean quick/nuclei.yaml?"),
        ("config show no.yaml", "no config no.yaml: neither a file nor one of those built in"),
    ] {
        let error = work.run(arguments).refused();
        assert!(error.contains(said), "{arguments}: {error}");
    }
    let shown = work.run("config show value.yaml").done();
    assert!(shown.stdout.contains("  lr: 0.0 ") && shown.stderr.contains("warning: value.yaml:3"));
}
