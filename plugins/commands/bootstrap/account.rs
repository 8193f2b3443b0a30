//! What has been written so far, for whoever has to know when it ends early.
//!
//! In: each step as it is taken. Out: one sentence that names every namespace that is half done, what is in it,
//! what perhaps is, and what finishes it or takes it back.

use super::{Failure, Run};
use std::fmt::Write as _;

/// So many namespaces are named where the rest is counted.
const NAMED: usize = 10;

/// What becomes of the namespaces that the same command would go on with; nothing where there are none.
pub(super) fn rest(what: &str, namespaces: &[String]) -> String {
    let (shown, more) = namespaces.split_at(namespaces.len().min(NAMED));
    let shown = shown.join(", ");
    match (namespaces.len(), more.len()) {
        (0, _) => String::new(),
        (_, 0) => format!("; {what}: {shown}; the same command again goes on with that"),
        (all, more) => format!(
            "; {what}: {all} namespaces, {shown} and {more} more; the same command again goes on with \
             these"
        ),
    }
}

/// The steps of a run.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Namespaces of which nothing is written yet, in their order.
    waiting: Vec<String>,
    current: Option<Current>,
}

/// The namespace in hand.
#[derive(Debug, Default)]
struct Current {
    namespace: String,
    /// What the server has said to have.
    written: Vec<String>,
    /// What it was asked to write, and has not answered yet.
    pending: Option<String>,
}

impl Account {
    /// The namespaces to come.
    pub(super) fn expect(&mut self, namespaces: &[String]) {
        self.waiting = namespaces.to_vec();
    }

    /// A namespace is being written.
    pub(super) fn begin(&mut self, namespace: &str) {
        self.waiting.retain(|waiting| waiting != namespace);
        let namespace = namespace.to_owned();
        self.current = Some(Current { namespace, ..Current::default() });
    }

    /// The server is asked to write an object.
    pub(super) fn ask(&mut self, name: &str) {
        if let Some(current) = &mut self.current {
            current.pending = Some(name.to_owned());
        }
    }

    /// It has written it, or said that it did not.
    pub(super) fn answered(&mut self, written: bool) {
        if let Some(current) = &mut self.current {
            current.written.extend(current.pending.take().filter(|_| written));
        }
    }

    /// The namespace is as it is to be, or nothing of it was touched.
    pub(super) fn end(&mut self) {
        self.current = None;
    }

    /// What is half done; `None`: nothing is. Where the server refused something, the same again would end in
    /// the same way.
    fn half_done(&self, refused: bool, back: impl Fn(&str) -> String) -> Option<String> {
        let Current { namespace, written, pending } = self.current.as_ref()?;
        if written.is_empty() && pending.is_none() {
            return None;
        }
        let is_policy = |name: &String| !name.starts_with("namespace/");
        let closed = written.iter().chain(pending).any(is_policy);
        let mut said = format!("{namespace} is half {}", if closed { "closed" } else { "done" });
        if !written.is_empty() {
            let _ = write!(said, "; written before that: {}", written.join(", "));
        }
        if let Some(pending) = pending {
            let _ = write!(said, "; perhaps written: {pending}");
        }
        let back = back(namespace);
        let again = if refused {
            "once that is put right, the same command"
        } else {
            "the same command again"
        };
        Some(said + &format!("; {again} finishes it, `{back}` takes it back"))
    }
}

impl Run<'_> {
    /// A failure in the middle of a namespace, with what is done by then.
    pub(super) fn with_account(&self, failure: Failure) -> Failure {
        let refused = !failure.of_server;
        let half = self.account.borrow().half_done(refused, |namespace| self.back(namespace));
        let half = half.unwrap_or_else(|| "nothing was written".to_owned());
        let Failure { why, of_server } = failure;
        Failure { why: format!("{why}; {half}"), of_server }
    }

    /// The sentence for a run that somebody stopped.
    pub(super) fn interrupted(&self) -> String {
        let account = self.account.borrow();
        let half = account.half_done(false, |namespace| self.back(namespace));
        let half = half.unwrap_or_else(|| "no namespace is half done".to_owned());
        format!("stopped: {half}{}", rest("not begun", &account.waiting))
    }

    /// The command that takes a namespace back.
    fn back(&self, namespace: &str) -> String {
        let connect = &self.global.connect;
        let context = connect.context.as_ref().map(|name| format!(" --context {name}"));
        let kubeconfig = connect.kubeconfig.as_ref();
        let kubeconfig = kubeconfig.map(|path| format!(" --kubeconfig {}", path.display()));
        let cluster: String = [kubeconfig, context].into_iter().flatten().collect();
        format!("kubectl netpol bootstrap {namespace} --remove{cluster}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line on very many of them says how many there are.
    #[test]
    fn few_of_many_are_named() {
        let names = |count: usize| (0..count).map(|at| format!("n{at}")).collect::<Vec<_>>();
        assert_eq!(rest("not begun", &names(0)), "");
        let two = "; not begun: n0, n1; the same command again goes on with that";
        assert_eq!(rest("not begun", &names(2)), two);
        let many = rest("not begun", &names(5000));
        assert!(many.starts_with("; not begun: 5000 namespaces, n0, n1, ") && many.len() < 150);
        assert!(many.ends_with(", n9 and 4990 more; the same command again goes on with these"));
    }

    #[test]
    fn each_step_is_accounted_for() {
        let mut account = Account::default();
        let said =
            |account: &Account| account.half_done(false, |namespace| format!("back {namespace}"));
        account.expect(&["a".to_owned(), "b".to_owned()]);
        account.begin("a");
        assert_eq!(said(&account), None);
        account.ask("namespace/a");
        let first = "a is half done; perhaps written: namespace/a; the same command again finishes \
                     it, `back a` takes it back";
        assert_eq!(said(&account).as_deref(), Some(first));
        account.answered(true);
        account.ask("networkpolicy/x");
        account.answered(true);
        account.ask("networkpolicy/y");
        account.answered(false);
        let half = "a is half closed; written before that: namespace/a, networkpolicy/x; the \
                    same command again finishes it, `back a` takes it back";
        assert_eq!(said(&account).as_deref(), Some(half));
        let refused = account.half_done(true, |_| "back".to_owned()).unwrap_or_default();
        assert!(refused.contains("once that is put right, the same command finishes"), "{refused}");
        account.end();
        assert_eq!((said(&account), account.waiting), (None, vec!["b".to_owned()]));
    }
}
