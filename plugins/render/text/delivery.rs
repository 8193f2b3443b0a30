//! How far Flux is, for people.

use crate::render::screen::{BAD, BOLD, DOUBT, GOOD, PLAIN, Screen};
use netpol::answer::{DeliveryReport, DeliveryState};

/// The deliveries for people.
pub(super) fn deliveries(screen: &mut Screen, deliveries: &[DeliveryReport]) {
    for delivery in deliveries {
        screen.blank();
        let style = match delivery.state {
            DeliveryState::UpToDate if delivery.missing.is_empty() => GOOD,
            DeliveryState::Reconciling
            | DeliveryState::SourceNotReady
            | DeliveryState::Unknown
            | DeliveryState::UpToDate => DOUBT,
            _ => BAD,
        };
        screen.words(0, 2, &[(style, "Flux:"), (PLAIN, &delivery.message)]);
        if let Some(next) = &delivery.next {
            screen.words(2, 2, &[(BOLD, next)]);
        }
    }
}
