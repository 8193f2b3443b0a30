//! Commands that read never write: by the method of every request that each sends.

use super::{LIVE, at, server};
use crate::run::netpol;

#[test]
fn commands_that_read_never_write() {
    let (server, url) = server();
    for (command, words) in LIVE {
        let run = netpol(&at(&url, words));
        assert!(run.code != 2, "{words:?}: {run:?}");
        let asked = server.asked();
        assert!(!asked.is_empty(), "{words:?} asked nothing: {run:?}");
        for request in asked {
            // A review of one's own rights is made and not kept.
            let review = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
            let asks = *command == "doctor" && request.starts_with(review);
            assert!(request.starts_with("GET ") || asks, "{words:?}: {request}");
        }
    }
}
