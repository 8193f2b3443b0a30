//! The formats in which answers come.

/// What follows `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Sentences for people.
    Text,
    /// A table for people.
    Table,
    /// The same with all that is known.
    Wide,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
    /// For a spreadsheet.
    Csv,
    /// Markdown, for documentation and pull requests.
    Md,
    /// One page to look at in a browser.
    Html,
    /// A picture of Graphviz.
    Dot,
    /// A picture of Mermaid.
    Mermaid,
    /// Names of objects, one a line.
    Name,
    /// Findings, for code scanning.
    Sarif,
    /// Findings, as commands of a workflow.
    Github,
    /// Tests, for test runners.
    Junit,
}

impl Format {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
            Self::Md => "md",
            Self::Html => "html",
            Self::Dot => "dot",
            Self::Mermaid => "mermaid",
            Self::Name => "name",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Junit => "junit",
        }
    }

    /// Whether it is for people at a terminal only.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Table | Self::Wide)
    }

    /// Whether it has room for flows only, so that warnings must be told apart.
    pub fn is_bare(self) -> bool {
        matches!(self, Self::Csv | Self::Dot | Self::Mermaid)
    }
}
