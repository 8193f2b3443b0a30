// Command cilium-oracle judges flows by Cilium's own policy engine.
//
// In: a question a line, as JSON. Out: an answer a line, in the same order. The forms are in
// docs/oracles.md. `cilium-oracle version` says which Cilium it is.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

// engine is the module whose version counts.
const engine = "github.com/cilium/cilium"

// question is a cluster and what is asked about it.
type question struct {
	// Objects are manifests as an API server keeps them.
	Objects []json.RawMessage `json:"objects"`
	Flows   []flow            `json:"flows"`
}

// flow is one connection, from who opens it to who takes it.
type flow struct {
	// From and To are `pod:NAMESPACE/NAME`, `node:NAME` or `address:IP`.
	From string `json:"from"`
	To   string `json:"to"`
	// Protocol is TCP, UDP, SCTP, ICMP or ICMPv6.
	Protocol string `json:"protocol"`
	// Port is the destination's, or the type of ICMP.
	Port uint16 `json:"port"`
}

// answer is what the engine says of a question.
type answer struct {
	// Refused are the policies that the API server or the agent does not take, by
	// `KIND NAMESPACE/NAME`, and why.
	Refused map[string]string `json:"refused"`
	// Verdicts has two letters a flow, for egress of its source and ingress of its destination: `a`
	// allowed, `c` allowed on a condition, `d` denied, `-` no pod that policies apply to.
	Verdicts []string `json:"verdicts"`
	// Error says why there is no answer at all.
	Error string `json:"error,omitempty"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(version())
		return
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// version is that of the engine in this program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dependency := range info.Deps {
		if dependency.Path == engine {
			return dependency.Version
		}
	}
	return "unknown"
}

// serve answers every line, each before it reads the next.
func serve(in io.Reader, out io.Writer) error {
	if err := configure(); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		if err := answers.Encode(reply(lines.Bytes())); err != nil {
			return err
		}
	}
	return lines.Err()
}

// reply never fails: what goes wrong, in the engine too, is its error.
func reply(line []byte) (said answer) {
	defer func() {
		if broken := recover(); broken != nil {
			said = answer{Error: fmt.Sprintf("panic: %v", broken)}
		}
	}()
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	world, err := read(asked.Objects)
	if err != nil {
		return answer{Error: err.Error()}
	}
	verdicts, err := world.judge(asked.Flows)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Refused: world.refused, Verdicts: verdicts}
}
