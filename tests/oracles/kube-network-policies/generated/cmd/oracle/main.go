// Command oracle-kube-network-policies judges flows by the policy engine of kube-network-policies.
//
// In: a question a line, as JSON. Out: an answer a line, in the same order. The forms are in
// docs/oracles.md. `oracle-kube-network-policies version` says which release it is.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// version is set by the linker.
var version = "unknown"

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
	// Family is IPv4 or IPv6.
	Family string `json:"family"`
	// Protocol is TCP, UDP, SCTP, ICMP or ICMPv6.
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
}

// answer is what the engine says of a question.
type answer struct {
	// Refused is empty: what an API server does not take does not come here.
	Refused map[string]string `json:"refused"`
	// Verdicts has one letter a flow, for both directions together: `a` allowed, `d` denied, `-` a flow
	// about which the engine is not asked.
	Verdicts []string `json:"verdicts"`
	// Error says why there is no answer at all.
	Error string `json:"error,omitempty"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(version)
		return
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers every line, each before it reads the next.
func serve(in io.Reader, out io.Writer) error {
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
	return answer{Refused: map[string]string{}, Verdicts: verdicts}
}
