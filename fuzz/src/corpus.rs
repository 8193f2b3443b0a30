//! What fuzzing found once, and inputs that lead far, run again on every change, with some mutations of
//! each. `NETPOL_FUZZ_ROUNDS` says how many; `NETPOL_FUZZ_TARGET` of which target alone.

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// What is kept, by target.
fn kept() -> BTreeMap<String, Vec<(String, Vec<u8>)>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(corpus).unwrap() {
        let directory = entry.unwrap();
        let files = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> =
            files.map(|file| (file.display().to_string(), fs::read(&file).unwrap())).collect();
        files.sort();
        all.insert(directory.file_name().into_string().unwrap(), files);
    }
    all
}

fn no_finding(target: &str, name: &str, bytes: &[u8]) {
    if catch_unwind(|| crate::run(target, bytes)).is_err() {
        let file = std::env::temp_dir().join(format!("netpol-fuzz-{target}"));
        fs::write(&file, bytes).unwrap();
        panic!("{target}: {name}, kept as {}: see above", file.display());
    }
}

#[test]
fn what_is_kept_is_no_finding() {
    let kept = kept();
    let targets: Vec<&str> = crate::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(kept.keys().collect::<Vec<_>>(), targets);
    for (target, files) in &kept {
        assert!(!files.is_empty(), "{target} keeps nothing");
        for (name, bytes) in files {
            no_finding(target, name, bytes);
        }
    }
}

#[test]
fn mutations_of_what_is_kept_are_no_finding() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = number("NETPOL_FUZZ_ROUNDS").unwrap_or(100);
    let first = number("NETPOL_FUZZ_SEED").unwrap_or(1);
    let only = std::env::var("NETPOL_FUZZ_TARGET").ok();
    for (target, files) in kept() {
        if only.as_ref().is_some_and(|only| *only != target) {
            continue;
        }
        for round in first..first + rounds {
            let mut random = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = |end: usize| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 11) as usize % end.max(1)
            };
            let mut bytes = files[next(files.len())].1.clone();
            for _ in 0..=next(12) {
                let (at, length) = (next(bytes.len()), next(9) + 1);
                let end = (at + length).min(bytes.len());
                match next(6) {
                    0 => bytes.truncate(at),
                    1 => drop(bytes.drain(at..end)),
                    2 => bytes.extend((0..length * 8).map(|_| next(256) as u8)),
                    3 => {
                        let piece = bytes[at..end].to_vec();
                        let to = next(bytes.len());
                        bytes.splice(to..to, piece);
                    }
                    _ => bytes[at..end].iter_mut().for_each(|byte| *byte = next(256) as u8),
                }
            }
            no_finding(&target, &format!("round {round}"), &bytes);
        }
    }
}
