//! Everything in the repository that follows from the flags: completions, man pages, the reference.
//!
//! In: the command line as clap describes it. Out: files, by their place in the repository. A test
//! compares them with those that are there; `cargo xtask generate` writes them.

use super::completion::{Shell, completer, completer_name, program, programs, script};
use anyhow::{Context as _, ensure};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use netpol_sources::files;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The hidden command; what is behind it is the directory to write to.
const WORD: &str = "__generate";

/// The columns of the reference.
const COLUMNS: usize = 80;

/// Writes the files and ends where the process was started for that; `None` where it was not.
pub(super) fn generated<C: CommandFactory>() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != WORD {
        return None;
    }
    let directory = PathBuf::from(arguments.next().unwrap_or_else(|| ".".into()));
    Some(match write(&C::command(), &directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
    })
}

fn write(front: &Command, directory: &Path) -> anyhow::Result<()> {
    for (place, content) in all(front)? {
        let file = directory.join(place);
        let doing = || format!("writing {}", file.display());
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).with_context(doing)?;
        }
        let runs = content.starts_with("#!");
        let write = if runs { files::write_program } else { files::write };
        write(&file, content.as_bytes()).with_context(doing)?;
    }
    Ok(())
}

/// The files with their content.
fn all(front: &Command) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = vec![("docs/reference.md".to_owned(), reference(front)?)];
    for (name, _) in programs(front) {
        files.push((format!("completions/{}", completer_name(&name)), completer(&name)));
        for (shell, file) in [
            (Shell::Bash, format!("bash/{name}")),
            (Shell::Zsh, format!("zsh/_{name}")),
            (Shell::Fish, format!("fish/{name}.fish")),
            (Shell::Powershell, format!("powershell/{name}.ps1")),
        ] {
            files.push((format!("completions/{file}"), script(front, &name, shell)?));
        }
        files.push((format!("man/{name}.1"), man(&program(front, &name)?)?));
    }
    Ok(files)
}

/// A man page. It has no version, so that a release changes none of these files.
fn man(command: &Command) -> anyhow::Result<String> {
    let has_commands = command.has_subcommands();
    let man = Man::new(command.clone()).source("kubectl netpol");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    man.render_extra_section(&mut page)?;
    Ok(String::from_utf8(page)?)
}

/// What the help of a command says of its exit codes, each with its meaning.
fn exit_codes(command: &Command) -> Vec<(String, String)> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let Some((_, told)) = help.split_once("Exit codes:\n") else { return Vec::new() };
    let parts = told.split(['\n']).flat_map(|line| line.split("   "));
    let parts = parts.filter_map(|part| part.trim().split_once(' '));
    parts.map(|(code, meaning)| (code.to_owned(), meaning.to_owned())).collect()
}

/// The exit codes of every command in one table.
fn table_of_exit_codes(front: &Command) -> anyhow::Result<String> {
    let mut table = String::from(
        "\n## Exit codes\n\n\
         1 wins over 3, and 2 is any error. What the reader of a pipe does changes none of them.\n\n\
         | command | 0 | 1 | 2 | 3 |\n|---|---|---|---|---|\n",
    );
    for command in front.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        if name == "help" {
            continue;
        }
        let told = exit_codes(command);
        ensure!(told.len() > 1, "the help of {name} says nothing of its exit codes");
        let _ = write!(table, "| `{name}` |");
        for code in ["0", "1", "2", "3"] {
            let all = told.iter().filter(|(of, _)| of == code).map(|(_, meaning)| meaning.as_str());
            let _ = write!(table, " {} |", all.collect::<Vec<_>>().join("; "));
        }
        table.push('\n');
    }
    Ok(table)
}

/// The help of every command on one page.
fn reference(front: &Command) -> anyhow::Result<String> {
    let mut front = front.clone().term_width(COLUMNS);
    front.build();
    let mut page = String::from(
        "# Reference\n\n\
         The help of every command. `cargo xtask generate` writes this page from the flags, and a test\n\
         compares the two.\n",
    );
    page.push_str(&table_of_exit_codes(&front)?);
    let mut add = |command: &mut Command, title: &str| {
        let help = command.render_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        let help = lines.join("\n");
        let _ = write!(page, "\n## {title}\n\n```text\n{}\n```\n", help.trim_end());
    };
    add(&mut front, "kubectl netpol");
    for command in front.get_subcommands() {
        let title = format!("kubectl netpol {}", command.get_name());
        add(&mut command.clone().term_width(COLUMNS), &title);
    }
    Ok(page)
}
