"""Jobs: operations whose answer is not the result but a promise of one. Submit, look, wait, cancel.

`running.Jobs` does all of it. `reference.JobRef` is a job as plain data, `outcome.Outcome` where it stands,
and `handles.HandleKey` makes text of a reference that a caller can keep and nobody can read.
"""
