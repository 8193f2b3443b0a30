use super::*;

fn flow(says: &str, departure: Option<&str>) -> Flow {
    Flow {
        from: "pod:a/b".into(),
        to: "pod:a/c".into(),
        family: "IPv4".into(),
        protocol: "TCP".into(),
        port: 80,
        says: says.into(),
        departure: departure.map(Into::into),
    }
}

fn settled(says: &str, said: &str) -> Settled {
    settle(&flow(says, None), Ok(said.into()))
}

fn differs(table: &str, tool: &str) -> Settled {
    Settled::Differs(Difference { table: table.into(), tool: tool.into() })
}

#[test]
fn answers_are_compared_by_side_or_as_a_whole() {
    for (says, said) in [
        ("ad", "ad"),
        ("ad", "-d"),
        ("-d", "ad"),
        ("d", "ad"),
        ("a", "-a"),
        ("dd", "d"),
        ("aa", "a"),
        ("ac", "c"),
        ("d", "d?"),
    ] {
        assert_eq!(settled(says, said), Settled::Agrees, "{says} {said}");
    }
    assert_eq!(settled("ad", "da"), differs("ad", "da"));
    assert_eq!(settled("a", "ad"), differs("a", "d"));
    assert_eq!(settled("aa", "d"), differs("a", "d"));
    assert_eq!(settled("--", "da"), differs("aa", "da"));
    assert_eq!(settled("ac", "aa"), differs("ac", "aa"));
}

#[test]
fn what_is_not_known_is_no_difference_unless_the_other_side_differs() {
    for (says, said) in [("ad", "a?"), ("a", "?"), ("d", "a?"), ("aa", "!a")] {
        assert!(matches!(settled(says, said), Settled::Open(_)), "{says} {said}");
    }
    assert_eq!(settled("ad", "d?"), differs("ad", "d?"));
    assert!(matches!(settled("a", "-"), Settled::Open(_)));
    let error = settle(&flow("a", None), Err("no such pod".into()));
    assert_eq!(error, Settled::Open("no such pod".into()));
}

#[test]
fn what_the_engine_is_known_for_is_told_apart() {
    let flow = flow("d", Some("names of ports"));
    assert_eq!(settle(&flow, Ok("d".into())), Settled::Agrees);
    assert_eq!(settle(&flow, Ok("a".into())), Settled::Known("names of ports".into()));
}

/// Every end is among the objects, so nobody is asked about what does not exist.
#[test]
fn every_table_is_read() {
    let (mut flows, mut departures) = (0, 0);
    for table in &TABLES {
        let cases = table.read(&workspace().join(CASES)).unwrap();
        assert!(cases.len() >= 60, "{}", table.name);
        for case in &cases {
            let known = programs::addresses(case);
            for flow in &case.flows {
                for end in [&flow.from, &flow.to] {
                    let there = end.starts_with("address:") || known.contains_key(end);
                    assert!(there, "{}, line {}: {end}", table.name, case.line);
                }
                flows += 1;
                departures += usize::from(flow.departure.is_some());
            }
        }
    }
    assert!(flows > 30_000 && departures > 50, "{flows} flows, {departures} departures");
}

#[test]
fn tables_are_those_of_the_tool_unless_they_are_named() {
    let named = |tool: &str, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        let tables = chosen(programs::tool(tool).unwrap(), &names, &workspace().join(CASES));
        tables.map(|it| it.iter().map(|it| it.name).collect::<Vec<_>>())
    };
    assert_eq!(named("netpol", &[]).unwrap().len(), TABLES.len());
    assert_eq!(named("netpol-analyzer", &[]).unwrap().len(), 3);
    assert_eq!(named("netpol-analyzer", &["cilium"]).unwrap(), ["cilium"]);
    let error = named("netpol", &["calico"]).unwrap_err().to_string();
    assert!(
        error.starts_with("there is no table calico; there are networkpolicy-truth, "),
        "{error}"
    );
    let nowhere = chosen(&programs::TOOLS[0], &[], &workspace().join("xtask")).err().unwrap();
    assert!(nowhere.to_string().ends_with("xtask has no table for netpol"), "{nowhere}");
    for tool in &programs::TOOLS {
        named(tool.name, tool.tables).unwrap();
    }
}

#[test]
fn a_command_is_for_jsonl_only() {
    let refused = |tool: &str, command: &[&str]| {
        let command = command.iter().map(|it| (*it).to_owned()).collect();
        let (tool, tables, cases) = (tool.into(), Vec::new(), None);
        let options = Options { tool, tables, cases, show: 3, limit: 1, command };
        Asking::new(&options).err().unwrap().to_string()
    };
    assert!(refused("jsonl", &[]).contains("--tool jsonl -- COMMAND"));
    assert!(refused("netpol", &["sh"]).contains("for --tool jsonl only"));
    assert!(
        refused("netpol-analyzer=/nonexistent/analyzer", &[]).contains("/nonexistent/analyzer")
    );
}

