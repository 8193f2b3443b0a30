//go:build v1.19

package main

import (
	"sync"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	policytypes "github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
)

type (
	// policyRules are what a repository takes.
	policyRules = policytypes.PolicyEntries
	policyRule  = policytypes.PolicyEntry
)

// clusterOfPeers is the cluster that peers are in unless they say otherwise.
const clusterOfPeers = clusterName

func rulesOf(rules api.Rules) policyRules { return policyutils.RulesToPolicyEntries(rules) }

// labelsOfGroups are what a label of a CIDR group becomes for its prefixes.
func labelsOfGroups(key, value string) []labels.Label {
	label := labels.NewLabel(key, value, labels.LabelSourceCIDRGroup)
	return []labels.Label{label, labels.EncodedCIDRGroupLabel(label.Key, label.Value, label.Source)}
}

func prepareNames() error { return nil }

// introduce tells the repository whom policies may apply to.
func (j *judged) introduce(manager identitymanager.IDManager) {
	subjects := identity.IdentityMap{}
	for _, made := range j.identities {
		subjects[made.ID] = made.LabelArray
		manager.Add(made)
	}
	j.repository.GetSubjectSelectorCache().UpdateIdentities(subjects, nil, &sync.WaitGroup{})
}

func (e *endpoint) PreviousMapState() *policy.MapState { return nil }
