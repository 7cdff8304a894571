"""Everything that a support engineer would look at on a PC: asked once, judged by small functions, with a next step.
It needs no running recorder, changes nothing, and knows no title, address or content.

    facts.py     what can be known: values
    ask/         asks the world for them; what does not answer is `Unasked`, in words
    judge/       facts -> findings; pure
    checks.py    the list of all checks
    bundle.py    the archive for support
"""
