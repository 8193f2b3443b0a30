//! What the server says of a write.

use super::{Server, reply, run, to};
use crate::live::{Target, Write};
use serde_json::json;

fn applying(status: u16, body: &'static str) -> (Result<bool, String>, Vec<String>) {
    let server = Server::start(move |_, _| reply(status, body));
    let target = Target::of("networking.k8s.io/v1", "networkpolicies").within("a").named("p");
    let how = Write { manager: "kubectl-netpol", force: false, dry_run: true };
    let before =
        json!({ "metadata": { "resourceVersion": "7", "managedFields": [{ "time": "1" }] } });
    let applied =
        run(async { to(&server.url()).await.apply(&target, &json!({}), Some(&before), how).await });
    let said = applied.map(|it| it.changed);
    (said.map_err(|error| error.to_string().replace(&server.url(), "SERVER")), server.lines())
}

#[test]
fn a_dry_run_tells_what_it_would_change() {
    let (changed, lines) =
        applying(200, r#"{"metadata":{"resourceVersion":"7","managedFields":[{"time":"2"}]}}"#);
    assert_eq!(changed, Ok(false));
    assert_eq!(
        lines,
        ["PATCH /apis/networking.k8s.io/v1/namespaces/a/networkpolicies/p\
             ?fieldManager=kubectl-netpol&force=false&dryRun=All"]
    );
    let (changed, _) = applying(200, r#"{"metadata":{"resourceVersion":"7"},"spec":{}}"#);
    assert_eq!(changed, Ok(true));
}

#[test]
fn refusals_of_a_write_are_sentences() {
    for (status, body, expected) in [
        (
            409,
            r#"{"reason":"Conflict","code":409,"details":{"causes":[
                {"reason":"FieldManagerConflict","message":"conflict with \"x\u001b\" using v1","field":".spec.a"},
                {"reason":"FieldManagerConflict","message":"conflict with \"y\"","field":".spec.b"}]}}"#,
            "applying networkpolicies/p in a: spec.a is managed by \"x\\u{1b}\", spec.b is managed by \"y\"; \
             ask who runs it, or take over with --force-conflicts",
        ),
        (
            409,
            r#"{"reason":"Conflict","code":409,"message":"the object has been modified"}"#,
            "applying networkpolicies/p in a: SERVER answered 409: the object has been modified",
        ),
        (
            403,
            r#"{"reason":"Forbidden","code":403,"message":"admission webhook \"w\" denied the request: no"}"#,
            "applying networkpolicies/p in a: SERVER answered 403: admission webhook \"w\" denied the \
             request: no",
        ),
        (
            403,
            r#"{"reason":"Forbidden","code":403,"message":"User \"j\" cannot patch resource \"networkpolicies\" in API group \"networking.k8s.io\" in the namespace \"a\""}"#,
            "applying networkpolicies/p in a: not allowed for \"j\"; ask for the right to patch \
             networkpolicies.networking.k8s.io in a",
        ),
    ] {
        assert_eq!(applying(status, body).0, Err(expected.to_owned()));
    }
}
