"""Language models as judges, failing closed: prompts, calls and verdicts; no Django.

What a judge said is a verdict only where its text states one; everything else is unscored, with the reason.
"""
