//! The archive that krew installs, and the manifest that tells krew of it.
//!
//! In: the front binary, built here or given. Out: `kubectl-netpol-OS-ARCH.tar.gz`, the same bytes for
//! the same files, and `netpol.yaml`, which is `krew-manifest.yaml` with the address and the hash of
//! every archive that is there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::tools::workspace;

/// What every file in an archive was last changed at: 1 January 1980, the least that all formats have.
const MTIME: u64 = 315_532_800;

/// Packed where they exist.
const DIRECTORIES: &[&str] = &["completions", "man"];

/// Flags of `cargo xtask dist`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Pack this program instead of building it in the release profile.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// The platform to build for or that the program is for (default: this machine's).
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    /// Where the archive and the manifest go.
    #[arg(long, value_name = "DIR", default_value = "target/krew")]
    out: PathBuf,

    /// The address of the directory that archives are downloaded from.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

/// Flags of `cargo xtask krew-manifest`.
#[derive(clap::Args)]
pub(crate) struct ManifestOptions {
    /// The directory that holds the archives, and gets the manifest.
    #[arg(value_name = "DIR")]
    archives: PathBuf,

    /// The address of the directory that archives are downloaded from.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

/// Flags of `cargo xtask checksums`.
#[derive(clap::Args)]
pub(crate) struct ChecksumsOptions {
    /// The directory that holds the files, and gets SHA256SUMS.
    #[arg(value_name = "DIR")]
    files: PathBuf,
}

/// Builds if need be, packs, and writes the manifest; gives back the archive's hash and path.
pub(crate) fn run(options: &Options) -> Result<String> {
    let platform = match &options.target {
        Some(triple) => platform(triple)?,
        None => platform(&format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS))?,
    };
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build(options.target.as_deref())?,
    };
    fs::create_dir_all(&options.out)
        .with_context(|| format!("creating {}", options.out.display()))?;
    let archive = options.out.join(format!("kubectl-netpol-{platform}.tar.gz"));
    pack(&binary, &platform, &archive)?;
    manifest(&ManifestOptions {
        archives: options.out.clone(),
        base_url: options.base_url.clone(),
    })?;
    Ok(format!("{}  {}", sha256(&archive)?, archive.display()))
}

/// Krew's words for a platform: `linux-amd64`.
fn platform(triple: &str) -> Result<String> {
    let arch = match triple.split('-').next() {
        Some("x86_64") => "amd64",
        Some("aarch64") => "arm64",
        _ => bail!("no release is made for {triple}: it must be of x86_64 or aarch64"),
    };
    let systems =
        [("linux", "linux"), ("darwin", "darwin"), ("macos", "darwin"), ("windows", "windows")];
    let Some((_, os)) = systems.iter().find(|(word, _)| triple.contains(word)) else {
        bail!("no release is made for {triple}: it must be of Linux, macOS or Windows");
    };
    Ok(format!("{os}-{arch}"))
}

/// Builds the front binary in the release profile, without a word of this machine's directories.
fn build(target: Option<&str>) -> Result<PathBuf> {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .context("no home of cargo: set HOME or CARGO_HOME")?;
    // `profile.trim-paths` would do this, but is not stable. Flags are parted by a unit separator.
    let mut flags = OsString::from("--remap-path-prefix=");
    flags.push(workspace());
    flags.push("=kubectl-netpol\u{1f}--remap-path-prefix=");
    flags.push(cargo_home);
    flags.push("=cargo");
    for flag in linking(target) {
        flags.push("\u{1f}");
        flags.push(flag);
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // In a directory of its own: other flags would make everyday builds start anew.
    let mut built = workspace().join("target/dist");
    command
        .current_dir(workspace())
        .args(["build", "--release", "--locked", "--package", "kubectl-netpol"])
        .args(["--bin", "kubectl-netpol", "--target-dir"])
        .arg(&built)
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .stdin(Stdio::null());
    if let Some(triple) = target {
        command.args(["--target", triple]);
        built.push(triple);
    }
    let status = command.status().context("running cargo build")?;
    ensure!(status.success(), "cargo build failed ({status}); its own words are above");
    let windows = target.map_or(cfg!(windows), |triple| triple.contains("windows"));
    let built = built.join("release");
    let built = built.join(if windows { "kubectl-netpol.exe" } else { "kubectl-netpol" });
    let program = fs::read(&built).with_context(|| format!("reading {}", built.display()))?;
    ensure!(!has_symbols(&program), "{} is not stripped: see Cargo.toml", built.display());
    Ok(built)
}

/// Whether a program of Linux has a table of symbols, which nobody needs: an eighth of its size.
fn has_symbols(program: &[u8]) -> bool {
    // A header of a section of 64-bit ELF has 64 bytes, its type at 4, where 2 is a table of symbols.
    let number = |at: usize, length: usize| {
        let bytes = program.get(at..at.checked_add(length)?)?;
        let value = bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
        usize::try_from(value).ok()
    };
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return false;
    }
    let (Some(first), Some(count)) = (number(0x28, 8), number(0x3c, 2)) else { return false };
    let of =
        |section: usize| number(section.checked_mul(64)?.checked_add(first)?.checked_add(4)?, 4);
    (0..count).any(|section| of(section) == Some(2))
}

