"""BibTeX entries of the papers that published the models of this family."""

__all__ = ["SEGMENTS", "SEQUENCES"]

SEGMENTS = """@article{ahmad2016neurons,
  title = {How do neurons operate on sparse distributed representations? A mathematical theory of
           sparsity, neurons and active dendrites},
  author = {Ahmad, Subutai and Hawkins, Jeff},
  journal = {arXiv preprint arXiv:1601.00720},
  year = {2016}
}"""

SEQUENCES = """@article{hawkins2016neurons,
  title = {Why neurons have thousands of synapses, a theory of sequence memory in neocortex},
  author = {Hawkins, Jeff and Ahmad, Subutai},
  journal = {Frontiers in Neural Circuits},
  volume = {10},
  pages = {23},
  year = {2016},
  doi = {10.3389/fncir.2016.00023}
}"""
