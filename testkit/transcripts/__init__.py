"""Calls as a speech recogniser writes them down, with what personal data was really spoken, and when.

Text with a model of errors, not sound: `docs/analysis.md` says what follows from that. `python -m testkit.transcripts`
prints how much of it the rules of `review.analysis.personal` find.
"""
