"""Plan, measure and judge: which evidence proves a check, one fused scan, plain results."""
