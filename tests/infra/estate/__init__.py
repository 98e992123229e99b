"""Policy and truth over the computed estate, `infra/snapshots`: what each environment would get, resource by resource.

    snapshots.py    reads an environment, follows ids, parents, scopes and principals
    exactly.py      types by their names, and tables of settings that must have one value
    rules.py        all rules; each is a function that names what is wrong with an environment, or nothing
    shape  exposure  networks  resilience  clusters  observability  firewall  edge  standby  access
                    our promises: rules on types, never on names, by equality
    grants.py       who needs which right where, why, and the call in the code that needs it
    truths  served  localcloud  manifests
                    what code, routes, local cloud and pods take for granted
    faults_*.py     a fault, or several, for each rule: `test_faults.py` plants them into production
    mutants.py      changes every kind of setting once and lists what no rule minds; by hand

A new resource is in every rule of its type. A new type fails `every_type_is_known` until somebody says what it must be.
"""
