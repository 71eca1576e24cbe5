"""One guarded pipeline run: pin, contract, compute, stage, audit, decide, commit or hold, tell."""
