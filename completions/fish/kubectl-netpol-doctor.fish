complete -c kubectl-netpol-doctor -s o -l output -d 'Output format: text, json or yaml' -r -f -a "text\t'For people'
json\t'For programs'
yaml\t'For programs and people'"
complete -c kubectl-netpol-doctor -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-doctor -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-doctor -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-doctor -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-doctor -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-doctor -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-doctor -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-doctor -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-doctor -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-doctor -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-doctor -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-doctor -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-doctor -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-doctor -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-doctor -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-doctor -l token -d 'Bearer token' -r
complete -c kubectl-netpol-doctor -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-doctor -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-doctor -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-doctor -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-doctor -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol-doctor -s h -l help -d 'Print help'
