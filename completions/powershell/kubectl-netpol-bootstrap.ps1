
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'kubectl-netpol-bootstrap' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'kubectl-netpol-bootstrap'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'kubectl-netpol-bootstrap' {
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'The namespaces with these labels instead')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'The namespaces with these labels instead')
            [CompletionResult]::new('--leave-out', '--leave-out', [CompletionResultType]::ParameterName, 'Namespace that --whole-cluster leaves as it is, too; repeatable')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Label to give the namespace; repeatable')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'What is denied by default: ingress, egress or all')
            [CompletionResult]::new('--dns', '--dns', [CompletionResultType]::ParameterName, 'How DNS is allowed: auto (as the cluster serves it), namespace (kube-system), strict or none')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'Language of the policies: networkpolicy (default), cilium or calico')
            [CompletionResult]::new('--allow-ingress-controller', '--allow-ingress-controller', [CompletionResultType]::ParameterName, 'Admit the ingress controller of a namespace, ingress-nginx by default')
            [CompletionResult]::new('--ingress-port', '--ingress-port', [CompletionResultType]::ParameterName, 'Port on the pods that it may reach, not the Service''s; repeatable, every port by default')
            [CompletionResult]::new('--allow-monitoring', '--allow-monitoring', [CompletionResultType]::ParameterName, 'Admit monitoring, by default monitoring/app.kubernetes.io/name=prometheus')
            [CompletionResult]::new('--metrics-port', '--metrics-port', [CompletionResultType]::ParameterName, 'Port on the pods that it may reach; repeatable, every port by default')
            [CompletionResult]::new('--allow-ingress', '--allow-ingress', [CompletionResultType]::ParameterName, 'Who may reach the pods: NAMESPACE, NAMESPACE/LABEL=VALUE, NAMESPACE/KIND/NAME, an address or network, cluster, internet, or under Cilium host, remote-node or kube-apiserver, with :PORT for one port of the pods; repeatable')
            [CompletionResult]::new('--allow-egress', '--allow-egress', [CompletionResultType]::ParameterName, 'Where the pods may connect to: NAMESPACE/svc/NAME[:PORT], any end that --allow-ingress takes (a namespace as ns/NAME), with --dns-proxy also a host; repeatable')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'A team''s own baseline; flags change it')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Change nothing: client says what would be written, server lets the API server check it')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format: yaml, json or name')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format: yaml, json or name')
            [CompletionResult]::new('--tests', '--tests', [CompletionResultType]::ParameterName, 'A file of tests: what breaks one that holds is not written; see kubectl netpol test; repeatable')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Write files for Git to a directory instead, and add them to its kustomization.yaml')
            [CompletionResult]::new('--export-layout', '--export-layout', [CompletionResultType]::ParameterName, 'Files of --export: one (network-policies.yaml) or many (one a policy)')
            [CompletionResult]::new('--learn', '--learn', [CompletionResultType]::ParameterName, 'Add the policies that flows need which Hubble saw: of the last hour, or since 30m or a time; config stands for what configuration names, without any flow, and config,30m for both; prints everything for review and applies nothing')
            [CompletionResult]::new('--input-file', '--input-file', [CompletionResultType]::ParameterName, 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin')
            [CompletionResult]::new('--hubble-server', '--hubble-server', [CompletionResultType]::ParameterName, 'Address of Hubble''s relay, where it is reachable already; else its port is forwarded')
            [CompletionResult]::new('--hubble-namespace', '--hubble-namespace', [CompletionResultType]::ParameterName, 'Namespace of Cilium, if it is not kube-system')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart''s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart''s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Values for helm:CHART, a file as helm takes it; repeatable')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable')
            [CompletionResult]::new('--kustomize', '--kustomize', [CompletionResultType]::ParameterName, 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable')
            [CompletionResult]::new('--accept-unread', '--accept-unread', [CompletionResultType]::ParameterName, 'What need not have been read: a path, or a kind that is not judged; repeatable')
            [CompletionResult]::new('--enforcer', '--enforcer', [CompletionResultType]::ParameterName, 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell')
            [CompletionResult]::new('--pod-cidr', '--pod-cidr', [CompletionResultType]::ParameterName, 'Network of the pods whose addresses manifests do not tell; repeatable')
            [CompletionResult]::new('--api-server', '--api-server', [CompletionResultType]::ParameterName, 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default')
            [CompletionResult]::new('--ingress-controller', '--ingress-controller', [CompletionResultType]::ParameterName, 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of names that come without one')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of names that come without one')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: auto, always or never')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; 0 to 9, as kubectl''s')
            [CompletionResult]::new('--v', '--v', [CompletionResultType]::ParameterName, 'Say more on stderr; 0 to 9, as kubectl''s')
            [CompletionResult]::new('--limits', '--limits', [CompletionResultType]::ParameterName, 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path of the kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'Cluster of the kubeconfig')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User of the kubeconfig')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Address of the API server')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Address of the API server')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Take any certificate of the server, which is then known to nobody')
            [CompletionResult]::new('--certificate-authority', '--certificate-authority', [CompletionResultType]::ParameterName, 'Certificates that may sign the server''s, in a file')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'Name that the server''s certificate is for')
            [CompletionResult]::new('--client-certificate', '--client-certificate', [CompletionResultType]::ParameterName, 'Certificate of the user, in a file')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'Key of that certificate, in a file')
            [CompletionResult]::new('--disable-compression', '--disable-compression', [CompletionResultType]::ParameterName, 'Have answers sent as they are')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Bearer token')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'User to impersonate')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Group to impersonate; repeatable')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'UID to impersonate')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Limit of one request, such as 10s, 2m or 1h; 0 is none')
            [CompletionResult]::new('--whole-cluster', '--whole-cluster', [CompletionResultType]::ParameterName, 'All namespaces instead, by one GlobalNetworkPolicy of Calico, but those in which Kubernetes and Calico run; with --dialect calico only')
            [CompletionResult]::new('--dns-proxy', '--dns-proxy', [CompletionResultType]::ParameterName, 'Let what is asked of DNS pass Cilium''s proxy, without which no policy can name a host')
            [CompletionResult]::new('--both-sides', '--both-sides', [CompletionResultType]::ParameterName, 'Write the ingress side of --allow-egress in the other namespace, too')
            [CompletionResult]::new('--allow-same-namespace', '--allow-same-namespace', [CompletionResultType]::ParameterName, 'Let the pods of the namespace reach one another')
            [CompletionResult]::new('--force-conflicts', '--force-conflicts', [CompletionResultType]::ParameterName, 'Take over fields that another field manager wrote')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until the API serves what was written, or no longer serves what was removed')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask before connections are cut; twice for a namespace that the cluster itself needs')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask before connections are cut; twice for a namespace that the cluster itself needs')
            [CompletionResult]::new('--prune', '--prune', [CompletionResultType]::ParameterName, 'Take away what an earlier run wrote and that is not asked for now')
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'Take back what was written here, and nothing else')
            [CompletionResult]::new('--overwrite', '--overwrite', [CompletionResultType]::ParameterName, 'Let --export replace files that it did not write')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Print the JSON Schema of --baseline files and do nothing else')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Directories are always read with all below them; taken since kubectl has it')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Directories are always read with all below them; taken since kubectl has it')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Make everything that cannot be read an error')
            [CompletionResult]::new('--pull', '--pull', [CompletionResultType]::ParameterName, 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD')
            [CompletionResult]::new('--enable-helm', '--enable-helm', [CompletionResultType]::ParameterName, 'Let kustomize inflate charts that a kustomization names, with helm')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before')
            [CompletionResult]::new('--with-staged', '--with-staged', [CompletionResultType]::ParameterName, 'Count Calico''s staged policies as if they were in force')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
