//! `list -o csv` writes its rows as they are made: they are those of `-o json`, in their order, and there is
//! an end to them.

use crate::read_back::csv;
use crate::run::{list, netpol, text};

const INPUTS: [&str; 3] = ["examples/homekube", "examples/homekube-fixed", "examples/calico"];

const ASKED: [&[&str]; 7] = [
    &[],
    &["--known-only"],
    &["--exposed"],
    &["--by", "namespace"],
    &["--by", "pod"],
    &["--from", "internet"],
    &["-n", "identity"],
];

#[test]
fn csv_has_the_rows_of_json_in_their_order() {
    for input in INPUTS {
        let mut many = 0;
        for asked in ASKED {
            if input.ends_with("calico") && asked.contains(&"identity") {
                continue;
            }
            let words = |format| [&["list", "-f", input, "-o", format], asked].concat();
            let (json, rows) = (netpol(&words("json")), netpol(&words("csv")));
            assert_eq!((json.code, &json.stderr), (rows.code, &rows.stderr), "{input} {asked:?}");
            let json = json.json();
            let flows = list(&json, "/flows").iter();
            let flows: Vec<[&str; 3]> = flows
                .map(|flow| {
                    ["/source/label", "/destination/label", "/verdict"].map(|it| text(flow, it))
                })
                .collect();
            let rows = csv(&rows.stdout);
            let rows: Vec<[&str; 3]> =
                rows[1..].iter().map(|row| [&*row[0], &*row[1], &*row[3]]).collect();
            // Behind them is what is not protected, and what leads in, where that is asked for.
            let told = rows.get(..flows.len());
            assert_eq!(told, Some(&flows[..]), "{input} {asked:?}");
            let more = [ASKED[2], ASKED[5]].contains(&asked);
            assert!(rows.len() == flows.len() || more, "{input} {asked:?}");
            many += rows.len();
        }
        assert!(many > 10, "{input}");
    }
}

#[test]
fn there_is_an_end_to_rows() {
    let list = |rows: &str, format| {
        netpol(&["list", "-f", "examples/homekube", "-o", format, "--limits", rows])
    };
    let all = list("rows=1000", "csv");
    assert_eq!(all.stdout.lines().count(), 11, "{all:?}");
    // Four times as many as are kept for other formats.
    assert_eq!((list("rows=5", "csv").code, list("rows=5", "json").code), (0, 2));
    let cut = list("rows=1", "csv");
    assert_eq!(cut.code, 2, "{cut:?}");
    assert!(cut.stderr.contains("too much to tell"), "{cut:?}");
    assert!(cut.stdout.lines().count() <= 5 && all.stdout.starts_with(&cut.stdout), "{cut:?}");
}
