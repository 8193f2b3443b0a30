
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'kubectl-netpol-observe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'kubectl-netpol-observe'
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
        'kubectl-netpol-observe' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Only from this workload, pod, Service, namespace, node, name or address')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Only to this workload, pod, Service, namespace, node, name or address')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Only to this port of the destination: 8080, 53/UDP')
            [CompletionResult]::new('--from-pod', '--from-pod', [CompletionResultType]::ParameterName, 'Pods whose names begin so')
            [CompletionResult]::new('--to-pod', '--to-pod', [CompletionResultType]::ParameterName, 'Pods whose names begin so')
            [CompletionResult]::new('--from-namespace', '--from-namespace', [CompletionResultType]::ParameterName, '--from ns/NAME')
            [CompletionResult]::new('--to-namespace', '--to-namespace', [CompletionResultType]::ParameterName, '--to ns/NAME')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'That of --port')
            [CompletionResult]::new('--verdict', '--verdict', [CompletionResultType]::ParameterName, 'Only with this verdict: dropped, forwarded, audit or redirected; repeatable')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only since then: 30s, 5m, 2h, or a time such as 2026-11-20T10:15:00Z')
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Only the last so many; of a cluster, of each node (20 unless --since or --follow is given)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format: text, json (one line a flow) or html (with --summary: a map for the browser)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format: text, json (one line a flow) or html (with --summary: a map for the browser)')
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
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Of all namespaces, which is what is shown anyway')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Of all namespaces, which is what is shown anyway')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on with what comes, until Ctrl-C')
            [CompletionResult]::new('--trace', '--trace', [CompletionResultType]::ParameterName, 'Packets on their way and replies too, for which no policy is asked')
            [CompletionResult]::new('--summary', '--summary', [CompletionResultType]::ParameterName, 'Count equal flows and show one table at the end')
            [CompletionResult]::new('--ui', '--ui', [CompletionResultType]::ParameterName, 'Open Hubble''s UI, by `cilium hubble ui`, and do nothing else')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Print the JSON Schema of the answer and do nothing else')
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
