//! What is refused: with one message that says what failed, what was found and what to do, exit
//! code 2, and no file left.

use crate::support::{Workplace, root, shared};
use crate::weights::{Tensors, bundled};
use std::fs;

/// Where a picture waits in `drawn/`.
fn workplace() -> Workplace {
    Workplace::with_micrographs(1)
}

/// Runs `detect drawn` with these options; the message, of which `parts` must be parts.
#[track_caller]
fn refuse(work: &Workplace, options: &str, parts: &[&str]) -> String {
    refuse_command(work, &format!("detect drawn -o found.json {options}"), parts)
}

#[track_caller]
fn refuse_command(work: &Workplace, command: &str, parts: &[&str]) -> String {
    let before = work.names();
    let error = work.run(command).refused();
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
    assert_eq!(work.names(), before, "{command} left something");
    error
}

/// More than any machine has: libtorch panics, and its stack is not shown.
#[test]
fn what_libtorch_refuses_is_one_line() {
    let work = workplace();
    let huge = "train --data drawn --set model.as_start=false --set model.start.weights=null --set \
                model.architecture.box_branch.head.two_fc.features=1000000000000 -o run";
    let error = refuse_command(&work, huge, &["error: building the model: ", "is too large"]);
    assert!(!error.contains("panicked") && !error.contains("frame #"), "{error}");
}

#[test]
fn inputs_that_are_not_there() {
    let work = workplace();
    fs::create_dir(work.path("empty")).unwrap();
    let detect = |input: &str| format!("detect {input} -o found.json");
    let missing = ["error: gone.png: found no such file or folder", "check the spelling"];
    refuse_command(&work, &detect("gone.png"), &missing);
    refuse_command(&work, &detect("drawn gone.png"), &missing);
    let nothing = "found no picture, expected files that end in apng, bmp, ";
    refuse_command(&work, &detect("empty"), &["error: empty: ", nothing]);
    refuse_command(&work, &detect("drawn/*.jpg"), &["error: drawn/*.jpg: ", nothing]);
    refuse_command(&work, &detect("drawn/[*.png"), &["drawn/[*.png: found a broken pattern"]);
    refuse_command(&work, "detect", &["required arguments were not provided", "<INPUTS>"]);
}

#[test]
fn models_that_are_not_there() {
    let work = workplace();
    refuse(&work, "--model gone.pth", &["model gone.pth: found no such file; check"]);
    refuse(&work, "--model drawn", &["model drawn: found a folder, expected a file"]);
    refuse(&work, "--model nuclie", &["model `nuclie`", "did you mean `nuclei`?"]);
    refuse(&work, "--model zebra", &["model `zebra`", "`kestrel model list` shows the names"]);
    refuse(&work, "--architecture gone.yaml", &["--architecture: cannot read gone.yaml: "]);
}

#[test]
fn files_that_are_no_weights() {
    let work = workplace();
    let picture = fs::read(work.path("drawn/micrograph-0001.png")).unwrap();
    let files: [(&str, &[u8], &str); 4] = [
        ("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01", "found a JPEG"),
        ("picture.pth", &picture, "found a PNG"),
        ("notes.txt", b"layer1: none\n", "found a text file"),
        ("empty.safetensors", b"", "the file is empty"),
    ];
    for (name, bytes, reason) in files {
        work.write(name, bytes);
        let file = format!("cannot read weights from `{name}`");
        refuse(&work, &format!("--model {name}"), &[&file, reason]);
        refuse_command(&work, &format!("model info {name}"), &[&file, reason]);
        let convert = format!("model convert {name} -o out.safetensors");
        refuse_command(&work, &convert, &[&file, reason]);
    }
}

#[test]
fn weights_that_are_cut_short() {
    let work = workplace();
    let whole = bundled();
    for length in [9, 2_000, 20_000, whole.len() / 2, whole.len() - 1] {
        work.write("cut.safetensors", &whole[..length]);
        let damaged = ["cannot read weights from `cut.safetensors`", "cut short or damaged"];
        refuse(&work, "--model cut.safetensors", &damaged);
    }
    let Some(checkpoint) = shared("oracle/nuclei/model.pth") else { return };
    let whole = fs::read(checkpoint).unwrap();
    for length in [100, whole.len() / 2, whole.len() - 1] {
        work.write("cut.pth", &whole[..length]);
        refuse(&work, "--model cut.pth", &["cannot read weights from `cut.pth`", "download"]);
    }
}

