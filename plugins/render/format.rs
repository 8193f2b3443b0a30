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
    /// A picture of Graphviz.
    Dot,
    /// A picture of Mermaid.
    Mermaid,
    /// Names of objects, one a line.
    Name,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Table,
        Self::Wide,
        Self::Json,
        Self::Yaml,
        Self::Csv,
        Self::Md,
        Self::Dot,
        Self::Mermaid,
        Self::Name,
    ];

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
            Self::Dot => "dot",
            Self::Mermaid => "mermaid",
            Self::Name => "name",
        }
    }

    /// What completion says of it.
    pub fn about(self) -> &'static str {
        match self {
            Self::Text => "For people",
            Self::Table => "A table for people",
            Self::Wide => "For people, with all that is known",
            Self::Json => "For programs",
            Self::Yaml => "For programs and people",
            Self::Csv => "For a spreadsheet",
            Self::Md => "For documentation and pull requests",
            Self::Dot => "A picture for Graphviz",
            Self::Mermaid => "A picture for Mermaid",
            Self::Name => "Names, for other commands",
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
