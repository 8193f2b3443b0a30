//! What fuzzing found once, and inputs that lead far, run again on every change.

use std::fs;
use std::path::Path;

#[test]
fn what_is_kept_is_no_finding() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&corpus).unwrap() {
        let directory = entry.unwrap();
        let name = directory.file_name().into_string().unwrap();
        let mut count = 0;
        for file in fs::read_dir(directory.path()).unwrap() {
            let file = file.unwrap().path();
            let bytes = fs::read(&file).unwrap();
            let done = std::panic::catch_unwind(|| crate::run(&name, &bytes));
            assert!(done.is_ok(), "{}: see above", file.display());
            count += 1;
        }
        assert!(count > 0, "{name} keeps nothing");
        names.push(name);
    }
    names.sort();
    let targets: Vec<&str> = crate::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, targets);
}
