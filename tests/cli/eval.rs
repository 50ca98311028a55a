//! `kestrel eval` and `kestrel eval compare`.

use crate::support::Workplace;
use serde_json::{Value, json};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The ground truth as results, the first `wrong` of them moved off their objects.
fn results(work: &Workplace, wrong: usize) -> String {
    let truth = parsed(&work.read("drawn/truth.json"));
    let result = |(place, object): (usize, &Value)| {
        let mut bbox = object["bbox"].clone();
        if place < wrong {
            bbox[0] = json!(bbox[0].as_f64().unwrap() + 60.0);
        }
        json!({
            "image_id": object["image_id"],
            "category_id": object["category_id"],
            "bbox": bbox,
            "score": 0.9 - 0.001 * place as f64,
        })
    };
    let objects = truth["annotations"].as_array().unwrap();
    Value::from_iter(objects.iter().enumerate().map(result)).to_string()
}

#[test]
fn perfect_results_score_one() {
    let work = Workplace::with_micrographs(3);
    work.write("r.json", results(&work, 0));
    let answer = work.run("eval --results r.json --data drawn --json e.json").done();
    assert!(answer.stdout.contains("boxes only: "), "{}", answer.stdout);
    let scores = parsed(&work.read("e.json"));
    for number in ["ap", "ap50", "ap75", "ar_max"] {
        assert_eq!(scores["boxes"]["coco"][number], 1.0, "{number}");
    }
    assert_eq!(scores["masks"], Value::Null);
}

#[test]
fn a_model_and_its_own_results_score_the_same() {
    let work = Workplace::with_micrographs(2);
    let options = "--data drawn --json e.json --save-results r.json";
    work.run(&format!("eval --model nuclei --threads 1 {options}")).done();
    let of_model = parsed(&work.read("e.json"));
    // Easy pictures; with the model broken nothing would be found.
    assert!(
        of_model["masks"]["coco"]["ap50"].as_f64().unwrap() > 0.8,
        "{}",
        of_model["masks"]["coco"]
    );

    work.run("eval --results r.json --data drawn --json saved.json").done();
    assert_eq!(parsed(&work.read("saved.json"))["masks"]["coco"], of_model["masks"]["coco"]);
    for format in ["json", "coco"] {
        work.run(&format!("detect drawn --model nuclei --format {format} -o found.json")).done();
        work.run("eval --results found.json --data drawn --json found.e.json").done();
        let of_found = parsed(&work.read("found.e.json"));
        for number in ["ap", "ap50", "ar_max"] {
            let [found, model] =
                [&of_found, &of_model].map(|of| of["boxes"]["coco"][number].as_f64());
            // Lines hold corners in float32, results sides: their last bits may differ.
            let difference = (found.unwrap() - model.unwrap()).abs();
            assert!(difference < 1e-3, "{format}, {number}: {found:?} {model:?}");
        }
    }
}

#[test]
fn images_without_results_are_counted() {
    let work = Workplace::with_micrographs(3);
    work.run("detect drawn/micrograph-0002.png --format coco -o one.json").done();
    let answer = work.run("eval --results one.json --data drawn").done();
    assert!(answer.stderr.contains("no result for 2 of 3 images"), "{}", answer.stderr);
}

#[test]
fn a_page_holds_plots_and_the_worst_pictures() {
    let work = Workplace::with_micrographs(2);
    work.write("r.json", results(&work, 3));
    work.run("eval --results r.json --data drawn --report page.html --worst 1").done();
    let page = work.read("page.html");
    assert!(page.contains("<svg"));
    assert_eq!(page.matches("data:image/jpeg;base64,").count(), 1);
    assert!(!page.contains("<script") && !page.contains("src=\"http"), "one file is all there is");
}

#[test]
fn a_comparison_says_which_is_better() {
    let work = Workplace::with_micrographs(4);
    work.write("worse.json", results(&work, 9));
    work.write("better.json", results(&work, 0));
    let compare = "eval compare worse.json better.json --data drawn --samples 200 --json c.json";
    let answer = work.run(compare).done();
    assert!(answer.stdout.contains("95 % interval"), "{}", answer.stdout);
    let boxes = &parsed(&work.read("c.json"))["boxes"]["ap"];
    assert_eq!(boxes["b"], 1.0);
    let delta = boxes["delta"].as_f64().unwrap();
    let [low, high] = ["low", "high"].map(|end| boxes["interval"][end].as_f64().unwrap());
    assert!(delta > 0.0 && low <= delta && delta <= high, "{boxes}");
}

#[test]
fn wrong_use_is_explained() {
    let work = Workplace::with_micrographs(1);
    work.write(
        "r.json",
        "[{\"image_id\": 99, \"category_id\": 1, \"bbox\": [0, 0, 1, 1], \"score\": 1}]",
    );
    let error = work.run("eval --results r.json --data drawn").refused();
    assert!(error.contains("99"), "{error}");
    work.write("broken.json", "[{\"image_id\": 1,");
    let error = work.run("eval --results broken.json --data drawn").refused();
    assert!(error.contains("broken.json"), "{error}");
    work.run("data synth shapes -o shapes --side 64").done();
    let error = work.run("eval --model nuclei --data shapes").refused();
    assert!(error.contains("knows no class of the data"), "{error}");
    work.run("eval --data drawn").ended(2);
}
