//! Where the network runs.

use crate::cuda;
use anyhow::{Context, Result, anyhow, bail};
use kestrel_args::ComputeArgs;
use kestrel_rcnn::Precision;
use tch::Device;

/// Sets the number of threads and finds the device.
pub(crate) fn prepare(arguments: &ComputeArgs) -> Result<Device> {
    if let Some(threads) = arguments.threads {
        tch::set_num_threads(i32::try_from(threads.get()).unwrap_or(i32::MAX));
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()
            .context("cannot start the threads")?;
    }
    match arguments.device.split_once(':') {
        None if arguments.device == "cpu" => Ok(Device::Cpu),
        None if arguments.device == "cuda" => card(0),
        Some(("cuda", number)) => card(number.parse().map_err(|_| unknown(&arguments.device))?),
        _ => Err(unknown(&arguments.device)),
    }
}

/// What a person calls it.
pub(crate) fn name(device: Device) -> String {
    match device {
        Device::Cuda(card) => format!("card {card}"),
        _ => "the CPU".to_owned(),
    }
}

/// What `--precision` asks for, where the device can do it.
pub(crate) fn precision(wanted: kestrel_args::Precision, device: Device) -> Result<Precision> {
    let precision = match wanted {
        kestrel_args::Precision::Float32 => Precision::Float32,
        kestrel_args::Precision::Bfloat16 => Precision::Bfloat16,
        kestrel_args::Precision::Float16 => Precision::Float16,
    };
    require_fit("--precision", precision, device)?;
    Ok(precision)
}

/// Refuses float16 on a processor, which computes it a hundred times as slowly as float32; `what` names
/// the option or key.
pub(crate) fn require_fit(what: &str, precision: Precision, device: Device) -> Result<()> {
    if precision == Precision::Float16 && device == Device::Cpu {
        bail!(
            "{what} is float16 on the CPU, expected a card (--device cuda); here take bfloat16 or \
             float32"
        );
    }
    Ok(())
}

fn unknown(device: &str) -> anyhow::Error {
    anyhow!("--device: found `{device}`, expected cpu, cuda, or cuda:1 for the second card")
}

fn card(card: usize) -> Result<Device> {
    cuda::load()?;
    let cards = tch::Cuda::device_count();
    if card as i64 >= cards {
        bail!(
            "--device cuda:{card}: found {cards} CUDA cards, expected at least {}; check the \
             driver with nvidia-smi, or leave --device out",
            card + 1
        );
    }
    Ok(Device::Cuda(card))
}
