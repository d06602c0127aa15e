"""Rules: the language, the rules of a pack compiled, and the fixed checks that a rule may name.

The way of a rule: `expression` reads an `assert`, `compiling` makes linear `Instance`s of it, `instances`
judges them, `linear` and `matrix` put all of them over many reports at once. `textchecks`, `claimchecks` and
`yearchecks` are the checks in Python, `yearly` runs what looks back to last year.
"""