/// What the linker does to make the program smaller: equal functions become one, and the addresses
/// that are set when it starts take few bytes. Only where it is LLVM's, which comes with Rust.
fn linking(target: Option<&str>) -> &'static [&'static str] {
    match target {
        // Its C library sets addresses in that form itself.
        Some(triple) if triple.ends_with("-linux-musl") => &[
            "-Clinker=rust-lld",
            "-Clinker-flavor=ld.lld",
            "-Clink-arg=--icf=all",
            "-Clink-arg=--pack-dyn-relocs=relr",
        ],
        None if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) => {
            &["-Clink-arg=-Wl,--icf=all"]
        }
        _ => &[],
    }
}

/// Writes the archive. Krew takes directories and regular files only.
fn pack(binary: &Path, platform: &str, archive: &Path) -> Result<()> {
    let context = || format!("writing {}", archive.display());
    let file = File::create(archive).with_context(context)?;
    // The header says neither name nor time.
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    let name =
        if platform.starts_with("windows") { "kubectl-netpol.exe" } else { "kubectl-netpol" };
    add_file(&mut tar, &workspace().join("LICENSE"), Path::new("LICENSE"), 0o644)?;
    add_file(&mut tar, binary, Path::new(name), 0o755)?;
    for directory in DIRECTORIES {
        let path = workspace().join(directory);
        if path.is_dir() {
            add_directory(&mut tar, &path, Path::new(directory))?;
        }
    }
    let file = tar.into_inner().and_then(GzEncoder::finish).with_context(context)?;
    file.sync_all().with_context(context)
}

/// Adds a directory and all below it in the order of their names.
fn add_directory(tar: &mut tar::Builder<impl Write>, path: &Path, name: &Path) -> Result<()> {
    let context = || format!("packing {}", path.display());
    let mut header = header(0, 0o755);
    header.set_entry_type(tar::EntryType::Directory);
    tar.append_data(&mut header, name, std::io::empty()).with_context(context)?;
    let mut names = fs::read_dir(path)
        .and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, _>>()
        })
        .with_context(context)?;
    names.sort();
    for entry in names {
        let (path, name) = (path.join(&entry), name.join(&entry));
        let kind = fs::symlink_metadata(&path).with_context(context)?.file_type();
        ensure!(!kind.is_symlink(), "{} is a link, which krew refuses", path.display());
        if kind.is_dir() {
            add_directory(tar, &path, &name)?;
        } else {
            add_file(tar, &path, &name, 0o644)?;
        }
    }
    Ok(())
}

fn add_file(tar: &mut tar::Builder<impl Write>, path: &Path, name: &Path, mode: u32) -> Result<()> {
    let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let size = u64::try_from(content.len())?;
    tar.append_data(&mut header(size, mode), name, content.as_slice())
        .with_context(|| format!("packing {}", path.display()))
}

/// Owner, time and mode are not those on this machine.
fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(MTIME);
    header
}

fn sha256(path: &Path) -> Result<String> {
    let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &content);
    Ok(hexadecimal(digest.as_ref()))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// The file of hashes, in the form that `sha256sum --check` reads.
const SUMS: &str = "SHA256SUMS";

/// Writes the hashes of all files of a directory in the order of their names; gives back the path.
pub(crate) fn checksums(options: &ChecksumsOptions) -> Result<String> {
    let context = || format!("reading {}", options.files.display());
    let mut lines = Vec::new();
    for entry in fs::read_dir(&options.files).with_context(context)? {
        let entry = entry.with_context(context)?;
        let name = entry.file_name();
        if name != SUMS && entry.file_type().with_context(context)?.is_file() {
            lines.push((name.clone(), sha256(&entry.path())?));
        }
    }
    lines.sort();
    let line = |(name, hash): &(OsString, String)| format!("{hash}  {}\n", name.to_string_lossy());
    let path = options.files.join(SUMS);
    fs::write(&path, lines.iter().map(line).collect::<String>())
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(path.display().to_string())
}

/// Writes the manifest beside the archives; gives back its path. Its name is the plugin's, which krew's
/// index wants.
pub(crate) fn manifest(options: &ManifestOptions) -> Result<String> {
    let template = workspace().join("krew-manifest.yaml");
    let text =
        fs::read_to_string(&template).with_context(|| format!("reading {}", template.display()))?;
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    let base_url = options.base_url.as_deref().map(|url| url.trim_end_matches('/'));
    let filled = fill(&text, version, base_url, |archive| {
        let path = options.archives.join(archive);
        path.is_file().then(|| sha256(&path)).transpose()
    })?;
    let path = options.archives.join("netpol.yaml");
    fs::write(&path, filled).with_context(|| format!("writing {}", path.display()))?;
    Ok(path.display().to_string())
}