#[test]
fn weights_of_another_network() {
    let work = workplace();
    let resnet = Tensors::zeros(&[
        ("conv1.weight", &[64, 3, 7, 7]),
        ("bn1.weight", &[64]),
        ("layer1.0.conv1.weight", &[64, 64, 3, 3]),
        ("fc.weight", &[10, 512]),
    ]);
    work.write("resnet.safetensors", resnet.to_bytes());
    let parts = ["found a classifier of whole pictures", "`kestrel classify` takes classifiers"];
    refuse(&work, "--model resnet.safetensors", &parts);
    let other = Tensors::zeros(&[("encoder.0.weight", &[8, 8]), ("decoder.0.weight", &[8, 8])]);
    work.write("other.safetensors", other.to_bytes());
    let parts = ["other.safetensors: cannot tell the architecture", "--architecture FILE.yaml"];
    refuse(&work, "--model other.safetensors", &parts);
    fs::copy(root().join("models/nuclei.yaml"), work.path("nuclei.yaml")).unwrap();
    let parts = ["the weights in `other.safetensors` do not fit", "missing in the file"];
    refuse(&work, "--model other.safetensors --architecture nuclei.yaml", &parts);
}

#[test]
fn weights_of_another_number_of_classes() {
    let work = workplace();
    work.write("bare.safetensors", Tensors::bundled().to_bytes());
    let yaml = fs::read_to_string(root().join("models/nuclei.yaml")).unwrap();
    work.write("five.yaml", yaml.replace("num_classes: 2", "num_classes: 5"));
    let options = "--model bare.safetensors --architecture five.yaml";
    let error = refuse(&work, options, &["bbox_pred.bias [8], expected [20]"]);
    insta::assert_snapshot!("error_another_number_of_classes", error);
    let names = ["nuclei: 2 class names for 5 classes", "convert --classes"];
    refuse(&work, "--model nuclei --architecture five.yaml", &names);
}

#[test]
fn architectures_that_make_no_detector() {
    let work = workplace();
    work.write("bare.safetensors", Tensors::bundled().to_bytes());
    work.write("misspelt.yaml", "num_classes: 2\nfpn:\n  chanels: 64\n");
    let options = "--model bare.safetensors --architecture misspelt.yaml";
    let error = refuse(&work, options, &["did you mean `channels`?"]);
    insta::assert_snapshot!("error_a_misspelt_key", error);
    for (yaml, reason) in [
        ("num_classes: 1", "num_classes is 1; expected 2 to 65536"),
        (&*"[".repeat(60_000), "more than 1000 brackets are open on line 1"),
        ("num_classes: many", "num_classes: invalid type"),
        ("- a\n- b\n", "expected an architecture, which is keys such as `backbone`"),
        ("a: [", "architecture of a.yaml: "),
    ] {
        work.write("a.yaml", yaml);
        refuse(&work, "--model bare.safetensors --architecture a.yaml", &[reason]);
    }
    work.write("a.yaml", [0xff, 0xfe, 0]);
    let options = "--model bare.safetensors --architecture a.yaml";
    refuse(&work, options, &["--architecture: cannot read a.yaml: "]);
}

#[test]
fn options_out_of_range() {
    let work = workplace();
    for score in ["1.5", "-0.1", "nan", "high"] {
        let parts = ["--score", "expected a number between 0 and 1"];
        refuse(&work, &format!("--score={score}"), &parts);
    }
    for option in ["--batch 0", "--threads 0", "--max-detections 0", "--threads many"] {
        let name = option.split(' ').next().unwrap();
        refuse(&work, option, &[name, "expected a whole number, at least 1"]);
    }
    refuse(&work, "--format yaml", &["invalid value 'yaml'", "[possible values: json, coco"]);
    refuse(&work, "--scor 0.5", &["unexpected argument '--scor'", "'--score'"]);
    let class = ["--classes: the model has no class `nucleu`", "did you mean `nucleus`?"];
    refuse(&work, "--classes nucleu", &class);
    refuse_command(&work, "detct drawn", &["unrecognized subcommand 'detct'", "'detect'"]);
}

