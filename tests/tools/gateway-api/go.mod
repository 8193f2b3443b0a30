// The Gateway API's own definitions, which the tests give a real API server. Fetched with `go mod download`;
// nothing here is imported by Go code of ours.
//
// To move to another release, change v1.4.1 and both lines of go.sum.
module netpol.test/tools/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.4.1
