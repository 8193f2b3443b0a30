//go:build v1.18

package main

import (
	"github.com/cilium/cilium/pkg/defaults"
	"github.com/cilium/cilium/pkg/fqdn/re"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
)

type (
	// policyRules are what a repository takes.
	policyRules = api.Rules
	policyRule  = api.Rule
)

// clusterOfPeers is the cluster that peers are in unless they say otherwise: any, in this version.
const clusterOfPeers = ""

func rulesOf(rules api.Rules) policyRules { return rules }

// labelsOfGroups are what a label of a CIDR group becomes for its prefixes.
func labelsOfGroups(key, value string) []labels.Label {
	return []labels.Label{labels.NewLabel(key, value, labels.LabelSourceCIDRGroup)}
}

// prepareNames makes room for the patterns of names that were compiled.
func prepareNames() error {
	return re.InitRegexCompileLRU(logger, defaults.FQDNRegexCompileLRUSize)
}

// introduce tells the repository whom policies may apply to.
func (j *judged) introduce(identitymanager.IDManager) {}

func (e *endpoint) MapStateSize() int { return 0 }
