//! The tables of verdicts, through any program that evaluates policies from manifests.
//!
//! In: the program, and a way of asking it (`programs.rs`). Out: of each table how many of its verdicts the
//! program shares, and the first that it does not, with the manifests in target/verdicts.
//! docs/oracles.md#another-tool-through-the-tables is the guide.

mod connections;
mod observed;
mod programs;
mod report;
mod tables;

use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::json;

use crate::child::{self, Limits};
use crate::progress;
use crate::tools::workspace;
use programs::{Said, Tool, tool};
use report::{Difference, Tally};
use tables::{Case, Flow, TABLES, Table};

/// The project's own tables.
const CASES: &str = "tests/cases";

/// Where manifests and answers go.
const KEPT: &str = "target/verdicts";

/// How much a program may print of one cluster.
const MOST_BYTES: u64 = 64 << 20;

/// Flags of `cargo xtask verdicts`.
#[derive(Args)]
pub(crate) struct Options {
    /// Who is held to the tables: netpol, netpol-analyzer, or jsonl with a command.
    ///
    /// netpol[=BINARY] is this program, netpol-analyzer[=BINARY] that of np-guard. jsonl is whatever stands
    /// behind `--`: it is started once a cluster, gets a question as a line of JSON on stdin, and answers
    /// with a line of JSON (docs/oracles.md#forms).
    #[arg(long, value_name = "TOOL", verbatim_doc_comment)]
    tool: String,

    /// Only these tables of tests/cases, by their names without endings.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    tables: Vec<String>,

    /// Another directory with tables, of which those count that are there.
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,

    /// Of how many clusters of a table the first difference is shown.
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    show: usize,

    /// How long the program may take for one cluster, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    limit: u64,

    /// The command of jsonl.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What came of it.
pub(crate) struct Held {
    /// The tables, and what differs.
    pub(crate) text: String,
    /// 0 where nothing differs, 1 where something does, 2 where there was no answer at all.
    pub(crate) code: u8,
}

/// Holds a program to the tables.
pub(crate) fn run(options: &Options) -> Result<Held> {
    let asking = Asking::new(options)?;
    let own = workspace().join(CASES);
    let directory = options.cases.as_deref().unwrap_or(&own);
    let chosen = chosen(asking.tool, &options.tables, directory)?;
    progress(&format!("asking {}", asking.program.display()));
    let mut tallies = Vec::new();
    for table in chosen {
        let cases = table.read(directory)?;
        progress(&format!("{}: {} clusters", table.name, cases.len()));
        tallies.push(asking.hold(table, &cases)?);
    }
    Ok(Held {
        text: report::text(asking.tool.name, &tallies, options.show),
        code: report::code(&tallies),
    })
}

/// The tables that are named, or else those of the tool in a directory.
fn chosen(tool: &Tool, named: &[String], directory: &Path) -> Result<Vec<&'static Table>> {
    if named.is_empty() {
        let of = |it: &&Table| tool.tables.is_empty() || tool.tables.contains(&it.name);
        let there = |it: &&Table| it.is_there(directory);
        let all: Vec<_> = TABLES.iter().filter(of).filter(there).collect();
        ensure!(!all.is_empty(), "{} has no table for {}", directory.display(), tool.name);
        return Ok(all);
    }
    let known = || TABLES.each_ref().map(|it| it.name).join(", ");
    let one = |name: &String| {
        let found = TABLES.iter().find(|it| it.name == name);
        found.with_context(|| format!("there is no table {name}; there are {}", known()))
    };
    named.iter().map(one).collect()
}

/// A program, and how it is asked.
struct Asking {
    tool: &'static Tool,
    program: PathBuf,
    /// Arguments that the caller gave.
    arguments: Vec<String>,
    limits: Limits,
    kept: PathBuf,
}

impl Asking {
    fn new(options: &Options) -> Result<Self> {
        let (name, given) = match options.tool.split_once('=') {
            Some((name, program)) => (name, Some(program)),
            None => (options.tool.as_str(), None),
        };
        let tool = tool(name)?;
        let (program, arguments) = match options.command.split_first() {
            Some((program, arguments)) if tool.called.is_empty() && given.is_none() => {
                (found(program)?, arguments.to_vec())
            }
            None if !tool.called.is_empty() => (program(tool, given)?, Vec::new()),
            None => bail!("--tool {name} takes its command behind --: --tool {name} -- COMMAND"),
            Some(_) => bail!("a command behind -- is for --tool jsonl only"),
        };
        Ok(Self {
            tool,
            program,
            arguments,
            limits: Limits { time: Duration::from_secs(options.limit), bytes: MOST_BYTES },
            kept: workspace().join(KEPT).join(tool.name),
        })
    }

    /// Asks for a whole table.
    fn hold(&self, table: &Table, cases: &[Case]) -> Result<Tally> {
        let kept = self.kept.join(table.name);
        if kept.exists() {
            fs::remove_dir_all(&kept).with_context(|| format!("removing {}", kept.display()))?;
        }
        let mut tally = Tally::new(table.name, cases.len());
        for case in cases {
            let mut asked = Vec::new();
            for flow in &case.flows {
                match not_asked(flow).or_else(|| (self.tool.not_asked)(flow)) {
                    Some(why) => tally.leave_out(why),
                    None => asked.push(flow),
                }
            }
            if asked.is_empty() {
                continue;
            }
            let directory = kept.join(case.line.to_string());
            let said = self.ask(table, case, &asked, &directory)?;
            for (flow, said) in asked.into_iter().zip(said) {
                let at = (case.line, directory.as_path());
                tally.count(flow, at, settle(flow, said));
            }
        }
        Ok(tally)
    }