/// The manifest with the platforms whose archives have a hash, and no others.
fn fill(
    template: &str,
    version: &str,
    base_url: Option<&str>,
    hash: impl Fn(&str) -> Result<Option<String>>,
) -> Result<String> {
    const PLATFORM: &str = "  - selector:\n";
    let mut parts = template.split(PLATFORM);
    let mut filled = String::new();
    for line in parts.next().unwrap_or_default().lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  version: ") {
            Some(_) => filled.extend(["  version: ", version, "\n"]),
            None => filled.extend([line, "\n"]),
        }
    }
    let head = filled.len();
    for platform in parts {
        let uri = platform.lines().find_map(|line| line.strip_prefix("    uri: "));
        let Some((base, archive)) = uri.and_then(|uri| uri.rsplit_once('/')) else {
            bail!("krew-manifest.yaml has a platform without a uri");
        };
        let Some(sha256) = hash(archive)? else { continue };
        let base = base_url.unwrap_or(base);
        filled.push_str(PLATFORM);
        for line in platform.lines() {
            if line.starts_with("    uri: ") {
                filled.extend(["    uri: ", base, "/", archive, "\n"]);
            } else if line.starts_with("    sha256: ") {
                filled.extend(["    sha256: ", &sha256, "\n"]);
            } else {
                filled.extend([line, "\n"]);
            }
        }
    }
    ensure!(filled.len() > head, "there is no archive of any platform of krew-manifest.yaml");
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "# note\nspec:\n  version: v0\n  platforms:\n  - selector:\n      a: b\n    \
                            uri: https://e/x/one.tar.gz\n    sha256: \"0\"\n  - selector:\n    \
                            uri: https://e/x/two.tar.gz\n    sha256: \"0\"\n";

    #[test]
    fn a_manifest_has_the_platforms_that_have_an_archive() {
        let only_two = |archive: &str| Ok((archive == "two.tar.gz").then(|| "12ab".to_owned()));
        let filled = fill(TEMPLATE, "v1.2.3", Some("https://f"), only_two).unwrap();
        let expected = "spec:\n  version: v1.2.3\n  platforms:\n  - selector:\n    \
                        uri: https://f/two.tar.gz\n    sha256: 12ab\n";
        assert_eq!(filled, expected);
        let kept = fill(TEMPLATE, "v1.2.3", None, only_two).unwrap();
        assert!(kept.contains("    uri: https://e/x/two.tar.gz\n"), "{kept}");
    }

    #[test]
    fn sums_are_of_all_files_but_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().to_owned();
        fs::write(files.join("b"), "").unwrap();
        fs::write(files.join("a"), "abc").unwrap();
        let options = ChecksumsOptions { files };
        let path = checksums(&options).unwrap();
        assert_eq!(checksums(&options).unwrap(), path);
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
                        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n";
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn symbols_are_seen() {
        let mut program = [0; 64 + 3 * 64];
        program[..6].copy_from_slice(b"\x7fELF\x02\x01");
        program[0x28] = 64;
        program[0x3c] = 3;
        assert!(!has_symbols(&program));
        assert!(!has_symbols(&program[..100]) && !has_symbols(b"MZ"));
        program[64 + 2 * 64 + 4] = 2;
        assert!(has_symbols(&program));
        // This one is a test, which keeps them.
        let own = std::env::current_exe().unwrap();
        assert_eq!(has_symbols(&fs::read(own).unwrap()), cfg!(target_os = "linux"));
    }

    #[test]
    fn a_hash_has_two_digits_a_byte() {
        assert_eq!(hexadecimal(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
    }

    #[test]
    fn a_manifest_of_no_platform_is_refused() {
        let error = fill(TEMPLATE, "v1.2.3", None, |_| Ok(None)).unwrap_err();
        assert_eq!(error.to_string(), "there is no archive of any platform of krew-manifest.yaml");
    }

    #[test]
    fn a_target_is_named_as_krew_names_it() {
        let named = |triple| platform(triple).unwrap();
        assert_eq!(named("x86_64-unknown-linux-musl"), "linux-amd64");
        assert_eq!(named("aarch64-apple-darwin"), "darwin-arm64");
        assert_eq!(named("aarch64-macos"), "darwin-arm64");
        assert_eq!(named("x86_64-pc-windows-msvc"), "windows-amd64");
        assert!(platform("riscv64gc-unknown-linux-gnu").is_err());
        assert!(platform("x86_64-unknown-freebsd").is_err());
    }
}