/// A program of one line, which has so many seconds.
#[cfg(unix)]
fn asking(script: &str, seconds: u64, kept: &Path) -> Asking {
    Asking {
        tool: programs::tool("jsonl").unwrap(),
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        limits: Limits { time: Duration::from_secs(seconds), bytes: 10_000 },
        kept: kept.into(),
    }
}

/// One table with one cluster, of which the script is asked.
#[cfg(unix)]
fn held(script: &str, seconds: u64) -> (u8, String) {
    let kept = tempfile::tempdir().unwrap();
    let flows = vec![flow("ad", None), flow("dd", None), flow("-", None)];
    let case = Case { line: 7, objects: vec![json!({"kind": "Pod"})], flows };
    let tally = asking(script, seconds, kept.path()).hold(&TABLES[0], &[case]).unwrap();
    let tallies = [tally];
    let text = report::text("jsonl", &tallies, 3);
    let manifests = kept.path().join("networkpolicy-truth/7/manifests/cluster.json");
    let written: serde_json::Value = serde_json::from_slice(&fs::read(manifests).unwrap()).unwrap();
    assert_eq!(written["items"], json!([{"kind": "Pod"}]));
    (report::code(&tallies), text.replace(&kept.path().display().to_string(), "KEPT"))
}

#[cfg(unix)]
#[test]
fn a_program_that_is_right_is_told_so() {
    let (code, text) = held(r#"read line; echo '{"verdicts":["ad","d"]}'"#, 30);
    let expected = "\
table               cases asked agree differ known  open
networkpolicy-truth     1     2     2      0     0     0

not asked
      1  the table says nothing of them

nothing differs";
    assert_eq!((code, text.as_str()), (0, expected));
}

#[cfg(unix)]
#[test]
fn a_program_that_is_wrong_is_told_where() {
    let (code, text) = held(r#"read line; echo '{"verdicts":["aa","dd"]}'"#, 30);
    let expected = "\
table               cases asked agree differ known  open
networkpolicy-truth     1     2     1      1     0     0

not asked
      1  the table says nothing of them

networkpolicy-truth: 1 differs, in 1 of 1 clusters:
  line 7: pod:a/b → pod:a/c 80/TCP IPv4
    the table: egress allowed, ingress denied
    jsonl: egress allowed, ingress allowed
    KEPT/networkpolicy-truth/7

1 answer differs";
    assert_eq!((code, text.as_str()), (1, expected));
}

/// Nobody is told that all is well by a program that fails, waits, or prints without an end.
#[cfg(unix)]
#[test]
fn a_program_that_says_nothing_is_no_success() {
    for (script, why) in [
        ("echo \"policy 'a/b' is odd\" >&2; exit 3", "exit status: 3: policy '…' is odd"),
        ("exec sleep 60", "not at its end after 1 s"),
        ("exec yes", "more than 10000 bytes of output"),
        ("exec yes >&2", "more than 10000 bytes of output"),
        ("exit 0", "it printed nothing"),
        ("echo '{\"error\":\"no such kind\"}'", "no such kind"),
        ("echo '{\"verdicts\":[\"?\",\"-\"]}'", "it says that it is not known"),
    ] {
        let (code, text) = held(script, if script.contains("sleep") { 1 } else { 30 });
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(why), "{text}");
        assert!(text.ends_with("jsonl answered nothing"), "{text}");
    }
}

/// This program through some clusters of every table.
#[test]
fn this_program_is_right() {
    let name = format!("kubectl-netpol{EXE_SUFFIX}");
    let here = std::env::current_exe().unwrap();
    let program = here.parent().and_then(Path::parent).map(|it| it.join(&name));
    let Some(program) = program.filter(|it| it.is_file()) else {
        assert!(std::env::var_os("NETPOL_TESTS_MUST_RUN").is_none(), "there is no {name}");
        println!("skipped: there is no {name} beside the tests; cargo build makes it");
        return;
    };
    let kept = tempfile::tempdir().unwrap();
    let asking = Asking {
        tool: programs::tool("netpol").unwrap(),
        program,
        arguments: Vec::new(),
        limits: Limits { time: Duration::from_mins(1), bytes: MOST_BYTES },
        kept: kept.path().into(),
    };
    let tallies: Vec<Tally> = TABLES
        .iter()
        .map(|table| {
            let cases = table.read(&workspace().join(CASES)).unwrap();
            asking.hold(table, &cases[..5]).unwrap()
        })
        .collect();
    let text = report::text("netpol", &tallies, 3);
    assert_eq!(report::code(&tallies), 0, "{text}");
    // What is not known is ICMP alone, which tells of connections: docs/semantics/cilium-ports.md#icmp.
    assert!(!text.contains("(ports)"), "{text}");
}
