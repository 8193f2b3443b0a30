//! The words of a command line for the language of a policy.

use crate::draft::Dialect;
use clap::ValueEnum;
use clap::builder::PossibleValue;

impl ValueEnum for Dialect {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()))
    }
}
