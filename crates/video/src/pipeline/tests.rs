//! Stages that count instead of detecting.

use super::*;
use kestrel_core::ImageSize;
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZE: ImageSize = ImageSize::new(1, 1);

fn frame(index: usize) -> Frame {
    let picture = RgbImage::filled(SIZE, [index as u8; 3]);
    Frame { index, ticks: index as i64, picture, audio: Vec::new() }
}

fn frames(count: usize) -> impl Iterator<Item = Result<Item, VideoError>> + Send {
    let sound = AudioPacket { ticks: 0, samples: vec![1] };
    let frames = (0..count).map(|index| Ok(Item::Frame(frame(index))));
    frames.chain([Ok(Item::LastAudio(vec![sound]))])
}

fn nothing(pictures: &[RgbImage]) -> Vec<Detections> {
    pictures.iter().map(|_| Detections { image_size: SIZE, objects: vec![] }).collect()
}

fn died() -> VideoError {
    VideoError::Encoder { path: "clip.mp4".into(), frames: 3, reason: "killed".into() }
}

/// A run of 20 frames in which one stage may fail at frame 3, and what arrived.
fn counted(batch: usize, failing: &str) -> (Run<VideoError>, Vec<usize>, usize) {
    let fails = |stage: &str, index: usize| match stage == failing && index == 3 {
        true => Err(died()),
        false => Ok(()),
    };
    let (mut arrived, mut num_audio, mut num_detected) = (Vec::new(), 0, 0);
    let run = run(
        frames(20),
        NonZeroUsize::new(batch).unwrap(),
        Stages {
            detect: |pictures: &[RgbImage]| {
                num_detected += pictures.len();
                fails("detect", num_detected.saturating_sub(1))?;
                Ok(nothing(pictures))
            },
            follow: |frame: &Frame, _| fails("follow", frame.index).map(|()| frame.index),
            draw: |picture: &mut RgbImage, index: usize| {
                assert_eq!(picture.pixels()[0], index as u8);
                fails("draw", index)
            },
            encode: |item: Item| {
                match item {
                    Item::Frame(frame) => {
                        fails("encode", frame.index)?;
                        arrived.push(frame.index);
                    }
                    Item::LastAudio(_) => num_audio += 1,
                }
                Ok(())
            },
        },
    );
    (run, arrived, num_audio)
}

#[test]
fn frames_arrive_in_order_and_the_sound_after_them() {
    for batch in [1, 3, 50] {
        let (run, arrived, num_audio) = counted(batch, "");
        assert!(run.failure.is_none());
        assert_eq!(arrived, (0..20).collect::<Vec<_>>());
        assert_eq!((run.num_frames, num_audio), (20, 1));
        let names: Vec<&str> = run.times.iter().map(|time| time.name).collect();
        assert_eq!(names, ["decode", "detect", "follow", "draw", "encode"]);
    }
}

#[test]
fn a_stage_that_fails_ends_the_run_and_keeps_what_came_before() {
    for stage in ["detect", "follow", "draw", "encode"] {
        let (run, arrived, num_audio) = counted(1, stage);
        assert!(matches!(run.failure, Some(VideoError::Encoder { .. })), "{stage}");
        assert_eq!(arrived, [0, 1, 2], "{stage}");
        assert_eq!((run.num_frames, num_audio), (3, 0));
    }
}

#[test]
fn a_source_that_breaks_off_keeps_what_came_before() {
    let source = frames(4).take(4).chain([Err(died())]);
    let mut num_arrived = 0;
    let run: Run<VideoError> = run(
        source,
        NonZeroUsize::MIN,
        Stages {
            detect: |pictures: &[RgbImage]| Ok(nothing(pictures)),
            follow: |_: &Frame, _| Ok(()),
            draw: |_: &mut RgbImage, ()| Ok(()),
            encode: |_: Item| {
                num_arrived += 1;
                Ok(())
            },
        },
    );
    assert!(run.failure.is_some());
    assert_eq!((num_arrived, run.num_frames), (4, 4));
}

#[test]
fn a_slow_stage_holds_up_those_before_it() {
    let (decoded, encoded, most_ahead) =
        (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let source = frames(60).inspect(|_| {
        decoded.fetch_add(1, Ordering::SeqCst);
    });
    run::<_, _, _, _, _, _, VideoError>(
        source,
        NonZeroUsize::MIN,
        Stages {
            detect: |pictures: &[RgbImage]| Ok(nothing(pictures)),
            follow: |_: &Frame, _| Ok(()),
            draw: |_: &mut RgbImage, ()| Ok(()),
            encode: |_: Item| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                let ahead = decoded.load(Ordering::SeqCst) - encoded.fetch_add(1, Ordering::SeqCst);
                most_ahead.fetch_max(ahead, Ordering::SeqCst);
                Ok(())
            },
        },
    );
    // One in each of five hands.
    assert!(most_ahead.load(Ordering::SeqCst) <= 5, "{most_ahead:?}");
}
