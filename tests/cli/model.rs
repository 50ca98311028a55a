//! `kestrel model` and `kestrel doctor`.

use crate::support::{Workplace, names_in, root, shared};
use crate::weights::bundled;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

#[test]
fn info_says_what_the_bundled_model_is() {
    let work = Workplace::new();
    let text = work.run("model info nuclei").done().stdout;
    for part in [
        "nuclei: Mask R-CNN\n",
        "classes: nucleus\n",
        "licence: CC0-1.0\n",
        "num_classes: 2\n",
        "\nevery weight fits this architecture\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn info_reads_a_bare_checkpoint() {
    let Some(weights) = shared("oracle/nuclei/model.pth") else { return };
    let work = Workplace::new();
    let answer = work.run(&format!("model info {}", weights.display())).done();
    assert!(answer.stdout.contains("classes: class 1\n"), "{}", answer.stdout);
    assert!(answer.stderr.contains("note: ") && answer.stderr.contains("read off its weights"));
}

#[test]
fn a_converted_model_finds_the_same() {
    let work = Workplace::with_micrographs(2);
    let convert = "model convert nuclei --note data=drawn -o";
    let answer = work.run(&format!("{convert} same.safetensors")).done();
    assert!(answer.stdout.starts_with("same.safetensors: 98 tensors, "), "{}", answer.stdout);
    work.run("model convert same.safetensors --float f32 -o wide.safetensors").done();
    let found = ["nuclei", "same.safetensors", "wide.safetensors"]
        .map(|model| work.run(&format!("detect drawn --model {model}")).done().stdout);
    assert!(found[0].contains("\"category\":\"nucleus\""));
    // The bundled weights are float16, which float32 holds exactly.
    assert!(found.iter().all(|other| *other == found[0]));
    assert!(work.run("model info wide.safetensors").done().stdout.contains("\ndata: drawn\n"));
    let bytes = |name: &str| fs::metadata(work.path(name)).unwrap().len();
    assert!(bytes("wide.safetensors") > bytes("same.safetensors") * 19 / 10);
}

#[test]
fn converting_names_the_classes() {
    let Some(weights) = shared("oracle/nuclei/model.pth") else { return };
    let work = Workplace::with_micrographs(1);
    let weights = weights.to_str().unwrap();
    let architecture = root().join("models/nuclei.yaml");
    let convert = ["model", "convert", weights, "--architecture", architecture.to_str().unwrap()];
    let names = ["--classes", "cell nucleus", "-o", "cells.safetensors", "--float", "f16"];
    work.run_with(convert.into_iter().chain(names)).done();
    let info = work.run("model info cells.safetensors").done();
    assert!(info.stdout.contains("classes: cell nucleus\n") && info.stderr.is_empty());
    let detect = ["detect", "drawn", "--model", "cells.safetensors", "--classes", "cell nucleus"];
    assert!(work.run_with(detect).done().stdout.contains("\"category\":\"cell nucleus\""));
}

#[test]
fn converting_refuses_what_it_cannot_write() {
    let work = Workplace::new();
    fs::create_dir(work.path("folder.safetensors")).unwrap();
    let before = work.names();
    for (options, reason) in [
        ("-o m.pth", "--output: found m.pth, expected a name that ends in .safetensors"),
        ("-o folder.safetensors", "folder.safetensors: is a directory; name a file in it"),
        ("-o no/m.safetensors", "no/m.safetensors: no such folder"),
        ("-o m.safetensors --classes a,b", "--classes: found 2 names, expected 1"),
        ("-o m.safetensors --note remark", "expected KEY=TEXT"),
        ("-o m.safetensors --float f8", "invalid value 'f8'"),
    ] {
        let error = work.run(&format!("model convert nuclei {options}")).refused();
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(work.names(), before);
}

#[test]
fn list_shows_the_names_and_what_is_here() {
    let work = Workplace::new();
    let text = work.run("model list").done().stdout;
    for name in ["nuclei", "maskrcnn_resnet50_fpn_v2", "fasterrcnn_resnet50_fpn", "resnet50"] {
        assert!(text.lines().any(|line| line.split_whitespace().next() == Some(name)), "{text}");
    }
    assert!(text.contains("built in") && !text.contains("fetched"), "{text}");
    assert!(text.lines().all(|line| line == line.trim_end()), "spaces at an end of {text}");
}

#[test]
fn a_published_model_is_fetched_before_it_is_used() {
    let work = Workplace::with_micrographs(1);
    let error = work.run("detect drawn --model maskrcnn_resnet50_fpn").refused();
    assert!(error.contains("run `kestrel model fetch maskrcnn_resnet50_fpn` first"), "{error}");
    // The cache is trusted: what lies there under a model's name is that model. Here it is ours.
    fs::create_dir_all(work.path("cache/models")).unwrap();
    work.write("cache/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", bundled());
    assert!(work.run("model list").done().stdout.contains("fetched"));
    let found = work.run("detect drawn --model maskrcnn_resnet50_fpn").done();
    assert!(found.stdout.contains("\"category\":\"nucleus\""));
}

#[test]
fn a_classifier_is_no_detector() {
    let work = Workplace::with_micrographs(1);
    let error = work.run("detect drawn --model resnet50").refused();
    assert!(error.contains("a classifier of whole pictures, expected a detector"), "{error}");
}

/// Answers every request on this machine with this; the address.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/models")
}

fn fetch(work: &Workplace, url: &str, name: &str) -> crate::support::Answer {
    let mut command = work.command();
    command.args(["model", "fetch", name]).env("KESTREL_MODEL_URL", url);
    crate::support::answer(command)
}

/// What arrives in full is covered by the tests of `kestrel-zoo`: a file with a published hash
/// cannot be made here.
#[test]
fn a_download_with_the_wrong_hash_is_refused() {
    let work = Workplace::new();
    let url = server("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nweights");
    let error = fetch(&work, &url, "resnet18").refused();
    for part in ["resnet18-f37072fd.pth", "found a file of SHA-256 ", "beginning with f37072fd"] {
        assert!(error.contains(part), "{error}");
    }
    let kept = names_in(&work.path("cache/models"));
    assert!(!kept.iter().any(|name| name.ends_with(".pth") || name.ends_with(".part")), "{kept:?}");
}

#[test]
fn a_server_without_the_file_is_named() {
    let work = Workplace::new();
    let url = server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let error = fetch(&work, &url, "ResNet-18").refused();
    assert!(error.contains(&url) && error.contains("the server answered 404"), "{error}");
}

#[test]
fn names_are_suggested() {
    let work = Workplace::new();
    for (arguments, meant) in [
        ("model fetch maskrcnn_resnet50_fnp", "maskrcnn_resnet50_fpn"),
        ("model info nuclie", "nuclei"),
        ("model convert resnet5 -o m.safetensors", "resnet50"),
    ] {
        let error = work.run(arguments).refused();
        assert!(error.ends_with(&format!("; did you mean `{meant}`?\n")), "{error}");
    }
    let error = work.run("model fetch zebra").refused();
    assert!(error.ends_with("; `kestrel model list` shows the names\n"), "{error}");
    assert!(work.names().is_empty());
}

#[test]
fn what_is_built_in_needs_no_fetching() {
    let answer = Workplace::new().run("model fetch nuclei").done();
    assert_eq!(answer.stdout, "nuclei: built in, nothing to fetch\n");
}

#[test]
fn the_doctor_looks_at_everything() {
    let work = Workplace::new();
    let text = work.run("doctor").done().stdout;
    for name in ["kestrel", "libtorch", "threads", "vector units", "cuda", "model cache", "nuclei"]
    {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in {text}");
    }
    assert!(text.contains("2.11.0") && text.contains("works, "), "{text}");
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let work = Workplace::new();
    work.write("cache", "a file where the cache should be");
    let answer = work.run("doctor").ended(1);
    let cache = answer.stdout.lines().find(|line| line.starts_with("model cache")).unwrap();
    assert!(cache.contains("cache/models: ") && cache.contains("set KESTREL_CACHE"), "{cache}");
    assert!(answer.stdout.contains("works, "), "the rest is looked at all the same");
}
