"""A sweep: one experiment on one subject, over axes, with repeated trials.

sweep = Sweep("CA3Memory", "capacity", vary={"load": [0.25, 0.5, 1.0]}, fixed={}, trials=20)
results = sweep.run(out="capacity.h5", jobs=2)      # writes each finished point; resumes
results.rows(), results.frame(), results.plot("capacity.png"), str(results)
"""