    /// Asks for the flows of a cluster; everything is kept in a directory.
    fn ask(&self, table: &Table, case: &Case, flows: &[&Flow], kept: &Path) -> Result<Vec<Said>> {
        let manifests = kept.join("manifests");
        fs::create_dir_all(&manifests).with_context(|| format!("creating {}", kept.display()))?;
        let list = json!({"apiVersion": "v1", "kind": "List", "items": case.objects});
        let write = |path: &Path, text: &str| {
            fs::write(path, text).with_context(|| format!("writing {}", path.display()))
        };
        write(&manifests.join("cluster.json"), &format!("{list:#}\n"))?;
        let [stdin, stdout, stderr] = ["stdin", "stdout", "stderr"].map(|it| kept.join(it));
        write(&stdin, &(self.tool.input)(case, flows))?;
        let create = |path| File::create(path).with_context(|| format!("in {}", kept.display()));
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args((self.tool.arguments)(table, &manifests))
            .current_dir(kept)
            // No program may ask a cluster instead.
            .env("KUBECONFIG", "/dev/null")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env("NO_COLOR", "1")
            .stdin(File::open(&stdin).with_context(|| format!("in {}", kept.display()))?)
            .stdout(Stdio::from(create(&stdout)?))
            .stderr(Stdio::from(create(&stderr)?))
            .spawn()
            .with_context(|| format!("running {}", self.program.display()))?;
        let end = child::wait(&mut child, self.limits, &[&stdout, &stderr])?;
        let printed = |path: &Path| {
            let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            anyhow::Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        if !end.is_success() {
            let words = printed(&stderr)?;
            let first = words.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
            return Ok(vec![Err(format!("{end}: {first}")); flows.len()]);
        }
        let read = (self.tool.read)(flows, &printed(&stdout)?);
        Ok(read.unwrap_or_else(|error| vec![Err(format!("{error:#}")); flows.len()]))
    }
}

/// The program that is named, that stands beside this one, or that is on PATH.
fn program(tool: &Tool, given: Option<&str>) -> Result<PathBuf> {
    if let Some(given) = given {
        return found(given);
    }
    let here = std::env::current_exe().context("finding this program")?;
    let beside = tool.called.iter().map(|it| format!("{it}{EXE_SUFFIX}"));
    let beside = beside.map(|it| here.with_file_name(it)).find(|it| it.is_file());
    let on_path = || tool.called.iter().find_map(|it| which::which(it).ok());
    beside.or_else(on_path).with_context(|| {
        let (name, called) = (tool.name, tool.called.join(" or "));
        format!("there is no {called} on PATH; name it: --tool {name}=BINARY")
    })
}

fn found(program: &str) -> Result<PathBuf> {
    let path = which::which(program).with_context(|| format!("finding {program}"))?;
    let path = fs::canonicalize(&path).with_context(|| format!("finding {program}"))?;
    ensure!(path.is_file(), "{program} is no program");
    Ok(path)
}

/// Why a table says nothing of a flow, if it says nothing.
fn not_asked(flow: &Flow) -> Option<&'static str> {
    (flow.says == "-").then_some("the table says nothing of them")
}

/// What a program's answer is beside the table's.
#[derive(Debug, PartialEq)]
enum Settled {
    Agrees,
    Differs(Difference),
    /// It differs where the table's engine departs from what is specified.
    Known(String),
    /// There is none.
    Open(String),
}

fn settle(flow: &Flow, said: Said) -> Settled {
    let said = match said {
        Ok(said) if said == "-" => return Settled::Open("it is not asked about such flows".into()),
        Ok(said) => said,
        Err(why) => return Settled::Open(why),
    };
    // A side to which policies do not apply lets everything pass.
    let letters = |text: &str| text.replace('-', "a").chars().collect::<Vec<char>>();
    let (mut theirs, mut says) = (letters(&said), letters(&flow.says));
    if theirs.len() != says.len() {
        (theirs, says) = (vec![both(&theirs)], vec![both(&says)]);
    }
    if theirs == says {
        return Settled::Agrees;
    }
    if let Some(name) = &flow.departure {
        return Settled::Known(name.clone());
    }
    let pairs = || theirs.iter().zip(&says).filter(|(theirs, says)| theirs != says);
    if pairs().all(|(theirs, _)| matches!(theirs, '?' | '!')) {
        let kind = if flow.is_icmp() { "ICMP" } else { "ports" };
        return Settled::Open(format!("it says that it is not known ({kind})"));
    }
    let text = |letters: Vec<char>| letters.into_iter().collect();
    Settled::Differs(Difference { table: text(says), tool: text(theirs) })
}

/// A flow's letter by those of its sides.
fn both(letters: &[char]) -> char {
    "d?!c".chars().find(|it| letters.contains(it)).unwrap_or('a')
}

#[cfg(test)]
mod tests;