#[test]
fn devices_that_are_not_there() {
    let work = workplace();
    for device in ["tpu", "cuda:x", "cuda:-1", "cpu:0", ""] {
        let found = format!("--device: found `{device}`, expected cpu, cuda, or cuda:1");
        refuse(&work, &format!("--device={device}"), &[&found]);
    }
    // On a machine with a card, the first of which would be found.
    refuse(&work, "--device cuda:99", &["error: --device cuda", "or leave --device out"]);
}

#[test]
fn precisions_that_do_nothing_or_take_forever() {
    let work = workplace();
    let parts = ["--precision is float16 on the CPU", "take bfloat16 or float32"];
    refuse(&work, "--precision float16", &parts);
    refuse(&work, "--precision float8", &["invalid value 'float8'", "bfloat16"]);
    let scored = "eval --data drawn --results found.json --precision bfloat16";
    refuse_command(&work, scored, &["--precision", "cannot be used with", "--results"]);
}

#[test]
fn places_that_cannot_be_written_to() {
    let work = workplace();
    work.write("file", "mine");
    let detect = |options: &str| format!("detect drawn {options}");
    for (options, parts) in [
        ("-o no/found.json", ["cannot write to no/found.json: no such folder", "make the folder"]),
        ("-o no/found.json --save-images new", ["cannot write to no/found.json: ", "make"]),
        ("-o drawn", ["cannot write to drawn: is a directory", "name a file in it"]),
        ("-o file/found.json", ["cannot write to file/found.json: ", "name"]),
        ("-f yolo", ["YOLO results are a folder", "name a folder with --output"]),
        ("-f yolo -o file", ["cannot write to file: not a directory", "name a folder"]),
        ("--save-images file", ["--save-images: cannot write to file: not a", "name a folder"]),
    ] {
        refuse_command(&work, &detect(options), &parts);
    }
    #[cfg(target_os = "linux")]
    refuse_command(&work, &detect("-o /proc/found.json"), &["cannot write to /proc/found.json: "]);
    assert_eq!(work.read("file"), "mine");
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let work = workplace();
    fs::create_dir(work.path("closed")).unwrap();
    let allow = |mode| fs::set_permissions(work.path("closed"), fs::Permissions::from_mode(mode));
    allow(0o555).unwrap();
    if fs::write(work.path("closed/try"), "").is_ok() {
        eprintln!("skipped: whoever runs this may write to a read-only folder");
        return;
    }
    let parts = ["cannot write to closed/found.json: permission denied", "may be written to"];
    refuse_command(&work, "detect drawn -o closed/found.json", &parts);
    allow(0o755).unwrap();
}

#[test]
fn what_a_run_reads_it_does_not_replace() {
    let work = workplace();
    let original = fs::read(work.path("drawn/micrograph-0001.png")).unwrap();
    fs::copy(work.path("drawn/micrograph-0001.png"), work.path("a.png")).unwrap();
    work.write("own.safetensors", bundled());
    let spared = "is read by this run and would be overwritten; name another place";
    for (options, option) in [
        ("--save-images drawn", "--save-images: drawn/micrograph-0001.png"),
        ("--save-images ./drawn/../drawn", "--save-images: "),
        ("-o drawn/micrograph-0001.png", "--output: drawn/micrograph-0001.png"),
        ("--model own.safetensors -o own.safetensors", "--output: own.safetensors"),
    ] {
        refuse_command(&work, &format!("detect drawn {options}"), &[option, spared]);
    }
    assert_eq!(fs::read(work.path("drawn/micrograph-0001.png")).unwrap(), original);
    assert_eq!(fs::read(work.path("own.safetensors")).unwrap(), bundled());
    // Another picture's name in that folder is free.
    work.run("detect a.png --save-images drawn -o found.json").done();
}

#[test]
fn yolo_files_that_would_share_a_name() {
    let work = workplace();
    fs::create_dir(work.path("more")).unwrap();
    fs::copy(work.path("drawn/micrograph-0001.png"), work.path("more/micrograph-0001.png"))
        .unwrap();
    let parts = ["more/micrograph-0001.png: its YOLO file micrograph-0001.txt is already that of"];
    refuse_command(&work, "detect drawn more -f yolo -o labels", &parts);
}
